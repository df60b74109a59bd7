"""Whose turn it is with the model: one job at a time, a waiting person before background work."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from models.backends import Priority


@dataclass(slots=True)
class Turn:
    """One job's turn."""

    stopping: Coroutine[Any, Any, None] | None = None  # to be awaited before the next turn begins


class Turns:
    """A lock whose next holder is the most urgent of those who wait, and among equals the first.

    A job that has begun is not interrupted for another: thinking and answering are jobs of their
    own, so that nobody waits for more than one of them. A job that is cancelled leaves at once and
    what is still to be stopped for it as its `stopping`. `on_free` is called when nobody waits.
    """

    def __init__(self, on_free: Callable[[], None]) -> None:
        self._on_free = on_free
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._order = count()
        self._is_taken = False
        self._stopping: asyncio.Task[None] | None = None

    @property
    def is_free(self) -> bool:
        return not self._is_taken

    @asynccontextmanager
    async def turn(self, priority: Priority) -> AsyncGenerator[Turn, None]:
        await self._take(priority)
        turn = Turn()
        try:
            yield turn
        finally:
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
        if not self._is_taken:
            self._is_taken = True
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self._pass_on()  # it was just our turn
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, called = heapq.heappop(self._waiting)
            if not called.done():
                called.set_result(None)  # the turn stays taken: it is theirs
                return
        self._is_taken = False
        self._on_free()
