"""Code that ran under the failing tests and not under the others (Ochiai; Abreu et al. 2007)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from context.coverage import Coverage
from context.evidence import Evidence, Signal
from context.evidence.places import FileNames
from context.failing_tests import FailingTest
from context.outline import Symbol
from context.report import Report
from context.store import Reader

MAX_FILES = 50
RAN = 0.3  # strength of having run at all, where tests are not told apart


def file_evidence(report: Report, coverage: Coverage, reader: Reader) -> list[Evidence]:
    """The most suspicious files, when the failing tests are known and lines are told by test."""
    failing = _failing(report, coverage)
    if not failing:
        return []
    found = [
        Evidence(Signal.COVERAGE, path, None, None, score, _detail(tests, failing, coverage))
        for path, lines in _in_workspace(coverage, reader).items()
        if (tests := frozenset().union(*lines.values())) and (score := _ochiai(tests, failing)) > 0
    ]
    return sorted(found, key=lambda e: (-e.strength, e.path))[:MAX_FILES]


def function_evidence(
    report: Report,
    coverage: Coverage,
    reader: Reader,
    functions: Mapping[str, Sequence[Symbol]],
) -> Iterator[Evidence]:
    """For functions of the best files."""
    failing = _failing(report, coverage)
    by_path = _in_workspace(coverage, reader)
    for path in functions.keys() & by_path.keys():
        lines = by_path[path]
        for symbol in functions[path]:
            # the head runs when the file is loaded, under any test
            body = range(symbol.start_line + 1, symbol.end_line + 1)
            ran = [lines[line] for line in body if line in lines]
            if not ran:
                continue
            tests = frozenset().union(*ran)
            strength = _ochiai(tests, failing) if failing else RAN
            if strength > 0:
                detail = _detail(tests, failing, coverage)
                name, line = symbol.qualified_name, symbol.start_line
                yield Evidence(Signal.COVERAGE, path, name, line, strength, detail)


def _in_workspace(coverage: Coverage, reader: Reader) -> dict[str, Mapping[int, frozenset[str]]]:
    names, known = FileNames(reader), reader.files_at(coverage.lines)
    found: dict[str, Mapping[int, frozenset[str]]] = {}
    for written, lines in coverage.lines.items():
        if written in known:
            found[written] = lines
            continue
        paths = names.ending_like(written, max(lines, default=None))
        if len(paths) == 1 and paths[0] not in coverage.lines:
            found[paths[0]] = lines
    return found


def _failing(report: Report, coverage: Coverage) -> frozenset[str]:
    """Tests of the coverage file that the report says fail."""
    named = [test for test in report.failing_tests if test.name]
    return frozenset(t for t in coverage.tests if any(_is_test(_words(t), test) for test in named))


def _is_test(words: Sequence[str], test: FailingTest) -> bool:
    """Whether these words name this test: with the file, where both say in which it is."""
    if test.name not in words:
        return False
    around = words[: words.index(test.name)]
    if test.path is None or not any(word[:1].islower() for word in around):
        return True  # at most classes are named
    file = PurePosixPath(test.path).with_suffix("").parts
    if file[-1] not in around:
        return False
    around = around[: around.index(file[-1]) + 1]
    return all(a == b for a, b in zip(reversed(file), reversed(around), strict=False))


def _words(test: str) -> Sequence[str]:
    """`tests/test_a.py::TestB::test_c|run` and `test_a.TestB.test_c` name their parts."""
    words = test.partition("|")[0].partition("[")[0].replace("::", ".").replace("/", ".")
    return words.split(".")


def _ochiai(tests: frozenset[str], failing: frozenset[str]) -> float:
    ran = len(tests - {""})
    return len(tests & failing) / math.sqrt(len(failing) * ran) if ran else 0.0


def _detail(tests: frozenset[str], failing: frozenset[str], coverage: Coverage) -> str:
    if not failing:
        return f"it ran, says {coverage.source}"
    return (
        f"{len(tests & failing)} failing and {len(tests - failing)} other tests ran it, says "
        f"{coverage.source}"
    )
