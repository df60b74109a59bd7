"""Whose turn it is with the model: one job at a time, and nobody waits for background work."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from models.backends import Priority

# Between two questions of the same work of a person (thinking, then answering; one function, then
# the next) background work does not begin: it would take the place of what the model has read.
PAUSE_S = 0.5  # a guess


@dataclass(slots=True)
class Turn:
    """One job's turn."""

    priority: Priority
    is_wanted: asyncio.Future[None]  # done once somebody more urgent waits: give way to them
    stopping: Coroutine[Any, Any, None] | None = None  # to be awaited before the next turn begins


class Turns:
    """A lock whose next holder is the most urgent of those who wait, and among equals the first.

    Background work begins `PAUSE_S` after the last job of a person, and is told when one waits. A
    job that is cancelled or gives way leaves at once and what is still to be stopped for it as its
    `stopping`. `on_free` is called when nobody waits.
    """

    def __init__(self, on_free: Callable[[], None]) -> None:
        self._on_free = on_free
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._order = count()
        self._is_taken = False
        self._turn: Turn | None = None  # the one that runs
        self._background_from_s = 0.0  # by the loop's clock
        self._pause: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None

    @property
    def is_free(self) -> bool:
        return not self._is_taken and not self._waiting

    @asynccontextmanager
    async def turn(self, priority: Priority) -> AsyncGenerator[Turn, None]:
        await self._take(priority)
        loop = asyncio.get_running_loop()
        turn = self._turn = Turn(priority, loop.create_future())
        self._call_back()
        try:
            yield turn
        finally:
            self._turn = None
            if priority is Priority.PERSON:
                self._background_from_s = loop.time() + PAUSE_S
            if turn.stopping is None:
                self._pass_on()
            else:
                self._stopping = asyncio.ensure_future(self._stop(turn.stopping))

    async def settled(self) -> None:
        """Wait until nothing is being stopped."""
        while self._stopping is not None:
            await asyncio.shield(self._stopping)

    async def _stop(self, stopping: Coroutine[Any, Any, None]) -> None:
        try:
            await stopping
        finally:
            self._stopping = None
            self._pass_on()

    async def _take(self, priority: Priority) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), called))
        if self._is_taken:
            self._call_back()
        else:
            self._pass_on()
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self._pass_on()  # it was just our turn
            raise

    def _call_back(self) -> None:
        """Tell the job that runs when somebody more urgent waits."""
        turn = self._turn
        if turn is None or turn.is_wanted.done():
            return
        if any(p < turn.priority and not called.done() for p, _, called in self._waiting):
            turn.is_wanted.set_result(None)

    def _pass_on(self) -> None:
        self._is_taken = False
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            priority, _, called = self._waiting[0]
            left_s = self._background_from_s - loop.time()
            if not called.done() and priority is not Priority.PERSON and left_s > 0:
                self._pause = loop.call_later(left_s, self._pass_on)
                return
            heapq.heappop(self._waiting)
            if not called.done():
                called.set_result(None)
                self._is_taken = True
                return
        self._on_free()
