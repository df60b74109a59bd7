"""Where an edit goes: the one place where searched lines stand, or the lines that changed."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from context.text import Span, Text, content_hash, indent_of, split_lines
from context.window import ContextWindow, ShownPiece, Snippet
from models.findings import Edit, Refusal
from models.gate.paths import path_refusal
from models.replies import SearchReplace


def anchored(
    wanted: SearchReplace, reason: str, window: ContextWindow, sources: Mapping[str, str]
) -> Edit | Refusal:
    """Find the one place in what was shown where the searched lines stand."""
    path = window.path_of(wanted.file_id)
    if path is None or path not in sources:
        return Refusal("shown", f"{wanted.file_id} is not a file that was shown.")
    if refusal := path_refusal(path):
        return refusal
    text = Text(sources[path])
    pieces = window.pieces_of(wanted.file_id)
    if any(p.snippet.file_hash != content_hash(text.content) for p in pieces):
        return Refusal("version", f"{path} has changed since it was read; ask again.")
    search = split_lines(wanted.search)
    if not any(line.strip() for line in search):
        return Refusal("anchor", "The lines to search for are empty.")
    exact = _line_matches(pieces, search)
    places = exact or _shifted_matches(pieces, search)
    if len(places) != 1:
        found = "is not in" if not places else "stands more than once in"
        return Refusal("anchor", f"The text to search for {found} the code that was shown.")
    first_line, indent = places[0]
    span = text.lines_span(first_line, first_line + len(search) - 1)
    new_lines = [_shift(line, indent) for line in split_lines(wanted.replace)]
    new_text = text.eol().join(new_lines) if wanted.replace else ""
    old_text = text.slice(span)
    if not wanted.replace:  # the lines go with their end
        last = text.full_line_span(text.line_idx_at(span.end))
        span = Span(span.start, last.end)
        old_text = text.slice(span)
    return Edit(path, span, old_text, new_text, content_hash(text.content), reason)


def _line_matches(pieces: Sequence[ShownPiece], search: list[str]) -> list[tuple[int, str]]:
    """(1-based line, no shift) of every place where the lines stand exactly."""
    return [
        (piece.snippet.start_line + at, "")
        for piece in pieces
        for lines in [piece.snippet.text.split("\n")]
        for at in range(len(lines) - len(search) + 1)
        if [line.rstrip() for line in lines[at : at + len(search)]]
        == [line.rstrip() for line in search]
    ]


def _shifted_matches(pieces: Sequence[ShownPiece], search: list[str]) -> list[tuple[int, str]]:
    """Places that differ by one indentation throughout, with what was left off or added.

    A shift is "+" or "-" and the white space; small models often lose the outer indentation.
    """
    found: list[tuple[int, str]] = []
    for piece in pieces:
        lines = piece.snippet.text.split("\n")
        for at in range(len(lines) - len(search) + 1):
            shift = _uniform_shift(lines[at : at + len(search)], search)
            if shift is not None:
                found.append((piece.snippet.start_line + at, shift))
    return found


def _uniform_shift(lines: Sequence[str], search: Sequence[str]) -> str | None:
    shifts: set[str] = set()
    for line, wanted in zip(lines, search, strict=True):
        if line.strip() != wanted.strip():
            return None
        if not wanted.strip():
            continue
        own, other = indent_of(line), indent_of(wanted)
        if own.startswith(other):
            shifts.add("+" + own[len(other) :])
        elif other.startswith(own):
            shifts.add("-" + other[len(own) :])
        else:
            return None
    return shifts.pop() if len(shifts) == 1 else None


def _shift(line: str, shift: str) -> str:
    if not shift or not line.strip():
        return line
    return shift[1:] + line if shift[0] == "+" else line.removeprefix(shift[1:])


def aligned(old_text: str, new: list[str]) -> list[str]:
    """The new lines with the indentation that the old ones have: the outer one, and a step's where
    a model has written another (four spaces in a file of tabs) and more lines are the same by it.
    """
    old = old_text.split("\n")
    own, other = _outer_indent(old), _outer_indent(new)
    if own.startswith(other):
        shifted = [_shift(line, "+" + own[len(other) :]) for line in new]
    else:
        shifted = [_shift(line, "-" + other[len(own) :]) for line in new]
    stepped = _in_steps_of(old, new)
    return max((shifted, stepped or shifted), key=lambda lines: _n_same(old, lines))


def _outer_indent(lines: Sequence[str]) -> str:
    return indent_of(next((line for line in lines if line.strip()), ""))


def _n_same(old: Sequence[str], new: Sequence[str]) -> int:
    kept = Counter(line.rstrip() for line in old) & Counter(line.rstrip() for line in new)
    return sum(n for line, n in kept.items() if line)


def _in_steps_of(old: Sequence[str], new: Sequence[str]) -> list[str] | None:
    """`new` with each step of its indentation as `old` has it; None where that cannot be told."""
    (own, own_step), (other, step) = ((_outer_indent(lines), _step(lines)) for lines in (old, new))
    if not own_step or not step or own_step == step:
        return None
    found: list[str] = []
    for line in new:
        indent = indent_of(line)
        n_steps, rest = divmod(len(indent) - len(other), len(step))
        if not line.strip():
            found.append(line)
        elif indent != other + step * n_steps or rest:
            return None
        else:
            found.append(own + own_step * n_steps + line[len(indent) :])
    return found


def _step(lines: Sequence[str]) -> str:
    """The least by which a line stands further in than the one before; "" where none does."""
    indents = [indent_of(line) for line in lines if line.strip()]
    steps = [b[len(a) :] for a, b in pairwise(indents) if len(b) > len(a) and b.startswith(a)]
    return min(steps, key=len, default="")


def hunks(text: Text, region: Snippet, old: list[str], new: list[str], reason: str) -> list[Edit]:
    """Changed lines only, whole lines each. White space at line ends is no change."""
    matcher = difflib.SequenceMatcher(
        None, [line.rstrip() for line in old], [line.rstrip() for line in new], autojunk=False
    )
    at = region.start_line - 1
    edits: list[Edit] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        wanted = [line.rstrip() for line in new[j1:j2]]
        span, new_text = _whole_lines(text, at + i1, at + i2, wanted)
        if span.start < span.end or new_text:
            old_text = text.slice(span)
            edits.append(Edit(region.path, span, old_text, new_text, region.file_hash, reason))
    return edits


def _whole_lines(text: Text, first_idx: int, past_idx: int, new: list[str]) -> tuple[Span, str]:
    """What to replace, and by what, so that `new` stands for the lines from `first_idx` on, up to
    `past_idx`. Whether the file ends in an end-of-line stays as it is.

    Both may be one past the last line. After a last end-of-line there is one more line, an empty
    one: an end is added between lines, not after each.
    """
    eol, joined = text.eol(), text.eol().join(new)
    start = text.line_starts[first_idx] if first_idx < text.n_lines else len(text)
    if past_idx < text.n_lines:
        return Span(start, text.line_starts[past_idx]), joined + eol if new else ""
    ends_open = text.content != "" and not text.content.endswith(("\n", "\r"))
    if not new:
        if ends_open and first_idx > 0:  # the end of the line before goes instead
            start = text.line_span(first_idx - 1).end
        return Span(start, len(text)), ""
    if first_idx == text.n_lines:
        joined = eol + joined
    return Span(start, len(text)), joined if ends_open or new[-1] == "" else joined + eol


def overlap_refusal(edits: Sequence[Edit]) -> Refusal | None:
    for idx, edit in enumerate(edits):
        for other in edits[idx + 1 :]:
            if edit.path == other.path and edit.span.overlaps(other.span):
                return Refusal("overlap", "Two of the edits change the same lines.")
    return None
