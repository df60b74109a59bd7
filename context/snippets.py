"""Code for the window: the best suspects whole, what they call, who calls them, their tests."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from context.evidence.failing_tests import TestCode, failing_tests
from context.evidence.places import FileNames, enclosing_function
from context.languages import is_test_path
from context.outline import ReferenceRole, Symbol, SymbolKind
from context.parsing import Skipped, read_source
from context.report import EmptyReport, read_report
from context.resolving import Resolver
from context.store import Reader, SymbolAt
from context.suspects import Suspect
from context.text import Text, content_hash
from context.window import Role, Snippet

MAX_SUSPECTS = 12
MAX_CALLEES = 4  # shown whole, in the order in which they are called
MAX_HEADS = 8  # more of them, of which only the signature is shown
MAX_CALLERS = 3
MAX_USES = 12
MAX_TESTS = 2
MAX_HEAD = 12  # lines of a signature
MAX_WHOLE_FILE_LINES = 120  # shown of a suspect that is a file without functions


class Sources:
    """Texts of workspace files: open buffers first, then the disk; each read once."""

    def __init__(self, root: Path, overlays: Mapping[str, str]) -> None:
        self._root = root
        self._overlays = overlays
        self._texts: dict[str, Text | None] = {}

    def text(self, path: str) -> Text | None:
        """None when the file is gone or is no longer one that we read."""
        if path not in self._texts:
            try:
                content = self._overlays.get(path)
                content = read_source(self._root, path) if content is None else content
                self._texts[path] = Text(content)
            except Skipped:
                self._texts[path] = None
        return self._texts[path]


def snippets_for(
    reader: Reader,
    root: Path,
    suspects: Sequence[Suspect],
    overlays: Mapping[str, str],
    report: str = "",
) -> list[Snippet]:
    """Suspects, what they call and who calls them, the heads of more callees, then the tests.

    Ordered by importance within each role; no line comes twice.
    """
    sources = Sources(root, overlays)
    found: list[Snippet] = []
    files = FileNames(reader)
    failing = list(_failing(reader, files, report))
    shown_as_tests = {(test.path, test.symbol) for test in failing}
    for rank, suspect in enumerate(suspects[:MAX_SUSPECTS], 1):
        if (suspect.path, suspect.symbol) in shown_as_tests:
            continue
        end = suspect.end_line
        if suspect.symbol is None:
            end = min(end, suspect.start_line + MAX_WHOLE_FILE_LINES - 1)
        reason = f"suspect {rank}: {suspect.evidence[0].detail}" if suspect.evidence else "chosen"
        _add(found, sources, suspect.path, suspect.start_line, end, suspect.symbol,
             Role.SUSPECT, reason)  # fmt: skip
    resolver = reader.cached("resolver", lambda: Resolver(reader, files))
    callees = list(_callees(reader, resolver, suspects[:3]))
    callers = list(_callers(reader, suspects[:3]))
    for at, reason in (*callees[:MAX_CALLEES], *callers[:MAX_CALLERS]):
        _add(found, sources, at.path, at.symbol.start_line, at.symbol.end_line,
             at.symbol.qualified_name, Role.RELATED, reason)  # fmt: skip
    for at, reason in callees[MAX_CALLEES : MAX_CALLEES + MAX_HEADS]:
        end = _end_of_head(at.symbol, sources.text(at.path))
        _add(found, sources, at.path, at.symbol.start_line, end, at.symbol.qualified_name,
             Role.RELATED, f"head only: {reason}")  # fmt: skip
    for test, reason in _tests(reader, failing, suspects[:1]):
        _add(found, sources, test.path, test.start_line, test.end_line, test.symbol,
             Role.TEST, reason)  # fmt: skip
    return found


def _callees(
    reader: Reader, resolver: Resolver, suspects: Sequence[Suspect]
) -> Iterator[tuple[SymbolAt, str]]:
    """Functions that the suspects call, where it can be told which are meant."""
    seen: set[tuple[str, str]] = set()
    for suspect in suspects:
        called = dict.fromkeys(
            r.name
            for r in reader.references_in(suspect.path)
            if r.role is ReferenceRole.CALL and suspect.start_line <= r.line <= suspect.end_line
        )
        for name in called:
            defined = [
                at
                for at in resolver.definitions(suspect.path, name)
                if at.symbol.kind is SymbolKind.FUNCTION
            ]
            if len(defined) == 1:
                key = defined[0].path, defined[0].symbol.qualified_name
                if key not in seen:
                    seen.add(key)
                    yield defined[0], f"called by {suspect.symbol or suspect.path}"


def _callers(reader: Reader, suspects: Sequence[Suspect]) -> Iterator[tuple[SymbolAt, str]]:
    for suspect in suspects:
        if suspect.symbol is None:
            continue
        for path, caller in _users(reader, suspect.symbol):
            if not is_test_path(path):
                yield SymbolAt(path, caller), f"calls {suspect.symbol}"


def _users(reader: Reader, symbol: str) -> Iterator[tuple[str, Symbol]]:
    """Functions that call something of this name."""
    last = symbol.rpartition(".")[2]
    for path, use in reader.references_to([last], MAX_USES, role=ReferenceRole.CALL):
        function = enclosing_function(reader.symbols(path), use.line)
        if function is not None and function.qualified_name != symbol:
            yield path, function


def _failing(reader: Reader, files: FileNames, report: str) -> Iterator[TestCode]:
    with contextlib.suppress(EmptyReport):
        yield from itertools.islice(failing_tests(read_report(report), reader, files), MAX_TESTS)


def _tests(
    reader: Reader, failing: Sequence[TestCode], suspects: Sequence[Suspect]
) -> Iterator[tuple[TestCode, str]]:
    """The failing tests; where the report names none, some that call the best suspect."""
    for test in failing:
        yield test, f"the test {test.name} fails, says the report"
    for suspect in () if failing else suspects:
        if suspect.symbol is None:
            continue
        users = [u for u in _users(reader, suspect.symbol) if is_test_path(u[0])]
        for path, symbol in users[:MAX_TESTS]:
            where = symbol.start_line, symbol.end_line
            test = TestCode(path, symbol.name, symbol.qualified_name, *where)
            yield test, f"tests {suspect.symbol}"


def _end_of_head(symbol: Symbol, text: Text | None) -> int:
    """Last line of a function's decorators and signature."""
    if text is None:
        return symbol.start_line
    head = ""
    for line in range(symbol.start_line, min(symbol.end_line, symbol.start_line + MAX_HEAD) + 1):
        head = " ".join(f"{head} {' '.join(text.lines(line, line))}".split())
        if symbol.signature in head:
            return line
    return symbol.start_line


def _add(
    found: list[Snippet],
    sources: Sources,
    path: str,
    start_line: int,
    end_line: int,
    symbol: str | None,
    role: Role,
    reason: str,
) -> None:
    text = sources.text(path)
    if text is None:
        return
    shown = [s for s in found if s.path == path]
    if any(s.start_line <= start_line and end_line <= s.end_line for s in shown):
        return
    if any(start_line <= s.end_line and s.start_line <= end_line for s in shown):
        return  # part of it stands there already; a line must not be shown twice
    lines = text.lines(start_line, end_line)
    if not lines:
        return
    found.append(
        Snippet(
            path=path,
            start_line=start_line,
            end_line=start_line + len(lines) - 1,
            symbol=symbol,
            text="\n".join(lines),
            role=role,
            reason=reason,
            file_hash=content_hash(text.content),
        )
    )
