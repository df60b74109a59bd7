"""postil.findBugs, postil.review and postil.explain."""

from __future__ import annotations

from typing import Any

from lsp import results, to_lsp
from lsp.arguments import Place, Target
from lsp.calls import Token
from lsp.jobs import reading, reviewing
from lsp.session import Session
from models.findings import Finding


async def find_bugs(session: Session, target: Target, token: Token) -> dict[str, Any]:
    """In the lines; without lines in the whole file, of which the first finding is the result."""
    session.refuse_other_version(target.uri, target.version)
    if not target.model_fields_set & {"first_line", "last_line"}:
        review = await reviewing.find_bugs_in_file(session, target.uri, token)
        first = next(iter(review.findings), None)
        shown = results.finding(session, review.root, first) if first else None
        return {"finding": shown, "reason": review.reason}
    found = await reading.find_bugs(session, target.uri, target.first_line, target.last_line, token)
    if isinstance(found, Finding):
        root, _ = session.relative(target.uri)
        return {"finding": results.finding(session, root, found), "reason": ""}
    return {"finding": None, "reason": found}


async def review(session: Session, place: Place, token: Token) -> dict[str, Any]:
    """What changed against HEAD in a file or below a folder; without a uri in the first folder."""
    found = await reviewing.review(session, place.uri or None, token)
    return {
        "findings": [results.finding(session, found.root, f) for f in found.findings],
        "hunks": found.n_parts,
        "reason": found.reason,
    }


async def explain(session: Session, target: Target, token: Token) -> dict[str, Any]:
    """`detail`: what a diagnostic says about the lines, if that is to be explained."""
    session.refuse_other_version(target.uri, target.version)
    said = await reading.explain(
        session, target.uri, target.first_line, target.last_line, target.detail, token
    )
    return {
        "text": to_lsp.visible(said.text),
        "references_shown": said.citations.n_shown,
        "references": len(said.citations.found),
        "not_shown": list(said.citations.not_shown),
    }
