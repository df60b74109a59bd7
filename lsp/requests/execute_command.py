"""workspace/executeCommand: every job by name, for clients that cannot resolve, and for plugins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pydantic import BaseModel, ConfigDict, ValidationError

from context.suspects import Suspect
from lsp import from_lsp, to_lsp
from lsp.errors import INVALID_PARAMS, REQUEST_FAILED, Failure, Stale
from lsp.jobs import editing, locating, reading, reviewing
from lsp.jobs.applying import announced
from lsp.session import Session
from models.findings import Finding, Proposal
from models.tasks.edit import EditKind, EditTask


class Target(BaseModel):
    """Where a job works. Lines are 1-based and inclusive."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uri: str
    version: int | None = None
    first_line: int = 1
    last_line: int = 1
    edit: EditKind | None = None
    detail: str = ""


class Report(BaseModel):
    """A bug report; `detail` is another name for it, as a code action sends it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    report: str = ""
    detail: str = ""
    uri: str = ""


def read_target(data: Any) -> Target:
    try:
        return Target.model_validate(data)
    except ValidationError as error:
        raise Failure(
            INVALID_PARAMS, "This needs an object with uri, first_line and last_line."
        ) from error


async def execute_command(session: Session, params: types.ExecuteCommandParams) -> Any:
    command = COMMANDS.get(params.command)
    if command is None:
        raise Failure(INVALID_PARAMS, f"There is no command {params.command[:100]}.")
    arguments = params.arguments or [{}]
    return await command(session, arguments[0], params.work_done_token)


Token = int | str | None
Command = Callable[[Session, Any, Token], Awaitable[Any]]


def _report(argument: Any) -> Report:
    try:
        return Report.model_validate(argument)
    except ValidationError as error:
        raise Failure(INVALID_PARAMS, "This needs an object with a text named report.") from error


async def _locate(session: Session, argument: Any, token: Token) -> dict[str, Any]:
    report = _report(argument)
    path = from_lsp.path(report.uri) if report.uri else None
    root = session.root_of(path) if path else session.any_root()
    outcome = await locating.locate(session, root, report.report or report.detail, token)
    return {
        "elapsed_s": outcome.located.elapsed_s,
        "suspects": [_suspect(session, root, s) for s in outcome.located.suspects],
        "finding": _finding(session, root, outcome.finding) if outcome.finding else None,
        "without_model": outcome.without_model,
    }


async def _find_bugs(session: Session, argument: Any, token: Token) -> dict[str, Any]:
    target = read_target(argument)
    if not target.model_fields_set & {"first_line", "last_line"}:
        review = await reviewing.find_bugs_in_file(session, target.uri, token)
        first = next(iter(review.findings), None)
        shown = _finding(session, review.root, first) if first else None
        return {"finding": shown, "reason": review.reason}
    found = await reading.find_bugs(session, target.uri, target.first_line, target.last_line, token)
    if isinstance(found, Finding):
        root, _ = session.relative(target.uri)
        return {"finding": _finding(session, root, found), "reason": ""}
    return {"finding": None, "reason": found}


async def _review(session: Session, argument: Any, token: Token) -> dict[str, Any]:
    """The changes of a file or of what is below a folder; without a uri of the whole folder."""
    uri = argument.get("uri") if isinstance(argument, dict) else None
    review = await reviewing.review(session, uri if isinstance(uri, str) else None, token)
    return {
        "findings": [_finding(session, review.root, f) for f in review.findings],
        "hunks": review.n_parts,
        "reason": review.reason,
    }


async def _fix_test(session: Session, argument: Any, token: Token) -> dict[str, Any]:
    """{report}: what a run of the tests printed."""
    report = _report(argument)
    path = from_lsp.path(report.uri) if report.uri else None
    root = session.root_of(path) if path else session.any_root()
    proposal = await editing.fix_test(session, root, report.report or report.detail, token)
    return await _apply(session, root, proposal)


async def _explain(session: Session, argument: Any, token: Token) -> dict[str, Any]:
    """`detail`: what a diagnostic says about the lines, if that is to be explained."""
    target = read_target(argument)
    said = await reading.explain(
        session, target.uri, target.first_line, target.last_line, target.detail, token
    )
    return {
        "text": to_lsp.visible(said.text),
        "references_shown": said.citations.n_shown,
        "references": len(said.citations.found),
        "not_shown": list(said.citations.not_shown),
    }


def _edit(kind: EditKind) -> Command:
    async def run(session: Session, argument: Any, token: Token) -> dict[str, Any]:
        target = read_target(argument)
        document = session.documents.get(target.uri)
        if document and target.version is not None and document.version != target.version:
            raise Stale(target.uri.rpartition("/")[2])
        if kind in (EditKind.CUSTOM, EditKind.FIX) and not target.detail.strip():
            raise Failure(INVALID_PARAMS, "Say in `detail` what is to be changed.")
        _, path = session.relative(target.uri)
        task = EditTask(kind, path, target.first_line, target.last_line, target.detail)
        root, proposal = await editing.propose(session, target.uri, task, token)
        return await _apply(session, root, proposal)

    return run


async def _apply(session: Session, root: Path, proposal: Proposal) -> dict[str, Any]:
    edit = editing.workspace_edit(session, root, proposal)
    answer = await session.wire.request(
        "workspace/applyEdit", types.ApplyWorkspaceEditParams(edit, announced(proposal))
    )
    applied = isinstance(answer, dict) and bool(answer.get("applied"))
    if not applied:
        reason = answer.get("failureReason") if isinstance(answer, dict) else None
        raise Failure(REQUEST_FAILED, f"The editor did not apply the edit: {reason or 'no'}.")
    paths = {e.path for e in proposal.edits} | {new.path for new in proposal.new_files}
    return {"title": announced(proposal), "files": len(paths)}


async def _clear(session: Session, argument: Any, token: Token) -> None:
    del argument, token
    session.clear()


async def _trace(session: Session, argument: Any, token: Token) -> str:
    """The whole trace of the note at {uri, line (1-based)}, else of the newest finding."""
    del token
    if isinstance(argument, dict) and isinstance(argument.get("uri"), str):
        line = argument.get("line", 1)
        for note in session.notes.of(argument["uri"]):
            text = session.text_of(note.uri)
            first = text.line_idx_at(note.span.start) + 1
            if note.trace and isinstance(line, int) and first <= line:
                last = text.line_idx_at(min(note.span.end, len(text))) + 1
                if line <= last:
                    return note.trace
    return session.notes.newest_trace()


async def _status(session: Session, argument: Any, token: Token) -> dict[str, Any]:
    del argument, token
    return session.status()


def _suspect(session: Session, root: Path, suspect: Suspect) -> dict[str, Any]:
    return {
        "uri": session.uri_of(root, suspect.path),
        "path": suspect.path,
        "symbol": suspect.symbol,
        "start_line": suspect.start_line,
        "end_line": suspect.end_line,
        "score": suspect.score,
        "evidence": [{"signal": e.signal.value, "detail": e.detail} for e in suspect.evidence],
    }


def _finding(session: Session, root: Path, finding: Finding) -> dict[str, Any]:
    return {
        "uri": session.uri_of(root, finding.path),
        "path": finding.path,
        "symbol": finding.symbol,
        "start_line": finding.start_line,
        "end_line": finding.end_line,
        "cause": finding.cause,
    }


COMMANDS: dict[str, Command] = {
    "postil.locate": _locate,
    "postil.findBugs": _find_bugs,
    "postil.review": _review,
    "postil.explain": _explain,
    "postil.fix": _edit(EditKind.FIX),
    "postil.fixTest": _fix_test,
    "postil.simplify": _edit(EditKind.SIMPLIFY),
    "postil.extractFunction": _edit(EditKind.EXTRACT_FUNCTION),
    "postil.change": _edit(EditKind.CUSTOM),
    "postil.modernise": _edit(EditKind.MODERNISE),
    "postil.addTypes": _edit(EditKind.ADD_TYPES),
    "postil.document": _edit(EditKind.DOCUMENT),
    "postil.writeTest": _edit(EditKind.WRITE_TEST),
    "postil.clear": _clear,
    "postil.trace": _trace,
    "postil.status": _status,
}
