"""workspace/symbol: definitions of all folders by a part of their name, from the index."""

from __future__ import annotations

import asyncio

from lsprotocol import types

from lsp.requests.document_symbol import kind_of
from lsp.session import Session

MAX_SYMBOLS = 100  # of each folder


async def workspace_symbol(
    session: Session, params: types.WorkspaceSymbolParams
) -> list[types.SymbolInformation] | None:
    """None where the switch is off; whole lines, because no file is read for a list of names."""
    query = params.query.strip()
    if not session.settings.symbols or not query:
        return None
    roots = [root for root, folder in session.folders.all.items() if not folder.could_not_open]
    opened = await asyncio.gather(*(session.folders.opened(root) for root in roots))
    found = await asyncio.gather(*(w.symbols_like(query, MAX_SYMBOLS) for w in opened))
    return [
        types.SymbolInformation(
            location=types.Location(session.uri_of(root, at.path), _line(at.symbol.start_line)),
            name=at.symbol.name,
            kind=kind_of(at.symbol),
            container_name=at.symbol.qualified_name.rpartition(".")[0] or at.path,
        )
        for root, symbols in zip(roots, found, strict=True)
        for at in symbols
    ]


def _line(line: int) -> types.Range:
    return types.Range(types.Position(line - 1, 0), types.Position(line - 1, 0))
