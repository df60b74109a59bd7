"""textDocument/codeLens: what can be asked about each finding and each function, above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lsprotocol import types

from context.outline import SymbolKind
from lsp import to_lsp
from lsp.documents import Document
from lsp.errors import Failure
from lsp.session import Session
from lsp.traces import Kind, Note

MIN_LINES = 3  # of a function that is worth reading by itself
MAX_FUNCTIONS = 200


async def code_lens(session: Session, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    """None where the switch is off, or for what is no file of a workspace."""
    document = session.documents.get(params.text_document.uri)
    if document is None or not session.settings.code_lens:
        return None
    try:
        root, path = session.relative(document.uri)
    except Failure:
        return None
    lenses = [
        lens
        for note in session.notes.of(document.uri)
        if note.kind is Kind.FINDING
        for lens in _of_finding(session, document, note)
    ]
    parser = await session.folders.opened(root)
    outline = await parser.outline(path, document.text.content)
    functions = [
        symbol
        for symbol in outline.symbols
        if symbol.kind is SymbolKind.FUNCTION and symbol.end_line - symbol.start_line >= MIN_LINES
    ]
    for symbol in functions[:MAX_FUNCTIONS]:
        target = _target(document, symbol.start_line, symbol.end_line)
        lenses.append(_lens(symbol.start_line - 1, "Postil: find a bug", "postil.findBugs", target))
    return lenses


def _of_finding(session: Session, document: Document, note: Note) -> Iterator[types.CodeLens]:
    range_ = to_lsp.range_(document.text, note.span, session.client.encoding)
    line, last = range_.start.line, range_.end.line + 1
    target = {**_target(document, line + 1, last), "detail": note.message}
    yield _lens(line, "Postil: fix", "postil.fix", target)
    yield _lens(line, "explain", "postil.explain", target)
    yield _lens(line, "dismiss", "postil.dismiss", {"id": note.id})


def _target(document: Document, first_line: int, last_line: int) -> dict[str, Any]:
    return {
        "uri": document.uri,
        "version": document.version,
        "first_line": first_line,
        "last_line": last_line,
    }


def _lens(line: int, title: str, command: str, argument: dict[str, Any]) -> types.CodeLens:
    at = types.Position(line, 0)
    return types.CodeLens(types.Range(at, at), types.Command(title, command, arguments=[argument]))
