"""The workspace folders of a client, without a client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from context.errors import IndexUnavailable
from lsp import folders as folders_module
from lsp.background import Background
from lsp.folders import Folder, Folders


async def test_a_walk_that_fails_is_followed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders_module, "WATCHED_WALK_S", 0.0)
    folders = Folders(Background(), cast(Any, None), lambda _: None, lambda: None)
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    folders._folders[tmp_path] = Folder(cast(Any, done), cast(Any, done))

    class Walked:
        n_walks = 0

        async def index(self, on_progress: object) -> None:
            self.n_walks += 1
            if self.n_walks == 1:
                raise IndexUnavailable("the disk is full")
            del folders._folders[tmp_path]

    walked = Walked()
    await folders._reconcile(tmp_path, cast(Any, walked), None)
    assert walked.n_walks == 2
