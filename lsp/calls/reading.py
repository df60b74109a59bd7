"""postil.findBugs and postil.explain."""

from __future__ import annotations

from typing import Any

from lsp import results, to_lsp
from lsp.arguments import Target
from lsp.calls import Token
from lsp.jobs import reading
from lsp.session import Session
from models.findings import Finding


async def find_bugs(session: Session, target: Target, token: Token) -> dict[str, Any]:
    found = await reading.find_bugs(session, target.uri, target.first_line, target.last_line, token)
    if isinstance(found, Finding):
        root, _ = session.relative(target.uri)
        return {"finding": results.finding(session, root, found), "reason": ""}
    return {"finding": None, "reason": found}


async def explain(session: Session, target: Target, token: Token) -> dict[str, Any]:
    """`detail`: what a diagnostic says about the lines, if that is to be explained."""
    said = await reading.explain(
        session, target.uri, target.first_line, target.last_line, target.detail, token
    )
    return {
        "text": to_lsp.visible(said.text),
        "references_shown": said.citations.n_shown,
        "references": len(said.citations.found),
        "not_shown": list(said.citations.not_shown),
    }
