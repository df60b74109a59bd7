"""Of several pieces of work of one kind, the newest: the others end with nothing."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Only the event loop uses it."""

    def __init__(self) -> None:
        self._newest: asyncio.Task[T] | None = None

    async def newest(self, work: asyncio.Task[T]) -> T | None:
        """The result of `work`; None when a newer one took its place, or it was stopped."""
        if self._newest is not None:
            self._newest.cancel()
        self._newest = work
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()  # the client does not want it any more
            raise
        return None if work.cancelled() else work.result()
