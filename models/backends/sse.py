"""Lines and server-sent events from chunks of bytes, with a bound on what one line may hold."""

from __future__ import annotations

import codecs
from collections.abc import AsyncGenerator, AsyncIterator

MAX_LINE_BYTES = 1 << 20  # a guess: a token's event has some hundred bytes


class LineTooLong(ValueError):
    """A server sent a line without an end."""


async def lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """Lines without their ends (LF or CR LF), the last one too; bytes that are no UTF-8 are marked.

    Raises `LineTooLong`.
    """
    held = b""
    async for chunk in chunks:
        *whole, held = (held + chunk).split(b"\n")
        for line in whole:
            yield _text(line)
        if len(held) > MAX_LINE_BYTES:
            raise LineTooLong
    if held:
        yield _text(held)


async def data_of(events: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """What each event's data lines hold; comments, names and ids are left out."""
    data: list[str] = []
    async for line in events:
        if not line:
            if data:
                yield "\n".join(data)
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
            if sum(map(len, data)) > MAX_LINE_BYTES:
                raise LineTooLong
    if data:
        yield "\n".join(data)


def _text(line: bytes) -> str:
    if len(line) > MAX_LINE_BYTES:
        raise LineTooLong
    return codecs.decode(line.removesuffix(b"\r"), "utf-8", "replace")
