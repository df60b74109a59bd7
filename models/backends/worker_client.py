"""llama.cpp behind the `Backend` protocol: the parent's side of the model worker.

One job at a time; who is next is decided by models/backends/turns.py. Closing a stream cancels in
the worker; a worker that does not obey within the time is killed. A worker that died is replaced
at once, so that the next question finds it warm, and whoever waited for its answer gets
`ModelCrashed`. After some idle time the worker ends and gives its memory back; the next question
starts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from context.child import Child, ChildDied, ChildError
from models import hardware
from models.backends import (
    Conversation,
    Generation,
    ModelInfo,
    Piece,
    Priority,
    StopReason,
    TokenLog,
    current_priority,
)
from models.backends.loading import Drafts, FlashAttention, KvType, LoadSettings
from models.backends.turns import Turn, Turns
from models.catalog import CatalogEntry
from models.errors import ContextFull, ModelCrashed, ModelError, ModelUnavailable, WeightsRefused
from models.model_process import CONVERSATION, GENERATION
from models.recommend import default_context, need
from models.weights import check_for_load
from models.worker import LOAD_SETTINGS

logger = logging.getLogger(__name__)

CANCEL_S = 2.0  # from a cancel to SIGKILL; the abort callback answers in milliseconds on a CPU
MAX_DEATHS, WITHIN_S = 3, 180.0  # more are no accident: the worker is not started by itself
# Address space of the worker beyond weights and context: libraries, buffers, and what the C library
# reserves for each thread. A guess with room to spare; it is to stop a leak, not to measure.
EXTRA_MEMORY_BYTES, THREAD_MEMORY_BYTES = 4 << 30, 160 << 20
# Threads that wait for each other (OpenMP's, on Linux) sleep soon instead of turning in circles, as
# they do by default for a time in which somebody else could have used the core.
_ENVIRONMENT = {"GOMP_SPINCOUNT": "500", "KMP_BLOCKTIME": "1"}
_KINDS = {kind.__name__: kind for kind in (ContextFull, WeightsRefused, ModelUnavailable)}
_DONE = object()


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may set of the worker; None and 0 stand for what suits this machine."""

    n_ctx: int | None = None  # tokens
    n_threads: int | None = None
    n_gpu_layers: int = -1  # -1: all
    kv_type: KvType = KvType.F16
    flash_attention: FlashAttention = FlashAttention.AUTO
    drafts: Drafts = Drafts.PROMPT
    idle_unload_s: float = 0.0  # 0: never


class LlamaCppBackend:
    """A catalogue entry's model in a worker process. Make with `start`, end with `close`."""

    def __init__(self, entry: CatalogEntry, file: Path, options: Options) -> None:
        self._entry = entry
        self._file = file
        self._options = options
        self._child: Child | None = None
        self._loaded: dict[str, Any] = {"n_ctx": 0, "device": "not loaded", "sandbox": []}
        self._turns = Turns(self._on_free)
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self._warming: asyncio.Task[None] | None = None
        self._unloading: asyncio.TimerHandle | None = None

    @classmethod
    async def start(
        cls, entry: CatalogEntry, file: Path, options: Options = Options()
    ) -> LlamaCppBackend:
        """Load the weights. Raises `WeightsRefused` before llama.cpp sees a file it should not."""
        backend = cls(entry, file, options)
        async with backend._turn():
            await backend._worker()
        return backend

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(
            name=self._entry.name,
            digest=self._entry.sha256,
            backend="llama.cpp",
            device=self._loaded["device"],
            n_ctx=self._loaded["n_ctx"],
            thinks=self._entry.thinks,
            sampling=self._entry.sampling.values,
            fills_gaps=self._entry.fim is not None,
        )

    @property
    def worker_pid(self) -> int | None:
        """None while no worker runs: before the first need, and after idle time."""
        return self._child.pid if self._child is not None and self._child.alive else None

    @property
    def sandbox(self) -> tuple[str, ...]:
        """Layers that hold in the worker (context/sandbox.py)."""
        return tuple(self._loaded["sandbox"])

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        async with self._turn() as turn:
            counts: list[int] = await self._call(turn, "count", list(texts))
        return counts

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        params = {
            "conversation": CONVERSATION.dump_python(conversation, mode="json"),
            "choices": list(choices),
        }
        async with self._turn() as turn:
            scores: list[float] = await self._call(turn, "score", params)
        return scores

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        params = {"conversation": CONVERSATION.dump_python(conversation, mode="json"), "text": text}
        async with self._turn() as turn:
            found = await self._call(turn, "token_logs", params)
        return [TokenLog(*one) for one in found]

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        params = GENERATION.dump_python(generation, mode="json")
        events: asyncio.Queue[Any] = asyncio.Queue()
        async with self._turn() as turn:
            child = await self._worker()
            call = asyncio.ensure_future(child.call("generate", params, on_event=events.put_nowait))
            call.add_done_callback(lambda _: events.put_nowait(_DONE))
            try:
                while (event := await events.get()) is not _DONE:
                    text, n_tokens, reason = event
                    yield Piece(text, n_tokens, StopReason(reason) if reason else None)
                await self._outcome(call)
            finally:
                if not call.done():
                    turn.stopping = child.stop(call, CANCEL_S, "count", [])

    async def close(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
        if self._unloading is not None:
            self._unloading.cancel()
        if self._child is not None:
            await self._child.close()
        await self._turns.settled()

    def _turn(
        self, priority: Priority | None = None
    ) -> contextlib.AbstractAsyncContextManager[Turn]:
        if self._unloading is not None:
            self._unloading.cancel()
        return self._turns.turn(current_priority() if priority is None else priority)

    def _on_free(self) -> None:
        if self._options.idle_unload_s:
            loop = asyncio.get_running_loop()
            self._unloading = loop.call_later(self._options.idle_unload_s, self._unload)

    def _unload(self) -> None:
        """Nobody asked for a while: end the worker, which gives all memory back."""
        if self._turns.is_free and self._child is not None:
            child, self._child = self._child, None
            self._warming = asyncio.ensure_future(child.close())

    async def _call(self, turn: Turn, method: str, params: Any) -> Any:
        child = await self._worker()
        call = asyncio.ensure_future(child.call(method, params))
        try:
            return await self._outcome(asyncio.shield(call))
        except asyncio.CancelledError:
            turn.stopping = child.stop(call, CANCEL_S, "count", [])
            raise

    async def _worker(self) -> Child:
        """The running worker, or a new one. Raises `ModelCrashed` when it keeps dying."""
        if self._child is not None and self._child.alive:
            return self._child
        if self._keeps_dying():
            raise ModelCrashed(
                f"The model's process ended {MAX_DEATHS} times within "
                f"{WITHIN_S / 60:.0f} minutes and is not started again for now; a smaller model or "
                "context may help (`postil models recommend`)."
            )
        await asyncio.to_thread(check_for_load, self._entry, self._file)
        child = await Child.start("models.worker", name="model", env=_ENVIRONMENT)
        try:
            params = LOAD_SETTINGS.dump_python(self._load_settings(), mode="json")
            self._loaded = await self._outcome(child.call("load", params))
        except BaseException:
            await child.kill()
            raise
        logger.info("%s loaded: %s", self._entry.name, self._loaded)
        self._child = child
        return child

    def _load_settings(self) -> LoadSettings:
        options, free = self._options, hardware.free_memory_bytes()
        n_ctx = options.n_ctx or default_context(self._entry, free, options.kv_type)
        n_ctx = min(n_ctx, self._entry.n_ctx_trained)
        n_threads = options.n_threads or hardware.n_threads()
        return LoadSettings(
            model=self._entry.name,
            file=str(self._file),
            n_ctx=n_ctx,
            n_threads=n_threads,
            yields_cores=options.n_threads is None,
            n_gpu_layers=options.n_gpu_layers,
            kv_type=options.kv_type,
            flash_attention=options.flash_attention,
            drafts=options.drafts,
            max_memory_bytes=need(self._entry, n_ctx).total
            + n_threads * THREAD_MEMORY_BYTES
            + EXTRA_MEMORY_BYTES,
        )

    def _keeps_dying(self) -> bool:
        dead = [at for at in self._deaths if time.monotonic() - at < WITHIN_S]
        return len(dead) >= MAX_DEATHS

    async def _outcome(self, call: Any) -> Any:
        try:
            return await call
        except ChildDied as error:
            self._deaths.append(time.monotonic())
            if not self._keeps_dying():
                self._warming = asyncio.ensure_future(self._warm_up())
            raise ModelCrashed(
                "The model's process ended unexpectedly; ask again, it is started anew."
            ) from error
        except ChildError as error:
            raise _KINDS.get(error.kind, ModelError)(str(error)) from error

    async def _warm_up(self) -> None:
        """Start the worker anew before somebody asks; whoever does goes first."""
        with contextlib.suppress(ModelError):  # said to whoever asks next
            async with self._turn(Priority.BACKGROUND):
                await self._worker()
