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


MIN_CUT_LINES = 8  # fewer lines of a function than this are not worth showing


async def pack(
    snippets: Sequence[Snippet], budget_tokens: int, count_tokens: CountTokens
) -> ContextWindow:
    """Fill the budget in the order given, suspects first; whole snippets before parts.

    The first snippet is cut to its head when it alone is over the budget, so that a window is
    never empty where there is something to show. Counts are of the text as it is rendered, with
    secrets hidden.
    """
    hider = Hider()
    left_out: list[LeftOut] = []
    ordered: list[Snippet] = []
    for snippet in (s for role in Role for s in snippets if s.role is role):
        if is_secret(snippet.path.rpartition("/")[2]):
            first, last = snippet.start_line, snippet.end_line
            left_out.append(LeftOut(snippet.path, first, last, 0, "a file of secrets"))
        else:
            ordered.append(replace(snippet, text=hider.hide(snippet.text)))
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
        part = None
        if not shown:
            part = await _cut(file_id, snippet, budget_tokens, n_tokens, count_tokens)
        if part is not None:
            shown.append(part)
            used += part.n_tokens
            first = part.snippet.end_line + 1
            rest = max(n_tokens - part.n_tokens, 0)
            left_out.append(LeftOut(snippet.path, first, snippet.end_line, rest, "too long"))
        else:
            left_out.append(
                LeftOut(
                    snippet.path, snippet.start_line, snippet.end_line, n_tokens, "over the budget"
                )
            )
    text = "\n".join(piece.snippet.text for piece in shown)
    hidden = tuple(one for one in hider.hidden if re.search(rf"{one.placeholder}\b", text))
    receipt = Receipt(budget_tokens, used, tuple(shown), tuple(left_out), len(hidden))
    return ContextWindow(tuple(shown), receipt, hidden)


async def _cut(
    file_id: str, snippet: Snippet, budget: int, n_tokens: int, count_tokens: CountTokens
) -> ShownPiece | None:
    """The first lines that fit: shrink by the measured share until they do."""
    lines = snippet.text.split("\n")
    keep = len(lines)
    while n_tokens > budget:
        keep = min(keep - 1, int(keep * budget / n_tokens))
        if keep < MIN_CUT_LINES:
            return None
        part = replace(
            snippet,
            end_line=snippet.start_line + keep - 1,
            text="\n".join(lines[:keep]),
            reason=f"{snippet.reason} (cut: too long for the window)",
        )
        n_tokens = (await count_tokens([_rendered(file_id, part)]))[0]
        if n_tokens <= budget:
            return ShownPiece(file_id, part, n_tokens)
    return None


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
