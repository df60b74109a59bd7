"""A model in a worker process, behind the `Backend` protocol: the parent's side.

One job at a time; who is next is decided by models/backends/turns.py, and background work ends at
once for a person. Closing a stream cancels in the worker; a worker that does not obey within the
time is killed. A worker that died is replaced at once, so that the next question finds it warm, and
whoever waited for its answer gets `ModelCrashed`. After some idle time the worker ends and gives
its memory back; the next question starts it again.

Weights are loaded by a task of their own, which all who wait for them share: whoever stops waiting
does not end it, else somebody who types would begin it anew with each key. Only `close` ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import Any, ClassVar, Self

from context.child import Child, ChildDied, ChildError
from models.backends import (
    Conversation,
    Generation,
    ModelInfo,
    Piece,
    Priority,
    StopReason,
    TokenLog,
    current_priority,
    gives_way,
)
from models.backends.turns import Turn, Turns
from models.errors import (
    ContextFull,
    GaveWay,
    ModelCrashed,
    ModelError,
    ModelUnavailable,
    WeightsRefused,
)
from models.model_process import CONVERSATION, GENERATION

logger = logging.getLogger(__name__)

MAX_DEATHS, WITHIN_S = 3, 180.0  # more are no accident: the worker is not started by itself
_KINDS = {kind.__name__: kind for kind in (ContextFull, WeightsRefused, ModelUnavailable)}
_DONE, _GIVE_WAY = object(), object()


class WorkerBackend(ABC):
    """Made by a subclass's `start`; end with `close`."""

    cancel_s: ClassVar[float]  # from a cancel to SIGKILL

    def __init__(self, loaded: dict[str, Any], idle_unload_s: float = 0.0) -> None:
        """`loaded`: what is said of the model before the worker says it. 0 seconds: never."""
        self._loaded = loaded
        self._idle_unload_s = idle_unload_s
        self._child: Child | None = None
        self._turns = Turns(self._on_free)
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self._loading: asyncio.Task[Child] | None = None  # stays when it failed
        self._warming: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._unloading: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    @abstractmethod
    def info(self) -> ModelInfo: ...

    @abstractmethod
    async def _open(self) -> Child:
        """Check the weights, then start a process, which has loaded nothing yet."""

    @abstractmethod
    def _load_params(self) -> Any:
        """What the process is told to load, as JSON."""

    @property
    def worker_pid(self) -> int | None:
        """None while no worker runs: before the first need, and after idle time."""
        return self._child.pid if self._child is not None and self._child.alive else None

    @property
    def sandbox(self) -> tuple[str, ...]:
        """Layers that hold in the worker (context/sandbox.py); empty where the system has none."""
        return tuple(self._loaded.get("sandbox", ()))

    def wake(self) -> bool:
        """Loading that failed is left to the next question: nobody asked in words for this one."""
        if self.worker_pid is not None:
            return True
        if self._loading is None and not self._is_closed and not self._keeps_dying():
            self._begin_loading()
        return False

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        counts: list[int] = await self._ask("count", list(texts))
        return counts

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        params = {
            "conversation": CONVERSATION.dump_python(conversation, mode="json"),
            "choices": list(choices),
        }
        scores: list[float] = await self._ask("score", params)
        return scores

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        params = {"conversation": CONVERSATION.dump_python(conversation, mode="json"), "text": text}
        return [TokenLog(*one) for one in await self._ask("token_logs", params)]

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        params = GENERATION.dump_python(generation, mode="json")
        events: asyncio.Queue[Any] = asyncio.Queue()
        async with self._turn() as turn:
            child = await self._worker()
            call = asyncio.ensure_future(child.call("generate", params, on_event=events.put_nowait))
            call.add_done_callback(lambda _: events.put_nowait(_DONE))
            turn.is_wanted.add_done_callback(lambda _: events.put_nowait(_GIVE_WAY))
            try:
                while (event := await events.get()) is not _DONE:
                    if event is _GIVE_WAY:
                        raise _gave_way()
                    text, n_tokens, reason = event
                    yield Piece(text, n_tokens, StopReason(reason) if reason else None)
                await self._outcome(call)
            finally:
                if not call.done():
                    turn.stopping = child.stop(call, self.cancel_s, "count", [])

    async def close(self) -> None:
        self._is_closed = True
        if self._unloading is not None:
            self._unloading.cancel()
        begun = [task for task in (self._warming, self._loading) if task is not None]
        for task in begun:
            task.cancel()
        if begun:
            await asyncio.wait(begun)
        if self._leaving is not None:
            await self._leaving
        if self._child is not None:
            await self._child.close()
        await self._turns.settled()

    async def _started(self) -> Self:
        """Itself with its weights loaded; when they cannot be, nothing is left running."""
        try:
            async with self._turn():
                await self._worker()
        except BaseException:
            await self.close()
            raise
        return self

    def _turn(
        self, priority: Priority | None = None
    ) -> contextlib.AbstractAsyncContextManager[Turn]:
        if self._unloading is not None:
            self._unloading.cancel()
        return self._turns.turn(current_priority() if priority is None else priority)

    def _on_free(self) -> None:
        if self._unloading is not None:
            self._unloading.cancel()
        if self._idle_unload_s and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._unloading = loop.call_later(self._idle_unload_s, self._unload)

    def _unload(self) -> None:
        """Nobody asked for a while: end the worker, which gives all memory back."""
        if self._turns.is_free and self._child is not None:
            child, self._child = self._child, None
            self._leaving = asyncio.ensure_future(child.close())

    @gives_way
    async def _ask(self, method: str, params: Any) -> Any:
        async with self._turn() as turn:
            return await self._call(turn, method, params)

    async def _call(self, turn: Turn, method: str, params: Any) -> Any:
        child = await self._worker()
        call = asyncio.ensure_future(child.call(method, params))
        try:
            await asyncio.wait([call, turn.is_wanted], return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                raise _gave_way()
            return await self._outcome(call)
        finally:
            if not call.done():
                turn.stopping = child.stop(call, self.cancel_s, "count", [])

    async def _worker(self) -> Child:
        """The running worker, or a new one. Raises `ModelCrashed` when it keeps dying."""
        if self._child is not None and self._child.alive:
            return self._child
        if self._is_closed:
            raise _closed()
        if self._keeps_dying():
            raise ModelCrashed(
                f"The model's process ended {MAX_DEATHS} times within "
                f"{WITHIN_S / 60:.0f} minutes and is not started again for now; a smaller model or "
                "context may help (`postil models recommend`)."
            )
        loading = self._loading
        if loading is None or loading.done():
            loading = self._begin_loading()
        await asyncio.wait([loading])  # cancelled, it leaves the task alone
        if loading.cancelled():
            raise _closed()
        return loading.result()

    def _begin_loading(self) -> asyncio.Task[Child]:
        self._loading = asyncio.ensure_future(self._load())
        self._loading.add_done_callback(self._on_loaded)
        return self._loading

    def _on_loaded(self, loading: asyncio.Task[Child]) -> None:
        if loading.cancelled() or loading.exception() is not None:
            return  # said to whoever waits or asks next
        if self._loading is loading:
            self._loading = None
        if self._turns.is_free:  # whoever wanted it has gone
            self._on_free()

    async def _load(self) -> Child:
        child = await self._open()
        try:
            self._loaded = await self._outcome(child.call("load", self._load_params()))
        except BaseException:
            await child.kill()
            raise
        logger.info("%s loaded: %s", self.info.name, self._loaded)
        self._child = child
        return child

    def _keeps_dying(self) -> bool:
        dead = [at for at in self._deaths if time.monotonic() - at < WITHIN_S]
        return len(dead) >= MAX_DEATHS

    async def _outcome(self, call: Any) -> Any:
        try:
            return await call
        except ChildDied as error:
            self._deaths.append(time.monotonic())
            if not self._keeps_dying() and not self._is_closed:
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


def _gave_way() -> GaveWay:
    return GaveWay("Somebody's question went before this one; ask again.")


def _closed() -> ModelUnavailable:
    return ModelUnavailable("The model was closed, for instance for other settings; ask again.")
