"""What a failing test exercises: definitions that its code calls, through its imports."""

from __future__ import annotations

import math
from collections.abc import Iterator

from context.evidence import Evidence, Signal
from context.evidence.places import FileNames, function_at
from context.languages import is_test_path
from context.outline import ReferenceRole, Symbol, SymbolKind
from context.report import Report
from context.resolving import Resolver
from context.store import Reader

MAX_TESTS = 5
MAX_CALLS = 60


def evidence(
    report: Report, reader: Reader, files: FileNames, resolver: Resolver
) -> list[Evidence]:
    best: dict[tuple[str, str | None], Evidence] = {}
    for path, test in list(failing_tests(report, reader, files))[:MAX_TESTS]:
        exercised = _exercised(path, test, reader, resolver)
        for (target, symbol, line), calls in exercised.items():
            strength = min(1.0, calls / math.sqrt(len(exercised)))
            key = (target, symbol)
            if key not in best or strength > best[key].strength:
                detail = f"the failing test {test.name} calls it"
                best[key] = Evidence(Signal.TEST, *key, line, strength, detail)
    return list(best.values())


def failing_tests(report: Report, reader: Reader, files: FileNames) -> Iterator[tuple[str, Symbol]]:
    """The tests that the report says fail, as far as they are in this workspace, each once."""
    seen: set[tuple[str, str]] = set()
    for test in report.failing_tests:
        paths = files.ending_like(test.path) if test.path else []
        if not paths and test.name:
            named = reader.symbols_named([test.name], limit=5)
            paths = list(dict.fromkeys(at.path for at in named if is_test_path(at.path)))
        for path in paths[:2]:
            symbol = function_at(reader, path, test.line, test.name)
            if symbol is not None and (path, symbol.qualified_name) not in seen:
                seen.add((path, symbol.qualified_name))
                yield path, symbol


def _exercised(
    path: str, test: Symbol, reader: Reader, resolver: Resolver
) -> dict[tuple[str, str | None, int], int]:
    """Code that the test calls, with how often, by (path, function or None for a type, line)."""
    counts: dict[str, int] = {}
    for reference in reader.references_in(path):
        inside = test.start_line <= reference.line <= test.end_line
        if inside and reference.role is ReferenceRole.CALL:
            counts[reference.name] = counts.get(reference.name, 0) + 1
    found: dict[tuple[str, str | None, int], int] = {}
    for name, count in list(counts.items())[:MAX_CALLS]:
        for at in resolver.definitions(path, name):
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
