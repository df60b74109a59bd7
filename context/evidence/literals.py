"""Messages of the report that stand in the code as string literals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from context.evidence import Evidence, Signal
from context.evidence.places import enclosing_function
from context.report import Report
from context.store import Reader

MAX_MATCHES = 4  # a text that more places have is no fingerprint
MIN_FRAGMENT = 12
MAX_FRAGMENTS = 12
# What a format string leaves open: numbers, quoted values, paths, braces.
_HOLES = re.compile(r"'[^']*'|\"[^\"]*\"|<[^<>]*>|\{[^{}]*\}|\S*[/\\]\S*|\S*\d\S*|[%:]\S?\s")


def evidence(report: Report, reader: Reader) -> list[Evidence]:
    found: list[Evidence] = []
    for fragment in _fragments(report):
        places = reader.literals_containing(fragment, limit=MAX_MATCHES + 1)
        if not 0 < len(places) <= MAX_MATCHES:
            continue
        for path, literal in places:
            symbol = enclosing_function(reader.symbols(path), literal.line)
            found.append(
                Evidence(
                    signal=Signal.LITERAL,
                    path=path,
                    symbol=symbol.qualified_name if symbol else None,
                    line=literal.line,
                    strength=1.0 / len(places),
                    detail=f"the message “{fragment[:80]}” is written here, line {literal.line}",
                )
            )
    return found


def _fragments(report: Report) -> list[str]:
    """Longest pieces of messages between what a format string would leave open."""
    pieces: Iterator[str] = (
        piece.strip(" .,;()[]")
        for text in (*(r.message for r in report.raised), *report.quoted)
        for piece in _HOLES.split(text)
    )
    distinct = {p for p in pieces if len(p) >= MIN_FRAGMENT and " " in p}
    return sorted(distinct, key=lambda p: (-len(p), p))[:MAX_FRAGMENTS]
