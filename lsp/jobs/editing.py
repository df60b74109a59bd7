"""Proposes edits: asks the model, checks, and puts what passed into the client's terms."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types

from context.selection import selection_snippets
from context.text import content_hash
from lsp import to_lsp
from lsp.errors import REQUEST_FAILED, Failure, Stale
from lsp.jobs.noting import refuse_if_stale, reporter
from lsp.session import Session
from models.findings import Edit, Proposal
from models.tasks.edit import EditTask, propose_edit


async def propose(
    session: Session, uri: str, task: EditTask, token: int | str | None
) -> tuple[Path, Proposal]:
    """Edits that passed the gate. Raises `Failure` when none did, with the gate's reason."""
    root, path = session.relative(uri)
    text = session.text_of(uri)
    before = content_hash(text.content)
    async with session.working(f"Postil: {task.title}", token) as progress:
        workspace = await session.workspace(root)
        backend = await session.backend()
        snippets = await selection_snippets(workspace, path, text, task.first_line, task.last_line)
        sources = session.sources(root, dict.fromkeys(s.path for s in snippets))
        sources[path] = text.content
        proposal = await propose_edit(
            task,
            snippets,
            sources,
            workspace,
            backend=backend,
            thinking_tokens=session.settings.effort.thinking_tokens,
            context_tokens=session.settings.context_tokens,
            on_event=reporter(progress),
        )
    session.recorder.proposal(task.kind.value, proposal)
    refuse_if_stale(session, uri, before)
    for changed in dict.fromkeys(edit.path for edit in proposal.edits):
        if content_hash(session.text_of(session.uri_of(root, changed)).content) != content_hash(
            sources[changed]
        ):
            raise Stale(changed)
    if not proposal.edits:
        why = proposal.refusals[-1].sentence if proposal.refusals else "it proposed nothing"
        raise Failure(REQUEST_FAILED, f"The model's edit was not let through: {why}")
    session.await_applied(root, proposal)
    return root, proposal


def workspace_edit(session: Session, root: Path, proposal: Proposal) -> types.WorkspaceEdit:
    """Versioned and annotated where the client takes that, plain where it does not."""
    client = session.client
    by_path: dict[str, list[Edit]] = {}
    for edit in proposal.edits:
        by_path.setdefault(edit.path, []).append(edit)
    annotations: dict[str, types.ChangeAnnotation] = {}
    document_edits: list[types.TextDocumentEdit] = []
    plain: dict[str, list[types.TextEdit]] = {}
    for path, edits in by_path.items():
        uri = session.uri_of(root, path)
        text, document = session.text_of(uri), session.documents.get(uri)
        text_edits: list[types.TextEdit | types.AnnotatedTextEdit] = []
        for edit in edits:
            range_ = to_lsp.range_(text, edit.span, client.encoding)
            plain.setdefault(uri, []).append(types.TextEdit(range_, edit.new_text))
            if client.annotates:
                label = to_lsp.visible(edit.reason)
                annotation_id = f"postil-{len(annotations)}-{path}"
                annotations[annotation_id] = types.ChangeAnnotation(
                    label=label, needs_confirmation=len(by_path) > 1, description=proposal.title
                )
                text_edits.append(types.AnnotatedTextEdit(annotation_id, range_, edit.new_text))
            else:
                text_edits.append(types.TextEdit(range_, edit.new_text))
        identifier = types.OptionalVersionedTextDocumentIdentifier(
            uri, document.version if document else None
        )
        document_edits.append(types.TextDocumentEdit(identifier, text_edits))
    if not client.document_changes:
        return types.WorkspaceEdit(changes=plain)
    return types.WorkspaceEdit(
        document_changes=document_edits, change_annotations=annotations or None
    )
