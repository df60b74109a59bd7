"""A workspace folder and an index of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from context.workspace import Workspace

OpenWorkspace = Callable[[], Awaitable[Workspace]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
async def open_workspace(root: Path, tmp_path: Path) -> AsyncIterator[OpenWorkspace]:
    opened: list[Workspace] = []

    async def run() -> Workspace:
        workspace = await Workspace.open(root, tmp_path / "cache")
        opened.append(workspace)
        return workspace

    yield run
    for workspace in opened:
        await workspace.close()
