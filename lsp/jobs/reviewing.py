"""Reads many functions for bugs, one after another: all of a file, or what changed against HEAD.

Each finding is shown as soon as it is there. Nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from context.changes import ChangedPart, Changes
from context.host import RemoteWorkspace
from context.text import Span, Text, content_hash
from lsp.documents import moved, replacement
from lsp.errors import Failure
from lsp.jobs.noting import asking_of, note_finding
from lsp.progress import Progress
from lsp.session import Session
from models.errors import ReplyUnusable
from models.findings import Finding
from models.tasks.review import MAX_READ, left_words, most_suspicious, parts_of, read_part


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
        changes = Changes(tuple(parts_of(path, text, outline)), is_cut=False)
        return await _read_parts(session, root, workspace, changes, progress)


async def review(session: Session, uri: str | None, token: int | str | None) -> Review:
    """Findings in what changed against HEAD: in a file, below a folder, or in the whole workspace.

    Raises `Failure` and `ContextError` where there is nothing to compare with.
    """
    root, folder = session.relative(uri) if uri else (session.any_root(), "")
    async with session.working("Postil: reading what changed", token) as progress:
        workspace = await session.workspace(root)
        buffers = session.open_texts(root)
        changes = await workspace.changes([folder], buffers)
        if not changes.parts:
            return Review(root, (), 0, "Nothing has changed since the last commit.")
        return await _read_parts(session, root, workspace, changes, progress)


async def _read_parts(
    session: Session,
    root: Path,
    workspace: RemoteWorkspace,
    changes: Changes,
    progress: Progress,
) -> Review:
    def text_of(path: str) -> Text | None:
        try:
            return session.text_of(session.uri_of(root, path))
        except Failure:
            return None

    texts = {path: text_of(path) for path in {part.path for part in changes.parts}}
    read = most_suspicious(changes.parts, texts.get)[: MAX_READ[session.settings.effort]]
    findings: list[Finding] = []
    reasons: list[str] = []
    n_changed = 0
    for number, part in enumerate(read, 1):
        progress.report(f"{number} of {len(read)}: {part.symbol or part.path}")
        now = _part_now(part, texts[part.path], text_of(part.path))
        if now is None:
            n_changed += 1
            continue
        try:
            found = await _read_part(session, root, workspace, now, progress)
        except ReplyUnusable as unusable:
            reasons.append(str(unusable))
            continue
        if isinstance(found, Finding):
            findings.append(found)
        else:
            reasons.append(found)
    n_parts, n_read = len(changes.parts), len(read) - n_changed
    left = left_words(
        n_parts, n_read, len(findings), reasons, is_cut=changes.is_cut, n_changed=n_changed
    )
    return Review(root, tuple(findings), n_parts, left)


def _part_now(part: ChangedPart, then: Text | None, now: Text | None) -> ChangedPart | None:
    """The part where it stands in a text that was edited elsewhere; None where it was itself."""
    if then is None or now is None:
        return None
    if then.content == now.content:
        return part
    lines = then.lines_span(part.start_line, part.end_line)
    whole = Span(lines.start, lines.end + 1)  # what is added to its last line changes it, too
    place = moved(whole, [replacement(then.content, now.content)])
    if place is None:
        return None
    shift = now.line_idx_at(place.start) + 1 - part.start_line
    return replace(
        part,
        start_line=part.start_line + shift,
        end_line=part.end_line + shift,
        changed=tuple((first + shift, last + shift) for first, last in part.changed),
    )


async def _read_part(
    session: Session,
    root: Path,
    workspace: RemoteWorkspace,
    part: ChangedPart,
    progress: Progress,
) -> Finding | str:
    found = await read_part(
        workspace,
        part,
        session.text_of(session.uri_of(root, part.path)),
        await asking_of(session, progress),
    )
    if isinstance(found, Finding):
        session.recorder.finding("review" if part.changed else "find a bug", found)
        now = session.text_of(session.uri_of(root, found.path))
        if content_hash(now.content) != found.file_hash:
            return f"{found.path} changed while it was read."
        if not note_finding(session, root, found):
            return f"What was found in {found.path} was dismissed before."
    return found
