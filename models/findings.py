"""What a task hands back: findings, proposed edits, and the trace that led to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from context.text import Span
from context.window import Receipt
from models.backends import ModelInfo, Thinks
from models.citations import Citations


class CutReason(StrEnum):
    NONE = "none"
    BUDGET = "budget"  # reached its token budget; closed for the model
    LOOP = "loop"  # repeated itself; closed for the model
    TIME = "time"  # thought for as long as it may; closed for the model


@dataclass(frozen=True, slots=True)
class Trace:
    """The reasoning that came before an answer, as the model wrote it."""

    text: str
    n_tokens: int
    elapsed_s: float  # from its first token: reading the prompt is not thinking
    cut: CutReason
    thinks: Thinks


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of several answers to the same question name the same lines."""

    n_agreeing: int  # 1..n_asked
    n_asked: int

    @property
    def confidence(self) -> float:
        """0..1. It says how sure the model is of itself, which is not how often it is right."""
        return self.n_agreeing / self.n_asked


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer comes from: kept with every finding and edit, shown on hover."""

    model: ModelInfo
    trace: Trace
    receipt: Receipt
    prompt_digest: str  # SHA-256 of what was asked, hex
    citations: Citations  # what the trace refers to, against what was shown
    agreement: Agreement | None = None  # None where the question was asked once


@dataclass(frozen=True, slots=True)
class Exact:
    """Where edits come from that no model wrote: syntax trees and rules carried them out."""

    by: str  # what did it
    looked_at: int  # files that hold the name
    files: tuple[tuple[str, str], ...]  # (path, hash of the text) of what is changed
    planned: Provenance | None  # how a model chose the name; None where the user gave it


@dataclass(frozen=True, slots=True)
class Finding:
    """A place with a cause. Lines are 1-based and inclusive, and were shown to the model."""

    path: str
    start_line: int
    end_line: int
    symbol: str | None
    cause: str
    file_hash: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `span` (code points of the version with `file_hash`) by `new_text`."""

    path: str
    span: Span
    old_text: str
    new_text: str
    file_hash: str
    reason: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be made: its place is ours, never a model's."""

    path: str  # from the workspace's root, with /
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the gate did not let an edit through, in one sentence for the user and for the model."""

    check: str  # the name of the check: anchor, shown, path, version, syntax, deletion, ...
    sentence: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Edits that passed the gate together (empty: none did), and what was refused on the way."""

    title: str
    edits: tuple[Edit, ...]
    refusals: tuple[Refusal, ...]
    n_mended: int  # 1 when the second try was the one that passed
    provenance: Provenance | Exact
    new_files: tuple[NewFile, ...] = ()
    remarks: tuple[str, ...] = ()  # what the user must know before applying, a sentence each
