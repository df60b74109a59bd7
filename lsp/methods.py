"""Which method goes where, and the life of a session: opened after `initialize`, started after
`initialized`. No feature's code stands here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
from lsprotocol import types

from lsp.capabilities import pulls_diagnostics
from lsp.configuration import Configuration
from lsp.jobs.checking import remove_old_copies
from lsp.notifications import text_sync, workspace
from lsp.registrations import registrations
from lsp.requests.code_action import code_action
from lsp.requests.code_action_resolve import code_action_resolve
from lsp.requests.code_lens import code_lens
from lsp.requests.document_diagnostic import document_diagnostic
from lsp.requests.document_symbol import document_symbol
from lsp.requests.execute_command import execute_command
from lsp.requests.hover import hover
from lsp.requests.inline_completion import inline_completion
from lsp.requests.text_document_content import text_document_content
from lsp.requests.workspace_diagnostic import workspace_diagnostic
from lsp.requests.workspace_symbol import workspace_symbol
from lsp.session import Session
from lsp.wire import Method, Wire

if TYPE_CHECKING:
    from lsp.server import Opening

logger = logging.getLogger(__name__)

PARENT_CHECK_S = 3.0  # how often the client's process is looked for, as other servers do

_REQUESTS: dict[str, tuple[Callable[[Session, Any], Awaitable[Any]], Any]] = {
    "textDocument/hover": (hover, types.HoverParams),
    "textDocument/codeAction": (code_action, types.CodeActionParams),
    "codeAction/resolve": (code_action_resolve, types.CodeAction),
    "workspace/executeCommand": (execute_command, types.ExecuteCommandParams),
    "workspace/textDocumentContent": (text_document_content, types.TextDocumentContentParams),
    "textDocument/diagnostic": (document_diagnostic, types.DocumentDiagnosticParams),
    "workspace/diagnostic": (workspace_diagnostic, types.WorkspaceDiagnosticParams),
    "textDocument/codeLens": (code_lens, types.CodeLensParams),
    "textDocument/documentSymbol": (document_symbol, types.DocumentSymbolParams),
    "workspace/symbol": (workspace_symbol, types.WorkspaceSymbolParams),
    "textDocument/inlineCompletion": (inline_completion, types.InlineCompletionParams),
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
    "window/workDoneProgress/cancel": (workspace.cancel_work, None),
    "postil/trust": (workspace.trust, None),
}
# Who is told of parameters that are not of that type, where a log line is not enough.
_ON_UNREADABLE: dict[str, Callable[[Session, Any], None]] = {
    "textDocument/didChange": text_sync.unreadable_change,
}


def open_session(wire: Wire, opening: Opening, environ: Mapping[str, str]) -> Session:
    """The session of a client that has been answered, with every method registered."""
    configuration = Configuration(environ, opening.options)
    settings = configuration.current
    wanted = settings.pull_diagnostics
    is_pulled = pulls_diagnostics(opening.client, is_wanted=wanted)
    session = Session(wire, settings, opening.client, is_pulled=is_pulled)
    session.trusted = opening.is_trusted

    def bind(handler: Callable[[Session, Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        return lambda params: handler(session, params)

    for name, (handler, params_type) in _REQUESTS.items():
        wire.on_request(name, Method(bind(handler), params_type))
    for name, (notified, params_type) in _NOTIFICATIONS.items():
        told = _ON_UNREADABLE.get(name)
        on_unreadable = partial(told, session) if told is not None else None
        wire.on_notification(name, Method(bind(notified), params_type, on_unreadable))

    async def initialized(params: Any) -> None:
        del params
        _start(session, opening, configuration)

    async def configured(params: Any) -> None:
        configuration.changed(session, params)

    wire.on_notification("initialized", Method(initialized))
    wire.on_notification("workspace/didChangeConfiguration", Method(configured))
    # A client outside of a container has no process here.
    if opening.parent is not None and psutil.pid_exists(opening.parent):
        session.in_background(_watch_parent(wire, opening.parent))
    return session


def _start(session: Session, opening: Opening, configuration: Configuration) -> None:
    """The client listens now: say what is to be said, open folders, ask for settings."""
    session.has_started = True
    configuration.complain(session)
    for folder in opening.folders:
        session.add_root(folder)
    session.in_background(asyncio.to_thread(remove_old_copies, session.settings.cache_dir))
    if wanted := registrations(session.client):
        session.in_background(session.wire.request("client/registerCapability", wanted))
    if session.client.configured:
        configuration.pull(session)
    if session.client.told_status:
        session.in_background(_look_at_machine(session))
    session.changed()


async def _look_at_machine(session: Session) -> None:
    """For the status: a GPU that lies idle. In a thread, since tools of its maker are asked."""
    from lsp.checks import gpu_advice
    from models.gpus import find_gpus

    def look() -> str:
        return gpu_advice(session.settings, find_gpus())

    session.advice = await asyncio.to_thread(look)
    session.changed()


async def _watch_parent(wire: Wire, pid: int) -> None:
    """End when the client's process is gone, even if its pipe stays open."""
    while psutil.pid_exists(pid):  # noqa: ASYNC110 - nobody tells us when a process ends
        await asyncio.sleep(PARENT_CHECK_S)
    wire.end(1)
