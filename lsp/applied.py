"""Edits of ours that a user applied: seen in the document, marked there, and recorded."""

from __future__ import annotations

from collections.abc import Callable

from context.text import Span, content_hash
from lsp import to_lsp
from lsp.documents import Document
from lsp.traces import Kind, Note
from models.findings import Edit, Exact, Proposal
from models.gate import texts_after


class AppliedEdits:
    """What each file is once a proposal is applied; only the event loop changes it."""

    def __init__(self) -> None:
        self._awaited: dict[str, tuple[str, str, Proposal]] = {}  # uri -> (hash after, path, what)

    def await_(
        self, proposal: Proposal, uri_of: Callable[[str], str], content_of: Callable[[str], str]
    ) -> None:
        """Remember what each file will be. `content_of` takes a URI."""
        texts = texts_after(proposal.edits, lambda path: content_of(uri_of(path)))
        for path, after in texts.items():
            self._awaited[uri_of(path)] = (content_hash(after), path, proposal)
        for new in proposal.new_files:
            self._awaited[uri_of(new.path)] = (content_hash(new.text), new.path, proposal)

    def seen(self, document: Document) -> tuple[Proposal, list[Note]] | None:
        """What was applied, with notes for its places, when the document now is what it makes."""
        awaited = self._awaited.get(document.uri)
        if awaited is None or content_hash(document.text.content) != awaited[0]:
            return None
        _, path, proposal = self._awaited.pop(document.uri)
        made = [
            Edit(new.path, Span(0, 0), "", new.text, "", new.reason)
            for new in proposal.new_files
            if new.path == path
        ]
        changed = [edit for edit in proposal.edits if edit.path == path]
        mine = sorted([*changed, *made], key=lambda e: e.span.start)
        notes, shift = [], 0
        for edit in mine:
            start = edit.span.start + shift
            shift += len(edit.new_text) - (edit.span.end - edit.span.start)
            notes.append(_note(document.uri, edit, start, proposal))
        return proposal, notes


def _note(uri: str, edit: Edit, start: int, proposal: Proposal) -> Note:
    origin = proposal.provenance
    return Note(
        kind=Kind.APPLIED,
        uri=uri,
        span=Span(start, start + len(edit.new_text.rstrip("\r\n"))),
        message=edit.reason,
        hover=to_lsp.edit_hover([edit], proposal.title, origin),
        provenance=origin.planned if isinstance(origin, Exact) else origin,
    )
