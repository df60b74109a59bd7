"""Tries a proposal with the user's own check command on a copy, and says so in the title.

Only where the user's settings name a command and the workspace is trusted: its tests are its code,
and they run. The edit is offered whatever comes of it; the verdict is for the user to weigh.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from context.checking import CheckRun, Status, run_check, verdict
from context.errors import ContextError
from context.sandbox import can_keep_writes
from context.shadow_copy import ShadowCopy, link_installed, make_copy
from context.text import content_hash
from lsp.progress import Progress
from lsp.session import Session
from models.findings import Proposal
from models.gate import apply_edits, by_path

logger = logging.getLogger(__name__)

MAX_KEPT_RUNS = 20
OLD_S = 2 * 3_600.0  # twice as long as a check may take


async def checked(session: Session, root: Path, proposal: Proposal, progress: Progress) -> Proposal:
    """The proposal with a verdict among its remarks; as it is where nothing is to be checked."""
    if not session.settings.check_command or not session.trusted:
        return proposal
    if not proposal.edits and not proposal.new_files:
        return proposal
    progress.report("checking on a copy")
    before = session.open_texts(root)
    after = dict(before)
    for path, mine in by_path(proposal.edits).items():
        text = session.text_of(session.uri_of(root, path)).content
        if any(edit.file_hash != content_hash(text) for edit in mine):
            return proposal  # it moved on meanwhile: whoever asked refuses it
        after[path] = apply_edits(text, mine)
    after.update({new.path: new.text for new in proposal.new_files})
    try:
        run = await _run(session, root, after)
        baseline = await _run(session, root, before) if run.status is Status.FAILS else None
        said = verdict(run, baseline)
    except (ContextError, OSError) as error:
        logger.info("not checked: %s", type(error).__name__)
        why = str(error) if isinstance(error, ContextError) else "the copy could not be written"
        said = f"not checked: {why}"
    return replace(proposal, remarks=(*proposal.remarks, said))


async def _run(session: Session, root: Path, texts: Mapping[str, str]) -> CheckRun:
    """The command on a fresh copy; what was run before on the same contents is not run again."""
    settings = session.settings
    folder = settings.cache_dir / "checks" / secrets.token_hex(8)
    stop = threading.Event()
    copying = asyncio.ensure_future(asyncio.to_thread(_copy, root, folder, texts, stop))
    try:
        copy = await asyncio.shield(copying)
        key = hashlib.sha256(repr((settings.check_command, copy.digest)).encode()).hexdigest()
        if (known := session.check_runs.get(key)) is not None:
            return known
        run = await run_check(
            settings.check_command, copy.folder, folder / "temporary", settings.check_seconds
        )
        logger.info("check command: %s", run.status.value)
        if run.status in (Status.PASSES, Status.FAILS):
            session.check_runs[key] = run
            while len(session.check_runs) > MAX_KEPT_RUNS:
                del session.check_runs[next(iter(session.check_runs))]
        return run
    finally:
        stop.set()
        await asyncio.shield(_removed(folder, copying))


def _copy(root: Path, folder: Path, texts: Mapping[str, str], stop: threading.Event) -> ShadowCopy:
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = make_copy(root, folder / root.name, texts, stop)
    if can_keep_writes():
        link_installed(root, copy.folder)
    return copy


async def _removed(folder: Path, copying: asyncio.Future[ShadowCopy]) -> None:
    """No cancel stops a thread: one that still copied would write the folder again."""
    with suppress(ContextError, OSError):
        await copying
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def remove_old_copies(cache_dir: Path) -> None:
    """What a server that was killed has left. By age: its process may be of another container."""
    with suppress(OSError):
        for folder in (cache_dir / "checks").iterdir():
            if time.time() - folder.lstat().st_mtime > OLD_S:
                shutil.rmtree(folder, ignore_errors=True)
