"""postil.locate and postil.rerun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsp import from_lsp, results
from lsp.arguments import Nothing, Report
from lsp.calls import Token
from lsp.errors import REQUEST_FAILED, Failure
from lsp.jobs import locating
from lsp.session import LastReport, Session


async def locate(session: Session, argument: Report, token: Token) -> dict[str, Any]:
    path = from_lsp.path(argument.uri) if argument.uri else None
    root = session.root_of(path) if path else session.any_root()
    report = argument.report or argument.detail
    session.last_report = LastReport(root, report)
    return await _locate(session, root, report, token)


async def rerun(session: Session, nothing: Nothing, token: Token) -> dict[str, Any]:
    """The last report again, on the code as it is now."""
    del nothing
    last = session.last_report
    if last is None:
        raise Failure(REQUEST_FAILED, "Nothing was located yet; give a report first.")
    return await _locate(session, last.root, last.report, token)


async def _locate(session: Session, root: Path, report: str, token: Token) -> dict[str, Any]:
    outcome = await locating.locate(session, root, report, token)
    found = outcome.finding
    return {
        "run": outcome.run,
        "elapsed_s": outcome.located.elapsed_s,
        "suspects": [results.suspect(session, root, s) for s in outcome.located.suspects],
        "finding": results.finding(session, root, found) if found else None,
        "without_model": outcome.without_model,
    }
