"""textDocument/documentSymbol: a file's definitions, for editors that have no server for it."""

from __future__ import annotations

import re

from lsprotocol import types

from context.outline import Symbol, SymbolKind
from context.text import Span, Text
from lsp import to_lsp
from lsp.errors import Failure
from lsp.session import Session

_KINDS = {
    SymbolKind.FUNCTION: types.SymbolKind.Function,
    SymbolKind.TYPE: types.SymbolKind.Class,
    SymbolKind.MACRO: types.SymbolKind.Constant,
}


async def document_symbol(
    session: Session, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | list[types.SymbolInformation] | None:
    """A tree where the client takes one, else a list; None where the switch is off."""
    uri = params.text_document.uri
    document = session.documents.get(uri)
    if document is None or not session.settings.symbols:
        return None
    try:
        root, path = session.relative(uri)
    except Failure:
        return None  # no file of a workspace
    parser = await session.folders.opened(root)
    outline = await parser.outline(path, document.text.content)
    if session.client.nests_symbols:
        return _tree(session, document.text, outline.symbols)
    return [
        types.SymbolInformation(
            location=types.Location(
                uri,
                to_lsp.range_(document.text, _span(document.text, symbol), session.client.encoding),
            ),
            name=symbol.name,
            kind=kind_of(symbol),
            container_name=symbol.qualified_name.rpartition(".")[0] or None,
        )
        for symbol in outline.symbols
    ]


def kind_of(symbol: Symbol) -> types.SymbolKind:
    if symbol.kind is SymbolKind.FUNCTION and "." in symbol.qualified_name:
        return types.SymbolKind.Method
    return _KINDS[symbol.kind]


def _tree(session: Session, text: Text, symbols: tuple[Symbol, ...]) -> list[types.DocumentSymbol]:
    """A symbol stands inside the last one before it whose lines hold its own."""
    roots: list[types.DocumentSymbol] = []
    around: list[tuple[Symbol, list[types.DocumentSymbol]]] = []
    for symbol in symbols:
        while around and around[-1][0].end_line < symbol.end_line:
            around.pop()
        children: list[types.DocumentSymbol] = []
        span = _span(text, symbol)
        node = types.DocumentSymbol(
            name=symbol.name,
            kind=kind_of(symbol),
            range=to_lsp.range_(text, span, session.client.encoding),
            selection_range=to_lsp.range_(
                text, _name_span(text, symbol, span), session.client.encoding
            ),
            detail=to_lsp.visible(symbol.signature) or None,
            children=children,
        )
        (around[-1][1] if around else roots).append(node)
        around.append((symbol, children))
    return roots


def _span(text: Text, symbol: Symbol) -> Span:
    return text.lines_span(symbol.start_line, symbol.end_line)


def _name_span(text: Text, symbol: Symbol, span: Span) -> Span:
    """Where the name first stands inside as one that is defined, not in a decorator's words; the
    first line's beginning where it does not stand there.
    """
    whole, name = text.slice(span), re.escape(symbol.name)
    found = re.search(rf"(?<![\w$@]){name}(?![\w$])(?=\s*[(<\[:={{]|\s|$)", whole)
    found = found or re.search(name, whole)
    if found is None or not symbol.name:
        return Span(span.start, span.start)
    return Span(span.start + found.start(), span.start + found.end())
