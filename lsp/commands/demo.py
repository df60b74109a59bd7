"""postil demo: the main job on code that is not ours, from a report to a checked edit.

A copy of the installed pygls, of which version 2.1.1 has a published bug (its issue 621): a reply
that arrives after the awaiting task was cancelled raises InvalidStateError. The report is the
traceback of a run that provokes it. At the end the proposed edit is applied to the copy and both
the late reply and an ordinary one are tried, so that the demo can say what the model got wrong.
Nothing is written outside a temporary folder and the user's cache.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pygls

from context.text import Text
from context.window import Snippet
from context.workspace import Workspace
from lsp.asking import asking_by
from lsp.backend import open_backend
from lsp.commands import demo_provoke
from lsp.commands.console import err, out, safe, settings
from lsp.commands.index import index_with_bar
from lsp.commands.locate import show_located
from lsp.trace_documents import trace_text
from models.asking import Asking, thinking_within
from models.backends import Backend
from models.errors import ModelError
from models.findings import Finding, Proposal
from models.gate import apply_edits
from models.tasks.edit import EditKind, EditTask, propose_edit
from models.tasks.locate import locate as ask_to_locate

GUILTY = "JsonRPCProtocol._handle_response"


def run(*, no_model: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="postil-demo-") as folder:
        return asyncio.run(_demo(Path(folder), no_model=no_model))


async def _demo(folder: Path, *, no_model: bool) -> int:
    version = importlib.metadata.version("pygls")
    package = Path(pygls.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder / "pygls", ignore=ignore)
    _title(f"The report: a traceback of pygls {version}, provoked in a copy of it")
    report = _provoke(folder, "late")
    if not report:
        out.print(f"This pygls ({version}) no longer has the bug; the demo needs 2.1.1.")
        return 1
    out.print(safe("\n".join(report.rstrip().split("\n")[-9:])))
    workspace = await Workspace.open(folder, settings().cache_dir)
    backend: Backend | None = None
    try:
        summary = await index_with_bar(workspace)
        _title(f"Suspects, without a model ({summary.files} files indexed)")
        located = await workspace.locate(report, 5)
        show_located(located)
        first = next((n for n, s in enumerate(located.suspects, 1) if s.symbol == GUILTY), None)
        out.print(f"The guilty function is {GUILTY}: suspect {first or 'not among them'}.")
        if no_model:
            return 0 if first else 1
        backend = await _open_backend()
        snippets = await workspace.snippets(located.suspects, report)
        with thinking_within(settings().thinking_seconds):
            finding = await _find(report, snippets, backend)
            proposal = await _fix(folder, workspace, snippets, finding, report, backend)
        _judge(folder, finding, proposal)
    except ModelError as error:
        err.print(f"postil: {safe(str(error))}")
        return 3
    finally:
        if backend is not None:
            await backend.close()
        await workspace.close()
    return 0


async def _open_backend() -> Backend:
    _title("The model thinks")
    err.print("loading the model ...")
    backend = await open_backend(settings())
    out.print(f"{backend.info.name} on {backend.info.device}; its words as they come:\n")
    return backend


def _asking(backend: Backend) -> Asking:
    return asking_by(settings(), backend, lambda event: out.print(safe(event.text), end=""))


async def _find(report: str, snippets: list[Snippet], backend: Backend) -> Finding:
    finding = await ask_to_locate(report, snippets, _asking(backend))
    _title("The finding, its trace and what the model was shown")
    place = f"{finding.path}, lines {finding.start_line}-{finding.end_line} ({finding.symbol})"
    out.print(f"{safe(place)}\n{safe(finding.cause)}\n")
    out.print(safe(trace_text(finding.provenance)))
    return finding


async def _fix(
    folder: Path,
    workspace: Workspace,
    snippets: list[Snippet],
    finding: Finding,
    report: str,
    backend: Backend,
) -> Proposal:
    _title("A proposed edit (the model thinks again)")
    around = [
        s
        for s in snippets
        if s.path == finding.path and s.start_line <= finding.start_line <= s.end_line
    ]
    asking = _asking(backend)
    source = Text((folder / finding.path).read_bytes().decode()).content
    last_line = report.rstrip().rpartition("\n")[2]
    proposal = await propose_edit(
        EditTask(
            EditKind.FIX,
            finding.path,
            finding.start_line,
            finding.end_line,
            f"{finding.cause}\nThe error was: {last_line}",
            is_own=True,
        ),
        around,
        {finding.path: source},
        workspace,
        replace(asking, thinking_tokens=asking.thinking_tokens // 2),
    )
    out.print()
    for refusal in proposal.refusals:
        out.print(f"Refused ({refusal.check}): {safe(refusal.sentence)}")
    if proposal.edits:
        _title("The diff, let through by the gate")
        changed = apply_edits(source, proposal.edits)
        diff = difflib.unified_diff(
            source.split("\n"), changed.split("\n"), finding.path, finding.path, lineterm=""
        )
        out.print(safe("\n".join(diff)))
        (folder / finding.path).write_bytes(changed.encode())
    return proposal


def _judge(folder: Path, finding: Finding, proposal: Proposal) -> None:
    """What the model got right and wrong, by trying it."""
    _title("What is right and what is not")
    right = finding.symbol == GUILTY
    out.print(f"The place: {'right' if right else f'wrong, the bug is in {GUILTY}'}.")
    if not proposal.edits:
        out.print("The edit: none is offered.")
        return
    late, ordinary = _provoke(folder, "late"), _provoke(folder, "ordinary")
    out.print(
        "A late reply, with the edit applied to the copy: "
        + ("no error any more." if not late else f"still fails: {safe(_last(late))}")
    )
    out.print(
        "An ordinary reply: "
        + ("still arrives." if not ordinary else f"is BROKEN by the edit: {safe(_last(ordinary))}")
    )
    if late or ordinary:
        out.print("The small model's edit is wrong. Look at every edit before you apply it.")


def _provoke(folder: Path, case: str) -> str:
    """Run the copy; the traceback, or nothing when it ends well."""
    done = subprocess.run(
        [sys.executable, "-P", str(Path(demo_provoke.__file__)), case],
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr if done.returncode else ""


def _last(traceback: str) -> str:
    return traceback.rstrip().rpartition("\n")[2][:200]


def _title(words: str) -> None:
    out.print(f"\n[bold]== {safe(words)}[/bold]\n")
