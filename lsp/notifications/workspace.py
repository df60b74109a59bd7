"""workspace/didChangeWorkspaceFolders and didChangeWatchedFiles."""

from __future__ import annotations

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
