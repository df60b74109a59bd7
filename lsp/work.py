"""The jobs behind commands and code actions: each takes plain data and a session, and awaits.

One function a job. They read texts from the session, ask the workspace and the model, and leave
notes and diagnostics; edits are returned, never applied here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from context.host import RemoteWorkspace
from context.selection import selection_snippets
from context.suspects import Located, Suspect
from context.text import content_hash
from lsp import to_lsp
from lsp.errors import REQUEST_FAILED, Failure, Stale
from lsp.progress import Progress
from lsp.session import Session
from lsp.traces import Kind, Note
from models.asking import Answering, OnEvent, Thinking
from models.errors import ModelError
from models.findings import Edit, Finding, Proposal
from models.tasks.edit import EditTask, propose_edit
from models.tasks.explain import Explanation
from models.tasks.explain import explain as ask_to_explain
from models.tasks.locate import find_bug
from models.tasks.locate import locate as ask_to_locate
from models.tasks.rank import reorder


@dataclass(frozen=True, slots=True)
class LocateOutcome:
    """What came of a report: suspects always, a finding when a model found one."""

    root: Path
    located: Located
    finding: Finding | None
    without_model: str  # why there is no finding; empty when there is one


async def locate(
    session: Session, root: Path, report: str, token: int | str | None
) -> LocateOutcome:
    """Suspects at once, then the model's finding; both as diagnostics."""
    async with session.working("Postil: locating the bug", token) as progress:
        workspace = await session.workspace(root)
        located = await workspace.locate(
            report, session.settings.max_suspects, diagnostics=session.others.of(root)
        )
        _show_suspects(session, root, located)
        if not located.suspects:
            return LocateOutcome(root, located, None, "Nothing in this workspace is like it.")
        try:
            if weight := session.settings.reorder_weight:
                progress.report("ordering the suspects")
                located = await reorder(await session.backend(), report, located, weight)
                _show_suspects(session, root, located)
            finding = await _ask_model(session, workspace, located, report, progress)
        except ModelError as error:
            return LocateOutcome(root, located, None, str(error))
        session.recorder.finding("locate", finding)
        _note_finding(session, root, finding)
        return LocateOutcome(root, located, finding, "")


async def find_bugs(
    session: Session, uri: str, first_line: int, last_line: int, token: int | str | None
) -> Finding | str:
    """A finding in the selected lines as a diagnostic, or why there is none."""
    root, path = session.relative(uri)
    text = session.text_of(uri)
    async with session.working("Postil: reading the selection", token) as progress:
        workspace = await session.workspace(root)
        backend = await session.backend()
        snippets = await selection_snippets(workspace, path, text, first_line, last_line)
        found = await find_bug(
            snippets[0],
            snippets[1:],
            first_line,
            last_line,
            backend=backend,
            thinking_tokens=session.settings.effort.thinking_tokens,
            context_tokens=session.settings.context_tokens,
            on_event=_reporter(progress),
        )
    if isinstance(found, Finding):
        session.recorder.finding("find a bug", found)
        _refuse_if_stale(session, uri, found.file_hash)
        _note_finding(session, root, found)
    return found


async def explain(
    session: Session,
    uri: str,
    first_line: int,
    last_line: int,
    remark: str,
    token: int | str | None,
) -> Explanation:
    """What the lines do, or what a remark about them means; kept for the hover over them."""
    root, path = session.relative(uri)
    text = session.text_of(uri)
    async with session.working("Postil: explaining", token) as progress:
        workspace = await session.workspace(root)
        backend = await session.backend()
        snippets = await selection_snippets(workspace, path, text, first_line, last_line)
        explanation = await ask_to_explain(
            snippets[0],
            snippets[1:],
            first_line,
            last_line,
            remark,
            backend=backend,
            thinking_tokens=session.settings.effort.thinking_tokens,
            context_tokens=session.settings.context_tokens,
            on_event=_reporter(progress),
        )
    session.recorder.explanation(explanation)
    _refuse_if_stale(session, uri, explanation.file_hash)
    session.notes.add(
        Note(
            kind=Kind.EXPLANATION,
            uri=uri,
            span=text.lines_span(first_line, min(last_line, text.n_lines)),
            message=to_lsp.visible(explanation.text),
            hover=to_lsp.explanation_hover(explanation),
            trace=to_lsp.trace_text(explanation.provenance),
        )
    )
    return explanation


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
            workspace.outline,
            backend=backend,
            thinking_tokens=session.settings.effort.thinking_tokens,
            context_tokens=session.settings.context_tokens,
            on_event=_reporter(progress),
        )
    session.recorder.proposal(task.kind.value, proposal)
    _refuse_if_stale(session, uri, before)
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


async def _ask_model(
    session: Session,
    workspace: RemoteWorkspace,
    located: Located,
    report: str,
    progress: Progress,
) -> Finding:
    progress.report("loading the model")
    backend = await session.backend()
    snippets = await workspace.snippets(located.suspects, report)
    return await ask_to_locate(
        report,
        snippets,
        backend=backend,
        thinking_tokens=session.settings.effort.thinking_tokens,
        context_tokens=session.settings.context_tokens,
        on_event=_reporter(progress),
    )


def _reporter(progress: Progress) -> OnEvent:
    text = ""

    def on_event(event: Thinking | Answering) -> None:
        nonlocal text
        text += event.text
        what = "thinking" if isinstance(event, Thinking) else "answering"
        tail = to_lsp.visible(" ".join(text[-80:].split()))
        progress.report(f"{what}: …{tail}")

    return on_event


def _refuse_if_stale(session: Session, uri: str, file_hash: str) -> None:
    if content_hash(session.text_of(uri).content) != file_hash:
        raise Stale(Path(uri).name)


def _show_suspects(session: Session, root: Path, located: Located) -> None:
    session.clear()
    for rank, suspect in enumerate(located.suspects, 1):
        _note_suspect(session, root, rank, suspect)
    _publish_all(session)


def _note_suspect(session: Session, root: Path, rank: int, suspect: Suspect) -> None:
    uri = session.uri_of(root, suspect.path)
    try:
        text = session.text_of(uri)
    except Failure:
        return  # gone since it was indexed
    line = next((e.line for e in suspect.evidence if e.line is not None and e.symbol), None)
    if line is None or not suspect.start_line <= line <= suspect.end_line:
        line = suspect.start_line
    span = text.line_span(min(line, text.n_lines) - 1)
    message = to_lsp.suspect_message(rank, suspect)
    session.notes.add(Note(Kind.SUSPECT, uri, span, message, to_lsp.suspect_hover(rank, suspect)))


def _note_finding(session: Session, root: Path, finding: Finding) -> None:
    uri = session.uri_of(root, finding.path)
    text = session.text_of(uri)
    if content_hash(text.content) != finding.file_hash:
        raise Stale(finding.path)
    span = text.lines_span(finding.start_line, finding.end_line)
    session.notes.add(
        Note(
            kind=Kind.FINDING,
            uri=uri,
            span=span,
            message=to_lsp.visible(finding.cause),
            hover=to_lsp.finding_hover(finding),
            trace=to_lsp.trace_text(finding.provenance),
            cause=finding.cause,
        )
    )
    session.publish(uri)


def _publish_all(session: Session) -> None:
    for uri in session.notes.uris():
        session.publish(uri)
