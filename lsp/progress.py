"""Work-done progress: begin, a few reports a second, end; a cancel cancels the task."""

from __future__ import annotations

import asyncio
import itertools
import time

from lsprotocol import types

from lsp.errors import Failure
from lsp.wire import Wire

REPORT_S = 0.3  # seconds between two reports: editors redraw for each

_numbers = itertools.count(1)


class Progress:
    """One piece of work as the client sees it; silent for clients without progress."""

    def __init__(self, wire: Wire, token: int | str | None) -> None:
        self._wire = wire
        self._token = token
        self._last_s = 0.0

    @classmethod
    async def start(
        cls, wire: Wire, title: str, *, given: int | str | None, can_create: bool
    ) -> Progress:
        token = given
        if token is None and can_create:
            token = f"postil/{next(_numbers)}"
            try:
                params = types.WorkDoneProgressCreateParams(token=token)
                await asyncio.wait_for(wire.request("window/workDoneProgress/create", params), 5)
            except (TimeoutError, Failure):
                token = None
        progress = cls(wire, token)
        progress._send(types.WorkDoneProgressBegin(title=title, cancellable=True))
        return progress

    @property
    def token(self) -> int | str | None:
        return self._token

    def report(self, message: str, percentage: int | None = None) -> None:
        now = time.monotonic()
        if now - self._last_s >= REPORT_S:
            self._last_s = now
            self._send(types.WorkDoneProgressReport(message=message, percentage=percentage))

    def end(self, message: str = "") -> None:
        self._send(types.WorkDoneProgressEnd(message=message or None))
        self._token = None

    def _send(
        self,
        value: types.WorkDoneProgressBegin
        | types.WorkDoneProgressReport
        | types.WorkDoneProgressEnd,
    ) -> None:
        if self._token is not None:
            self._wire.notify("$/progress", types.ProgressParams(self._token, value))
