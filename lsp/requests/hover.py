"""textDocument/hover: the cause, the reasoning and the receipt behind a note of ours."""

from __future__ import annotations

from lsprotocol import types

from lsp import from_lsp, to_lsp
from lsp.session import Session


async def hover(session: Session, params: types.HoverParams) -> types.Hover | None:
    uri = params.text_document.uri
    document = session.documents.get(uri)
    if document is None:
        return None
    encoding = session.client.encoding
    offset = from_lsp.offset(document.text, params.position, encoding)
    note = session.notes.at(uri, offset)
    if note is None:
        return None
    range_ = to_lsp.range_(document.text, note.span, encoding)
    if session.client.markdown:
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, note.hover), range_)
    plain = to_lsp.without_markup(note.hover)
    return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, plain), range_)
