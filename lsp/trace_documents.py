"""The whole reasoning behind a note, and the receipt of what the model was shown, as read-only
documents with places to go to.

Places come from what was looked up in the window (models/citations.py), never from the words of the
model: a path in a trace is text. Words are made harmless piece by piece, so that a place's range is
known in the text as it is shown.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from context.text import Span
from lsp import to_lsp
from models.citations import Citations, marks
from models.findings import Provenance


@dataclass(frozen=True, slots=True)
class Link:
    span: Span  # code points of the document's text
    path: str  # relative to the workspace
    line: int  # 1-based


@dataclass(frozen=True, slots=True)
class TraceDocument:
    """`text` is harmless to show; `links` lead into files that were shown to the model."""

    title: str
    text: str
    links: tuple[Link, ...]


class _Page:
    """A document as it is written."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._n_chars = 0
        self._links: list[Link] = []

    def write(self, words: str) -> None:
        shown = to_lsp.visible(words)
        self._parts.append(shown)
        self._n_chars += len(shown)

    def link(self, words: str, path: str, line: int) -> None:
        start = self._n_chars
        self.write(words)
        self._links.append(Link(Span(start, self._n_chars), path, line))

    def finished(self, title: str) -> TraceDocument:
        return TraceDocument(title, "".join(self._parts), tuple(self._links))


def trace_document(message: str, provenance: Provenance) -> TraceDocument:
    """What was said, the reasoning with its references, what was shown, and who said it."""
    page = _Page()
    if message:
        page.write(f"{message}\n\n")
    page.write(f"{to_lsp.trace_head(provenance)}{to_lsp.agreement_words(provenance)}")
    if provenance.trace.text:
        page.write("\n\n")
        _write_cited(page, provenance.trace.text, provenance.citations)
    if provenance.citations.not_shown:
        names = ", ".join(provenance.citations.not_shown)
        page.write(f"\n\nNot in what was shown: {names}")
    page.write("\n\nShown to the model:\n")
    _write_receipt(page, provenance)
    return page.finished("Postil: reasoning")


def receipt_document(provenance: Provenance) -> TraceDocument:
    """Why these files: each piece that was shown, with its reason, and what was left out."""
    page = _Page()
    page.write("Shown to the model, in this order:\n")
    _write_receipt(page, provenance)
    return page.finished("Postil: why these files")


def _write_cited(page: _Page, trace: str, citations: Citations) -> None:
    """The trace with a link on each reference that leads somewhere and a mark on what does not."""
    left = deque(marks(trace, citations))
    at = 0

    def write_up_to(end: int) -> None:
        nonlocal at
        while left and left[0][0] <= end:
            place, mark = left.popleft()
            page.write(trace[at:place] + mark)
            at = max(at, place)
        page.write(trace[at:end])
        at = max(at, end)

    for citation in citations.found:
        if citation.is_shown and citation.path is not None and citation.span.start >= at:
            write_up_to(citation.span.start)
            page.link(trace[at : citation.span.end], citation.path, citation.line or 1)
            at = citation.span.end
    write_up_to(len(trace))


def _write_receipt(page: _Page, provenance: Provenance) -> None:
    receipt = provenance.receipt
    for piece in receipt.shown:
        place, rest = to_lsp.piece_words(piece)
        page.link(place, piece.snippet.path, piece.snippet.start_line)
        page.write(f"{rest}\n")
    for line in to_lsp.total_words(receipt):
        page.write(f"{line}\n")
    for left in receipt.left_out:
        place = f"{left.path}:{left.start_line}-{left.end_line}"
        page.write(f"left out: {place} ({left.n_tokens} tokens): {left.reason}\n")
    page.write(f"\n{to_lsp.model_words(provenance)}\n")


def trace_text(provenance: Provenance) -> str:
    """The same as plain text, without the message."""
    return trace_document("", provenance).text
