"""postil fix: an edit for what is wrong at a place, as a diff, or written after the gate."""

from __future__ import annotations

import asyncio
import codecs
import difflib
import os
import sys
import tempfile
from pathlib import Path

from context.selection import selection_snippets
from context.text import Text, content_hash, encode
from context.workspace import Workspace
from lsp.asking import asking_by
from lsp.backend import open_backend
from lsp.commands.console import complain, err, out, safe, say_where, settings
from lsp.commands.index import index_with_bar
from lsp.commands.places import Place, read_place, text_at, text_of
from lsp.recording import Recorder
from lsp.settings import Settings
from lsp.to_lsp import visible
from models.asking import thinking_within
from models.backends import Backend
from models.findings import Proposal
from models.gate import apply_edits, by_path, confirmation_of
from models.tasks.edit import EditKind, EditTask, propose_edit


def run(place: str, message: str, root: Path, *, writes: bool) -> bool:
    """Print the diff, or write the files; whether an edit passed the gate."""
    return asyncio.run(_fix(read_place(place), message, root, writes=writes))


async def _fix(place: Place, message: str, root: Path, *, writes: bool) -> bool:
    wanted = settings()
    workspace = await Workspace.open(root, wanted.cache_dir)
    try:
        path, text = text_at(workspace.root, place)  # before the index: it may be wrong
        await index_with_bar(workspace)
        backend = await open_backend(wanted)
        say_where(backend, wanted)
        try:
            task = EditTask(EditKind.FIX, path, place.first_line, place.last_line, message)
            proposal = await _propose(workspace, task, text, backend, wanted)
        finally:
            await backend.close()
    finally:
        await workspace.close()
    recorder = Recorder(wanted, complain)
    recorder.proposal(task.kind.value, proposal)
    for refusal in proposal.refusals:
        complain(f"the gate refused an edit ({refusal.check}): {refusal.sentence}")
    if not proposal.edits:
        complain("no edit is offered; say more of what is wrong, or name fewer lines")
        return False
    for remark in proposal.remarks:
        complain(remark)
    after = _after(workspace.root, proposal)
    if writes:
        _write(workspace.root, after)
        recorder.applied(proposal)
    else:
        _show(after)
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


def _after(root: Path, proposal: Proposal) -> dict[str, tuple[str, str]]:
    """(before, after) by path, of files that are still what the model was shown."""
    found = {}
    for path, edits in by_path(proposal.edits).items():
        before = text_of(root, path).content
        if any(edit.file_hash != content_hash(before) for edit in edits):
            complain(f"{path} has changed while the model worked; ask again")
            sys.exit(3)
        found[path] = (before, apply_edits(before, edits))
    return found


def _show(after: dict[str, tuple[str, str]]) -> None:
    """A diff that `git apply` and `patch -p1` take; on a terminal, one that cannot control it."""
    for path, (old, new) in after.items():
        lines = difflib.unified_diff(
            _lines(old), _lines(new), f"a/{visible(path)}", f"b/{visible(path)}"
        )
        for line in lines:
            shown = visible(line) if sys.stdout.isatty() else line
            end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
            sys.stdout.write(f"{shown}{end}")


def _lines(text: str) -> list[str]:
    """With their ends; only a line feed is one to git."""
    *lines, rest = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([rest] if rest else [])]


def _write(root: Path, after: dict[str, tuple[str, str]]) -> None:
    """Whole files, each put in place at once; what some program runs by itself only with a yes."""
    for path in after:
        why = confirmation_of(path)
        if why and not _is_confirmed(path, why):
            complain(f"{path} was not changed")
            sys.exit(1)
    for path, (old, new) in after.items():
        file = root / path
        mark = _mark(path, file.read_bytes(), old)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as new_file:
            new_file.write(mark + encode(new))
        Path(new_file.name).chmod(file.stat().st_mode)
        os.replace(new_file.name, file)
        out.print(f"changed {safe(path)}")


def _mark(path: str, raw: bytes, text: str) -> bytes:
    """What stands before the text in the file. Ends the command where it is not UTF-8."""
    mark = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
    if raw != mark + encode(text):
        complain(f"{path} is not UTF-8 and was not changed; use the diff instead of --write")
        sys.exit(1)
    return mark


def _is_confirmed(path: str, why: str) -> bool:
    if not sys.stdin.isatty():
        complain(f"{path} needs a yes, because {why}; use the diff instead of --write")
        return False
    question = f"{path} is changed only with a yes, because {why}. Change it? [y/N] "
    err.print(safe(question), end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
