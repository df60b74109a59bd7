"""The VS Code that the tests share: one for a whole run, a window for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.setup_vscode import Editor, NotSetUp, find_editor
from tests.e2e.shop import make_shop, scripted

if TYPE_CHECKING:
    from tests.e2e.vscode_window import VSCode, Window

OpenShop = Callable[..., Awaitable["Window"]]


@pytest.fixture(scope="session")
def editor() -> Editor:
    try:
        return find_editor()
    except NotSetUp as missing:
        pytest.skip(f"VS CODE IS NOT TESTED: {missing}")


@pytest.fixture(scope="session")
async def code(editor: Editor, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VSCode]:
    from tests.e2e.vscode_window import copy_logs, vscode  # needs what the line above looked for

    home = tmp_path_factory.mktemp("vs")
    async with vscode(editor, home) as running:
        yield running
        copy_logs(home)
        assert running.outside == []


@pytest.fixture
async def open_shop(
    code: VSCode, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[OpenShop]:
    """Open a new shop with a model that says the given turns; further settings by name."""
    opened: list[Window] = []

    async def open_(
        *turns: Sequence[str], piece_delay_s: float = 0.0, trusted: bool = True, **settings: object
    ) -> Window:
        folder = make_shop(tmp_path / f"shop{id(request.node) % 100_000}{len(opened)}")
        if turns:
            file = tmp_path / "replies.json"
            settings["model"] = scripted(file, *turns, piece_delay_s=piece_delay_s)
        window = await code.window(folder, trusted=trusted, **settings)
        opened.append(window)
        return window

    yield open_
    for window in opened:
        await window.shot(f"{request.node.name}-end")
        window.close()
