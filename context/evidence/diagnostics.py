"""Problems that other language servers see, most where they speak of what the report does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from context.evidence import Evidence, Signal
from context.evidence.places import enclosing_function
from context.report import Report
from context.store import Reader
from context.terms import count_terms

MAX_DIAGNOSTICS = 500


@dataclass(frozen=True, slots=True)
class OtherDiagnostic:
    """What another server says about a line; its text is hostile data like all of the workspace."""

    path: str
    line: int  # 1-based
    message: str
    source: str  # the server's name
    is_error: bool


def evidence(given: Sequence[OtherDiagnostic], report: Report, reader: Reader) -> list[Evidence]:
    """An error counts by half, and by the other half for words that it shares with the report."""
    wanted = set(count_terms(report.searchable))
    found: list[Evidence] = []
    for diagnostic in given[:MAX_DIAGNOSTICS]:
        words = set(count_terms(diagnostic.message))
        shared = len(words & wanted) / len(words) if words else 0.0
        strength = (0.5 if diagnostic.is_error else 0.2) + 0.5 * shared
        symbol = enclosing_function(reader.symbols(diagnostic.path), diagnostic.line)
        name = symbol.qualified_name if symbol else None
        detail = f"{diagnostic.source or 'another server'}: {diagnostic.message[:120]}"
        found.append(
            Evidence(Signal.DIAGNOSTIC, diagnostic.path, name, diagnostic.line, strength, detail)
        )
    return found
