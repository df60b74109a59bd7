"""A proposal in the client's terms: versioned, annotated, and asked for where it must be.

The one way of an edit to an editor. What runs by itself, what is new and what spans several files
needs the user's confirmation; where the client cannot ask for it, the first two are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsprotocol import types

from context.text import shortened
from lsp import to_lsp
from lsp.errors import REQUEST_FAILED, Failure
from lsp.session import Session
from models.findings import Edit, NewFile, Proposal
from models.gate import by_path, place_confirmation, place_refusal

MAX_TITLE_CHARS = 300
Changes = list[
    types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile
]  # the last two are never made


def announced(proposal: Proposal) -> str:
    """The title with what the user must know before applying: one line."""
    words = "; ".join((proposal.title, *proposal.remarks))
    return shortened(to_lsp.visible(words.replace("\n", " ")), MAX_TITLE_CHARS)


def workspace_edit(session: Session, root: Path, proposal: Proposal) -> types.WorkspaceEdit:
    """Versioned and annotated where the client takes that, plain where it does not.

    Raises `Failure` where a place is refused, or must be confirmed and the client cannot ask.
    """
    edits_of = by_path(proposal.edits)
    for path in (*edits_of, *(new.path for new in proposal.new_files)):
        if refused := place_refusal(root, path):
            raise Failure(REQUEST_FAILED, refused)
    confirms = {path: place_confirmation(root, path) for path in edits_of}
    _refuse_unasked(session, confirms, proposal.new_files)
    if not session.client.document_changes:
        return types.WorkspaceEdit(changes=_plain(session, root, edits_of))
    annotations = _Annotations(session, proposal)
    changes: Changes = []
    for new in proposal.new_files:
        changes += _created(session, root, new, annotations)
    several = len(edits_of) + len(proposal.new_files) > 1
    for path, edits in edits_of.items():
        why = confirms[path] or ("one of several files" if several else "")
        changes.append(_edited(session, root, path, edits, annotations, why))
    return types.WorkspaceEdit(
        document_changes=changes, change_annotations=annotations.by_id or None
    )


class _Annotations:
    """One for each edit, where the client shows them."""

    def __init__(self, session: Session, proposal: Proposal) -> None:
        self.by_id: dict[str, types.ChangeAnnotation] = {}
        self._is_shown = session.client.annotates
        self._description = announced(proposal)

    def add(self, path: str, reason: str, why_confirm: str) -> str | None:
        """Its id. `why_confirm`: why the user must be asked, or nothing."""
        if not self._is_shown:
            return None
        label = to_lsp.visible(f"{reason} ({path}: {why_confirm})" if why_confirm else reason)
        annotation_id = f"postil-{len(self.by_id)}-{path}"
        self.by_id[annotation_id] = types.ChangeAnnotation(
            label=label, needs_confirmation=bool(why_confirm), description=self._description
        )
        return annotation_id


def _refuse_unasked(
    session: Session, confirms: Mapping[str, str], new_files: Sequence[NewFile]
) -> None:
    """`confirms`: why a path that is edited must be confirmed, or nothing."""
    client = session.client
    asks = client.annotates and client.document_changes
    for path, why in confirms.items():
        if why and not asks:
            raise Failure(
                REQUEST_FAILED,
                f"{path} is not changed without asking, because {why}, and this editor cannot ask; "
                "change it by hand.",
            )
    if new_files and not (asks and client.creates_files):
        raise Failure(
            REQUEST_FAILED, f"This editor cannot make the new file {new_files[0].path} by an edit."
        )


def _plain(
    session: Session, root: Path, edits_of: Mapping[str, Sequence[Edit]]
) -> dict[str, list[types.TextEdit]]:
    found: dict[str, list[types.TextEdit]] = {}
    for path, edits in edits_of.items():
        uri = session.uri_of(root, path)
        text = session.text_of(uri)
        found[uri] = [
            types.TextEdit(to_lsp.range_(text, e.span, session.client.encoding), e.new_text)
            for e in edits
        ]
    return found


def _edited(
    session: Session,
    root: Path,
    path: str,
    edits: Sequence[Edit],
    annotations: _Annotations,
    why_confirm: str,
) -> types.TextDocumentEdit:
    uri = session.uri_of(root, path)
    text, document = session.text_of(uri), session.documents.get(uri)
    text_edits: list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit] = []
    for edit in edits:
        range_ = to_lsp.range_(text, edit.span, session.client.encoding)
        annotation_id = annotations.add(path, edit.reason, why_confirm)
        if annotation_id is None:
            text_edits.append(types.TextEdit(range_, edit.new_text))
        else:
            text_edits.append(types.AnnotatedTextEdit(annotation_id, range_, edit.new_text))
    identifier = types.OptionalVersionedTextDocumentIdentifier(
        uri, document.version if document else None
    )
    return types.TextDocumentEdit(identifier, text_edits)


def _created(session: Session, root: Path, new: NewFile, annotations: _Annotations) -> Changes:
    uri = session.uri_of(root, new.path)
    annotation_id = annotations.add(new.path, new.reason, "a new file")
    assert annotation_id is not None
    options = types.CreateFileOptions(overwrite=False, ignore_if_exists=False)
    start = types.Range(types.Position(0, 0), types.Position(0, 0))
    return [
        types.CreateFile(uri=uri, options=options, annotation_id=annotation_id),
        types.TextDocumentEdit(
            types.OptionalVersionedTextDocumentIdentifier(uri, None),
            [types.AnnotatedTextEdit(annotation_id, start, new.text)],
        ),
    ]
