"""The commands that end in an edit, for clients that cannot resolve one, and for plugins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lsprotocol import types

from lsp import from_lsp
from lsp.arguments import Report, Target
from lsp.calls import Token
from lsp.errors import INVALID_PARAMS, REQUEST_FAILED, Failure
from lsp.jobs import editing
from lsp.jobs.applying import announced
from lsp.session import Session
from models.findings import Proposal
from models.tasks.edit import EditKind, EditTask

NEEDS_DETAIL = (EditKind.CUSTOM, EditKind.FIX)


def edit(kind: EditKind) -> Callable[[Session, Target, Token], Awaitable[dict[str, Any]]]:
    """The command that proposes an edit of this kind and has the client apply it."""

    async def run(session: Session, target: Target, token: Token) -> dict[str, Any]:
        session.refuse_other_version(target.uri, target.version)
        if kind in NEEDS_DETAIL and not target.detail.strip():
            raise Failure(INVALID_PARAMS, "Say in `detail` what is to be changed.")
        _, path = session.relative(target.uri)
        task = EditTask(kind, path, target.first_line, target.last_line, target.detail)
        root, proposal = await editing.propose(session, target.uri, task, token)
        return await apply(session, root, proposal)

    return run


fix = edit(EditKind.FIX)
simplify = edit(EditKind.SIMPLIFY)
extract_function = edit(EditKind.EXTRACT_FUNCTION)
change = edit(EditKind.CUSTOM)
modernise = edit(EditKind.MODERNISE)
add_types = edit(EditKind.ADD_TYPES)
document = edit(EditKind.DOCUMENT)
write_test = edit(EditKind.WRITE_TEST)


async def fix_test(session: Session, argument: Report, token: Token) -> dict[str, Any]:
    """`report`: what a run of the tests printed."""
    path = from_lsp.path(argument.uri) if argument.uri else None
    root = session.root_of(path) if path else session.any_root()
    report = argument.report or argument.detail
    own_root, proposal = await editing.fix_test(session, root, report, token)
    return await apply(session, own_root, proposal)


async def apply(session: Session, root: Path, proposal: Proposal) -> dict[str, Any]:
    """Have the client apply it. Raises `Failure` with the client's reason when it does not."""
    edit = editing.workspace_edit(session, root, proposal)
    answer = await session.wire.request(
        "workspace/applyEdit", types.ApplyWorkspaceEditParams(edit, announced(proposal))
    )
    if not (isinstance(answer, dict) and answer.get("applied")):
        reason = answer.get("failureReason") if isinstance(answer, dict) else None
        raise Failure(REQUEST_FAILED, f"The editor did not apply the edit: {reason or 'no'}.")
    paths = {e.path for e in proposal.edits} | {new.path for new in proposal.new_files}
    return {"title": announced(proposal), "files": len(paths)}
