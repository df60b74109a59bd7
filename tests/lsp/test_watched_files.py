"""Files that change outside the editor are found once the client reports them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.lsp.client import FULL_CAPABILITIES, RawClient
from tests.lsp.conftest import Start

_WATCHING = {
    **FULL_CAPABILITIES,
    "workspace": {
        **FULL_CAPABILITIES["workspace"],
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
}


async def _suspects(client: RawClient, report: str) -> list[str]:
    reply = await client.command("postil.locate", {"report": report})
    return [s["path"] for s in reply["result"]["suspects"]]


async def test_a_client_that_watches_is_asked_for_code_and_ignore_files(
    start: Start, tmp_path: Path
) -> None:
    client = await start(POSTIL_MODEL="none")
    client.answers["client/registerCapability"] = None
    await client.initialize(tmp_path, _WATCHING)
    asked = await client.wait_for(lambda m: m.get("method") == "client/registerCapability")
    (registration,) = asked["params"]["registrations"]
    patterns = [w["globPattern"] for w in registration["registerOptions"]["watchers"]]
    assert registration["method"] == "workspace/didChangeWatchedFiles"
    assert patterns[1] == "**/.gitignore"
    assert {"py", "kt", "toml"} <= set(patterns[0].removeprefix("**/*.{").rstrip("}").split(","))


async def test_a_reported_file_is_found_and_a_reported_deletion_forgotten(
    start: Start, tmp_path: Path
) -> None:
    client = await start(POSTIL_MODEL="none")
    client.answers["client/registerCapability"] = None
    work = tmp_path / "work"
    work.mkdir()
    (work / "first.py").write_text("def reads_ledger():\n    pass\n")
    await client.initialize(work, _WATCHING)
    assert await _suspects(client, "ledger is wrong") == ["first.py"]
    (work / "second.py").write_text("def writes_invoice():\n    pass\n")
    (work / "first.py").unlink()
    changes = [
        {"uri": (work / "second.py").as_uri(), "type": 1},
        {"uri": (work / "first.py").as_uri(), "type": 3},
    ]
    client.notify("workspace/didChangeWatchedFiles", {"changes": changes})
    for _ in range(200):
        found = await _suspects(client, "ledger invoice")
        if found == ["second.py"]:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"still found: {found}")


async def test_a_changed_file_is_found_where_the_client_reports_none(
    start: Start, tmp_path: Path
) -> None:
    client = await start(POSTIL_MODEL="none")
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (work / "src" / "first.py").write_text("def reads_ledger():\n    pass\n")
    await client.initialize(work)
    assert await _suspects(client, "ledger is wrong") == ["src/first.py"]
    (work / "src" / "second.py").write_text("def writes_invoice():\n    pass\n")
    for _ in range(200):
        if "src/second.py" in await _suspects(client, "ledger invoice"):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the new file was not found")
