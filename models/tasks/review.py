"""Reading many functions for bugs: which ones, in what order, how many, and one of them.

A local model takes its time, so the most suspicious are read first and only so many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from context.changes import MAX_LINES_WITHOUT_FUNCTION, ChangedPart
from context.languages import is_test_path
from context.outline import Outline, SymbolKind
from context.selection import Asked, selection_snippets
from context.suspicion import suspicion
from context.text import Text
from models.asking import Asking
from models.findings import Finding
from models.reasoning import Effort
from models.tasks.locate import find_bug

# Functions that are read; a guess.
MAX_READ: Mapping[Effort, int] = MappingProxyType(
    {Effort.QUICK: 3, Effort.NORMAL: 6, Effort.DEEP: 12}
)


def parts_of(path: str, text: Text, outline: Outline) -> list[ChangedPart]:
    """The functions of a file, or its first lines where it has none, as parts to be read."""
    functions = [s for s in outline.symbols if s.kind is SymbolKind.FUNCTION]
    if not functions:
        return [ChangedPart(path, None, 1, min(text.n_lines, MAX_LINES_WITHOUT_FUNCTION), (), "")]
    return [
        ChangedPart(path, f.qualified_name, f.start_line, f.end_line, (), "") for f in functions
    ]


def most_suspicious(
    parts: Sequence[ChangedPart], text_of: Callable[[str], Text | None]
) -> list[ChangedPart]:
    """`parts`, those with most room for a bug first; tests count for less. `text_of` takes a path,
    and gives None for a file that cannot be read."""

    def weight(part: ChangedPart) -> float:
        text = text_of(part.path)
        if text is None:
            return -1.0
        weighed = suspicion("\n".join(text.lines(part.start_line, part.end_line)))
        is_test = is_test_path(part.path) or _is_rust_test(part, text)
        return weighed / 4 if is_test else weighed

    return sorted(parts, key=lambda part: -weight(part))


def _is_rust_test(part: ChangedPart, text: Text) -> bool:
    """Whether a part is a unit test in the file that it tests, or stands beside such tests."""
    if not part.path.endswith(".rs"):
        return False
    before = text.lines(1, part.start_line)
    for line in reversed(before[:-1]):
        if not line.lstrip().startswith("#["):
            break
        if re.search(r"\btest\b", line):
            return True
    is_inside = before[-1][:1].isspace()
    return is_inside and any(line.startswith("#[cfg(test)]") for line in before)


async def read_part(
    workspace: Asked,
    part: ChangedPart,
    text: Text,
    asking: Asking,
) -> Finding | str:
    """A bug in the changed lines of a part, or in all of it, or the model's reason to see none.

    Raises `ModelError`.
    """
    first = part.changed[0][0] if part.changed else part.start_line
    last = part.changed[-1][1] if part.changed else part.end_line
    snippets = await selection_snippets(workspace, part.path, text, first, last)
    return await find_bug(snippets[0], snippets[1:], first, last, asking, before=part.before)


def left_words(
    n_parts: int,
    n_read: int,
    n_findings: int,
    reasons: Sequence[str],
    *,
    is_cut: bool,
    n_changed: int = 0,
) -> str:
    """What was not read, or why there is no finding, in a sentence or two; else "".

    `reasons`: the model's, or why it could not be read, of the parts without a finding.
    `is_cut`: there are more parts, in files that were not compared. `n_changed`: parts that were to
    be read and were edited before.
    """
    words: list[str] = []
    if n_changed:
        parts = "1 part was" if n_changed == 1 else f"{n_changed} parts were"
        words.append(f"{parts} edited meanwhile and not read.")
        n_parts -= n_changed
    if n_parts > n_read:
        n_left = n_parts - n_read
        words.append(f"The {n_read} most suspicious of {n_parts} parts were read, {n_left} not.")
    elif not n_findings and n_read:
        is_told = n_read == 1 and reasons
        words.append(reasons[-1] if is_told else f"No bug was seen in {n_read} parts.")
    if is_cut:
        words.append("More files differ than were compared; review a folder for the rest.")
    return " ".join(words)
