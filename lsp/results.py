"""What commands answer, as plain data in the client's terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from context.suspects import Suspect
from lsp.session import Session
from lsp.traces import finding_id
from models.findings import Finding


def suspect(session: Session, root: Path, suspect: Suspect) -> dict[str, Any]:
    return {
        "uri": session.uri_of(root, suspect.path),
        "path": suspect.path,
        "symbol": suspect.symbol,
        "start_line": suspect.start_line,
        "end_line": suspect.end_line,
        "score": suspect.score,
        "evidence": [{"signal": e.signal.value, "detail": e.detail} for e in suspect.evidence],
    }


def finding(session: Session, root: Path, finding: Finding) -> dict[str, Any]:
    citations = finding.provenance.citations
    return {
        "id": finding_id(finding),
        "uri": session.uri_of(root, finding.path),
        "path": finding.path,
        "symbol": finding.symbol,
        "start_line": finding.start_line,
        "end_line": finding.end_line,
        "cause": finding.cause,
        "supported": {"shown": citations.n_shown, "total": len(citations.found)},
    }
