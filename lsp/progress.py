"""Work-done progress: begin, a few reports a second, end; a cancel cancels the task."""

from __future__ import annotations

import asyncio
import itertools
import time

from lsprotocol import types

from lsp.errors import Failure
from lsp.wire import Wire

REPORT_S = 0.3  # seconds between two reports: editors redraw for each
STREAM_S = 0.1  # between two pieces of a stream, whatever the model's speed
CREATE_S = 5.0  # a client that does not answer to create by then goes without

_numbers = itertools.count(1)


class Progress:
    """One piece of work as the client sees it; silent for clients without progress."""

    def __init__(self, wire: Wire, token: int | str | None, *, streams: bool = False) -> None:
        self._wire = wire
        self._token = token
        self._last_s = 0.0
        self._streams = streams and token is not None
        self._kind, self._piece, self._streamed_s = "", "", 0.0

    @classmethod
    async def start(
        cls,
        wire: Wire,
        title: str,
        *,
        given: int | str | None,
        can_create: bool,
        is_cancellable: bool = True,
        streams: bool = False,
    ) -> Progress:
        """`streams`: the client takes what the model writes as `postil/thinking`.

        `is_cancellable`: a cancel button leads somewhere.
        """
        token = given
        if token is None and can_create:
            token = f"postil/{next(_numbers)}"
            try:
                # not `wait_for`: before Python 3.12 it loses a cancel that comes with the answer
                async with asyncio.timeout(CREATE_S):
                    await wire.request("window/workDoneProgress/create", {"token": token})
            except (TimeoutError, Failure):
                token = None
        progress = cls(wire, token, streams=streams)
        progress._send(types.WorkDoneProgressBegin(title=title, cancellable=is_cancellable))
        return progress

    @property
    def token(self) -> int | str | None:
        return self._token

    def report(self, message: str, percentage: int | None = None) -> None:
        now = time.monotonic()
        if now - self._last_s >= REPORT_S:
            self._last_s = now
            self._send(types.WorkDoneProgressReport(message=message, percentage=percentage))

    def stream(self, kind: str, text: str) -> None:
        """What the model writes, harmless already; `kind` is "thinking" or "answering"."""
        if not self._streams:
            return
        now = time.monotonic()
        if kind != self._kind:
            self._flush()
            self._kind = kind
        self._piece += text
        if now - self._streamed_s >= STREAM_S:
            self._streamed_s = now
            self._flush()

    def end(self, message: str = "") -> None:
        self._flush()
        self._send(types.WorkDoneProgressEnd(message=message or None))
        self._token, self._streams = None, False

    def _flush(self) -> None:
        if self._piece:
            piece, self._piece = self._piece, ""
            params = {"token": self._token, "kind": self._kind, "text": piece}
            self._wire.notify("postil/thinking", params)

    def _send(
        self,
        value: types.WorkDoneProgressBegin
        | types.WorkDoneProgressReport
        | types.WorkDoneProgressEnd,
    ) -> None:
        if self._token is not None:
            self._wire.notify("$/progress", types.ProgressParams(self._token, value))
