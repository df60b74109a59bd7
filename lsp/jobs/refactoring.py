"""Exact refactorings: the model names, the syntax tree and the index carry out, the gate checks.

Where the user gives the name, no model is asked at all; where none is loaded, what needs only a
name gets a plain one. Edits are returned, never applied here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types

from context.host import RemoteWorkspace
from context.languages import language_of
from context.refactoring import Carried, Kind, Refactoring, Refused
from context.refactoring.names import EXACT, taken_in
from context.selection import selection_snippets
from context.text import Span, Text, content_hash
from lsp import from_lsp
from lsp.errors import INVALID_PARAMS, REQUEST_FAILED, Failure, Stale
from lsp.jobs.checking import checked
from lsp.jobs.noting import asking_of
from lsp.progress import Progress
from lsp.session import Session
from models.errors import ModelUnavailable
from models.findings import Edit, Exact, NewFile, Proposal, Provenance
from models.gate import carried_refusal
from models.tasks.parameters import read_signature
from models.tasks.refactor import (
    Planning,
    propose_function_name,
    propose_name,
    propose_signature,
)

PLAIN_NAME = "extracted"  # of a function, where no model is there to name it
Token = int | str | None


@dataclass(slots=True)
class _Work:
    """One refactoring on its way: the texts that it is planned for stay the same throughout."""

    session: Session
    workspace: RemoteWorkspace
    root: Path
    path: str
    uri: str
    text: Text
    texts: dict[str, str]  # open documents of the folder, by path
    progress: Progress

    @property
    def language(self) -> str:
        language = language_of(self.path)
        return language.name if language else "text"

    async def planning(self, first_line: int, last_line: int) -> Planning:
        """Raises `ModelUnavailable`."""
        asking = await asking_of(self.session, self.progress)
        snippets = await selection_snippets(
            self.workspace, self.path, self.text, first_line, last_line
        )
        return Planning(snippets, self.language, asking)


_Plan = Callable[[_Work], Coroutine[Any, Any, tuple[Carried, Provenance | None]]]


def can_refactor(path: str) -> bool:
    """Whether files like this one are refactored exactly."""
    language = language_of(path)
    return language is not None and language.name in EXACT


async def rename(
    session: Session, uri: str, position: types.Position, new_name: str, token: Token
) -> tuple[Path, Proposal]:
    """Without a name the model proposes one. Raises `Failure`, `Refused`, `ModelError`."""

    async def plan(work: _Work) -> tuple[Carried, Provenance | None]:
        at = _offset(work, position)
        name, planned = new_name.strip(), None
        if not name:
            target = await work.workspace.target_at(work.path, at, work.texts)
            planning = await work.planning(target.first_line, target.last_line)
            name, planned = await propose_name(target, planning)
        return await _carry(work, Refactoring(Kind.RENAME, work.path, at, at, name)), planned

    return await _propose(session, uri, "rename", plan, token)


async def inline(
    session: Session, uri: str, position: types.Position, token: Token
) -> tuple[Path, Proposal]:
    """A variable or a function at a position. No model takes part."""

    async def plan(work: _Work) -> tuple[Carried, None]:
        at = _offset(work, position)
        return await _carry(work, Refactoring(Kind.INLINE, work.path, at, at)), None

    return await _propose(session, uri, "inline", plan, token)


async def change_signature(
    session: Session, uri: str, position: types.Position, detail: str, token: Token
) -> tuple[Path, Proposal]:
    """`detail`: one of the forms, which are taken as they are, or words that the model reads."""
    if not detail.strip():
        raise Failure(INVALID_PARAMS, "Say in `detail` what to change, as in `add limit=10`.")

    async def plan(work: _Work) -> tuple[Carried, Provenance | None]:
        at = _offset(work, position)
        change, planned = read_signature(detail), None
        if change is None:
            target = await work.workspace.target_at(work.path, at, work.texts)
            planning = await work.planning(target.first_line, target.last_line)
            change, planned = await propose_signature(target, detail, planning)
        asked = Refactoring(Kind.SIGNATURE, work.path, at, at, signature=change)
        return await _carry(work, asked), planned

    return await _propose(session, uri, "change signature", plan, token)


async def extract_function(
    session: Session, uri: str, first_line: int, last_line: int, name: str, progress: Progress
) -> tuple[Path, Proposal]:
    """Whole lines of a function. Raises `Refused` where that cannot be done exactly."""

    async def plan(work: _Work) -> tuple[Carried, Provenance | None]:
        span = work.text.lines_span(first_line, min(last_line, work.text.n_lines))
        return await _extract(work, span, first_line, last_line, name)

    return await _propose_within(session, uri, "extract function", plan, progress)


async def split(
    session: Session, uri: str, first_line: int, last_line: int, token: Token
) -> tuple[Path, Proposal]:
    """A class or function whose head is on the lines goes to a file of its own, else the longest
    part of the function around them becomes a function.
    """

    async def plan(work: _Work) -> tuple[Carried, Provenance | None]:
        span = work.text.lines_span(first_line, min(last_line, work.text.n_lines))
        outline = await work.workspace.outline(work.path, work.text.content)
        symbol = outline.enclosing(first_line)
        is_whole = symbol is not None and first_line <= symbol.start_line
        if is_whole and "." not in (symbol.qualified_name if symbol else "."):
            asked = Refactoring(Kind.MOVE, work.path, span.start, span.end)
            try:
                return await _carry(work, asked), None
            except Refused:
                if symbol is None or symbol.kind.value != "function":
                    raise
        found = await work.workspace.split_candidates(work.path, first_line, last_line, work.texts)
        best = found[0]
        return await _extract(work, Span(best.start, best.end), best.first_line, best.last_line, "")

    return await _propose(session, uri, "split", plan, token)


async def _extract(
    work: _Work, span: Span, first_line: int, last_line: int, name: str
) -> tuple[Carried, Provenance | None]:
    """First whether it can be done at all: a model is not asked for what will be refused."""
    taken = taken_in(work.text.content)
    plain = next(n for n in _numbered(PLAIN_NAME) if n not in taken)
    planned = None
    asked = Refactoring(Kind.EXTRACT, work.path, span.start, span.end, name or plain)
    carried = await _carry(work, asked)
    if name:
        return carried, None
    try:
        planning = await work.planning(first_line, last_line)
        like = "snake_case" if work.language in ("python", "rust") else "camelCase"
        chosen, planned = await propose_function_name(
            first_line, last_line, sorted(taken), like, planning
        )
    except ModelUnavailable:
        return carried, None
    asked = Refactoring(Kind.EXTRACT, work.path, span.start, span.end, chosen)
    return await _carry(work, asked), planned


def _numbered(name: str) -> list[str]:
    return [name, *(f"{name}{number}" for number in range(2, 100))]


async def _carry(work: _Work, asked: Refactoring) -> Carried:
    work.progress.report("looking at every use")
    return await work.workspace.carry_out(asked, work.texts)


def _offset(work: _Work, position: types.Position) -> int:
    return from_lsp.offset(work.text, position, work.session.client.encoding)


async def _propose(
    session: Session,
    uri: str,
    task: str,
    plan: _Plan,
    token: Token,
) -> tuple[Path, Proposal]:
    _, path = session.relative(uri)
    if not can_refactor(path):
        raise Failure(REQUEST_FAILED, f"Postil does not refactor files like {path} exactly.")
    async with session.working(f"Postil: {task}", token) as progress:
        return await _propose_within(session, uri, task, plan, progress)


async def _propose_within(
    session: Session, uri: str, task: str, plan: _Plan, progress: Progress
) -> tuple[Path, Proposal]:
    """Plan, check against what is open by then, record."""
    root, path = session.relative(uri)
    workspace = await session.workspace(root)
    work = _Work(
        session,
        workspace,
        root,
        path,
        uri,
        session.text_of(uri),
        session.open_texts(root),
        progress,
    )
    carried, planned = await plan(work)
    proposal = await _checked(work, carried, planned)
    proposal = await checked(session, root, proposal, progress)
    for edit in proposal.edits:  # trying it takes its time
        now = session.text_of(session.uri_of(root, edit.path)).content
        if content_hash(now) != edit.file_hash:
            raise Stale(edit.path)
    session.recorder.proposal(task, proposal)
    if not proposal.edits and not proposal.new_files:
        raise Failure(REQUEST_FAILED, proposal.refusals[-1].sentence)
    session.await_applied(root, proposal)
    return root, proposal


async def _checked(work: _Work, carried: Carried, planned: Provenance | None) -> Proposal:
    """The edits through the gate, against the texts as they are now."""
    changed = [edit for edit in carried.edits if edit.file_hash]
    title = f"Postil: {carried.what}"
    edits = tuple(
        Edit(e.path, Span(e.start, e.end), e.old_text, e.new_text, e.file_hash, carried.what)
        for e in changed
    )
    new_files = tuple(
        NewFile(e.path, e.new_text, carried.what) for e in carried.edits if not e.file_hash
    )
    paths = dict.fromkeys(edit.path for edit in edits)
    sources = work.session.sources(work.root, paths)
    for edit in edits:
        if content_hash(sources[edit.path]) != edit.file_hash:
            raise Stale(edit.path)
    known = await work.workspace.files() if new_files else []
    refusal = await carried_refusal(edits, new_files, sources, known, work.workspace)
    hashes = tuple({e.path: e.file_hash for e in changed}.items())
    exact = Exact(carried.by, carried.looked_at, hashes, planned)
    if refusal is not None:
        return Proposal(title, (), (refusal,), 0, exact)
    return Proposal(title, edits, (), 0, exact, new_files=new_files, remarks=carried.warnings)
