"""Of several requests of one kind, the newest: the others end with nothing."""

from __future__ import annotations

import asyncio


class Newest:
    """The newest request of a session wins. Only the event loop uses it."""

    def __init__(self) -> None:
        self._newest: asyncio.Task[str] | None = None

    async def newest(self, work: asyncio.Task[str]) -> str:
        """The result of `work`; empty when a newer one took its place."""
        if self._newest is not None:
            self._newest.cancel()
        self._newest = work
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()  # the client does not want it any more
            raise
        return "" if work.cancelled() else work.result()
