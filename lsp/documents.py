"""Open documents, kept exactly as the client has them.

Our own store: pygls splits lines at form feeds and other characters that end no line in the
protocol, and takes changes out of order. A version that does not move on is refused, and so is a
change that ends before it starts. What the client has is then not known any more: the document is
lost, and stays so until the client sends its whole text again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from context.text import Span, SpanOutOfRange, Text
from lsp import from_lsp
from lsp.errors import INVALID_PARAMS, Failure
from lsp.from_lsp import Encoding

Key = Path | str  # of a file its path, however its URI is spelled; else the URI


def key_of(uri: str) -> Key:
    """What one document has in all spellings: clients escape a URI each in a way of its own.

    Paths of Windows compare without case, so that the letter of a drive may be of either.
    """
    return from_lsp.path(uri) or uri


def name_of(uri: str) -> str:
    """The name of a document as people know it."""
    path = from_lsp.path(uri)
    return path.name if path else uri.rpartition("/")[2]


class Lost(Failure):
    """A change cannot be: what the client has is not known any more."""


@dataclass(frozen=True, slots=True)
class Document:
    uri: str
    language_id: str
    version: int
    text: Text


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement, in offsets of the text before it. For those who follow positions along."""

    start: int
    end: int
    n_new: int


def replacement(old: str, new: str) -> Change:
    """What differs, as one replacement: between what begins both and what ends both."""
    room = min(len(old), len(new))
    start = _longest(lambda n: old[:n] == new[:n], room)
    kept = _longest(lambda n: old[len(old) - n :] == new[len(new) - n :], room - start)
    return Change(start, len(old) - kept, len(new) - kept - start)


def moved(span: Span, changes: Sequence[Change]) -> Span | None:
    """Where a span is after edits elsewhere; None where they changed what is in it."""
    for change in changes:
        if change.end <= span.start:
            shift = change.n_new - (change.end - change.start)
            span = Span(span.start + shift, span.end + shift)
        elif change.start < span.end:
            return None
    return span


def _longest(is_same: Callable[[int], bool], limit: int) -> int:
    """The greatest n for which it is the same; each smaller one is, and no greater."""
    return bisect_left(range(1, limit + 1), x=True, key=lambda n: not is_same(n))


class Documents:
    """Only the event loop changes it. Any spelling of a URI finds the document."""

    def __init__(self) -> None:
        self._open: dict[Key, Document] = {}
        self._lost: dict[Key, Document] = {}  # as they were before the change that could not be
        self._spelled: dict[Key, str] = {}  # the client's own URI of each file that it ever opened

    def spelling(self, place: Key) -> str | None:
        """The URI by which the client opened a file, which may be escaped unlike ours."""
        return self._spelled.get(place)

    def spelled(self, uri: str) -> str:
        """The client's own spelling of a URI, where that is known."""
        return self._spelled.get(key_of(uri), uri)

    def below(self, root: Path) -> dict[str, Document]:
        """The open ones of a folder, each by its path in it with /."""
        return {
            place.relative_to(root).as_posix(): document
            for place, document in self._open.items()
            if isinstance(place, Path) and place.is_relative_to(root)
        }

    def get(self, uri: str) -> Document | None:
        """None for what is not open, and for what is lost."""
        return self._open.get(key_of(uri))

    def is_lost(self, uri: str) -> bool:
        return key_of(uri) in self._lost

    def lose(self, uri: str) -> bool:
        """What the client has is not known any more; False for what is not open."""
        key = key_of(uri)
        document = self._open.pop(key, None)
        if document is None:
            return False
        self._lost[key] = document
        return True

    def open(self, item: types.TextDocumentItem) -> Document:
        document = Document(item.uri, item.language_id, item.version, Text(item.text))
        key = key_of(item.uri)
        self._open[key] = document
        self._lost.pop(key, None)
        if isinstance(key, Path):
            self._spelled[key] = item.uri
        return document

    def close(self, uri: str) -> None:
        self._open.pop(key_of(uri), None)
        self._lost.pop(key_of(uri), None)

    def change(
        self,
        uri: str,
        version: int,
        changes: Sequence[types.TextDocumentContentChangeEvent],
        encoding: Encoding,
    ) -> tuple[Document, list[Change]]:
        """Apply changes in order.

        Raises `Lost` when that cannot be, and `Failure` for what is not open or was lost before.
        """
        key = key_of(uri)
        document = self._open.get(key)
        if document is None:
            document = self._found_again(key, changes)
        try:
            changed, made = _changed(document, version, changes, encoding)
        except Lost:
            self.lose(uri)
            raise
        self._lost.pop(key, None)
        self._open[key] = changed
        return changed, made

    def _found_again(
        self, key: Key, changes: Sequence[types.TextDocumentContentChangeEvent]
    ) -> Document:
        """A lost document whose whole text comes. Raises `Failure` for any other."""
        document = self._lost.get(key)
        if document is None:
            raise Failure(INVALID_PARAMS, "A document was changed that is not open.")
        if not changes or not isinstance(changes[0], types.TextDocumentContentChangeWholeDocument):
            raise Failure(INVALID_PARAMS, "A document was changed that is lost.")
        return document


def _changed(
    document: Document,
    version: int,
    changes: Sequence[types.TextDocumentContentChangeEvent],
    encoding: Encoding,
) -> tuple[Document, list[Change]]:
    if version <= document.version:
        raise Lost(
            INVALID_PARAMS,
            f"A change for version {version} came after version {document.version}.",
        )
    text = document.text
    made: list[Change] = []
    for change in changes:
        if isinstance(change, types.TextDocumentContentChangeWholeDocument):
            made.append(replacement(text.content, change.text))
            text = Text(change.text)
            continue
        try:
            span = from_lsp.span(text, change.range, encoding)
        except SpanOutOfRange as error:
            raise Lost(INVALID_PARAMS, "A change ends before it starts.") from error
        made.append(Change(span.start, span.end, len(change.text)))
        text = text.edited(span, change.text)
    return Document(document.uri, document.language_id, version, text), made
