"""Fuse evidence into ranked suspects: files first, then the functions inside the best files."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from context.evidence import (
    Evidence,
    Signal,
    callees,
    frames,
    history,
    lexical,
    literals,
    names,
    paths,
    recency,
    title,
)
from context.evidence.places import FileNames
from context.outline import Symbol, SymbolKind
from context.report import Report, read_report
from context.store import FileRow, Reader

# What a signal of strength 1 adds. A weighted sum of the strongest evidence of each kind: on the
# development set rank fusion lost 9 points of Acc@1 against it, and weights that were fitted with
# one repository left out at a time were no better than these (tests/bench/localization.md).
FILE_WEIGHTS = {
    Signal.LEXICAL: 1.0,
    Signal.HISTORY: 0.4,
    Signal.NAME: 0.5,
    Signal.PATH: 0.7,
    Signal.LITERAL: 0.5,
    Signal.FRAME: 0.5,
    Signal.FEEDBACK: 0.1,
    Signal.TRANSLATION: 0.1,
    Signal.RECENCY: 0.15,
}
BEST_FUNCTION_WEIGHT = 0.6  # of a file's best function by words, into the file
FUNCTION_WEIGHTS = {
    Signal.LEXICAL: 1.0,
    Signal.NAME: 0.8,
    Signal.LITERAL: 0.6,
    Signal.FRAME: 1.0,
    Signal.FEEDBACK: 0.4,
    Signal.TRANSLATION: 0.4,
    Signal.CALLEE: 0.4,
    Signal.TITLE: 0.2,
}
LENGTH_WEIGHT = 0.3  # of a function with 100 lines; by the logarithm, long ones hold more bugs
MAX_LENGTH = 1.5
FILE_IN_FUNCTION_WEIGHT = 0.5  # of the file's score, into each of its functions
_SHARPEST = (
    Signal.FRAME,
    Signal.LITERAL,
    Signal.NAME,
    Signal.PATH,
    Signal.CALLEE,
    Signal.HISTORY,
    Signal.LEXICAL,
    Signal.TITLE,
    Signal.FEEDBACK,
    Signal.TRANSLATION,
    Signal.RECENCY,
)
TEST_FACTOR = 0.2  # test files rank below code
TEXT_FACTOR = 0.3  # manuals and settings, too: bugs are fixed in code
FILES_LOOKED_INTO = 20  # functions are ranked inside so many best files


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place that may hold the bug: a symbol, or a whole file where nothing in it has a name."""

    path: str
    symbol: str | None  # Outer.name: outermost named function or method with its enclosing types
    start_line: int
    end_line: int
    score: float
    evidence: tuple[Evidence, ...]  # what points most sharply first


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


def locate(
    reader: Reader,
    report_text: str,
    *,
    limit: int = 20,
    without: frozenset[Signal] = frozenset(),
) -> Located:
    """Rank files and functions for a report, as if the signals of `without` did not exist.

    Raises `context.report.EmptyReport`.
    """
    started = time.perf_counter()
    report = read_report(report_text)
    file_names = reader.cached("file names", lambda: FileNames(reader.files()))
    rows = file_names.by_path
    by_path: dict[str, list[Evidence]] = defaultdict(list)
    for evidence in _gather(report, reader, file_names):
        if evidence.path in rows and evidence.signal not in without:
            by_path[evidence.path].append(evidence)
    if Signal.RECENCY not in without:
        for evidence in recency.evidence(reader):
            if evidence.path in by_path:  # a reason among others, never one by itself
                by_path[evidence.path].append(evidence)
    files = sorted(
        (RankedFile(path, _file_score(rows[path], given)) for path, given in by_path.items()),
        key=lambda f: (-f.score, f.path),
    )
    best = files[:FILES_LOOKED_INTO]
    functions = {
        f.path: [s for s in reader.symbols(f.path) if s.kind is SymbolKind.FUNCTION] for f in best
    }
    if Signal.TITLE not in without:
        for evidence in title.evidence(report, reader, functions):
            by_path[evidence.path].append(evidence)
    suspects = [
        suspect
        for file in best
        for suspect in _suspects(
            functions[file.path], rows[file.path], file.score, by_path[file.path]
        )
    ]
    suspects.sort(key=lambda s: (-s.score, s.path, s.start_line))
    return Located(
        tuple(suspects[:limit]), tuple(files[: max(limit, 50)]), time.perf_counter() - started
    )


def _gather(report: Report, reader: Reader, file_names: FileNames) -> Iterator[Evidence]:
    named = names.evidence(report, reader)
    weights = lexical.query_weights(report, reader)
    yield from frames.evidence(report, reader, file_names)
    yield from paths.evidence(report, file_names)
    yield from named
    yield from callees.evidence(named, reader)
    yield from literals.evidence(report, reader)
    yield from lexical.evidence(weights, reader)
    past = reader.history()
    if past is not None:
        yield from history.evidence(weights, past, reader)
        yield from lexical.feedback_evidence(weights, past, reader)
        yield from lexical.translation_evidence(weights, past, reader)


def _file_score(row: FileRow, given: Iterable[Evidence]) -> float:
    """Each signal counts once, by its strongest evidence; words count for file and function."""
    best: dict[tuple[Signal, bool], float] = defaultdict(float)
    for evidence in given:
        by_function = evidence.signal is Signal.LEXICAL and evidence.symbol is not None
        key = (evidence.signal, by_function)
        best[key] = max(best[key], evidence.strength)
    total = sum(
        strength * (BEST_FUNCTION_WEIGHT if by_function else FILE_WEIGHTS.get(signal, 0.0))
        for (signal, by_function), strength in best.items()
    )
    return total * _factor(row)


def _factor(row: FileRow) -> float:
    text = TEXT_FACTOR if row.language == "text" else 1.0
    return text * (TEST_FACTOR if row.is_test else 1.0)


def _suspects(
    symbols: Sequence[Symbol], row: FileRow, file_score: float, given: list[Evidence]
) -> list[Suspect]:
    """Functions of one file that some evidence speaks for, or the file when none does."""
    functions = {s.qualified_name: s for s in symbols}
    about_file = [e for e in given if e.symbol is None]
    by_symbol: dict[str, list[Evidence]] = defaultdict(list)
    for evidence in given:
        if evidence.symbol in functions:
            by_symbol[evidence.symbol].append(evidence)
    if not by_symbol:
        whole = _ordered(about_file)
        return [Suspect(row.path, None, 1, max(row.n_lines, 1), file_score * 0.5, whole)]
    factor = _factor(row)
    return [
        _function_suspect(row.path, functions[name], file_score, factor, own, about_file)
        for name, own in by_symbol.items()
    ]


def _function_suspect(
    path: str,
    symbol: Symbol,
    file_score: float,
    factor: float,
    own: list[Evidence],
    about_file: list[Evidence],
) -> Suspect:
    best: dict[Signal, float] = defaultdict(float)
    for each in own:
        best[each.signal] = max(best[each.signal], each.strength)
    score = sum(FUNCTION_WEIGHTS[signal] * strength for signal, strength in best.items())
    n_lines = symbol.end_line - symbol.start_line + 1
    score += LENGTH_WEIGHT * min(MAX_LENGTH, math.log(n_lines) / math.log(100))
    total = factor * score + FILE_IN_FUNCTION_WEIGHT * file_score
    evidence = (*_ordered(own), *_ordered(about_file))
    return Suspect(path, symbol.qualified_name, symbol.start_line, symbol.end_line, total, evidence)


def _ordered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """For reading: what points most sharply first, likeness of words last."""
    return tuple(sorted(evidence, key=lambda e: (_SHARPEST.index(e.signal), -e.strength, e.detail)))
