"""What Postil has said about places in documents: it follows the text and dies with its code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path

from context.text import Span, Text
from lsp.documents import Change, Key, key_of, moved, replacement
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
    uri: str  # as it was spelled then: an editor that opens the file may spell it otherwise
    span: Span
    message: str
    hover: str
    root: Path  # the folder whose index it came from: it may lie around another
    symbol: str = ""  # of the function that it is about, where that is known
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


@dataclass(slots=True)
class _Noted:
    """What was said about one file, with the text that the spans are of."""

    text: Text
    notes: list[Note]


class Notes:
    """Only the event loop changes it. Any spelling of a URI finds a document's notes."""

    def __init__(self, is_unwanted: Callable[[Note, Text], bool] = lambda _note, _text: False):
        self._is_unwanted = is_unwanted
        self._noted: dict[Key, _Noted] = {}  # where there are any
        self._order = 0

    def add(self, note: Note, text: Text) -> bool:
        """Keep a remark in place of the one that it replaces; False when nobody wants it.

        `text` is the document's, now.
        """
        key = key_of(note.uri)
        if not note.id:
            span = note.span
            identity = digest_id(note.kind, key, span.start, span.end, note.message)
            note = replace(note, id=identity)
        if self._is_unwanted(note, text):
            return False
        self.meet(note.uri, text)
        self._order += 1
        note = replace(note, order=self._order)
        kept = [other for other in self.of(note.uri) if not _replaces(note, other)]
        self._noted[key] = _Noted(text, [*kept, note])
        return True

    def of(self, uri: str) -> list[Note]:
        noted = self._noted.get(key_of(uri))
        return list(noted.notes) if noted else []

    def text(self, uri: str) -> Text:
        """The text that a document's notes are about; an empty one where there are none."""
        noted = self._noted.get(key_of(uri))
        return noted.text if noted else Text("")

    def uris(self) -> list[str]:
        """One of each document that has notes."""
        return [noted.notes[0].uri for noted in self._noted.values()]

    def with_id(self, note_id: str) -> Note | None:
        return next((note for note in self._all() if note.id == note_id), None)

    def newest(self) -> Note | None:
        """The newest that has a provenance."""
        return max((n for n in self._all() if n.provenance), key=lambda n: n.order, default=None)

    def is_finding(self, uri: str, message: str) -> bool:
        """Whether a model found this in the document, in these words."""
        notes = (note for note in self.of(uri) if note.kind is Kind.FINDING)
        return any(note.message == message for note in notes)

    def remove(self, note_id: str) -> None:
        for key, noted in list(self._noted.items()):
            self._keep(key, noted.text, [note for note in noted.notes if note.id != note_id])

    def at(self, uri: str, offset: int) -> Note | None:
        """The note around an offset: a finding before a suspect, the shortest and newest first."""
        order = list(reversed(Kind))
        around = [note for note in self.of(uri) if note.span.start <= offset <= note.span.end]
        return min(
            around,
            key=lambda n: (
                n.kind is Kind.SUSPECT,
                n.span.end - n.span.start,
                order.index(n.kind),
                -n.order,
            ),
            default=None,
        )

    def clear(self) -> list[str]:
        """Forget everything; the URIs whose diagnostics must be taken back."""
        uris = self.uris()
        self._noted.clear()
        return uris

    def forget(self, uri: str) -> None:
        self._noted.pop(key_of(uri), None)

    def follow(self, uri: str, changes: Sequence[Change], text: Text) -> None:
        """Move the notes of a document along with its edits, which made `text` of it."""
        found = (_moved(note, changes) for note in self.of(uri))
        self._keep(key_of(uri), text, [note for note in found if note is not None])

    def meet(self, uri: str, text: Text) -> bool:
        """Move the notes to a text that came by other ways than edits; True when it is another.

        One stays whose lines are outside of what differs, or elsewhere in the text and only once.
        """
        noted = self._noted.get(key_of(uri))
        if noted is None or noted.text.content == text.content:
            return False
        change = replacement(noted.text.content, text.content)
        found = [
            _moved(note, [change]) or _found_again(note, noted.text, text) for note in noted.notes
        ]
        self._keep(key_of(uri), text, [note for note in found if note is not None])
        return True

    def _keep(self, key: Key, text: Text, notes: list[Note]) -> None:
        if notes:
            self._noted[key] = _Noted(text, notes)
        else:
            self._noted.pop(key, None)

    def _all(self) -> Iterator[Note]:
        return (note for noted in self._noted.values() for note in noted.notes)


def _replaces(new: Note, old: Note) -> bool:
    """The same remark again, or another finding at the same lines."""
    is_finding = new.kind is Kind.FINDING and old.kind is Kind.FINDING
    return new.id == old.id or (is_finding and new.span == old.span)


def _moved(note: Note, changes: Sequence[Change]) -> Note | None:
    """None where its code changed: what was said of it no longer holds."""
    span = moved(note.span, changes)
    return replace(note, span=span) if span is not None else None


def _found_again(note: Note, before: Text, after: Text) -> Note | None:
    """The note where its lines stand in another text; None where that is nowhere or not clear."""
    first, last = (before.line_idx_at(at) for at in (note.span.start, note.span.end))
    lines = Span(before.line_span(first).start, before.line_span(last).end)
    code = re.escape(before.slice(lines))
    places = re.finditer(rf"(?:^|(?<=[\r\n]))(?={code}(?:[\r\n]|\Z))", after.content)
    found = [place.start() for place in islice(places, 2)]
    if len(found) != 1 or not code.strip():
        return None
    shift = found[0] - lines.start
    return replace(note, span=Span(note.span.start + shift, note.span.end + shift))
