"""No parse error that was not there, and no definition gone that was not to go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from context.outline import Outline, Problem
from context.text import Text, split_lines
from models.findings import Edit, Refusal
from models.gate.content import Deletion

OutlineOf = Callable[[str, str], Awaitable[Outline]]  # (path, text), parsed in another process


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text after its edits, which must not overlap."""
    for edit in sorted(edits, key=lambda e: e.span.start, reverse=True):
        text = text[: edit.span.start] + edit.new_text + text[edit.span.end :]
    return text


def by_path(edits: Sequence[Edit]) -> dict[str, list[Edit]]:
    """Edits of each file, in the order they came."""
    found: dict[str, list[Edit]] = {}
    for edit in edits:
        found.setdefault(edit.path, []).append(edit)
    return found


def texts_after(edits: Sequence[Edit], text_of: Callable[[str], str]) -> dict[str, str]:
    """By path, what each file is after its edits; `text_of` tells what it is now."""
    return {path: apply_edits(text_of(path), mine) for path, mine in by_path(edits).items()}


async def syntax_refusal(
    path: str, before: str, edits: Sequence[Edit], outline_of: OutlineOf, deletion: Deletion
) -> Refusal | None:
    old, new = await outline_of(path, before), await outline_of(path, apply_edits(before, edits))
    if worse := new_problem(old.problems, new.problems, before, edits):
        sentence = f"The edit would break the syntax of {path} at line {worse.line}: {worse.what}."
        return Refusal("syntax", sentence)
    if deletion is Deletion.AS_TOLD:
        return None
    names = Counter(s.qualified_name for s in old.symbols)
    names.subtract(s.qualified_name for s in new.symbols)
    gone = sorted(name for name, count in names.items() if count > 0)
    if gone:
        return Refusal("deletion", f"The edit would remove {gone[0]}, and was not asked to.")
    return None


def new_problem(
    old: Sequence[Problem], new: Sequence[Problem], before: str, edits: Sequence[Edit]
) -> Problem | None:
    """A problem that was not there: one in changed lines that had none, or one more anywhere."""
    text, shift = Text(before), 0
    for edit in sorted(edits, key=lambda e: e.span.start):
        first = text.line_idx_at(edit.span.start) + 1
        n_old, n_new = len(split_lines(edit.old_text)), len(split_lines(edit.new_text))
        had = any(first <= p.line < first + n_old for p in old)
        start = first + shift
        inside = [p for p in new if start <= p.line < start + n_new]
        if inside and not had:
            return inside[0]
        shift += n_new - n_old
    if len(new) <= len(old):
        return None
    known = {p.what for p in old}
    return next((p for p in new if p.what not in known), new[-1])
