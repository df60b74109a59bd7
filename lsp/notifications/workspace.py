"""Folders, watched files, trust, and the cancel button of a progress."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from lsp import from_lsp
from lsp.session import Session


async def did_change_folders(
    session: Session, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    for folder in params.event.removed:
        if path := from_lsp.path(folder.uri):
            session.remove_root(path)
    for folder in params.event.added:
        if path := from_lsp.path(folder.uri):
            session.add_root(path)


async def did_change_watched_files(
    session: Session, params: types.DidChangeWatchedFilesParams
) -> None:
    session.files_changed([change.uri for change in params.changes])


async def cancel_work(session: Session, params: Any) -> None:
    """window/workDoneProgress/cancel."""
    token = params.get("token") if isinstance(params, dict) else None
    if isinstance(token, int | str):
        session.cancel_work(token)


async def trust(session: Session, params: Any) -> None:
    """postil/trust: whether the user trusts the workspace, from now on."""
    trusted = params.get("trusted") if isinstance(params, dict) else None
    if isinstance(trusted, bool):
        session.trusted = trusted
        session.changed()
