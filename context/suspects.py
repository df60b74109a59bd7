"""Fuse evidence into ranked suspects: files first, then the functions inside the best files."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from context.coverage import Coverage
from context.evidence import (
    Evidence,
    Signal,
    bases,
    callees,
    callers,
    companions,
    coverage,
    diagnostics,
    failing_tests,
    frames,
    history,
    imports,
    lexical,
    literals,
    members,
    names,
    paths,
    recency,
    title,
)
from context.evidence.diagnostics import OtherDiagnostic
from context.evidence.places import FileNames
from context.outline import Symbol, SymbolKind
from context.report import Report, read_report
from context.resolving import Resolver
from context.store import FileRow, Reader


@dataclass(frozen=True, slots=True)
class Weights:
    """What a signal of strength 1 adds to the score of a file, or of a function.

    A weighted sum of the strongest evidence of each kind: on the development set rank fusion lost 9
    points of Acc@1 against it. The numbers are round ones; choosing among changes of them with one
    repository left out at a time gains nothing (tests/bench/localization.py --weights).
    """

    file: Mapping[Signal, float]
    function: Mapping[Signal, float]
    best_function: float = 0.6  # of a file's best function by words, into the file
    length: float = 0.3  # of a function with 100 lines; by the logarithm, long ones hold more bugs
    file_in_function: float = 0.4  # of the file's score, into each of its functions
    test: float = 0.2  # factor: test files rank below code
    manual: float = 0.3  # factor: manuals and settings, too: bugs are fixed in code

    def scaled(self, signal: Signal, factor: float) -> Weights:
        """The same with one signal louder or softer."""
        return replace(
            self,
            file={s: w * factor if s is signal else w for s, w in self.file.items()},
            function={s: w * factor if s is signal else w for s, w in self.function.items()},
            best_function=self.best_function * (factor if signal is Signal.LEXICAL else 1.0),
        )


WEIGHTS = Weights(
    file={
        Signal.LEXICAL: 1.0,
        Signal.HISTORY: 0.4,
        Signal.NAME: 0.5,
        Signal.PATH: 0.7,
        Signal.LITERAL: 0.5,
        Signal.FRAME: 0.5,
        Signal.FEEDBACK: 0.1,
        Signal.TRANSLATION: 0.1,
        Signal.RECENCY: 0.2,
        Signal.MEMBER: 0.2,
        Signal.TEST: 0.3,
        Signal.COVERAGE: 0.3,
        Signal.DIAGNOSTIC: 0.1,
    },
    function={
        Signal.LEXICAL: 1.0,
        Signal.NAME: 0.8,
        Signal.LITERAL: 0.6,
        Signal.FRAME: 1.0,
        Signal.FEEDBACK: 0.3,
        Signal.TRANSLATION: 0.4,
        Signal.CALLEE: 0.6,
        Signal.MEMBER: 0.1,
        Signal.CALLER: 0.2,
        Signal.TEST: 0.4,
        Signal.COVERAGE: 0.6,
        Signal.DIAGNOSTIC: 0.2,
        Signal.TITLE: 0.2,
    },
)
WEAK = 0.35  # evidence below this strength is read last
MAX_LENGTH = 1.5  # times what a function with 100 lines gets
_SHARPEST = (
    Signal.FRAME,
    Signal.LITERAL,
    Signal.NAME,
    Signal.PATH,
    Signal.TEST,
    Signal.COVERAGE,
    Signal.DIAGNOSTIC,
    Signal.CALLEE,
    Signal.CALLER,
    Signal.MEMBER,
    Signal.BASE,
    Signal.HISTORY,
    Signal.IMPORT,
    Signal.COMPANION,
    Signal.LEXICAL,
    Signal.TITLE,
    Signal.FEEDBACK,
    Signal.TRANSLATION,
    Signal.RECENCY,
)
LEADERS = 5  # files whose companions are looked for
FILES_LOOKED_INTO = 20  # functions are ranked inside so many best files


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside the report, the code and its history."""

    coverage: Coverage | None = None
    diagnostics: tuple[OtherDiagnostic, ...] = ()


NOTHING_BESIDE = Beside()


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place that may hold the bug: a symbol, or a whole file where nothing in it has a name."""

    path: str
    symbol: str | None  # Outer.name: outermost named function or method with its enclosing types
    start_line: int
    end_line: int
    score: float
    evidence: tuple[Evidence, ...]  # what points most sharply first

    @property
    def likeliest_line(self) -> int:
        """Where the sharpest evidence for the symbol points (1-based), else its first line."""
        line = next((e.line for e in self.evidence if e.line is not None and e.symbol), None)
        if line is None or not self.start_line <= line <= self.end_line:
            return self.start_line
        return line


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
    weights: Weights = WEIGHTS,
    beside: Beside = NOTHING_BESIDE,
) -> Located:
    """Rank files and functions for a report, as if the signals of `without` did not exist.

    Raises `context.report.EmptyReport`.
    """
    started = time.perf_counter()
    report = read_report(report_text)
    gathered = list(_gather(report, reader, without, beside))
    rows = reader.files_at({evidence.path for evidence in gathered})
    by_path: dict[str, list[Evidence]] = defaultdict(list)
    for evidence in gathered:
        if evidence.path in rows and evidence.signal not in without:
            by_path[evidence.path].append(evidence)
    if Signal.RECENCY not in without:
        for evidence in recency.evidence(reader):
            if evidence.path in by_path:  # a reason among others, never one by itself
                by_path[evidence.path].append(evidence)
    files = sorted(
        (
            RankedFile(path, _file_score(rows[path], given, weights))
            for path, given in by_path.items()
        ),
        key=lambda f: (-f.score, f.path),
    )
    if Signal.COMPANION not in without:
        for evidence in companions.evidence([(f.path, f.score) for f in files[:LEADERS]], reader):
            if evidence.path in by_path:
                by_path[evidence.path].append(evidence)
    best = files[:FILES_LOOKED_INTO]
    functions = {
        f.path: [s for s in reader.symbols(f.path) if s.kind is SymbolKind.FUNCTION] for f in best
    }
    if beside.coverage is not None and Signal.COVERAGE not in without:
        for evidence in coverage.function_evidence(report, beside.coverage, reader, functions):
            by_path[evidence.path].append(evidence)
    if Signal.TITLE not in without:
        for evidence in title.evidence(report, reader, functions):
            by_path[evidence.path].append(evidence)
    suspects = [
        suspect
        for file in best
        for suspect in _suspects(
            functions[file.path], rows[file.path], file.score, by_path[file.path], weights
        )
    ]
    suspects.sort(key=lambda s: (-s.score, s.path, s.start_line))
    return Located(
        tuple(suspects[:limit]), tuple(files[: max(limit, 50)]), time.perf_counter() - started
    )


def _gather(
    report: Report,
    reader: Reader,
    without: frozenset[Signal],
    beside: Beside,
) -> Iterator[Evidence]:
    named = names.evidence(report, reader)
    weights = lexical.query_weights(report, reader)
    file_names = FileNames(reader)
    traced = frames.evidence(report, reader, file_names)
    written = paths.evidence(report, file_names)
    yield from traced
    yield from written
    yield from named
    yield from members.evidence(named, reader)
    yield from callees.evidence(named, reader)
    yield from callers.evidence(named, reader)
    yield from bases.evidence(named, reader)
    resolver = reader.cached("resolver", lambda: Resolver(reader, file_names))
    yield from imports.evidence([*traced, *written, *named], resolver)
    yield from failing_tests.evidence(report, reader, file_names, resolver)
    yield from diagnostics.evidence(beside.diagnostics, report, reader)
    if beside.coverage is not None:
        yield from coverage.file_evidence(report, beside.coverage, reader)
    yield from literals.evidence(report, reader)
    yield from lexical.evidence(weights, reader)
    past = reader.history()
    if past is None:
        return
    if Signal.HISTORY not in without:
        yield from history.evidence(weights, past, reader)
    if Signal.FEEDBACK not in without:
        yield from lexical.feedback_evidence(weights, past, reader)
    if Signal.TRANSLATION not in without:
        yield from lexical.translation_evidence(weights, past, reader)


def _file_score(row: FileRow, given: Iterable[Evidence], weights: Weights) -> float:
    """Each signal counts once, by its strongest evidence; words count for file and function."""
    best: dict[tuple[Signal, bool], float] = defaultdict(float)
    for evidence in given:
        by_function = evidence.signal is Signal.LEXICAL and evidence.symbol is not None
        key = (evidence.signal, by_function)
        best[key] = max(best[key], evidence.strength)
    total = sum(
        strength * (weights.best_function if by_function else weights.file.get(signal, 0.0))
        for (signal, by_function), strength in best.items()
    )
    return total * _factor(row, weights)


def _factor(row: FileRow, weights: Weights) -> float:
    manual = weights.manual if row.language == "text" else 1.0
    return manual * (weights.test if row.is_test else 1.0)


def _suspects(
    symbols: Sequence[Symbol],
    row: FileRow,
    file_score: float,
    given: list[Evidence],
    weights: Weights,
) -> list[Suspect]:
    """Functions of one file that some evidence speaks for, or the file when none does."""
    functions = {s.qualified_name: s for s in symbols}
    about_file = _ordered(e for e in given if e.symbol is None)
    by_symbol: dict[str, list[Evidence]] = defaultdict(list)
    for evidence in given:
        if evidence.symbol in functions:
            by_symbol[evidence.symbol].append(evidence)
    if not by_symbol:
        return [Suspect(row.path, None, 1, max(row.n_lines, 1), file_score * 0.5, about_file)]
    from_file = weights.file_in_function * file_score
    factor = _factor(row, weights)
    found: list[Suspect] = []
    for name, own in by_symbol.items():
        symbol = functions[name]
        score = from_file + factor * _function_score(symbol, own, weights)
        reasons = (*_ordered(own), *about_file)
        span = symbol.start_line, symbol.end_line
        found.append(Suspect(row.path, name, *span, score, reasons))
    return found


def _function_score(symbol: Symbol, own: Iterable[Evidence], weights: Weights) -> float:
    best: dict[Signal, float] = defaultdict(float)
    for each in own:
        best[each.signal] = max(best[each.signal], each.strength)
    score = sum(weights.function.get(signal, 0.0) * strength for signal, strength in best.items())
    n_lines = symbol.end_line - symbol.start_line + 1
    return score + weights.length * min(MAX_LENGTH, math.log(n_lines) / math.log(100))


def _ordered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """For reading: what points most sharply first, likeness of words later, the weak last."""
    return tuple(
        sorted(
            evidence,
            key=lambda e: (e.strength < WEAK, _SHARPEST.index(e.signal), -e.strength, e.detail),
        )
    )
