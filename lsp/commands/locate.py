"""postil locate."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from context.suspects import Located, Suspect
from context.workspace import Workspace
from lsp.asking import asking_by
from lsp.backend import open_backend
from lsp.commands.console import complain, err, out, safe, say_where, settings
from lsp.commands.findings import finding_data, model_data, show_finding
from lsp.commands.index import index_with_bar
from lsp.commands.reports import read_report_argument
from lsp.recording import Recorder
from lsp.settings import Settings
from models.asking import thinking_within
from models.backends import Backend
from models.errors import ModelError
from models.findings import Finding
from models.tasks.locate import locate as ask_to_locate
from models.tasks.rank import reorder


def run(report: str, root: Path, *, no_model: bool, as_json: bool, top: int) -> int:
    text = read_report_argument(report)
    return asyncio.run(_locate(text, root, no_model=no_model, as_json=as_json, top=top))


async def _locate(report: str, root: Path, *, no_model: bool, as_json: bool, top: int) -> int:
    wanted = settings()
    workspace = await Workspace.open(root, wanted.cache_dir)
    backend: Backend | None = None
    finding: Finding | None = None
    try:
        await index_with_bar(workspace)
        located = await workspace.locate(report, top)
        weight = 0.0 if no_model else wanted.reorder_weight
        if not as_json and not weight:
            show_located(located)
        if not no_model and located.suspects:
            try:
                backend = await open_backend(wanted)
                say_where(backend, wanted)
                located = await reorder(backend, report, located, weight)
                if weight and not as_json:
                    show_located(located)
                finding = await _find(workspace, located, report, backend, wanted)
                Recorder(wanted, complain).finding("locate", finding)
            except ModelError as error:
                err.print(f"postil: going on without a model: {safe(str(error))}")
        if as_json:
            data = to_json(workspace.root, located, backend, finding)
            print(json.dumps(data))  # noqa: T201 - the command's result
        elif finding is not None:
            show_finding(finding)
    finally:
        if backend is not None:
            await backend.close()
        await workspace.close()
    return 0 if located.suspects else 1


async def _find(
    workspace: Workspace, located: Located, report: str, backend: Backend, wanted: Settings
) -> Finding:
    with thinking_within(wanted.thinking_seconds):
        return await ask_to_locate(
            report,
            await workspace.snippets(located.suspects, report),
            asking_by(wanted, backend, lambda event: err.print(safe(event.text), end="")),
        )


def to_json(
    root: Path, located: Located, backend: Backend | None, finding: Finding | None
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "workspace": str(root),
        "model": model_data(backend.info if backend is not None else None),
        "elapsed_s": located.elapsed_s,
        "suspects": [_suspect(s) for s in located.suspects],
        "files": [{"path": f.path, "score": f.score} for f in located.files],
    }
    if finding is not None:
        data["finding"] = finding_data(finding)
    return data


def _suspect(suspect: Suspect) -> dict[str, Any]:
    return {
        "path": suspect.path,
        "symbol": suspect.symbol,
        "start_line": suspect.start_line,
        "end_line": suspect.end_line,
        "score": suspect.score,
        "evidence": [{"signal": e.signal.value, "detail": e.detail} for e in suspect.evidence],
    }


def show_located(located: Located) -> None:
    if not located.suspects:
        out.print("Nothing in this workspace is like the report.")
        return
    for rank, suspect in enumerate(located.suspects, 1):
        place = f"{suspect.path}:{suspect.start_line}-{suspect.end_line}"
        out.print(
            f"{rank:2}  [bold]{safe(suspect.symbol or 'the whole file')}[/bold]  {safe(place)}"
        )
        for evidence in suspect.evidence[:3]:
            out.print(f"      - {safe(evidence.detail)}")
    out.print(f"{len(located.suspects)} suspects in {located.elapsed_s * 1000:.0f} ms, no model")
