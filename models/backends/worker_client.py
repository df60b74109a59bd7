"""llama.cpp behind the `Backend` protocol: the parent's side of the model worker.

One job at a time, in the order asked. Closing a stream cancels in the worker; a worker that does
not obey within the time is killed. A worker that died is replaced on next use, and whoever waited
gets `ModelCrashed`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from context.child import Child, ChildDied, ChildError
from models import hardware
from models.backends import Conversation, Generation, ModelInfo, Piece, StopReason
from models.catalog import CatalogEntry
from models.errors import ContextFull, ModelCrashed, ModelError
from models.weights import check_for_load
from models.worker import CONVERSATION, GENERATION

CANCEL_S = 2.0  # from a cancel to SIGKILL; the abort callback answers in milliseconds on a CPU
_DONE = object()


class LlamaCppBackend:
    """A catalogue entry's model in a worker process. Make with `start`, end with `close`."""

    def __init__(self, entry: CatalogEntry, file: Path, n_ctx: int, n_threads: int) -> None:
        self._entry = entry
        self._file = file
        self._n_ctx = n_ctx
        self._n_threads = n_threads
        self._child: Child | None = None
        self._loaded: dict[str, Any] = {"n_ctx": n_ctx, "device": "not loaded"}
        self._turn = asyncio.Lock()

    @classmethod
    async def start(
        cls,
        entry: CatalogEntry,
        file: Path,
        *,
        n_ctx: int | None = None,
        n_threads: int | None = None,
    ) -> LlamaCppBackend:
        """Load the weights. Raises `WeightsRefused` before llama.cpp sees a file it should not."""
        free = hardware.free_memory_bytes()
        backend = cls(
            entry,
            file,
            min(n_ctx or hardware.n_ctx(free), entry.n_ctx_trained),
            n_threads or hardware.n_threads(),
        )
        async with backend._turn:
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
        )

    @property
    def worker_pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        async with self._turn:
            counts: list[int] = await self._call("count", list(texts))
        return counts

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        params = {
            "conversation": CONVERSATION.dump_python(conversation, mode="json"),
            "choices": list(choices),
        }
        async with self._turn:
            scores: list[float] = await self._call("score", params)
        return scores

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        params = GENERATION.dump_python(generation, mode="json")
        events: asyncio.Queue[Any] = asyncio.Queue()
        async with self._turn:
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
                    await self._stop(child, call)

    async def close(self) -> None:
        if self._child is not None:
            await self._child.close()

    async def _call(self, method: str, params: Any) -> Any:
        child = await self._worker()
        call = asyncio.ensure_future(child.call(method, params))
        try:
            return await self._outcome(asyncio.shield(call))
        except asyncio.CancelledError:
            await self._stop(child, call)
            raise

    async def _worker(self) -> Child:
        if self._child is None or not self._child.alive:
            await asyncio.to_thread(check_for_load, self._entry, self._file)
            self._child = await Child.start("models.worker", name="model")
            params = {
                "path": str(self._file),
                "template": self._entry.template,
                "n_ctx": self._n_ctx,
                "n_threads": self._n_threads,
            }
            self._loaded = await self._outcome(self._child.call("load", params))
        return self._child

    async def _outcome(self, call: Any) -> Any:
        try:
            return await call
        except ChildDied as error:
            raise ModelCrashed(
                "The model's process ended unexpectedly; ask again, it is started anew."
            ) from error
        except ChildError as error:
            kind = ContextFull if error.kind == "ContextFull" else ModelError
            raise kind(str(error)) from error

    async def _stop(self, child: Child, call: asyncio.Future[Any]) -> None:
        """Cancel in the worker and wait until it is idle again, or kill it."""
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError, ChildError):
            await call
        try:  # the worker does one job at a time: an answer means that the cancelled one ended
            await asyncio.wait_for(asyncio.shield(child.call("count", [])), CANCEL_S)
        except (TimeoutError, ChildError):
            await child.kill()
