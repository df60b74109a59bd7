"""Workspace folders whose indexers end, or cannot write: the real one killed, and a stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from context.errors import ContextError, IndexUnavailable
from lsp import folders
from lsp.background import Background
from lsp.folders import MAX_DEATHS, Folders
from tests.lsp.client import MemoryClient
from tests.lsp.conftest import StartAny


async def _kill(client: MemoryClient, root: Path) -> None:
    session = client.server.session
    assert session is not None
    workspace = await session.folders.opened(root)
    psutil.Process(workspace._child.pid).kill()
    await workspace.ended()


async def _suspects(client: MemoryClient, report: str) -> list[str]:
    reply = await client.command("postil.locate", {"report": report})
    return [suspect["symbol"] for suspect in reply["result"]["suspects"]]


async def test_an_indexer_that_was_killed_is_opened_again_with_what_is_not_saved(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    assert isinstance(client, MemoryClient)
    await client.initialize(shop)
    client.open(shop / "rules.py", "def charges_a_surcharge():\n    pass\n")
    assert await _suspects(client, "surcharge is wrong") == ["charges_a_surcharge"]
    await _kill(client, shop)
    assert await _suspects(client, "surcharge is wrong") == ["charges_a_surcharge"]
    (status,) = (await client.command("postil.status", {}))["result"]["folders"].values()
    assert status == "indexed"


async def test_an_indexer_that_keeps_ending_is_left_and_the_status_says_so(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    assert isinstance(client, MemoryClient)
    await client.initialize(shop)
    await client.command("postil.status", {})
    for _ in range(MAX_DEATHS):
        await _kill(client, shop)
    error = (await client.command("postil.locate", {"report": "total"}))["error"]
    assert error["message"].startswith("The indexer of shop ended 3 times within 3 minutes")
    status = (await client.command("postil.status", {}))["result"]
    assert (status["state"], status["text"]) == ("error", error["message"])
    said = [p["message"] for p in client.notified("window/showMessage")]
    assert said == [error["message"]]


class _Silent:
    """Where a progress would be."""

    def report(self, *_: Any) -> None: ...

    def end(self) -> None: ...


class _Summary:
    files = 3
    symbols = 0
    quarantined = ()


class _Indexer:
    """In place of an indexer process. `failures`: of the next walks, one each."""

    def __init__(self, root: Path, failures: list[ContextError]) -> None:
        self.alive = True
        self.root = root
        self.failures = failures
        self.refreshed: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()

    async def ended(self) -> None:
        await asyncio.Event().wait()

    async def index(self, on_progress: object) -> _Summary:
        if self.failures:
            raise self.failures.pop(0)
        return _Summary()

    async def refresh(self, paths: list[str]) -> None:
        if self.root.name == "full":
            raise IndexUnavailable("The disk is full.")
        self.refreshed.set_result(paths)

    async def close(self) -> None:
        self.alive = False


@dataclass(slots=True)
class _Here:
    """Folders with stand-ins for their indexers, what they said, and a wait for a change."""

    folders: Folders
    indexers: dict[str, _Indexer] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    failures: list[ContextError] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


@pytest.fixture
async def here(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Here]:
    async def opened(root: Path, cache_dir: Path) -> _Indexer:
        return made.indexers.setdefault(root.name, _Indexer(root, made.failures))

    async def progress() -> _Silent:
        return _Silent()

    def start(title: str) -> Any:
        return asyncio.ensure_future(progress())

    monkeypatch.setattr(folders.RemoteWorkspace, "open", opened)
    monkeypatch.setattr(folders, "GATHER_S", 0.0)
    monkeypatch.setattr(folders, "WATCHED_WALK_S", 0.0)
    background = Background()
    made = _Here(cast(Any, None))
    made.folders = Folders(
        background, start, made.said.append, lambda: made.changed.set(), lambda _: None
    )
    yield made
    background.cancel()
    await made.folders.close()


async def test_a_walk_that_fails_is_followed_by_the_next(here: _Here, tmp_path: Path) -> None:
    here.failures += [IndexUnavailable("the disk is full"), IndexUnavailable("it still is")]
    here.folders.add(tmp_path, tmp_path, is_watched=True)
    await here.folders.workspace(tmp_path)
    assert here.said == ["the disk is full"]
    folder = here.folders.all[tmp_path]
    assert folder.failure == "the disk is full"
    while folder.failure:
        here.changed.clear()
        await here.changed.wait()
    assert here.failures == []


async def test_a_folder_that_cannot_be_refreshed_keeps_no_other_from_it(
    here: _Here, tmp_path: Path
) -> None:
    roots = [tmp_path / "full", tmp_path / "good"]
    for root in roots:
        here.folders.add(root, tmp_path, is_watched=True)
    here.folders.files_changed((root, "a.py") for root in roots)
    await here.folders.workspace(roots[1])
    assert await here.indexers["good"].refreshed == ["a.py"]
