"""postil.status, postil.stop, postil.doctor, postil.log: the server itself."""

from __future__ import annotations

import asyncio
from typing import Any

from lsp import to_lsp
from lsp.arguments import Nothing
from lsp.calls import Token
from lsp.checks import Row, check_all
from lsp.client_limits import client_row
from lsp.errors import REQUEST_FAILED, Failure
from lsp.recording import record_of
from lsp.recording_words import entry_words
from lsp.session import Session

LOG_ENTRIES = 100


async def status(session: Session, nothing: Nothing, token: Token) -> dict[str, Any]:
    del nothing, token
    return session.status().as_data()


async def stop(session: Session, nothing: Nothing, token: Token) -> dict[str, int]:
    """Cancel all jobs of this client; each is answered as cancelled."""
    del nothing, token
    return {"stopped": session.stop()}


async def doctor(session: Session, nothing: Nothing, token: Token) -> dict[str, str]:
    """What `postil doctor` says, of the first folder, as text, and what this client lacks."""
    del nothing
    try:
        root = session.any_root()
    except Failure:
        root = session.settings.cache_dir
    async with session.working("Postil: looking at this machine", token):
        rows = await asyncio.to_thread(lambda: list(check_all(session.settings, root)))
    rows.append(client_row(session.client))
    return {"text": to_lsp.visible("\n".join(map(_in_words, rows)))}


async def log(session: Session, nothing: Nothing, token: Token) -> dict[str, str]:
    """The newest entries of the record, oldest of them first."""
    del nothing, token
    record = record_of(session.settings)

    def read() -> list[str]:
        return [entry_words(entry) for entry in record.entries()][-LOG_ENTRIES:]

    try:
        lines = await asyncio.to_thread(read)
    except OSError as error:
        raise Failure(REQUEST_FAILED, f"The record cannot be read ({error.strerror}).") from error
    return {"text": to_lsp.visible("\n".join(lines or ["Nothing is recorded yet."]))}


def _in_words(row: Row) -> str:
    remedy = "".join(f"\n{' ' * 8}{line}" for line in row.remedy.split("\n") if line)
    return f"{row.status.value:8}{row.title}: {row.said}{remedy}"
