"""What Postil has said about places in documents: it follows the text and dies with its code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from context.text import Span
from lsp.documents import Change
from models.findings import Finding, Provenance

ID_CHARS = 12  # of a digest: enough that no two remarks of a session meet


class Kind(StrEnum):
    SUSPECT = "suspect"  # from the report alone
    FINDING = "finding"  # from the model
    EXPLANATION = "explanation"  # what lines do, as the model sees it: hover only
    APPLIED = "applied"  # an edit of ours that the user applied: hover only


@dataclass(frozen=True, slots=True)
class Note:
    """One remark at a span of a document, with what its hover says and where it comes from."""

    kind: Kind
    uri: str
    span: Span
    message: str
    hover: str
    cause: str = ""
    provenance: Provenance | None = None  # None for what was found without a model
    id: str = ""  # given by `Notes.add` where it is empty; the same remark has the same one
    order: int = 0  # given by `Notes.add`: the newest has the highest

    @property
    def is_diagnostic(self) -> bool:
        """Whether it is shown in the editor's list of problems, not by hover alone."""
        return self.kind in (Kind.SUSPECT, Kind.FINDING)


def digest_id(*parts: object) -> str:
    """A short id that the same parts always have."""
    text = "\0".join(map(str, parts))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:ID_CHARS]


def finding_id(finding: Finding) -> str:
    """What a finding is called between server and editors."""
    lines = (finding.start_line, finding.end_line)
    return digest_id(Kind.FINDING, finding.path, *lines, finding.cause, finding.file_hash)


class Notes:
    """Only the event loop changes it."""

    def __init__(self, is_unwanted: Callable[[Note], bool] = lambda _: False) -> None:
        self._is_unwanted = is_unwanted
        self._by_uri: dict[str, list[Note]] = {}
        self._order = 0

    def add(self, note: Note) -> bool:
        """Keep a remark in place of the one that it replaces; False when nobody wants it."""
        if not note.id:
            span = note.span
            identity = digest_id(note.kind, note.uri, span.start, span.end, note.message)
            note = replace(note, id=identity)
        if self._is_unwanted(note):
            return False
        self._order += 1
        note = replace(note, order=self._order)
        kept = [other for other in self._by_uri.get(note.uri, ()) if not _replaces(note, other)]
        self._by_uri[note.uri] = [*kept, note]
        return True

    def of(self, uri: str) -> list[Note]:
        return list(self._by_uri.get(uri, ()))

    def uris(self) -> list[str]:
        return list(self._by_uri)

    def with_id(self, note_id: str) -> Note | None:
        return next((n for notes in self._by_uri.values() for n in notes if n.id == note_id), None)

    def newest(self) -> Note | None:
        """The newest that has a provenance."""
        all_notes = [n for notes in self._by_uri.values() for n in notes if n.provenance]
        return max(all_notes, key=lambda n: n.order, default=None)

    def is_finding(self, uri: str, message: str) -> bool:
        """Whether a model found this in the document, in these words."""
        notes = (note for note in self.of(uri) if note.kind is Kind.FINDING)
        return any(note.message == message for note in notes)

    def remove(self, note_id: str) -> None:
        for uri, notes in self._by_uri.items():
            self._by_uri[uri] = [note for note in notes if note.id != note_id]

    def at(self, uri: str, offset: int) -> Note | None:
        """The note around an offset: a finding before a suspect, the shortest first."""
        order = list(reversed(Kind))
        around = [note for note in self.of(uri) if note.span.start <= offset <= note.span.end]
        return min(
            around,
            key=lambda n: (n.kind is Kind.SUSPECT, n.span.end - n.span.start, order.index(n.kind)),
            default=None,
        )

    def clear(self) -> list[str]:
        """Forget everything; the URIs whose diagnostics must be taken back."""
        uris = self.uris()
        self._by_uri.clear()
        return uris

    def follow(self, uri: str, changes: Sequence[Change]) -> bool:
        """Move the notes of a document along with its edits; True when any was dropped."""
        notes = self._by_uri.get(uri, [])
        moved = [kept for note in notes if (kept := _moved(note, changes)) is not None]
        if uri in self._by_uri:
            self._by_uri[uri] = moved
        return len(moved) != len(notes)


def _replaces(new: Note, old: Note) -> bool:
    """The same remark again, or another finding at the same lines."""
    is_finding = new.kind is Kind.FINDING and old.kind is Kind.FINDING
    return new.id == old.id or (is_finding and new.span == old.span)


def _moved(note: Note, changes: Sequence[Change]) -> Note | None:
    span = note.span
    for change in changes:
        if change.end <= span.start:
            shift = change.n_new - (change.end - change.start)
            span = Span(span.start + shift, span.end + shift)
        elif change.start < span.end:
            return None  # its code changed: what was said of it no longer holds
    return replace(note, span=span)
