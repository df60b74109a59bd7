"""postil.trace and postil.clear: what is known about places in documents."""

from __future__ import annotations

from lsp.arguments import NoteAt, Nothing
from lsp.calls import Token
from lsp.session import Session


async def trace(session: Session, at: NoteAt, token: Token) -> str:
    """The whole trace of the note at {uri, line}, else of the newest finding."""
    del token
    if at.uri:
        for note in session.notes.of(at.uri):
            text = session.text_of(note.uri)
            first = text.line_idx_at(note.span.start) + 1
            last = text.line_idx_at(min(note.span.end, len(text))) + 1
            if note.trace and first <= at.line <= last:
                return note.trace
    return session.notes.newest_trace()


async def clear(session: Session, nothing: Nothing, token: Token) -> None:
    del nothing, token
    session.clear()
