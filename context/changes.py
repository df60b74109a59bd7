"""What the working tree changed against HEAD, function by function, for a review.

Open buffers count as the working tree. What is compared are texts: line ends and a byte-order mark
are no change. HEAD's contents come from context/git.py; this reads no repository itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from context.outline import Outline, Symbol, SymbolKind
from context.text import split_lines

MAX_BEFORE_LINES = 60  # of a changed part, as it was
MAX_COMPARED_LINES = 20_000


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A function, or lines outside of any, with changes. Lines are 1-based, inclusive, as now."""

    path: str
    symbol: str | None
    start_line: int
    end_line: int
    changed: tuple[tuple[int, int], ...]  # the changed lines; of a pure deletion those around it
    before: str  # the same part in HEAD; "" when it is new


CHANGED_PARTS = TypeAdapter(list[ChangedPart])


def is_changed(before: str, after: str) -> bool:
    """Whether two texts differ in more than their line ends and a byte-order mark."""
    return split_lines(before.removeprefix("\ufeff")) != split_lines(after.removeprefix("\ufeff"))


def changed_lines(before: str, after: str) -> list[tuple[int, int, int, int]]:
    """Hunks as (first, last) lines now and (first, last) before; last < first where there are none.

    A text that is too long is one hunk.
    """
    old, new = split_lines(before), split_lines(after)
    if max(len(old), len(new)) > MAX_COMPARED_LINES:
        return [(1, len(new), 1, len(old))]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [
        (j1 + 1, j2, i1 + 1, i2)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal" and any(line.strip() for line in (*old[i1:i2], *new[j1:j2]))
    ]


def changed_parts(
    path: str, before: str | None, after: str, old: Outline | None, new: Outline
) -> list[ChangedPart]:
    """The functions that hold changed lines, and changed lines outside of functions, in order.

    `before` and `old` are None for a file that HEAD does not have: all of its functions are new.
    """
    n_lines = len(split_lines(after))
    hunks = changed_lines(before, after) if before is not None else [(1, n_lines, 1, 0)]
    functions = [s for s in new.symbols if s.kind is SymbolKind.FUNCTION]
    by_function: dict[int, list[tuple[int, int]]] = {}
    outside: list[tuple[int, int, int, int]] = []
    for first, last, old_first, old_last in hunks:
        shown = (max(first - 1, 1), min(first, n_lines)) if last < first else (first, last)
        inside = [
            (number, (max(shown[0], f.start_line), min(shown[1], f.end_line)))
            for number, f in enumerate(functions)
            if f.start_line <= shown[1] and shown[0] <= f.end_line
        ]
        for number, lines in inside:
            by_function.setdefault(number, []).append(lines)
        if not inside and before is not None:
            outside.append((*shown, old_first, old_last))
    parts = [
        ChangedPart(path, f.qualified_name, f.start_line, f.end_line, tuple(by_function[number]),
                    _old_text(before, old, f))
        for number, f in enumerate(functions)
        if number in by_function
    ]  # fmt: skip
    old_lines = split_lines(before or "")
    parts += [
        ChangedPart(path, None, first, last, ((first, last),),
                    "\n".join(old_lines[old_first - 1 : old_last][:MAX_BEFORE_LINES]))
        for first, last, old_first, old_last in outside
    ]  # fmt: skip
    return sorted(parts, key=lambda p: p.start_line)


def _old_text(before: str | None, old: Outline | None, function: Symbol) -> str:
    if before is None or old is None:
        return ""
    named = [s for s in old.symbols if s.qualified_name == function.qualified_name]
    if not named:
        return ""
    lines = split_lines(before)[named[0].start_line - 1 : named[0].end_line]
    return "\n".join(lines[:MAX_BEFORE_LINES])


def under(paths: Iterable[str], places: Collection[str]) -> Iterator[str]:
    """Those that are one of `places` or lie below one; all of them for "" and "."."""
    for path in paths:
        if any(place in ("", ".") or f"{path}/".startswith(f"{place}/") for place in places):
            yield path
