"""codeAction/resolve: compute the edit of an action that was listed before."""

from __future__ import annotations

from lsprotocol import types

from lsp.arguments import read_target
from lsp.errors import INVALID_PARAMS, Failure
from lsp.jobs import editing
from lsp.jobs.applying import announced
from lsp.session import Session
from models.tasks.edit import EditTask


async def code_action_resolve(session: Session, action: types.CodeAction) -> types.CodeAction:
    target = read_target(action.data)
    if target.edit is None:
        raise Failure(INVALID_PARAMS, "This action has no edit to resolve.")
    session.refuse_other_version(target.uri, target.version)
    task_path = session.relative(target.uri)[1]
    task = EditTask(target.edit, task_path, target.first_line, target.last_line, target.detail)
    root, proposal = await editing.propose(session, target.uri, task, None)
    action.edit = editing.workspace_edit(session, root, proposal)
    action.title = announced(proposal)
    return action
