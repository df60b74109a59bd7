"""textDocument/didOpen, didChange, didSave and didClose."""

from __future__ import annotations

import asyncio

from lsprotocol import types

from lsp.documents import Lost
from lsp.jobs import reviewing
from lsp.session import Session
from models.backends import in_background


async def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    session.opened(session.documents.open(params.text_document))


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
        session.notes.follow(uri, changes, document.text)
        session.shown.moved(uri)
    session.note_applied(uri)
    session.show_buffer(uri)


async def did_save(session: Session, params: types.DidSaveTextDocumentParams) -> None:
    uri = params.text_document.uri
    session.show_buffer(uri)
    if session.settings.review_on_save and session.documents.get(uri):
        session.in_background(_review(session, uri))


async def _review(session: Session, uri: str) -> None:
    """Behind what people wait for; the next save takes the place of this one."""

    async def review() -> None:
        with in_background():
            await reviewing.review(session, uri, None)

    await session.reviews.newest(asyncio.ensure_future(review()))


async def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    session.documents.close(params.text_document.uri)
    session.closed(params.text_document.uri)
