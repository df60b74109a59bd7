"""From a report to suspects and a finding, as diagnostics; told piece by piece to who takes it."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path

from context.errors import ContextError
from context.host import RemoteWorkspace
from context.suspects import Located, Suspect
from lsp import results, to_lsp
from lsp.errors import REQUEST_CANCELLED, Failure
from lsp.jobs.noting import DISMISSED, asking_of, note_finding
from lsp.progress import Progress
from lsp.session import Session
from lsp.traces import Kind, Note, finding_id
from models.errors import ModelError
from models.findings import Finding
from models.tasks.locate import locate as ask_to_locate
from models.tasks.rank import reorder

MAX_HEAD_CHARS = 200  # of a report, to know it by

_runs = itertools.count(1)


@dataclass(frozen=True, slots=True)
class LocateOutcome:
    """What came of a report: suspects always, a finding when a model found one."""

    root: Path
    located: Located
    finding: Finding | None
    without_model: str  # why there is no finding; empty when there is one
    run: str  # names this run in what is told while it goes on


@dataclass(slots=True)
class _Run:
    """One report on its way, with what is known of it by now."""

    session: Session
    root: Path
    report: str
    located: Located
    run: str = field(default_factory=lambda: f"run-{next(_runs)}")

    def show(self, located: Located) -> None:
        """As diagnostics, and as postil/suspects."""
        self.located = located
        _show_suspects(self.session, self.root, located)
        self._tell(None, is_final=False)

    def end(self, finding: Finding | None, why_not: str) -> LocateOutcome:
        self._tell(finding, is_final=True)
        return LocateOutcome(self.root, self.located, finding, why_not, self.run)

    def _tell(self, finding: Finding | None, *, is_final: bool) -> None:
        if not self.session.client.told_suspects:
            return
        head = self.report.strip().partition("\n")[0][:MAX_HEAD_CHARS]
        suspects = self.located.suspects
        params = {
            "run": self.run,
            "report_head": to_lsp.visible(head),
            "suspects": [results.suspect(self.session, self.root, s) for s in suspects],
            "is_final": is_final,
            "finding": results.finding(self.session, self.root, finding) if finding else None,
        }
        self.session.wire.notify("postil/suspects", params)


async def locate(
    session: Session, root: Path, report: str, token: int | str | None
) -> LocateOutcome:
    """Suspects at once, then the model's finding; both as diagnostics, of the newest report alone.

    Raises `Failure` for one that was stopped, or whose place a newer one took.
    """
    work = asyncio.ensure_future(_locate(session, root, report, token))
    outcome = await session.reports.newest(work)
    if outcome is None:
        raise Failure(REQUEST_CANCELLED, "This was stopped, or a newer report took its place.")
    return outcome


async def _locate(
    session: Session, root: Path, report: str, token: int | str | None
) -> LocateOutcome:
    async with session.working("Postil: locating the bug", token) as progress:
        workspace = await session.workspace(root)
        located = await workspace.locate(
            report, session.settings.max_suspects, diagnostics=session.others.of(root)
        )
        run = _Run(session, root, report, located)
        run.show(located)
        if not located.suspects:
            return run.end(None, "Nothing in this workspace is like it.")
        try:
            finding = await _found(run, workspace, progress)
        except (ModelError, ContextError, Failure) as error:
            return run.end(None, str(error))
        except BaseException:
            run.end(None, "")  # else who was told of suspects waits for more
            raise
        return run.end(finding, "" if finding else DISMISSED)


async def _found(run: _Run, workspace: RemoteWorkspace, progress: Progress) -> Finding | None:
    """The model's finding, shown; None for one that was dismissed before."""
    session, report = run.session, run.report
    if weight := session.settings.reorder_weight:
        progress.report("ordering the suspects")
        run.show(await reorder(await session.backend(), report, run.located, weight))
    finding = await _ask_model(session, workspace, run.located, report, progress)
    session.recorder.finding("locate", finding)
    if not note_finding(session, run.root, finding):
        return None
    session.located = finding_id(finding)
    return finding


async def _ask_model(
    session: Session,
    workspace: RemoteWorkspace,
    located: Located,
    report: str,
    progress: Progress,
) -> Finding:
    progress.report("loading the model")
    asking = await asking_of(session, progress)
    snippets = await workspace.snippets(located.suspects, report)
    return await ask_to_locate(report, snippets, asking)


def _show_suspects(session: Session, root: Path, located: Located) -> None:
    before = session.notes.uris()
    _take_back(session)
    for rank, suspect in enumerate(located.suspects, 1):
        _note_suspect(session, root, rank, suspect)
    for uri in dict.fromkeys((*before, *session.notes.uris())):
        session.publish(uri)


def _take_back(session: Session) -> None:
    """What the report before led to; a review's findings and explanations stay."""
    for uri in session.notes.uris():
        for note in session.notes.of(uri):
            if note.kind is Kind.SUSPECT or note.id == session.located:
                session.notes.remove(note.id)


def _note_suspect(session: Session, root: Path, rank: int, suspect: Suspect) -> None:
    uri = session.uri_of(root, suspect.path)
    try:
        text = session.text_of(uri)
    except Failure:
        return  # gone since it was indexed
    span = text.line_span(min(suspect.likeliest_line, text.n_lines) - 1)
    message = to_lsp.suspect_message(rank, suspect)
    hover = to_lsp.suspect_hover(rank, suspect)
    note = Note(Kind.SUSPECT, uri, span, message, hover, root, symbol=suspect.symbol or "")
    session.notes.add(note, text)
