"""Builds the server: which method goes where. No feature's code stands here."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import psutil
from lsprotocol import types

from context.serving import guard_stdout
from lsp import __version__, from_lsp
from lsp.capabilities import read_capabilities, server_capabilities, watched_files
from lsp.command_table import COMMANDS
from lsp.notifications import text_sync, workspace
from lsp.recording import Recorder
from lsp.requests.code_action import code_action
from lsp.requests.code_action_resolve import code_action_resolve
from lsp.requests.execute_command import execute_command
from lsp.requests.hover import hover
from lsp.session import Session
from lsp.settings import read_settings
from lsp.wire import Method, Wire

logger = logging.getLogger(__name__)

PARENT_CHECK_S = 3.0  # how often the client's process is looked for, as other servers do

_REQUESTS: dict[str, tuple[Callable[[Session, Any], Awaitable[Any]], Any]] = {
    "textDocument/hover": (hover, types.HoverParams),
    "textDocument/codeAction": (code_action, types.CodeActionParams),
    "codeAction/resolve": (code_action_resolve, types.CodeAction),
    "workspace/executeCommand": (execute_command, types.ExecuteCommandParams),
}
_NOTIFICATIONS: dict[str, tuple[Callable[[Session, Any], Awaitable[None]], Any]] = {
    "textDocument/didOpen": (text_sync.did_open, types.DidOpenTextDocumentParams),
    "textDocument/didChange": (text_sync.did_change, types.DidChangeTextDocumentParams),
    "textDocument/didSave": (text_sync.did_save, types.DidSaveTextDocumentParams),
    "textDocument/didClose": (text_sync.did_close, types.DidCloseTextDocumentParams),
    "workspace/didChangeWorkspaceFolders": (
        workspace.did_change_folders,
        types.DidChangeWorkspaceFoldersParams,
    ),
    "workspace/didChangeWatchedFiles": (
        workspace.did_change_watched_files,
        types.DidChangeWatchedFilesParams,
    ),
}


def serve_stdio() -> NoReturn:
    """Serve on stdin and stdout until the client ends, then end the process with the right code.

    Does not return: at an ordinary exit the interpreter aborts on the reader's hold of stdin.
    """
    wire_fd = guard_stdout()
    logging.basicConfig(
        level=os.environ.get("POSTIL_LOG_LEVEL", "WARNING"),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    code = asyncio.run(_serve(Wire(sys.stdin.buffer, wire_fd)))
    sys.stderr.flush()
    os._exit(code)


async def _serve(wire: Wire) -> int:
    settings, _ = read_settings(os.environ)
    session = Session(wire, settings)
    register(wire, session)
    code = await wire.run()
    try:
        await asyncio.wait_for(session.close(), 1.5)  # editors kill a server after 2 s
    except TimeoutError:
        logger.warning("some work did not end in time")
    return code


def register(wire: Wire, session: Session) -> None:
    """Connect every method to its handler."""

    def bind(handler: Callable[[Session, Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        return lambda params: handler(session, params)

    wire.on_request("initialize", Method(bind(_initialize)))
    wire.on_notification("initialized", Method(bind(_initialized)))
    wire.on_notification("window/workDoneProgress/cancel", Method(bind(_cancel_work)))
    for name, (handler, params_type) in _REQUESTS.items():
        wire.on_request(name, Method(bind(handler), params_type))
    for name, (notified, params_type) in _NOTIFICATIONS.items():
        wire.on_notification(name, Method(bind(notified), params_type))


async def _initialize(session: Session, params: Any) -> types.InitializeResult:
    """Answer at once: folders are opened and indexed after `initialized`."""
    given = params if isinstance(params, dict) else {}
    session.client = read_capabilities(given.get("capabilities") or {})
    options = given.get("initializationOptions")
    settings, complaints = read_settings(os.environ, options if isinstance(options, dict) else None)
    session.settings = settings
    session.recorder = Recorder(settings, session.say)
    session.complaints = complaints
    folders = [f.get("uri") for f in given.get("workspaceFolders") or [] if isinstance(f, dict)]
    if not folders and isinstance(given.get("rootUri"), str):
        folders = [given["rootUri"]]
    session.first_folders = [path for uri in folders if uri and (path := from_lsp.path(uri))]
    if isinstance(parent := given.get("processId"), int):
        session.in_background(_watch_parent(session.wire, parent))
    return types.InitializeResult(
        capabilities=server_capabilities(session.client, list(COMMANDS)),
        server_info=types.ServerInfo("postil", __version__),
    )


async def _initialized(session: Session, params: Any) -> None:
    del params
    for complaint in session.complaints:
        session.say(complaint)
    for folder in session.first_folders:
        session.add_root(folder)
    if session.client.watches:
        session.in_background(session.wire.request("client/registerCapability", watched_files()))


async def _cancel_work(session: Session, params: Any) -> None:
    token = params.get("token") if isinstance(params, dict) else None
    if isinstance(token, int | str):
        session.cancel_work(token)


async def _watch_parent(wire: Wire, pid: int) -> None:
    """End when the client's process is gone, even if its pipe stays open."""
    while psutil.pid_exists(pid):  # noqa: ASYNC110 - nobody tells us when a process ends
        await asyncio.sleep(PARENT_CHECK_S)
    wire.end(1)
