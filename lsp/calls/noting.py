"""postil.trace, postil.receipt, postil.dismiss, postil.clear: what was said about places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lsp.arguments import NoteAt, Nothing
from lsp.calls import Token
from lsp.results import receipt_of, trace_of
from lsp.session import Session
from lsp.traces import Note


async def trace(session: Session, at: NoteAt, token: Token) -> dict[str, Any] | None:
    """The reasoning as a document; None when there is none there."""
    del token
    return _document(session, at, trace_of)


async def receipt(session: Session, at: NoteAt, token: Token) -> dict[str, Any] | None:
    """Why these files: the receipt as a document; None when there is none there."""
    del token
    return _document(session, at, receipt_of)


async def dismiss(session: Session, at: NoteAt, token: Token) -> dict[str, int]:
    """Take remarks away for good; at a place all of its diagnostics."""
    del token
    notes = [note for note in _notes(session, at) if at.id or note.is_diagnostic]
    for note in notes:
        session.dismiss(note)
    return {"dismissed": len(notes)}


async def clear(session: Session, nothing: Nothing, token: Token) -> None:
    del nothing, token
    session.clear()


def _document(
    session: Session, at: NoteAt, make: Callable[[Session, Note], dict[str, Any] | None]
) -> dict[str, Any] | None:
    if at.id or at.uri:
        note = next((n for n in _notes(session, at) if n.provenance is not None), None)
    else:
        note = session.notes.newest()
    document = make(session, note) if note else None
    if document is not None and at.show and session.client.opens_content:
        session.show_document(document["uri"])
    return document


def _notes(session: Session, at: NoteAt) -> list[Note]:
    """By id, else those at the line, the newest first."""
    if at.id:
        note = session.notes.with_id(at.id)
        return [note] if note else []
    found = []
    for note in session.notes.of(at.uri):
        text = session.text_of(note.uri)
        first = text.line_idx_at(min(note.span.start, len(text))) + 1
        last = text.line_idx_at(min(note.span.end, len(text))) + 1
        if first <= at.line <= last:
            found.append(note)
    return sorted(found, key=lambda note: -note.order)
