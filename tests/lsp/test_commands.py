"""The table of commands, their arguments, and the small commands around findings."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsp.arguments import Argument
from lsp.capabilities import read_capabilities
from lsp.client_limits import _WITHOUT, client_row
from lsp.command_table import COMMANDS, call_of
from tests.lsp.client import FULL_CAPABILITIES
from tests.lsp.conftest import LOCATE_REPLIES, REPORT, StartAny

Script = Callable[[list[str]], str]
ROOT = Path(__file__).resolve().parent.parent.parent
TELLING: dict[str, Any] = {
    **FULL_CAPABILITIES,
    "experimental": {"postil": {"status": True, "suspects": True, "thinking": True}},
}


def test_every_command_of_the_table_leads_to_a_function_and_its_argument() -> None:
    for name, command in COMMANDS.items():
        assert re.fullmatch(r"postil\.[a-z][A-Za-z]+", name)
        assert command.title
        assert issubclass(call_of(command).argument, Argument), name


async def test_the_server_offers_exactly_the_table(start_here: StartAny) -> None:
    client = await start_here()
    reply = await client.initialize(None)
    offered = reply["result"]["capabilities"]["executeCommandProvider"]["commands"]
    assert offered == list(COMMANDS)


@pytest.mark.parametrize(
    ("command", "argument", "said"),
    [
        ("postil.explain", {}, "uri: field required"),
        ("postil.explain", {"uri": "file:///a.py", "first_line": 0}, "first_line: input should be"),
        ("postil.fix", {"uri": 3}, "uri: input should be a valid string"),
        ("postil.fix", "text", "postil.fix takes an object with uri, version"),
        ("postil.locate", {"report": ["a"]}, "report: input should be a valid string"),
        ("postil.locate", [1], "postil.locate takes an object with report"),
        ("postil.trace", {"line": -1}, "line: input should be greater"),
        ("postil.status", 3, "postil.status takes an object with nothing"),
        ("postil.nonsense", {}, "There is no command postil.nonsense."),
    ],
)
async def test_a_wrong_argument_is_named_in_one_sentence(
    start_here: StartAny, command: str, argument: Any, said: str
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(None)
    error = (await client.command(command, argument))["error"]
    assert error["code"] == -32602
    assert said in error["message"]
    assert error["message"].endswith(".")
    assert "\n" not in error["message"]


async def test_no_argument_at_all_is_an_empty_one(start_here: StartAny) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(None)
    for arguments in ({}, {"arguments": []}, {"arguments": [None]}):
        params = {"command": "postil.status", **arguments}
        reply = await client.request("workspace/executeCommand", params)
        assert reply["result"]["state"] == "no_model"


async def test_what_is_dismissed_stays_away_after_a_restart(
    start_both: StartAny, shop: Path, script: Script, tmp_path: Path
) -> None:
    environment = {"POSTIL_MODEL": script(LOCATE_REPLIES), "POSTIL_DATA_DIR": str(tmp_path / "d")}
    client = await start_both(**environment)
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    located = (await client.command("postil.locate", {"report": REPORT, "uri": uri}))["result"]
    gone = await client.command("postil.dismiss", {"id": located["finding"]["id"]})
    assert gone["result"] == {"dismissed": 1}
    again = await client.command("postil.dismiss", {"id": located["finding"]["id"]})
    assert again["result"] == {"dismissed": 0}
    remembered = (tmp_path / "d" / "dismissed.txt").read_text()
    assert re.fullmatch(r"[0-9a-f]{64}\n", remembered), "digests, no source"
    other = await start_both(**environment)
    await other.initialize(shop)
    uri = other.open(shop / "shop.py")
    result = (await other.command("postil.locate", {"report": REPORT, "uri": uri}))["result"]
    assert result["finding"] is None
    assert "dismissed before" in result["without_model"]
    published = other.notified("textDocument/publishDiagnostics")
    assert all(d["code"] == "suspect" for p in published for d in p["diagnostics"])


async def test_a_line_whose_suspects_are_dismissed_shows_none(
    start_here: StartAny, shop: Path, tmp_path: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none", POSTIL_DATA_DIR=str(tmp_path / "d"))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    await client.command("postil.locate", {"report": REPORT, "uri": uri})
    before = (await client.diagnostics(uri, "suspect"))[0]
    line = before["range"]["start"]["line"] + 1
    gone = (await client.command("postil.dismiss", {"uri": uri, "line": line}))["result"]
    assert gone["dismissed"] >= 1
    last = client.notified("textDocument/publishDiagnostics")[-1]
    assert all(d["range"]["start"]["line"] != line - 1 for d in last["diagnostics"])


async def test_the_last_report_is_located_again_on_the_code_as_it_is_now(
    start_both: StartAny, shop: Path
) -> None:
    client = await start_both(POSTIL_MODEL="none")
    await client.initialize(shop)
    error = (await client.command("postil.rerun", {}))["error"]
    assert error["message"] == "Nothing was located yet; give a report first."
    first = (await client.command("postil.locate", {"report": REPORT}))["result"]
    again = (await client.command("postil.rerun", {}))["result"]
    assert again["suspects"] == first["suspects"]
    assert again["run"] != first["run"]


async def test_suspects_and_thinking_are_told_while_they_come(
    start_both: StartAny, shop: Path, script: Script
) -> None:
    bidi = "An empty list\u202e has length 0.\n</think>"
    client = await start_both(POSTIL_MODEL=script([bidi, LOCATE_REPLIES[1]]))
    await client.initialize(shop, TELLING)
    result = (await client.command("postil.locate", {"report": REPORT}))["result"]
    first, last = client.notified("postil/suspects")
    assert {first["run"], last["run"]} == {result["run"]}
    assert (first["is_final"], first["finding"]) == (False, None)
    assert (last["is_final"], last["finding"]) == (True, result["finding"])
    assert first["suspects"] == result["suspects"]
    assert first["report_head"] == "Traceback (most recent call last):"
    thought = client.notified("postil/thinking")
    words = "".join(piece["text"] for piece in thought if piece["kind"] == "thinking")
    assert words.strip() == "An empty list\\u{202E} has length 0."
    assert "first_line" in "".join(p["text"] for p in thought if p["kind"] == "answering")
    assert len({piece["token"] for piece in thought}) == 1


async def test_a_client_that_announces_nothing_is_sent_nothing_of_ours(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    assert not [m for m in client.messages if m.get("method", "").startswith("postil/")]


async def test_the_status_goes_from_indexing_over_thinking_to_ready(
    start_both: StartAny, shop: Path, tmp_path: Path
) -> None:
    file = tmp_path / "slow.json"
    thought = " ".join(f"thought{number}" for number in range(300))
    file.write_text(json.dumps({"replies": [thought], "piece_delay_s": 0.2}))
    client = await start_both(POSTIL_MODEL=f"scripted:{file}")
    await client.initialize(shop, TELLING)
    request_id = client.post(
        "workspace/executeCommand", {"command": "postil.locate", "arguments": [{"report": REPORT}]}
    )
    thinking = await client.wait_for(
        lambda m: m.get("method") == "postil/status" and m["params"]["state"] == "thinking"
    )
    assert thinking["params"]["text"] == "locating the bug"
    stopped = await client.command("postil.stop", {})
    assert stopped["result"] == {"stopped": 1}
    assert (await client.reply_to(request_id))["error"]["code"] == -32800
    idle = await client.wait_for(
        lambda m: m.get("method") == "postil/status" and m["params"]["state"] == "idle"
    )
    status = idle["params"]
    assert (status["indexed"], status["total"], status["effort"]) == (2, 2, "normal")
    assert status["folders"] == {str(shop): "indexed"}
    assert (await client.command("postil.status", {}))["result"]["state"] == "idle"


async def test_only_what_can_be_cancelled_has_a_button_for_it(
    start_both: StartAny, shop: Path
) -> None:
    client = await start_both(POSTIL_MODEL="none")
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    begun = [p["value"] for p in client.notified("$/progress") if p["value"]["kind"] == "begin"]
    assert {value["title"]: value["cancellable"] for value in begun} == {
        "Postil: indexing shop": False,
        "Postil: locating the bug": True,
    }


async def test_the_record_and_the_doctor_are_read_as_text(
    start_both: StartAny, shop: Path, script: Script, tmp_path: Path
) -> None:
    client = await start_both(
        POSTIL_MODEL=script(LOCATE_REPLIES), POSTIL_DATA_DIR=str(tmp_path / "d")
    )
    await client.initialize(shop)
    empty = (await client.command("postil.log", {}))["result"]["text"]
    assert empty == "Nothing is recorded yet."
    await client.command("postil.locate", {"report": REPORT})
    text = (await client.command("postil.log", {}))["result"]["text"]
    assert "locate: finding; scripted" in text
    checked = (await client.command("postil.doctor", {}))["result"]["text"]
    assert "Postil: " in checked
    assert "llama.cpp" in checked


async def test_a_stop_that_comes_with_the_answer_to_create_is_not_lost(
    start_here: StartAny, shop: Path, tmp_path: Path
) -> None:
    """In whatever turn of the loop: `asyncio.wait_for` of Python 3.11 loses it in one of them."""
    file = tmp_path / "slow.json"
    thought = " ".join(f"thought{number}" for number in range(300))
    file.write_text(json.dumps({"replies": [thought], "piece_delay_s": 0.2}))
    client = await start_here(POSTIL_MODEL=f"scripted:{file}")
    await client.initialize(shop)
    await client.command("postil.locate", {"report": " x "})  # when all is indexed
    locate = {"command": "postil.locate", "arguments": [{"report": REPORT}]}
    stops: list[asyncio.Task[None]] = []

    async def stop_after(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        client.post("workspace/executeCommand", {"command": "postil.stop"})

    for turns in range(8):
        client.answers["window/workDoneProgress/create"] = lambda _, turns=turns: stops.append(
            asyncio.create_task(stop_after(turns))
        )
        request_id = client.post("workspace/executeCommand", locate)
        assert (await client.reply_to(request_id))["error"]["code"] == -32800, turns
    await asyncio.gather(*stops)


async def test_the_doctor_says_what_the_editor_lacks(start_here: StartAny, shop: Path) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop, {"textDocument": {"hover": {"contentFormat": ["markdown"]}}})
    told = (await client.command("postil.doctor", {}))["result"]["text"]
    _, _, editor = told.rpartition("editor: ")
    assert editor.startswith("does without some of it\n")
    assert "no test can be written into a new file" in editor
    assert "hovers are plain text" not in editor


def test_each_lack_is_a_capability_and_an_editor_that_lacks_none_is_told_so() -> None:
    names = [name for name, _ in _WITHOUT]
    all_of_them = read_capabilities({})
    known = {field.name for field in dataclasses.fields(all_of_them)}
    assert set(names) <= known
    full = dataclasses.replace(all_of_them, **dict.fromkeys(names, True))
    assert client_row(full).said == "takes all that Postil offers"


async def test_what_is_dismissed_in_one_function_is_told_of_another(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    (shop / "twice.py").write_text("def f(a):\n    return a[0]\n\n\ndef g(a):\n    return a[0]\n")
    bug = (
        '{{"bug": true, "file": "F1", "first_line": {0}, "last_line": {0}, '
        '"cause": "May be empty."}}'
    )
    client = await start_here(
        POSTIL_MODEL=script([x for n in (2, 6, 2) for x in ("So.\n</think>", bug.format(n))])
    )
    await client.initialize(shop)
    uri = client.open(shop / "twice.py")

    async def found(line: int) -> dict[str, Any]:
        place = {"uri": uri, "first_line": line, "last_line": line}
        return dict((await client.command("postil.findBugs", place))["result"])

    first = await found(2)
    await client.command("postil.dismiss", {"id": first["finding"]["id"]})
    assert (await found(6))["finding"]["symbol"] == "g"
    again = await found(2)
    assert again["finding"] is None
    assert again["reason"] == "The model found only what you have dismissed before."


async def test_lines_past_the_end_are_said_to_be_so(start_here: StartAny, shop: Path) -> None:
    client = await start_here(POSTIL_MODEL="scripted:" + str(shop / "none.json"))
    (shop / "none.json").write_text('["x"]')
    await client.initialize(shop)
    uri = client.open(shop / "rules.py")
    place = {"uri": uri, "first_line": 900, "last_line": 950}
    for command in ("postil.findBugs", "postil.explain"):
        error = (await client.command(command, place))["error"]
        assert error["message"] == "rules.py has only 5 lines; name others."
