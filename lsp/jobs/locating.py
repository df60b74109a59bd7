"""From a report to suspects and a finding, as diagnostics; told piece by piece to who takes it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from context.host import RemoteWorkspace
from context.suspects import Located, Suspect
from lsp import results, to_lsp
from lsp.errors import Failure
from lsp.jobs.noting import asking_of, note_finding
from lsp.progress import Progress
from lsp.session import Session
from lsp.traces import Kind, Note
from models.errors import ModelError
from models.findings import Finding
from models.tasks.locate import locate as ask_to_locate
from models.tasks.rank import reorder

MAX_HEAD_CHARS = 200  # of a report, to know it by
DISMISSED = "The model found only what you have dismissed before."

_runs = itertools.count(1)


@dataclass(frozen=True, slots=True)
class LocateOutcome:
    """What came of a report: suspects always, a finding when a model found one."""

    root: Path
    located: Located
    finding: Finding | None
    without_model: str  # why there is no finding; empty when there is one
    run: str  # names this run in what is told while it goes on


@dataclass(frozen=True, slots=True)
class _Run:
    """One report on its way."""

    session: Session
    root: Path
    report: str
    run: str = field(default_factory=lambda: f"run-{next(_runs)}")

    def tell(self, located: Located) -> None:
        """postil/suspects, as far as it is known by now."""
        self._tell(located, None, is_final=False)

    def end(self, located: Located, finding: Finding | None, why_not: str) -> LocateOutcome:
        self._tell(located, finding, is_final=True)
        return LocateOutcome(self.root, located, finding, why_not, self.run)

    def _tell(self, located: Located, finding: Finding | None, *, is_final: bool) -> None:
        if not self.session.client.told_suspects:
            return
        head = self.report.strip().partition("\n")[0][:MAX_HEAD_CHARS]
        params = {
            "run": self.run,
            "report_head": to_lsp.visible(head),
            "suspects": [results.suspect(self.session, self.root, s) for s in located.suspects],
            "is_final": is_final,
            "finding": results.finding(self.session, self.root, finding) if finding else None,
        }
        self.session.wire.notify("postil/suspects", params)


async def locate(
    session: Session, root: Path, report: str, token: int | str | None
) -> LocateOutcome:
    """Suspects at once, then the model's finding; both as diagnostics."""
    run = _Run(session, root, report)
    async with session.working("Postil: locating the bug", token) as progress:
        workspace = await session.workspace(root)
        located = await workspace.locate(
            report, session.settings.max_suspects, diagnostics=session.others.of(root)
        )
        _show_suspects(session, root, located)
        run.tell(located)
        if not located.suspects:
            return run.end(located, None, "Nothing in this workspace is like it.")
        try:
            if weight := session.settings.reorder_weight:
                progress.report("ordering the suspects")
                located = await reorder(await session.backend(), report, located, weight)
                _show_suspects(session, root, located)
                run.tell(located)
            finding = await _ask_model(session, workspace, located, report, progress)
        except ModelError as error:
            return run.end(located, None, str(error))
        session.recorder.finding("locate", finding)
        if not note_finding(session, root, finding):
            return run.end(located, None, DISMISSED)
        return run.end(located, finding, "")


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
    session.clear()
    for rank, suspect in enumerate(located.suspects, 1):
        _note_suspect(session, root, rank, suspect)
    _publish_all(session)


def _note_suspect(session: Session, root: Path, rank: int, suspect: Suspect) -> None:
    uri = session.uri_of(root, suspect.path)
    try:
        text = session.text_of(uri)
    except Failure:
        return  # gone since it was indexed
    span = text.line_span(min(suspect.likeliest_line, text.n_lines) - 1)
    message = to_lsp.suspect_message(rank, suspect)
    hover = to_lsp.suspect_hover(rank, suspect)
    session.notes.add(Note(Kind.SUSPECT, uri, span, message, hover, root), text)


def _publish_all(session: Session) -> None:
    for uri in session.notes.uris():
        session.publish(uri)
