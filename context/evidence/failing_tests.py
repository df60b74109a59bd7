"""What a failing test exercises: definitions that its code calls, through its imports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from context.evidence import Evidence, Signal
from context.evidence.places import FileNames, function_at
from context.failing_tests import FailingTest
from context.languages import is_test_path, language_of
from context.outline import ReferenceRole, SymbolKind
from context.report import Report
from context.resolving import Resolver
from context.store import Reader

MAX_TESTS = 5
MAX_CALLS = 60
MAX_BLOCK = 120  # lines of a test that has no function, or of a file of which no part can be told
# Where a test is a block given to a call, and what may be called.
_OF_JEST = frozenset({"it", "test", "describe", "suite"})
_OF_RSPEC = frozenset({"it", "specify", "example", "scenario", "describe", "context", "feature"})
_BLOCKS = {
    "javascript": _OF_JEST,
    "typescript": _OF_JEST,
    "tsx": _OF_JEST,
    "ruby": _OF_RSPEC,
}


@dataclass(frozen=True, slots=True)
class TestCode:
    """Lines (1-based, inclusive) of a test, and how to call it; `symbol` where it is a function."""

    path: str
    name: str
    symbol: str | None
    start_line: int
    end_line: int


def evidence(
    report: Report, reader: Reader, files: FileNames, resolver: Resolver
) -> list[Evidence]:
    best: dict[tuple[str, str | None], Evidence] = {}
    for test in list(failing_tests(report, reader, files))[:MAX_TESTS]:
        exercised = _exercised(test, reader, resolver)
        for (target, symbol, line), calls in exercised.items():
            strength = min(1.0, calls / math.sqrt(len(exercised)))
            key = (target, symbol)
            if key not in best or strength > best[key].strength:
                detail = f"the failing test {test.name} calls it"
                best[key] = Evidence(Signal.TEST, *key, line, strength, detail)
    return list(best.values())


def failing_tests(report: Report, reader: Reader, files: FileNames) -> Iterator[TestCode]:
    """The tests that the report says fail, as far as they are in this workspace, each once."""
    seen: set[TestCode] = set()
    for test in report.failing_tests:
        paths = files.ending_like(test.path) if test.path else []
        if not paths and test.name:
            named = reader.symbols_named([test.name], limit=5)
            paths = list(dict.fromkeys(at.path for at in named if is_test_path(at.path)))
        for path in paths[:2]:
            code = _code_of(test, path, reader)
            if code is not None and code not in seen:
                seen.add(code)
                yield code


def _code_of(test: FailingTest, path: str, reader: Reader) -> TestCode | None:
    symbol = function_at(reader, path, test.line, test.name)
    if symbol is not None:
        where = symbol.start_line, symbol.end_line
        return TestCode(path, symbol.name, symbol.qualified_name, *where)
    language = language_of(path)
    heads = _BLOCKS.get(language.name) if language else None
    if heads is None:
        return None
    line = test.line or _line_of(test.name, path, reader)
    row = reader.file(path)
    last = row.n_lines if row else 1
    starts = sorted({r.line for r in reader.references_in(path)
                     if r.role is ReferenceRole.CALL and r.name in heads})  # fmt: skip
    first = max((at for at in starts if line and at <= line), default=1)
    if first > 1 or line == 1:
        last = min((at - 1 for at in starts if at > first), default=last)
    name = test.name or (f"{path}:{line}" if line else path)
    return TestCode(path, name, None, first, max(first, min(last, first + MAX_BLOCK - 1)))


def _line_of(name: str | None, path: str, reader: Reader) -> int | None:
    """Where a test's name stands in its file; short names are not in the index."""
    places = reader.literals_containing(name) if name else []
    return next((literal.line for at, literal in places if at == path), None)


def _exercised(
    test: TestCode, reader: Reader, resolver: Resolver
) -> dict[tuple[str, str | None, int], int]:
    """Code that the test calls, with how often, by (path, function or None for a type, line)."""
    counts: dict[str, int] = {}
    for reference in reader.references_in(test.path):
        inside = test.start_line <= reference.line <= test.end_line
        if inside and reference.role is ReferenceRole.CALL:
            counts[reference.name] = counts.get(reference.name, 0) + 1
    found: dict[tuple[str, str | None, int], int] = {}
    for name, count in list(counts.items())[:MAX_CALLS]:
        for at in resolver.definitions(test.path, name):
            if is_test_path(at.path):
                continue
            is_function = at.symbol.kind is SymbolKind.FUNCTION
            key = (
                at.path,
                at.symbol.qualified_name if is_function else None,
                at.symbol.start_line,
            )
            found[key] = found.get(key, 0) + count
    return found
