"""postil review: what changed, or whole files, read for bugs by the model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from context.changes import ChangedPart, Changes
from context.errors import NoSuchPlace
from context.text import Text
from context.workspace import Workspace
from lsp.asking import asking_by
from lsp.backend import open_backend
from lsp.commands.console import complain, out, progress_bar, safe, say_where, settings
from lsp.commands.findings import finding_data, finding_line, model_data
from lsp.commands.index import index_with_bar
from lsp.commands.places import relative_path, text_of
from lsp.commands.sarif import sarif_log
from lsp.recording import Recorder
from lsp.settings import Settings
from models.asking import thinking_within
from models.backends import Backend, ModelInfo
from models.errors import ReplyUnusable
from models.findings import Finding
from models.tasks.review import MAX_READ, left_words, most_suspicious, parts_of, read_part


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be read. Without `since`, `paths` are read whole; without both, what differs from
    the last commit."""

    root: Path
    paths: tuple[Path, ...]
    since: str | None
    most: int | None  # parts


@dataclass(frozen=True, slots=True)
class Reviewed:
    root: Path  # resolved
    findings: tuple[Finding, ...]
    n_parts: int
    n_read: int
    left: str  # what was not read, or why there is no finding; "" when nothing is to be said
    model: ModelInfo | None


def run(asked: Asked, *, as_json: bool, as_sarif: bool) -> bool:
    """Print the findings; whether there are any."""
    is_data = as_json or as_sarif
    reviewed = asyncio.run(_review(asked, is_shown=not is_data))
    if as_sarif:
        log = sarif_log(
            reviewed.root,
            reviewed.findings,
            reviewed.left,
            lambda path: text_of(reviewed.root, path),
        )
        print(json.dumps(log, indent=2))  # noqa: T201 - the command's result
    elif as_json:
        print(json.dumps(_data(reviewed)))  # noqa: T201 - the command's result
    elif reviewed.left:
        out.print(safe(reviewed.left))
    return bool(reviewed.findings)


async def _review(asked: Asked, *, is_shown: bool) -> Reviewed:
    wanted = settings()
    workspace = await Workspace.open(asked.root, wanted.cache_dir)
    root = workspace.root
    backend: Backend | None = None
    try:
        await index_with_bar(workspace)
        changes = await _changes(workspace, asked)
        parts = changes.parts
        if not parts:
            left = "There is no code in these files." if asked.paths else "Nothing has changed."
            return Reviewed(root, (), 0, 0, left, None)
        chosen = most_suspicious(parts, lambda path: _readable(root, path))
        chosen = chosen[: asked.most or MAX_READ[wanted.effort]]
        backend = await open_backend(wanted)
        say_where(backend, wanted)
        findings, reasons = await _read(workspace, chosen, backend, wanted, is_shown=is_shown)
        left = left_words(len(parts), len(chosen), len(findings), reasons, is_cut=changes.is_cut)
        if len(parts) > len(chosen):
            left += " Read more parts with --most."
        return Reviewed(root, tuple(findings), len(parts), len(chosen), left, backend.info)
    finally:
        if backend is not None:
            await backend.close()
        await workspace.close()


async def _changes(workspace: Workspace, asked: Asked) -> Changes:
    named = [relative_path(workspace.root, path) for path in asked.paths]
    paths = list(dict.fromkeys(named))  # each is read once
    if asked.since or not paths:
        for path in paths:
            if not (workspace.root / path).exists():
                complain(f"{path} is not here, so nothing of it is read")
        return await workspace.changes(paths or [""], since=asked.since)
    parts: list[ChangedPart] = []
    for path in paths:
        if (workspace.root / path).is_dir():
            raise NoSuchPlace(f"{path} is a folder; name files, or --since with it.")
        text = text_of(workspace.root, path)
        parts += parts_of(path, text, await workspace.outline(path, text.content))
    return Changes(tuple(parts), is_cut=False)


async def _read(
    workspace: Workspace,
    parts: Sequence[ChangedPart],
    backend: Backend,
    wanted: Settings,
    *,
    is_shown: bool,
) -> tuple[list[Finding], list[str]]:
    """Findings, and the reasons of the parts without one."""
    recorder = Recorder(wanted, complain)
    findings: list[Finding] = []
    reasons: list[str] = []
    with progress_bar("reading") as show:
        for number, part in enumerate(parts):
            show(part.symbol or part.path, number, len(parts))
            try:
                with thinking_within(wanted.thinking_seconds):
                    found = await read_part(
                        workspace,
                        part,
                        text_of(workspace.root, part.path),
                        asking_by(wanted, backend, lambda _: None),
                    )
            except ReplyUnusable as unusable:
                complain(f"{part.symbol or part.path}: {unusable}")
                reasons.append(str(unusable))
                continue
            if isinstance(found, str):
                reasons.append(found)
                continue
            findings.append(found)
            recorder.finding("review" if part.changed else "find a bug", found)
            if is_shown:
                out.print(safe(finding_line(found)))
    return findings, reasons


def _readable(root: Path, path: str) -> Text | None:
    try:
        return text_of(root, path)
    except NoSuchPlace:
        return None


def _data(reviewed: Reviewed) -> dict[str, object]:
    return {
        "workspace": str(reviewed.root),
        "model": model_data(reviewed.model),
        "parts": reviewed.n_parts,
        "read": reviewed.n_read,
        "left": reviewed.left,
        "findings": [finding_data(finding) for finding in reviewed.findings],
    }
