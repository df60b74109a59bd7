"""postil.locate."""

from __future__ import annotations

from typing import Any

from lsp import from_lsp, results
from lsp.arguments import Report
from lsp.calls import Token
from lsp.jobs import locating
from lsp.session import Session


async def locate(session: Session, argument: Report, token: Token) -> dict[str, Any]:
    path = from_lsp.path(argument.uri) if argument.uri else None
    root = session.root_of(path) if path else session.any_root()
    outcome = await locating.locate(session, root, argument.report or argument.detail, token)
    found = outcome.finding
    return {
        "elapsed_s": outcome.located.elapsed_s,
        "suspects": [results.suspect(session, root, s) for s in outcome.located.suspects],
        "finding": results.finding(session, root, found) if found else None,
        "without_model": outcome.without_model,
    }
