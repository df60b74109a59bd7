"""Reads many functions for bugs, one after another: all of a file, or what changed against HEAD.

The most suspicious first and only so many, since a local model takes its time; each finding is
shown as soon as it is there. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from context.changes import ChangedPart
from context.host import RemoteWorkspace
from context.languages import is_test_path
from context.outline import SymbolKind
from context.selection import selection_snippets
from context.suspicion import suspicion
from context.text import Text, content_hash
from lsp.errors import Failure
from lsp.jobs.noting import note_finding, reporter
from lsp.progress import Progress
from lsp.session import Session
from models.errors import ReplyUnusable
from models.findings import Finding
from models.reasoning import Effort
from models.tasks.locate import find_bug

MAX_ASKED = {Effort.QUICK: 3, Effort.NORMAL: 6, Effort.DEEP: 12}  # functions; a guess
MAX_LINES_WITHOUT_FUNCTION = 80


@dataclass(frozen=True, slots=True)
class Review:
    """`reason`: what was not read, or why there is no finding; "" when all was read."""

    root: Path
    findings: tuple[Finding, ...]
    n_parts: int
    reason: str


async def find_bugs_in_file(session: Session, uri: str, token: int | str | None) -> Review:
    """Findings in the functions of a file, as diagnostics."""
    root, path = session.relative(uri)
    text = session.text_of(uri)
    async with session.working("Postil: reading the file", token) as progress:
        workspace = await session.workspace(root)
        outline = await workspace.outline(path, text.content)
        functions = [s for s in outline.symbols if s.kind is SymbolKind.FUNCTION]
        parts = [
            ChangedPart(path, f.qualified_name, f.start_line, f.end_line, (), "") for f in functions
        ]
        if not parts:
            last = min(text.n_lines, MAX_LINES_WITHOUT_FUNCTION)
            parts = [ChangedPart(path, None, 1, last, (), "")]
        return await _read_parts(session, root, workspace, parts, progress)


async def review(session: Session, uri: str | None, token: int | str | None) -> Review:
    """Findings in what changed against HEAD: in a file, below a folder, or in the whole workspace.

    Raises `Failure` and `ContextError` where there is nothing to compare with.
    """
    root, folder = session.relative(uri) if uri else (session.any_root(), "")
    async with session.working("Postil: reading what changed", token) as progress:
        workspace = await session.workspace(root)
        buffers = session.open_texts(root)
        parts = await workspace.changes("" if folder == "." else folder, buffers)
        if not parts:
            return Review(root, (), 0, "Nothing has changed since the last commit.")
        return await _read_parts(session, root, workspace, parts, progress)


async def _read_parts(
    session: Session,
    root: Path,
    workspace: RemoteWorkspace,
    parts: Sequence[ChangedPart],
    progress: Progress,
) -> Review:
    ordered = sorted(parts, key=lambda p: -_weight(session, root, p))
    asked = ordered[: MAX_ASKED[session.settings.effort]]
    findings: list[Finding] = []
    reasons: list[str] = []
    for number, part in enumerate(asked, 1):
        progress.report(f"{number} of {len(asked)}: {part.symbol or part.path}")
        try:
            found = await _read_part(session, root, workspace, part, progress)
        except ReplyUnusable as unusable:
            reasons.append(str(unusable))
            continue
        if isinstance(found, Finding):
            findings.append(found)
        else:
            reasons.append(found)
    if len(parts) > len(asked):
        left = len(parts) - len(asked)
        reason = f"The {len(asked)} most suspicious of {len(parts)} parts were read, {left} not."
    elif findings:
        reason = ""
    else:
        reason = reasons[-1] if len(asked) == 1 else f"No bug was seen in {len(asked)} parts."
    return Review(root, tuple(findings), len(parts), reason)


def _weight(session: Session, root: Path, part: ChangedPart) -> float:
    try:
        text = session.text_of(session.uri_of(root, part.path))
    except Failure:
        return -1.0
    weight = suspicion("\n".join(text.lines(part.start_line, part.end_line)))
    return weight / 4 if is_test_path(part.path) else weight


async def _read_part(
    session: Session,
    root: Path,
    workspace: RemoteWorkspace,
    part: ChangedPart,
    progress: Progress,
) -> Finding | str:
    uri = session.uri_of(root, part.path)
    text: Text = session.text_of(uri)
    first = part.changed[0][0] if part.changed else part.start_line
    last = part.changed[-1][1] if part.changed else part.end_line
    snippets = await selection_snippets(workspace, part.path, text, first, last)
    found = await find_bug(
        snippets[0],
        snippets[1:],
        first,
        last,
        backend=await session.backend(),
        thinking_tokens=session.settings.effort.thinking_tokens,
        n_samples=session.settings.effort.n_samples,
        context_tokens=session.settings.context_tokens,
        on_event=reporter(progress),
        before=part.before,
    )
    if isinstance(found, Finding):
        session.recorder.finding("review" if part.changed else "find a bug", found)
        now = session.text_of(session.uri_of(root, found.path))
        if content_hash(now.content) != found.file_hash:
            return f"{found.path} changed while it was read."
        if not note_finding(session, root, found):
            return f"What was found in {found.path} was dismissed before."
    return found
