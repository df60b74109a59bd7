"""A finding on the command line: for people, and as data."""

from __future__ import annotations

from typing import Any

from lsp import to_lsp
from lsp.commands.console import out, safe
from lsp.trace_documents import trace_text
from models.backends import ModelInfo
from models.findings import Finding


def show_finding(finding: Finding) -> None:
    place = f"{finding.path}, lines {finding.start_line}-{finding.end_line}"
    out.print(f"\nThe model's finding: {safe(place)}\n  {safe(finding.cause)}\n")
    out.print(safe(trace_text(finding.provenance)))


def finding_line(finding: Finding) -> str:
    """path:line: cause, as compilers write it and editors read it, and what the trace is worth."""
    place = f"{finding.path}:{finding.start_line}"
    cited = finding.provenance.citations
    worth = f"{cited.n_shown} of {len(cited.found)} references of its reasoning were shown to it"
    agreed = to_lsp.agreement_words(finding.provenance).strip()
    return f"{place}: {finding.cause.strip()}\n    {worth}{f'; {agreed}' if agreed else ''}"


def finding_data(finding: Finding) -> dict[str, Any]:
    origin = finding.provenance
    agreement = origin.agreement
    return {
        "path": finding.path,
        "symbol": finding.symbol,
        "start_line": finding.start_line,
        "end_line": finding.end_line,
        "cause": finding.cause,
        "trace": origin.trace.text,
        "cited": {
            "shown": origin.citations.n_shown,
            "all": len(origin.citations.found),
            "not_shown": list(origin.citations.not_shown),
        },
        "agreement": None
        if agreement is None
        else {"agreeing": agreement.n_agreeing, "asked": agreement.n_asked},
    }


def model_data(info: ModelInfo | None) -> dict[str, Any] | None:
    if info is None:
        return None
    return {"name": info.name, "digest": info.digest, "backend": info.backend}
