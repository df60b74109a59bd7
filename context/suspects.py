"""Fuse evidence into ranked suspects: files first, then the functions inside the best files."""

from __future__ import annotations

from dataclasses import dataclass

from context.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place that may hold the bug: a symbol, or a span of lines where nothing has a name."""

    path: str
    symbol: str | None  # Outer.name: outermost named function or method with its enclosing types
    start_line: int
    end_line: int
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class RankedFile:
    path: str
    score: float


@dataclass(frozen=True, slots=True)
class Located:
    """Answer to a report without any model. Best first; `elapsed_s` is the query alone."""

    suspects: tuple[Suspect, ...]
    files: tuple[RankedFile, ...]
    elapsed_s: float
