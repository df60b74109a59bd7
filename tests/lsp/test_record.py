"""What a language server records, and the commands that show it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.lsp.conftest import LOCATE_REPLIES, REPORT, Start

ROOT = Path(__file__).resolve().parent.parent.parent


def postil(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "lsp", "log", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "POSTIL_DATA_DIR": str(data)},
    )


async def test_a_finding_is_recorded_shown_verified_and_exported(
    start: Start, shop: Path, script: Callable[[list[str]], str], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    assert postil(data, "show").returncode == 1
    client = await start(POSTIL_MODEL=script(LOCATE_REPLIES), POSTIL_DATA_DIR=str(data))
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    assert await client.exit() == 0
    shown = postil(data, "show")
    assert "locate: finding; scripted" in shown.stdout
    assert "shop.py" in shown.stdout
    verified = postil(data, "verify")
    assert "1 entries, each follows from the one before." in verified.stdout
    head = verified.stdout.partition("Head: ")[2].split()[0]
    assert postil(data, "verify", "--head", head).returncode == 0
    target = tmp_path / "out.jsonl"
    assert postil(data, "export", str(target)).returncode == 0
    first, entry = target.read_text().strip().split("\n")
    assert json.loads(first)["head"] == json.loads(entry)["hash"] == head
    again = postil(data, "export", str(target))
    assert again.returncode == 2
    assert "is there already; name a new file." in again.stderr
    record = data / "record.jsonl"
    record.write_bytes(record.read_bytes().replace(b'"task":"locate"', b'"task":"review"'))
    broken = postil(data, "verify")
    assert broken.returncode == 3
    assert "Line 1 of" in broken.stdout


async def test_nothing_is_recorded_where_the_user_says_so(
    start: Start, shop: Path, script: Callable[[list[str]], str], tmp_path: Path
) -> None:
    client = await start(
        POSTIL_MODEL=script(LOCATE_REPLIES), POSTIL_DATA_DIR=str(tmp_path), POSTIL_RECORD="off"
    )
    await client.initialize(shop)
    result = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert result["finding"] is not None
    assert not (tmp_path / "record.jsonl").exists()


async def test_a_record_that_cannot_be_written_is_said_once_and_the_finding_comes(
    start: Start, shop: Path, script: Callable[[list[str]], str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    client = await start(
        POSTIL_MODEL=script(LOCATE_REPLIES), POSTIL_DATA_DIR=str(tmp_path / "file")
    )
    await client.initialize(shop)
    result = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert result["finding"] is not None
    said = await client.wait_for(lambda m: m.get("method") == "window/showMessage")
    assert "cannot be written" in said["params"]["message"]
