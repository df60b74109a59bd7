"""textDocument/didOpen, didChange, didSave and didClose."""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types

from lsp.documents import Lost, key_of
from lsp.jobs import reviewing
from lsp.newest import Newest
from lsp.session import Session
from models.backends import in_background

Whole = types.TextDocumentContentChangeWholeDocument


async def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    uri = params.text_document.uri
    was_open = session.documents.get(uri) is not None
    session.opened(session.documents.open(params.text_document), was_open=was_open)


async def did_change(session: Session, params: types.DidChangeTextDocumentParams) -> None:
    uri = params.text_document.uri
    version, encoding = params.text_document.version, session.client.encoding
    try:
        document, changes = session.documents.change(uri, version, params.content_changes, encoding)
    except Lost:
        session.lost(uri)
        raise
    session.others.forget(uri)
    if session.notes.of(uri):
        if any(isinstance(c, Whole) for c in params.content_changes):
            session.notes.meet(uri, document.text)  # what differs may be in several places
        else:
            session.notes.follow(uri, changes, document.text)
        session.shown.moved(uri)
    session.note_applied(uri)
    session.show_buffer(uri)


def unreadable_change(session: Session, params: Any) -> None:
    """A change of a document that says what no change can."""
    named = params.get("textDocument") if isinstance(params, dict) else None
    uri = named.get("uri") if isinstance(named, dict) else None
    if isinstance(uri, str) and session.documents.lose(uri):
        session.lost(uri)


async def did_save(session: Session, params: types.DidSaveTextDocumentParams) -> None:
    uri = params.text_document.uri
    session.show_buffer(uri)
    if session.settings.review_on_save and session.documents.get(uri):
        session.in_background(_review(session, uri))


async def _review(session: Session, uri: str) -> None:
    """Behind what people wait for; the next save of the document takes the place of this one."""

    async def review() -> None:
        with in_background():
            await reviewing.review(session, uri, None)

    of_document = session.reviews.setdefault(key_of(uri), Newest())
    await of_document.newest(asyncio.ensure_future(review()))


async def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    session.documents.close(params.text_document.uri)
    session.reviews.pop(key_of(params.text_document.uri), None)
    session.closed(params.text_document.uri)
