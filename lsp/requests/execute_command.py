"""workspace/executeCommand: looks the command up, reads its argument, runs it."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from lsp.arguments import read_argument
from lsp.command_table import COMMANDS, call_of
from lsp.errors import INVALID_PARAMS, Failure
from lsp.session import Session


async def execute_command(session: Session, params: types.ExecuteCommandParams) -> Any:
    command = COMMANDS.get(params.command)
    if command is None:
        raise Failure(INVALID_PARAMS, f"There is no command {params.command[:100]}.")
    call = call_of(command)
    given = params.arguments[0] if params.arguments else None
    argument = read_argument(call.argument, given, command.name)
    return await call.run(session, argument, params.work_done_token)
