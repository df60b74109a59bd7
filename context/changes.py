"""What the working tree changed against HEAD, function by function, for a review.

Open buffers count as the working tree. What is compared are texts: line ends and a byte-order mark
are no change. HEAD's contents come from context/git.py; this reads no repository itself.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from context.outline import Outline, Symbol, SymbolKind
from context.text import split_lines

MAX_BEFORE_LINES = 60  # of a changed part, as it was
MAX_LINES_WITHOUT_FUNCTION = 80  # of a file, to be read
MAX_PAIRS = 250_000  # of lines compared exactly: difflib's time grows with their cube at worst


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A function, or lines outside of any, with changes. Lines are 1-based, inclusive, as now."""

    path: str
    symbol: str | None
    start_line: int
    end_line: int
    changed: tuple[tuple[int, int], ...]  # the changed lines; of a pure deletion those around it
    before: str  # the same part in HEAD; "" when it is new


@dataclass(frozen=True, slots=True)
class Changes:
    parts: tuple[ChangedPart, ...]
    is_cut: bool  # more files differ than were compared


CHANGES = TypeAdapter(Changes)


def is_changed(before: str, after: str) -> bool:
    """Whether two texts differ in more than their line ends and a byte-order mark."""
    return split_lines(before.removeprefix("\ufeff")) != split_lines(after.removeprefix("\ufeff"))


def changed_lines(before: str, after: str) -> list[tuple[int, int, int, int]]:
    """Hunks as (first, last) lines now and (first, last) before; last < first where there are none.

    Where much changed, what lies between lines that are the same and there once is one hunk.
    """
    old, new = split_lines(before), split_lines(after)
    return [
        (j1 + 1, j2, i1 + 1, i2)
        for i1, i2, j1, j2 in _hunks(old, new)
        if any(line.strip() for line in (*old[i1:i2], *new[j1:j2]))
    ]


def _hunks(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """Half-open spans (in `old`, in `new`) that differ, in order; in n log n where n is large.

    Exactly for few lines, and for many between their anchors (Cohen's patience diff).
    """
    pending = [(0, len(old), 0, len(new))]
    while pending:
        i1, i2, j1, j2 = pending.pop()
        while i1 < i2 and j1 < j2 and old[i1] == new[j1]:
            i1, j1 = i1 + 1, j1 + 1
        while i1 < i2 and j1 < j2 and old[i2 - 1] == new[j2 - 1]:
            i2, j2 = i2 - 1, j2 - 1
        if i1 == i2 or j1 == j2:
            anchors = []
        elif (i2 - i1) * (j2 - j1) <= MAX_PAIRS:
            matcher = difflib.SequenceMatcher(None, old[i1:i2], new[j1:j2], autojunk=False)
            for tag, a1, a2, b1, b2 in matcher.get_opcodes():
                if tag != "equal":
                    yield i1 + a1, i1 + a2, j1 + b1, j1 + b2
            continue
        else:
            anchors = _anchors(old, new, (i1, i2, j1, j2))
        if anchors:
            starts = [(i1, j1), *((i + 1, j + 1) for i, j in anchors)]
            ends = [*anchors, (i2, j2)]
            between = zip(starts, ends, strict=True)
            pending += reversed([(a1, a2, b1, b2) for (a1, b1), (a2, b2) in between])
        elif (i1, j1) != (i2, j2):
            yield i1, i2, j1, j2


def _anchors(
    old: list[str], new: list[str], within: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    """Lines that are in both spans once, as many as keep their order."""
    i1, i2, j1, j2 = within
    once_old, once_new = _once(old, i1, i2), _once(new, j1, j2)
    tops: list[int] = []  # of piles of places in `new`; their order in `old` is that of the loop
    chain: dict[
        int, tuple[int, int | None]
    ] = {}  # by place in `new`: that in `old`, the one before
    for line, i in once_old.items():
        if (j := once_new.get(line)) is not None:
            pile = bisect_left(tops, j)
            chain[j] = i, tops[pile - 1] if pile else None
            tops[pile : pile + 1] = [j]
    found: list[tuple[int, int]] = []
    at = tops[-1] if tops else None
    while at is not None:
        i, before = chain[at]
        found.append((i, at))
        at = before
    return found[::-1]


def _once(lines: list[str], first: int, last: int) -> dict[str, int]:
    """Where each line is that the span has once, in order."""
    counts = Counter(lines[first:last])
    return {lines[at]: at for at in range(first, last) if counts[lines[at]] == 1}


def changed_parts(
    path: str, before: str | None, after: str, old: Outline | None, new: Outline
) -> list[ChangedPart]:
    """The functions that hold changed lines, and changed lines outside of functions, in order.

    `before` and `old` are None for a file that HEAD does not have: all of its functions are new.
    """
    lines = split_lines(after)
    functions = [s for s in new.symbols if s.kind is SymbolKind.FUNCTION]
    if before is None or old is None:
        n_read = min(len(lines), MAX_LINES_WITHOUT_FUNCTION)
        return [
            ChangedPart(path, f.qualified_name, f.start_line, f.end_line,
                        ((f.start_line, f.end_line),), "")
            for f in functions
        ] or [ChangedPart(path, None, 1, n_read, ((1, n_read),), "")]  # fmt: skip
    hunks = changed_lines(before, after)
    old_lines = split_lines(before)
    by_function: dict[int, list[tuple[int, int]]] = {}
    parts: list[ChangedPart] = []
    for first, last, old_first, old_last in hunks:
        is_deletion = last < first
        shown = (max(first - 1, 1), min(first, len(lines))) if is_deletion else (first, last)
        inside = [
            (number, (max(shown[0], f.start_line), min(shown[1], f.end_line)))
            for number, f in enumerate(functions)
            if f.start_line <= shown[1] and shown[0] <= f.end_line
        ]
        if is_deletion:
            gone = {s.qualified_name for s in old.symbols
                    if s.start_line <= old_last and old_first <= s.end_line}  # fmt: skip
            inside = [one for one in inside if _lost_lines(functions[one[0]], first, gone)]
        for number, within in inside:
            by_function.setdefault(number, []).append(within)
        was = "\n".join(old_lines[old_first - 1 : old_last][:MAX_BEFORE_LINES])
        outside = [shown] if is_deletion and not inside else []
        outside += [] if is_deletion else _outside(first, last, functions, lines)
        parts += [ChangedPart(path, None, *one, (one,), was) for one in outside]
    parts += [
        ChangedPart(path, f.qualified_name, f.start_line, f.end_line, tuple(by_function[number]),
                    _old_text(old_lines, old, f, hunks))
        for number, f in enumerate(functions)
        if number in by_function
    ]  # fmt: skip
    return sorted(parts, key=lambda p: p.start_line)


def _lost_lines(function: Symbol, at: int, gone: Collection[str]) -> bool:
    """Whether lines that were deleted before line `at` were the function's: they stood between its
    lines, or at its end or beginning.
    """
    if function.start_line < at <= function.end_line:
        return True
    return function.qualified_name in gone


def _outside(
    first: int, last: int, functions: Collection[Symbol], lines: list[str]
) -> list[tuple[int, int]]:
    """Runs of changed lines that are in no function, without blank ones around them."""
    covered: set[int] = set()
    for f in functions:
        covered.update(range(max(first, f.start_line), min(last, f.end_line) + 1))
    runs: list[tuple[int, int]] = []
    goes_on = False
    for n in range(first, last + 1):
        if n in covered:
            goes_on = False
        elif lines[n - 1].strip():
            start = runs.pop()[0] if goes_on else n
            runs.append((start, n))
            goes_on = True
    return runs


def _old_text(
    old_lines: list[str],
    old: Outline,
    function: Symbol,
    hunks: Iterable[tuple[int, int, int, int]],
) -> str:
    """The function as it was: of several of that name the one that stood there."""
    was = function.start_line
    for first, last, old_first, old_last in hunks:
        if last < function.start_line if last >= first else first <= function.start_line:
            was += (old_last - old_first) - (last - first)
    named = [s for s in old.symbols if s.qualified_name == function.qualified_name]
    if not named:
        return ""
    found = min(named, key=lambda s: abs(s.start_line - was))
    lines = old_lines[found.start_line - 1 : found.end_line]
    return "\n".join(lines[:MAX_BEFORE_LINES])


def under(paths: Iterable[str], places: Collection[str]) -> Iterator[str]:
    """Those that are one of `places` or lie below one; all of them for "" and "."."""
    for path in paths:
        if any(place in ("", ".") or f"{path}/".startswith(f"{place}/") for place in places):
            yield path
