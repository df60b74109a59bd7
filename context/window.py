"""What a model is shown: snippets packed into a token budget, with a receipt of what went in.

Packing is pure apart from the token counter, which is the loaded model's own tokenizer. Files are
known to the model by ids (F1, F2, ...), never by a path that it could make up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class ContextWindow:
    pieces: tuple[ShownPiece, ...]
    receipt: Receipt

    def path_of(self, file_id: str) -> str | None:
        return next((p.snippet.path for p in self.pieces if p.file_id == file_id), None)

    def pieces_of(self, file_id: str) -> tuple[ShownPiece, ...]:
        return tuple(p for p in self.pieces if p.file_id == file_id)
