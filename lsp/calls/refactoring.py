"""The commands of exact refactorings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from lsprotocol import types

from context.refactoring import Refused
from lsp.arguments import Lines, NewName, Position, Signature
from lsp.calls import Token
from lsp.calls.editing import apply
from lsp.jobs import editing, refactoring
from lsp.progress import Progress
from lsp.session import Session
from models.findings import Proposal
from models.tasks.edit import EditKind, EditTask


async def rename(session: Session, argument: NewName, token: Token) -> dict[str, Any]:
    session.refuse_other_version(argument.uri, argument.version)
    root, proposal = await refactoring.rename(
        session, argument.uri, _position(argument), argument.new_name, token
    )
    return await apply(session, root, proposal)


async def inline(session: Session, argument: Position, token: Token) -> dict[str, Any]:
    session.refuse_other_version(argument.uri, argument.version)
    root, proposal = await refactoring.inline(session, argument.uri, _position(argument), token)
    return await apply(session, root, proposal)


async def change_signature(session: Session, argument: Signature, token: Token) -> dict[str, Any]:
    session.refuse_other_version(argument.uri, argument.version)
    root, proposal = await refactoring.change_signature(
        session, argument.uri, _position(argument), argument.detail, token
    )
    return await apply(session, root, proposal)


async def extract_function(session: Session, argument: Lines, token: Token) -> dict[str, Any]:
    """Exact where that can be; else by the model, and the title says so and why."""
    session.refuse_other_version(argument.uri, argument.version)
    session.relative(argument.uri)  # refused before a progress begins
    async with session.working("Postil: extract function", token) as progress:
        root, proposal = await _extracted(session, argument, progress)
    return await apply(session, root, proposal)


async def _extracted(
    session: Session, argument: Lines, progress: Progress
) -> tuple[Path, Proposal]:
    uri, first, last = argument.uri, argument.first_line, argument.last_line
    why = "this language has no exact one"
    if refactoring.can_refactor(uri):
        try:
            return await refactoring.extract_function(
                session, uri, first, last, argument.name, progress
            )
        except Refused as refusal:
            if argument.name:
                raise  # the model would give it another name
            why = str(refusal).rstrip(".")
    _, path = session.relative(uri)
    task = EditTask(EditKind.EXTRACT_FUNCTION, path, first, last)
    root, proposal = await editing.propose_within(session, uri, task, progress)
    return root, replace(proposal, title=f"{proposal.title} (by the model, not exact: {why})")


async def split(session: Session, argument: Lines, token: Token) -> dict[str, Any]:
    session.refuse_other_version(argument.uri, argument.version)
    root, proposal = await refactoring.split(
        session, argument.uri, argument.first_line, argument.last_line, token
    )
    return await apply(session, root, proposal)


def _position(argument: Position) -> types.Position:
    return types.Position(argument.line, argument.character)
