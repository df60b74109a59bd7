"""Open documents, kept exactly as the client has them.

Our own store: pygls splits lines at form feeds and other characters that end no line in the
protocol, and takes changes out of order. A version that does not move on is refused, and so is a
change that lies outside the text: then the client's next full text mends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from context.text import SpanOutOfRange, Text
from lsp import from_lsp
from lsp.errors import INVALID_PARAMS, Failure
from lsp.from_lsp import Encoding


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


class Documents:
    """Only the event loop changes it."""

    def __init__(self) -> None:
        self._open: dict[str, Document] = {}
        self._spelled: dict[Path, str] = {}  # the client's own URI of each open file

    def spelling(self, path: Path) -> str | None:
        """The URI by which the client opened a file, which may be escaped unlike ours."""
        return self._spelled.get(path)

    def uris(self) -> list[str]:
        return list(self._open)

    def get(self, uri: str) -> Document | None:
        return self._open.get(uri)

    def open(self, item: types.TextDocumentItem) -> Document:
        document = Document(item.uri, item.language_id, item.version, Text(item.text))
        self._open[item.uri] = document
        if path := from_lsp.path(item.uri):
            self._spelled[path] = item.uri
        return document

    def close(self, uri: str) -> None:
        self._open.pop(uri, None)
        if path := from_lsp.path(uri):
            self._spelled.pop(path, None)

    def change(
        self,
        uri: str,
        version: int,
        changes: Sequence[types.TextDocumentContentChangeEvent],
        encoding: Encoding,
    ) -> tuple[Document, list[Change]]:
        """Apply changes in order. Raises `Failure`, and leaves the document as it was."""
        document = self._open.get(uri)
        if document is None:
            raise Failure(INVALID_PARAMS, "A document was changed that is not open.")
        if version <= document.version:
            raise Failure(
                INVALID_PARAMS,
                f"A change for version {version} came after version {document.version}.",
            )
        text = document.text
        made: list[Change] = []
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangeWholeDocument):
                made.append(Change(0, len(text), len(change.text)))
                text = Text(change.text)
                continue
            try:
                span = from_lsp.span(text, change.range, encoding)
            except SpanOutOfRange as error:
                raise Failure(INVALID_PARAMS, "A change ends before it starts.") from error
            made.append(Change(span.start, span.end, len(change.text)))
            text = text.edited(span, change.text)
        changed = Document(uri, document.language_id, version, text)
        self._open[uri] = changed
        return changed, made
