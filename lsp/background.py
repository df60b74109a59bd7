"""Work that nobody waits for: kept until it ends, logged when it fails, cancelled at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from lsp.errors import failure_of

logger = logging.getLogger(__name__)


class Background:
    """Only the event loop uses it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Awaitable[Any]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


async def _logged(work: Awaitable[Any]) -> None:
    try:
        await work
    except Exception as error:
        if failure_of(error) is None:
            logger.exception("background work failed")
