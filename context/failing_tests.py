"""Failing tests that a report or a test log names, as the common runners print them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_LINE = 1_000
MAX_TESTS = 50


@dataclass(frozen=True, slots=True)
class FailingTest:
    path: str | None  # as printed, with /
    name: str | None  # the innermost name: a function, method or test case
    line: int | None

    @property
    def written(self) -> str:
        return "::".join(part for part in (self.path, self.name) if part)


_PYTEST = re.compile(r"^(?:FAILED|ERROR)\s+([\w./\\-]+\.py)(?:::([\w:]+))?(?:\[.*)?")
_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (\w+) \(([\w.]+)\)")
_GO = re.compile(r"^\s*--- FAIL: (\w+)(?:/\S+)? \(")
_CARGO = re.compile(r"^test ([\w:]+) \.\.\. FAILED$")
_MAVEN = re.compile(r"^\[ERROR\]\s+(?:\w+\.)*(\w+)\.(\w+):(\d+)")
_JUNIT = re.compile(r"^(?:\d+\) )?(\w+)\(([\w.]+)\)$")
_RSPEC = re.compile(r"^rspec \./([\w./-]+_spec\.rb):(\d+)")
_JEST = re.compile(r"^\s*FAIL\s+(?:\w+\s+)?([\w./\\-]+\.[cm]?[jt]sx?)\b(?: > (.{1,300}))?")
_JEST_NAME = re.compile(r"^\s*● (.{1,300})$")  # suite › name, below the line with the file
_JEST_NO_NAMES = frozenset({"Console", "Test suite failed to run"})


def read_failing_tests(lines: Sequence[str]) -> tuple[FailingTest, ...]:
    """In the order printed, each once, at most MAX_TESTS."""
    found: dict[FailingTest, None] = {}
    suite: str | None = None  # the file of Jest's last FAIL
    for line in lines:
        if len(line) > MAX_LINE:
            continue
        found.update(dict.fromkeys(_at(line)))
        if m := _JEST.match(line):
            suite = _slashed(m[1])
        elif suite and (m := _JEST_NAME.match(line)) and m[1].strip() not in _JEST_NO_NAMES:
            found[FailingTest(suite, m[1].rpartition(" › ")[2].strip(), None)] = None
    named = {test.path for test in found if test.name}
    return tuple(t for t in found if t.name or t.line or t.path not in named)[:MAX_TESTS]


def _at(line: str) -> Iterator[FailingTest]:
    if m := _PYTEST.match(line):
        name = m[2].rpartition("::")[2] if m[2] else None
        yield FailingTest(_slashed(m[1]), name, None)
    elif m := _UNITTEST.match(line):
        module = [part for part in m[2].split(".") if part != m[1]]
        words = module[:-1] if module and module[-1][:1].isupper() else module
        yield FailingTest("/".join(words) + ".py" if words else None, m[1], None)
    elif m := _GO.match(line):
        yield FailingTest(None, m[1], None)
    elif m := _CARGO.match(line):
        yield FailingTest(None, m[1].rpartition("::")[2], None)
    elif m := _MAVEN.match(line):
        yield FailingTest(f"{m[1]}.java", m[2], int(m[3]))
    elif m := _JUNIT.match(line):
        yield FailingTest(m[2].replace(".", "/") + ".java", m[1], None)
    elif m := _RSPEC.match(line):
        yield FailingTest(m[1], None, int(m[2]))
    elif m := _JEST.match(line):
        name = m[2].rpartition(" > ")[2].strip() if m[2] else None  # Vitest's
        yield FailingTest(_slashed(m[1]), name, None)


def _slashed(path: str) -> str:
    return path.replace("\\", "/")
