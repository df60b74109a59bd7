"""Reports that meet edits, cancels and other reports: the newest wins, and every one ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.client import FULL_CAPABILITIES, Client
from tests.lsp.conftest import LOCATE_REPLIES, REPORT, StartAny

Script = Callable[[list[str]], str]
TELLING = {**FULL_CAPABILITIES, "experimental": {"postil": {"suspects": True, "thinking": True}}}
TOP = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
OTHER_REPORT = "int(code) raises ValueError in discount of rules.py"
OTHER_REPLIES = [
    "It is no number.\n</think>",
    '{"file": "F1", "first_line": 4, "last_line": 4, "cause": "The code is no number."}',
]
BUG = '{"bug": true, "file": "F1", "first_line": 11, "last_line": 11, "cause": "It is a sum."}'


def _slow(tmp_path: Path, replies: list[str]) -> str:
    file = tmp_path / "slow.json"
    file.write_text(json.dumps({"replies": replies, "piece_delay_s": 0.02}))
    return f"scripted:{file}"


def _locate(client: Client, report: str) -> int:
    params = {"command": "postil.locate", "arguments": [{"report": report}]}
    return client.post("workspace/executeCommand", params)


async def _is_thinking(client: Client) -> None:
    await client.wait_for(lambda m: m.get("method") == "postil/thinking")


def _shown(client: Client) -> dict[str, list[tuple[str, str]]]:
    """What each document shows by now: kinds and messages."""
    return {
        p["uri"].rpartition("/")[2]: [(d["code"], d["message"]) for d in p["diagnostics"]]
        for p in client.notified("textDocument/publishDiagnostics")
    }


async def test_of_two_reports_the_newer_is_shown_alone(
    start_both: StartAny, shop: Path, tmp_path: Path
) -> None:
    model = _slow(tmp_path, ["one thought after another " * 200, *OTHER_REPLIES])
    client = await start_both(POSTIL_MODEL=model)
    await client.initialize(shop, TELLING)
    older = _locate(client, REPORT)
    await _is_thinking(client)
    newer = (await client.reply_to(_locate(client, OTHER_REPORT)))["result"]
    assert (await client.reply_to(older))["error"]["code"] == -32800
    assert newer["finding"]["cause"] == "The code is no number."
    told = client.notified("postil/suspects")
    assert [(t["run"] == newer["run"], t["is_final"]) for t in told] == [
        (False, False), (False, True), (True, False), (True, True),
    ]  # fmt: skip
    shown = [said for messages in _shown(client).values() for said in messages]
    assert len([code for code, _ in shown if code == "suspect"]) <= len(newer["suspects"])
    assert [message for code, message in shown if code == "finding"] == ["The code is no number."]


async def test_an_edit_while_the_model_thinks_leaves_the_suspects(
    start_both: StartAny, shop: Path, tmp_path: Path
) -> None:
    client = await start_both(POSTIL_MODEL=_slow(tmp_path, LOCATE_REPLIES))
    await client.initialize(shop, TELLING)
    uri = client.open(shop / "shop.py")
    request_id = _locate(client, REPORT)
    await _is_thinking(client)
    client.change(uri, 2, TOP, "# new\n")
    result = (await client.reply_to(request_id))["result"]
    assert result["suspects"][0]["symbol"] == "total"
    assert result["finding"] is None
    assert "shop.py has changed" in result["without_model"]
    assert [told["is_final"] for told in client.notified("postil/suspects")] == [False, True]


async def test_a_report_that_is_cancelled_is_told_to_be_over(
    start_both: StartAny, shop: Path, tmp_path: Path
) -> None:
    client = await start_both(POSTIL_MODEL=_slow(tmp_path, ["one thought after another " * 200]))
    await client.initialize(shop, TELLING)
    request_id = _locate(client, REPORT)
    await _is_thinking(client)
    client.notify("$/cancelRequest", {"id": request_id})
    assert (await client.reply_to(request_id))["error"]["code"] == -32800
    await client.wait_for(
        lambda m: m.get("method") == "postil/suspects" and m["params"]["is_final"]
    )
    assert len(client.notified("postil/suspects")) == 2


async def test_a_report_takes_back_what_the_one_before_led_to_and_nothing_else(
    start_both: StartAny, shop: Path, script: Script
) -> None:
    explained = ["It divides.\n</think>", "It returns the mean of `prices`."]
    replies = [*explained, "hm\n</think>", BUG, *LOCATE_REPLIES, *OTHER_REPLIES]
    client = await start_both(POSTIL_MODEL=script(replies))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    await client.command("postil.explain", {"uri": uri, "first_line": 2, "last_line": 2})
    await client.command("postil.findBugs", {"uri": uri, "first_line": 10, "last_line": 11})
    first = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert {"It is a sum.", first["finding"]["cause"]} <= {m for _, m in _shown(client)["shop.py"]}
    await client.command("postil.locate", {"report": OTHER_REPORT})
    shown = {(c, m) for messages in _shown(client).values() for c, m in messages if c == "finding"}
    assert {m for _, m in shown} == {"It is a sum.", "The code is no number."}
    position = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 0}}
    hover = (await client.request("textDocument/hover", position))["result"]
    assert "Explained by the model" in hover["contents"]["value"]


@pytest.mark.parametrize("command", ["postil.findBugs", "postil.explain"])
@pytest.mark.parametrize("lines", [{"first_line": 6, "last_line": 6}, {}])
async def test_lines_of_another_version_are_not_read(
    start_here: StartAny, shop: Path, command: str, lines: dict[str, Any]
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    client.change(uri, 2, TOP, "# new\n")
    error = (await client.command(command, {"uri": uri, "version": 1, **lines}))["error"]
    assert error["code"] == -32801
    assert "shop.py has changed" in error["message"]
