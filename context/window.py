"""What a model is shown: snippets packed into a token budget, with a receipt of what went in.

Packing is pure apart from the token counter, which is the loaded model's own tokenizer. Files are
known to the model by ids (F1, F2, ...), never by a path that it could make up.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from context.ignore import is_secret
from context.secrets import Hidden, Hider, reveal

CountTokens = Callable[[Sequence[str]], Awaitable[list[int]]]


class Role(StrEnum):
    """Why a snippet is there; the order is the order of importance."""

    SUSPECT = "suspect"  # code that may hold the bug, or that is to be changed
    RELATED = "related"  # callers, callees, base types
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Whole lines of one file. `text` is exactly those lines, joined by newlines."""

    path: str
    start_line: int
    end_line: int
    symbol: str | None
    text: str
    role: Role
    reason: str  # one sentence for the receipt
    file_hash: str  # content_hash of the whole file these lines are from
    asked: tuple[int, int] | None = None  # (first, last) of the lines that a question is about


@dataclass(frozen=True, slots=True)
class ShownPiece:
    file_id: str  # "F1"
    snippet: Snippet
    n_tokens: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    path: str
    start_line: int
    end_line: int
    n_tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Exactly what the model was shown, and what it was not."""

    budget_tokens: int
    used_tokens: int
    shown: tuple[ShownPiece, ...]
    left_out: tuple[LeftOut, ...]
    n_secrets: int = 0  # hidden in what was shown (context/secrets.py)


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """What is shown: secrets stand in `pieces` under other names, which `hidden` tells."""

    pieces: tuple[ShownPiece, ...]
    receipt: Receipt
    hidden: tuple[Hidden, ...] = ()

    def reveal(self, text: str) -> str:
        """What a model wrote about this window, with the secrets back in their places."""
        return reveal(text, self.hidden)

    def revealed(self) -> ContextWindow:
        """The window with its pieces as they stand in the files; not for a model's eyes."""
        pieces = tuple(
            replace(p, snippet=replace(p.snippet, text=self.reveal(p.snippet.text)))
            for p in self.pieces
        )
        return replace(self, pieces=pieces)

    def path_of(self, file_id: str) -> str | None:
        return next((p.snippet.path for p in self.pieces if p.file_id == file_id), None)

    def pieces_of(self, file_id: str) -> tuple[ShownPiece, ...]:
        return tuple(p for p in self.pieces if p.file_id == file_id)

    def piece_at(self, path: str, line: int) -> ShownPiece | None:
        """The piece that shows this line of a file; None where it is not shown."""
        for piece in self.pieces:
            snippet = piece.snippet
            if snippet.path == path and snippet.start_line <= line <= snippet.end_line:
                return piece
        return None


MIN_CUT_LINES = 8  # fewer lines of a function than this are not worth showing
MAX_HEAD_LINES = 8  # of a function whose later lines are asked about; a guess


async def pack(
    snippets: Sequence[Snippet], budget_tokens: int, count_tokens: CountTokens
) -> ContextWindow:
    """Fill the budget in the order given, suspects first; whole snippets before parts.

    The first snippet is cut when it alone is over the budget, so that a window is never empty where
    there is something to show: to its head, or to a shorter head and the lines around those that
    are asked about. Of these the first come first, where there is no room for all. Counts are of
    the text as it is rendered, with secrets hidden.
    """
    hider = Hider()
    left_out: list[LeftOut] = []
    ordered: list[Snippet] = []
    for snippet in (s for role in Role for s in snippets if s.role is role):
        if is_secret(snippet.path.rpartition("/")[2]):
            first, last = snippet.start_line, snippet.end_line
            left_out.append(LeftOut(snippet.path, first, last, 0, "a file of secrets"))
        else:
            ordered.append(replace(snippet, text=hider.hide(snippet.text, snippet.path)))
    file_ids = {path: f"F{n}" for n, path in enumerate(dict.fromkeys(s.path for s in ordered), 1)}
    sizes = await count_tokens([_rendered(file_ids[s.path], s) for s in ordered])
    shown: list[ShownPiece] = []
    used = 0
    for snippet, n_tokens in zip(ordered, sizes, strict=True):
        file_id = file_ids[snippet.path]
        if used + n_tokens <= budget_tokens:
            shown.append(ShownPiece(file_id, snippet, n_tokens))
            used += n_tokens
            continue
        parts: list[ShownPiece] = []
        if not shown:
            parts = await _cut(file_id, snippet, budget_tokens, n_tokens, count_tokens)
        shown += parts
        n_shown = sum(part.n_tokens for part in parts)
        used += n_shown
        why = "too long" if parts else "over the budget"
        left_out += _left_out(snippet, [p.snippet for p in parts], max(n_tokens - n_shown, 0), why)
    text = "\n".join(piece.snippet.text for piece in shown)
    hidden = tuple(one for one in hider.hidden if re.search(rf"{one.placeholder}\b", text))
    receipt = Receipt(budget_tokens, used, tuple(shown), tuple(left_out), len(hidden))
    return ContextWindow(tuple(shown), receipt, hidden)


async def _cut(
    file_id: str, snippet: Snippet, budget: int, n_tokens: int, count_tokens: CountTokens
) -> list[ShownPiece]:
    """The lines that fit, in one piece or two: shrink by the measured share until they do."""
    keep = snippet.end_line - snippet.start_line + 1
    while n_tokens > budget:
        keep = min(keep - 1, int(keep * budget / n_tokens))
        if keep < MIN_CUT_LINES:
            return []
        parts = [_part(snippet, first, last) for first, last in _kept(snippet, keep)]
        sizes = await count_tokens([_rendered(file_id, part) for part in parts])
        n_tokens = sum(sizes)
        if n_tokens <= budget:
            return [ShownPiece(file_id, p, n) for p, n in zip(parts, sizes, strict=True)]
    return []


def _kept(snippet: Snippet, keep: int) -> list[tuple[int, int]]:
    """(first, last) of the runs of so many lines that are kept: the head, and those asked about."""
    start, end = snippet.start_line, snippet.end_line
    first, last = snippet.asked or (start, start)
    if last < start + keep:
        return [(start, start + keep - 1)]
    n_head = min(MAX_HEAD_LINES, keep // 3)
    n_around = keep - n_head
    n_before = max(n_around - (last - first + 1), 0) // 2
    run_end = min(first - n_before + n_around - 1, end)
    run_start = run_end - n_around + 1
    if run_start <= start + n_head:
        return [(start, start + keep - 1)]
    return [(start, start + n_head - 1), (run_start, run_end)]


def _part(snippet: Snippet, first: int, last: int) -> Snippet:
    lines = snippet.text.split("\n")[first - snippet.start_line : last - snippet.start_line + 1]
    reason = f"{snippet.reason} (cut: too long for the window)"
    return replace(snippet, start_line=first, end_line=last, text="\n".join(lines), reason=reason)


def _left_out(
    snippet: Snippet, parts: Sequence[Snippet], n_tokens: int, reason: str
) -> list[LeftOut]:
    """The runs of lines between and after the parts; they share the tokens by their lines."""
    ends = [snippet.start_line - 1, *(part.end_line for part in parts)]
    starts = [*(part.start_line for part in parts), snippet.end_line + 1]
    runs = [
        (end + 1, start - 1) for end, start in zip(ends, starts, strict=True) if end + 1 < start
    ]
    n_lines = sum(last - first + 1 for first, last in runs)
    return [
        LeftOut(snippet.path, first, last, n_tokens * (last - first + 1) // n_lines, reason)
        for first, last in runs
    ]


def render_numbered(window: ContextWindow) -> str:
    """Each piece under its file id, every line with its number: for naming lines."""
    return "\n\n".join(_rendered(p.file_id, p.snippet) for p in window.pieces)


def render_plain(window: ContextWindow) -> str:
    """Each piece under its file id, as written: for copying from in an edit."""
    return "\n\n".join(f"{_header(p.file_id, p.snippet)}\n{p.snippet.text}" for p in window.pieces)


def _rendered(file_id: str, snippet: Snippet) -> str:
    numbered = "\n".join(
        f"{number}| {line}"
        for number, line in enumerate(snippet.text.split("\n"), snippet.start_line)
    )
    return f"{_header(file_id, snippet)}\n{numbered}"


def _header(file_id: str, snippet: Snippet) -> str:
    name = f" {snippet.symbol}" if snippet.symbol else ""
    return f"## {file_id} {snippet.path}{name} (lines {snippet.start_line}-{snippet.end_line})"
