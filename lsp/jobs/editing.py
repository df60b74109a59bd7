"""Proposes edits: picks the task, asks the model, checks, and refuses what came too late."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from context.failing_tests import read_failing_tests
from context.host import RemoteWorkspace
from context.languages import is_test_path
from context.selection import selection_snippets
from context.suspects import Located
from context.text import Text, content_hash, split_lines
from context.window import Snippet
from lsp.errors import REQUEST_FAILED, Failure, Stale
from lsp.jobs.applying import workspace_edit as workspace_edit  # the way of an edit to the editor
from lsp.jobs.checking import checked
from lsp.jobs.noting import asking_of, refuse_if_stale
from lsp.progress import Progress
from lsp.session import Session
from models.findings import Proposal
from models.tasks.add_types import propose_types
from models.tasks.document import propose_doc
from models.tasks.edit import EditKind, EditTask, propose_edit
from models.tasks.locate import shorten
from models.tasks.write_test import propose_test, read_for_test

MAX_TRIED = 2  # suspects of a failing test; each takes a model's whole answer


async def propose(
    session: Session, uri: str, task: EditTask, token: int | str | None
) -> tuple[Path, Proposal]:
    """Edits that passed the gate. Raises `Failure` when none did, with the gate's reason."""
    session.relative(uri)  # refused before a progress begins
    async with session.working(f"Postil: {task.title}", token) as progress:
        return await propose_within(session, uri, task, progress)


async def propose_within(
    session: Session, uri: str, task: EditTask, progress: Progress
) -> tuple[Path, Proposal]:
    """`propose` as a part of what is worked on already."""
    root, _ = session.relative(uri)
    text = session.text_of(uri)
    before = content_hash(text.content)
    workspace = await session.workspace(root)
    snippets = await selection_snippets(
        workspace, task.path, text, task.first_line, task.last_line, task.detail
    )
    task = replace(task, is_own=session.notes.is_finding(uri, task.detail))
    sources = _sources(session, root, task, text, snippets)
    proposal = await _proposed(session, root, workspace, task, snippets, sources, progress)
    proposal = await checked(session, root, proposal, progress)
    return root, finished(session, root, uri, task, proposal, before, sources)


async def fix_test(
    session: Session, root: Path, report: str, token: int | str | None
) -> tuple[Path, Proposal]:
    """A fix of the function that a failing test most probably is about, with the test shown.

    With the folder that it is for, which may lie in `root`. Where the gate lets no edit of the best
    suspect through, the next is tried. Raises `Failure`.
    """
    async with session.working("Postil: fixing a failing test", token) as progress:
        progress.report("finding what the test is about")
        workspace = await session.workspace(root)
        located = await workspace.locate(
            report, session.settings.max_suspects, diagnostics=session.others.of(root)
        )
        return await _fix_likeliest(session, root, report, located, progress)


async def _fix_likeliest(
    session: Session, root: Path, report: str, located: Located, progress: Progress
) -> tuple[Path, Proposal]:
    suspects = [s for s in located.suspects if s.symbol and not is_test_path(s.path)]
    if not suspects:
        raise Failure(REQUEST_FAILED, "Nothing in this workspace is like the failing test.")
    failing = read_failing_tests(split_lines(report))
    named = f"{failing[0].written} fails" if failing else "A test fails"
    refused: Failure | None = None
    for suspect in suspects[:MAX_TRIED]:
        line = suspect.likeliest_line
        detail = f"{named}. {suspect.symbol} is the likely cause.\n{shorten(report)}"
        uri = session.uri_of(root, suspect.path)
        task = EditTask(EditKind.FIX, session.relative(uri)[1], line, line, detail)
        try:
            return await propose_within(session, uri, task, progress)
        except Failure as failure:
            refused = failure
    assert refused is not None
    raise refused


def _sources(
    session: Session, root: Path, task: EditTask, text: Text, snippets: list[Snippet]
) -> dict[str, str]:
    sources = session.sources(root, dict.fromkeys(s.path for s in snippets))
    sources[task.path] = text.content
    return sources


async def _proposed(
    session: Session,
    root: Path,
    workspace: RemoteWorkspace,
    task: EditTask,
    snippets: list[Snippet],
    sources: dict[str, str],
    progress: Progress,
) -> Proposal:
    known: list[str] = []
    if task.kind is EditKind.WRITE_TEST:
        known = await workspace.files()
        sources.update(session.sources(root, dict.fromkeys(read_for_test(task.path, known))))
    asking = await asking_of(session, progress)
    match task.kind:
        case EditKind.DOCUMENT:
            return await propose_doc(task, snippets, sources, workspace, asking)
        case EditKind.ADD_TYPES:
            return await propose_types(task, snippets, sources, workspace, asking)
        case EditKind.WRITE_TEST:
            return await propose_test(task, snippets, sources, known, workspace, asking)
        case _:
            return await propose_edit(task, snippets, sources, workspace, asking)


def finished(
    session: Session,
    root: Path,
    uri: str,
    task: EditTask,
    proposal: Proposal,
    before: str,
    sources: dict[str, str],
) -> Proposal:
    """Record it, refuse it when a file moved on meanwhile, and remember it until it is applied."""
    session.recorder.proposal(task.kind.value, proposal)
    refuse_if_stale(session, uri, before)
    for changed in dict.fromkeys(edit.path for edit in proposal.edits):
        now = session.text_of(session.uri_of(root, changed)).content
        if content_hash(now) != content_hash(sources[changed]):
            raise Stale(changed)
    for new in proposal.new_files:
        if (root / new.path).exists():
            raise Stale(new.path)
    if not proposal.edits and not proposal.new_files:
        why = proposal.refusals[-1].sentence if proposal.refusals else "it proposed nothing"
        raise Failure(REQUEST_FAILED, f"No edit is offered: {why}")
    session.await_applied(root, proposal)
    return proposal
