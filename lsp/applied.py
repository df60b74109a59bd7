"""Edits of ours that a user applied: seen in the document, marked there, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from context.text import Span, content_hash
from lsp import to_lsp
from lsp.documents import Document, Key, key_of
from lsp.traces import Kind, Note
from models.findings import Edit, Exact, Proposal
from models.gate import texts_after


@dataclass(frozen=True, slots=True)
class _Awaited:
    """What one file will be: how long, with which hash; its path, and the root that this is of."""

    n_chars: int
    hash: str
    root: Path
    path: str
    proposal: Proposal


class AppliedEdits:
    """What each file is once a proposal is applied; only the event loop changes it."""

    def __init__(self) -> None:
        self._awaited: dict[Key, _Awaited] = {}

    def await_(
        self,
        root: Path,
        proposal: Proposal,
        uri_of: Callable[[str], str],
        content_of: Callable[[str], str],
    ) -> None:
        """Remember what each file will be. `content_of` takes a URI."""
        texts = texts_after(proposal.edits, lambda path: content_of(uri_of(path)))
        texts |= {new.path: new.text for new in proposal.new_files}
        for path, after in texts.items():
            self._awaited[key_of(uri_of(path))] = _Awaited(
                len(after), content_hash(after), root, path, proposal
            )

    def seen(self, document: Document) -> tuple[Proposal, list[Note]] | None:
        """What was applied, with notes for its places, when the document now is what it makes."""
        key = key_of(document.uri)
        awaited = self._awaited.get(key)
        # The length first: a hash of a large text with each key that is typed would be felt.
        if awaited is None or len(document.text) != awaited.n_chars:
            return None
        if content_hash(document.text.content) != awaited.hash:
            return None
        del self._awaited[key]
        path, proposal = awaited.path, awaited.proposal
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
            notes.append(_note(document.uri, awaited.root, edit, start, proposal))
        return proposal, notes


def _note(uri: str, root: Path, edit: Edit, start: int, proposal: Proposal) -> Note:
    origin = proposal.provenance
    return Note(
        kind=Kind.APPLIED,
        uri=uri,
        root=root,
        span=Span(start, start + len(edit.new_text.rstrip("\r\n"))),
        message=edit.reason,
        hover=to_lsp.edit_hover([edit], proposal.title, origin),
        provenance=origin.planned if isinstance(origin, Exact) else origin,
    )
