"""postil fix: an edit for what is wrong at a place, as a diff, or written after the gate."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from context.selection import selection_snippets
from context.text import Text, content_hash
from context.workspace import Workspace
from lsp.asking import asking_by
from lsp.backend import open_backend
from lsp.commands.console import complain, err, out, safe, say_where, settings
from lsp.commands.index import index_with_bar
from lsp.commands.patches import Change, change_of, show_patch, write_changes
from lsp.commands.places import Place, read_place, text_at, text_of
from lsp.recording import Recorder
from lsp.settings import Settings
from models.asking import thinking_within
from models.backends import Backend
from models.findings import Proposal
from models.gate import apply_edits, by_path, place_confirmation, place_refusal
from models.tasks.edit import EditKind, EditTask, propose_edit


def run(place: str, message: str, root: Path, *, is_found: bool, writes: bool) -> bool:
    """Print the diff, or write the files; whether an edit passed the gate.

    `is_found`: `message` is what a model found and not what a person knows.
    """
    return asyncio.run(_fix(read_place(place), message, root, is_found=is_found, writes=writes))


async def _fix(place: Place, message: str, root: Path, *, is_found: bool, writes: bool) -> bool:
    wanted = settings()
    workspace = await Workspace.open(root, wanted.cache_dir)
    try:
        path, text = text_at(workspace.root, place)  # before the index: it may be wrong
        change_of(workspace.root, path, text.content, text.content)  # so may its encoding
        await index_with_bar(workspace)
        backend = await open_backend(wanted)
        say_where(backend, wanted)
        try:
            first, last = place.first_line, place.last_line
            task = EditTask(EditKind.FIX, path, first, last, message, is_own=is_found)
            proposal = await _propose(workspace, task, text, backend, wanted)
        finally:
            await backend.close()
    finally:
        await workspace.close()
    recorder = Recorder(wanted, complain)
    recorder.proposal(task.kind.value, proposal)
    for refusal in proposal.refusals:
        complain(f"refused ({refusal.check}): {refusal.sentence}")
    if not proposal.edits:
        complain("no edit is offered; say more of what is wrong, or name fewer lines")
        return False
    for remark in proposal.remarks:
        complain(remark)
    changes = _changes(workspace.root, proposal)
    if not writes:
        show_patch(changes)
        return True
    _write(workspace.root, changes)
    recorder.applied(proposal)
    return True


async def _propose(
    workspace: Workspace, task: EditTask, text: Text, backend: Backend, wanted: Settings
) -> Proposal:
    snippets = await selection_snippets(
        workspace, task.path, text, task.first_line, task.last_line, task.detail
    )
    sources = {s.path: text_of(workspace.root, s.path).content for s in snippets}
    sources[task.path] = text.content
    with thinking_within(wanted.thinking_seconds):
        return await propose_edit(
            task,
            snippets,
            sources,
            workspace,
            asking_by(wanted, backend, lambda event: err.print(safe(event.text), end="")),
        )


def _changes(root: Path, proposal: Proposal) -> list[Change]:
    """Of files that are still what the model was shown."""
    found = []
    for path, edits in by_path(proposal.edits).items():
        before = text_of(root, path).content
        if any(edit.file_hash != content_hash(before) for edit in edits):
            complain(f"{path} has changed while the model worked; ask again")
            sys.exit(3)
        found.append(change_of(root, path, before, apply_edits(before, edits)))
    return found


def _write(root: Path, changes: Sequence[Change]) -> None:
    """What some program runs by itself only with a yes; what cannot be written is a diff."""
    for change in changes:
        if refused := place_refusal(root, change.path):
            complain(refused)
            sys.exit(1)
        why = place_confirmation(root, change.path)
        if why and not _is_confirmed(change.path, why):
            complain(f"{change.path} was not changed; this is the diff")
            show_patch(changes)
            sys.exit(1)
    try:
        write_changes(root, changes)
    except OSError as error:
        where = error.filename or root
        complain(f"nothing was changed ({where}: {error.strerror}); this is the diff")
        show_patch(changes)
        sys.exit(3)
    for change in changes:
        out.print(f"changed {safe(change.path)}")


def _is_confirmed(path: str, why: str) -> bool:
    if not sys.stdin.isatty():
        complain(f"{path} needs a yes on a terminal, because {why}")
        return False
    question = f"{path} is changed only with a yes, because {why}. Change it? [y/N] "
    err.print(safe(question), end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
