"""The commands of exact refactorings."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from context.refactoring import Refused
from lsp.arguments import Lines, NewName, Position, Signature, Target
from lsp.calls import Token
from lsp.calls.editing import apply
from lsp.calls.editing import extract_function as extract_by_model
from lsp.jobs import refactoring
from lsp.session import Session


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
    """Exact where that can be; else by the model, whose title says so."""
    session.refuse_other_version(argument.uri, argument.version)
    if refactoring.can_refactor(argument.uri):
        try:
            root, proposal = await refactoring.extract_function(
                session, argument.uri, argument.first_line, argument.last_line, argument.name, token
            )
            return await apply(session, root, proposal)
        except Refused:
            if argument.name:
                raise  # the model would give it another name
    target = Target(
        uri=argument.uri,
        version=argument.version,
        first_line=argument.first_line,
        last_line=argument.last_line,
    )
    return await extract_by_model(session, target, token)


async def split(session: Session, argument: Lines, token: Token) -> dict[str, Any]:
    session.refuse_other_version(argument.uri, argument.version)
    root, proposal = await refactoring.split(
        session, argument.uri, argument.first_line, argument.last_line, token
    )
    return await apply(session, root, proposal)


def _position(argument: Position) -> types.Position:
    return types.Position(argument.line, argument.character)
