"""The server as a process, with the scripted model: the whole way from report to applied edit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.lsp.conftest import FIX_REPLIES, LOCATE_REPLIES, REPORT, SHOP, Start

Script = Callable[[list[str]], str]


async def test_a_report_becomes_suspects_then_a_finding_whose_hover_shows_the_reasoning(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    result = (await client.command("postil.locate", {"report": REPORT, "uri": uri}))["result"]
    assert [s["symbol"] for s in result["suspects"][:2]] == ["total", "pay"]
    assert "innermost frame" in str(result["suspects"][0]["evidence"])
    assert result["finding"]["start_line"] == 6
    finding = next(d for d in await client.diagnostics(uri, "finding") if d["code"] == "finding")
    assert finding["source"] == "postil"
    assert finding["range"]["start"] == {"line": 5, "character": 0}
    line = SHOP.split("\n")[5]
    assert finding["range"]["end"]["character"] == len(line) + 1  # the emoji is two in UTF-16
    assert any("pay" in r["message"] for r in finding["relatedInformation"])
    position = {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 8}}
    hover = (await client.request("textDocument/hover", position))["result"]["contents"]
    assert hover["kind"] == "markdown"
    text = hover["value"]
    assert "An empty list has length 0" in text
    assert "shop.py:5-7 total" in text
    assert "scripted" in text
    assert "1 of 2 references were shown" in text
    assert "`mean_price` [not shown]" in text
    trace = (await client.command("postil.trace", {}))["result"]
    assert "Not in what was shown: mean_price" in trace["text"]
    outside_fences = "".join(text.split("```")[::2])
    assert "http" not in outside_fences
    assert "<b>" not in outside_fences
    assert await client.exit() == 0


async def test_deep_asks_several_times_and_the_client_learns_how_many_agree(
    start: Start, shop: Path, script: Script
) -> None:
    other = LOCATE_REPLIES[1].replace('_line": 6', '_line": 7')
    replies = [LOCATE_REPLIES[0], other] + 3 * LOCATE_REPLIES + [LOCATE_REPLIES[0], other]
    client = await start(POSTIL_MODEL=script(replies), POSTIL_EFFORT="deep")
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    result = (await client.command("postil.locate", {"report": REPORT, "uri": uri}))["result"]
    assert (result["finding"]["start_line"], result["finding"]["confidence"]) == (6, 0.6)
    position = {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 8}}
    hover = (await client.request("textDocument/hover", position))["result"]["contents"]
    assert "3 of 5 answers name these lines" in hover["value"]


async def test_locating_works_without_a_model_and_says_so(start: Start, shop: Path) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    result = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert result["suspects"][0]["symbol"] == "total"
    assert result["finding"] is None
    assert "switched off" in result["without_model"]


async def test_missing_weights_are_named_with_the_command_that_gets_them(
    start: Start, shop: Path, tmp_path: Path
) -> None:
    client = await start(POSTIL_MODELS_DIR=str(tmp_path / "none"))
    await client.initialize(shop)
    result = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert "postil models fetch" in result["without_model"]


async def test_a_fix_is_listed_at_once_and_resolved_into_an_annotated_versioned_edit(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(FIX_REPLIES))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    action = await _fix_action(client, uri)
    assert action["title"] == "Postil: fix “division by zero”"
    assert action["tags"] == [1]
    assert "isPreferred" not in action
    assert "edit" not in action
    resolved = (await client.request("codeAction/resolve", action))["result"]
    (change,) = resolved["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": uri, "version": 1}
    (edit,) = change["edits"]
    assert edit["newText"] == "    if not prices:\n        return 0\n"
    assert edit["range"]["start"] == {"line": 5, "character": 0}
    annotation = resolved["edit"]["changeAnnotations"][edit["annotationId"]]
    assert "no mean" in annotation["label"]
    client.change(uri, 2, edit["range"], edit["newText"])
    position = {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 6}}
    hover = (await client.request("textDocument/hover", position))["result"]
    assert "Ask for the length first" in hover["contents"]["value"]


async def test_a_client_without_resolve_gets_a_command_that_applies_the_edit(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(FIX_REPLIES))
    codes = {"codeActionKind": {"valueSet": []}}
    literal = {"textDocument": {"codeAction": {"codeActionLiteralSupport": codes}}}
    await client.initialize(shop, literal)
    uri = client.open(shop / "shop.py")
    action = await _fix_action(client, uri)
    reply = await client.request("workspace/executeCommand", action["command"])
    assert reply["result"]["files"] == 1
    apply = await client.wait_for(lambda m: m.get("method") == "workspace/applyEdit")
    assert list(apply["params"]["edit"]["changes"]) == [uri]


async def test_a_client_of_before_code_actions_gets_a_list_of_commands(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(FIX_REPLIES))
    await client.initialize(shop, {})
    uri = client.open(shop / "shop.py")
    command = await _fix_action(client, uri)
    assert command.keys() == {"title", "command", "arguments"}
    reply = await client.request("workspace/executeCommand", command)
    assert reply["result"]["files"] == 1


async def test_an_edit_that_the_editor_does_not_answer_is_given_up_by_a_cancel(
    start: Start, shop: Path, script: Script
) -> None:
    """It may be a person who reads the diff: there is no end but theirs, and nothing waits."""
    client = await start(POSTIL_MODEL=script(FIX_REPLIES))
    client.is_silent_to.add("workspace/applyEdit")
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    target = {"uri": uri, "version": 1, "first_line": 5, "last_line": 6, "detail": "no mean"}
    params = {"command": "postil.fix", "arguments": [target]}
    waiting = client.post("workspace/executeCommand", params)
    await client.wait_for(lambda m: m.get("method") == "workspace/applyEdit")
    assert (await client.command("postil.status", {}))["result"]["effort"] == "normal"
    client.notify("$/cancelRequest", {"id": waiting})
    assert (await client.reply_to(waiting))["error"]["code"] == -32800
    assert await client.exit() == 0


async def test_an_answer_for_an_older_version_is_refused_in_plain_words(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(FIX_REPLIES))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    action = await _fix_action(client, uri)
    at = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    client.change(uri, 2, at, "# new\n")
    error = (await client.request("codeAction/resolve", action))["error"]
    assert error["code"] == -32801
    assert "shop.py has changed" in error["message"]


async def test_a_model_that_answers_rubbish_is_refused_in_one_sentence(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(["hm\n</think>", "no idea, sorry"]))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    error = (await client.request("codeAction/resolve", await _fix_action(client, uri)))["error"]
    assert "holds no code in the form" in error["message"]
    result = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert result["suspects"]
    assert "not the JSON" in result["without_model"]


async def test_an_edit_that_breaks_the_syntax_is_not_offered(
    start: Start, shop: Path, script: Script
) -> None:
    broken = "    return (sum(prices\n```\nREASON: Broken on purpose for this test.\n"
    client = await start(POSTIL_MODEL=script(["hm\n</think>", broken]))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    error = (await client.request("codeAction/resolve", await _fix_action(client, uri)))["error"]
    assert "break the syntax of shop.py" in error["message"]


async def test_an_empty_report_is_refused_with_what_to_do(start: Start, shop: Path) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    error = (await client.command("postil.locate", {"report": " \n "}))["error"]
    assert "the report has no words" in error["message"]


async def test_no_workspace_folder_is_said(start: Start) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(None)
    error = (await client.command("postil.locate", {"report": REPORT}))["error"]
    assert "No workspace folder is open" in error["message"]


async def test_a_wrong_setting_keeps_its_default_and_is_named_once(
    start: Start, shop: Path
) -> None:
    client = await start()
    await client.initialize(shop, effort="enormous", nonsense=1)
    said = await client.wait_for(lambda m: "effort cannot be" in str(m))
    assert "its default is used" in said["params"]["message"]
    await client.wait_for(lambda m: "no setting named nonsense" in str(m))


async def test_findings_follow_the_text_and_die_when_their_code_changes(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    await client.command("postil.locate", {"report": REPORT, "uri": uri})
    top = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    client.change(uri, 2, top, "# one more line\n")
    moved = await client.wait_for(lambda m: m.get("params", {}).get("version") == 2)
    lines = [d["range"]["start"]["line"] for d in moved["params"]["diagnostics"]]
    assert 6 in lines
    inside = {"start": {"line": 6, "character": 4}, "end": {"line": 6, "character": 9}}
    client.change(uri, 3, inside, "other")
    after = await client.wait_for(lambda m: m.get("params", {}).get("version") == 3)
    assert all(d["code"] != "finding" for d in after["params"]["diagnostics"])


async def test_cancelling_answers_once_and_the_server_goes_on(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    params = {"command": "postil.locate", "arguments": [{"report": REPORT}]}
    request_id = client.post("workspace/executeCommand", params)
    client.notify("$/cancelRequest", {"id": request_id})
    reply = await client.reply_to(request_id)
    assert reply["error"]["code"] == -32800
    again = await client.command("postil.status", None)
    assert again["result"]["effort"] == "normal"
    assert sum(m.get("id") == request_id and "method" not in m for m in client.messages) == 1


async def test_a_bug_in_the_selection_is_found_or_the_reason_is_said(
    start: Start, shop: Path, script: Script
) -> None:
    found = (
        '{"bug": true, "file": "F1", "first_line": 6, "last_line": 6, '
        '"cause": "The list may be empty."}'
    )
    none = '{"bug": false, "reason": "The lines do what they say."}'
    client = await start(POSTIL_MODEL=script(["hm\n</think>", found, "hm\n</think>", none]))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    target = {"uri": uri, "version": 1, "first_line": 5, "last_line": 7}
    first = (await client.command("postil.findBugs", target))["result"]
    assert (first["finding"]["symbol"], first["finding"]["start_line"]) == ("total", 6)
    assert (await client.diagnostics(uri, "finding"))[0]["message"] == "The list may be empty."
    second = (await client.command("postil.findBugs", target))["result"]
    assert second == {"finding": None, "reason": "The lines do what they say."}


async def test_the_cancel_button_of_the_progress_stops_the_model(
    start: Start, shop: Path, tmp_path: Path
) -> None:
    file = tmp_path / "slow.json"
    slow = {"replies": ["one thought after another " * 60], "piece_delay_s": 0.05}
    file.write_text(json.dumps(slow))
    client = await start(POSTIL_MODEL=f"scripted:{file}")
    await client.initialize(shop)
    request_id = client.post(
        "workspace/executeCommand",
        {"command": "postil.locate", "arguments": [{"report": REPORT}], "workDoneToken": "mine"},
    )
    await client.wait_for(
        lambda m: m.get("method") == "$/progress" and "thinking" in str(m["params"])
    )
    client.notify("window/workDoneProgress/cancel", {"token": "mine"})
    assert (await client.reply_to(request_id))["error"]["code"] == -32800
    mine = [
        m["params"]["value"]["kind"]
        for m in client.messages
        if m.get("method") == "$/progress" and m["params"]["token"] == "mine"
    ]
    assert (mine[0], mine.count("end"), mine[-1]) == ("begin", 1, "end")


async def test_exit_without_shutdown_is_code_1_and_leaves_no_process(
    start: Start, shop: Path
) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    children = psutil.Process(client.process.pid).children(recursive=True)
    assert children, "the indexer runs in a process of its own"
    client.notify("exit", None)
    assert await client.ended() == 1
    gone, alive = await asyncio.to_thread(psutil.wait_procs, children, 5)
    assert len(gone) == len(children), alive


async def test_the_end_of_the_stream_ends_the_server(start: Start, shop: Path) -> None:
    client = await start()
    await client.initialize(shop)
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert await client.ended() == 1


async def test_actions_honour_the_kinds_asked_for(start: Start, shop: Path) -> None:
    client = await start()
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    all_actions = await _actions(client, uri, {"diagnostics": []})
    titles = [a["title"] for a in all_actions]
    assert "Postil: simplify" in titles
    assert "Postil: locate the bug described by the selection" in titles
    only = await _actions(client, uri, {"diagnostics": [], "only": ["refactor.extract"]})
    assert [a["title"] for a in only] == ["Postil: extract function"]


async def _actions(client: Any, uri: str, context: dict[str, Any]) -> list[dict[str, Any]]:
    range_ = {"start": {"line": 4, "character": 0}, "end": {"line": 7, "character": 0}}
    params = {"textDocument": {"uri": uri}, "range": range_, "context": context}
    return list((await client.request("textDocument/codeAction", params))["result"])


async def _fix_action(client: Any, uri: str) -> dict[str, Any]:
    """The action for a diagnostic of some other server."""
    line = SHOP.split("\n")[5]
    diagnostic = {
        "range": {
            "start": {"line": 5, "character": 4},
            "end": {"line": 5, "character": len(line)},
        },
        "message": "division by zero",
        "source": "other",
    }
    actions = await _actions(client, uri, {"diagnostics": [diagnostic], "only": ["quickfix"]})
    return actions[0]


async def test_lines_are_explained_with_what_is_not_there_marked(
    start: Start, shop: Path, script: Script
) -> None:
    replies = ["It divides.\n</think>", "It returns the mean of `prices`, unlike `median_of`."]
    client = await start(POSTIL_MODEL=script(replies))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    argument = {"uri": uri, "first_line": 6, "last_line": 6, "detail": "division by zero"}
    said = (await client.command("postil.explain", argument))["result"]
    assert said["text"] == replies[1]
    assert (said["references_shown"], said["references"]) == (1, 2)
    assert said["not_shown"] == ["median_of"]
    position = {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 8}}
    hover = (await client.request("textDocument/hover", position))["result"]["contents"]["value"]
    assert "Explained by the model" in hover
    assert "`median_of` [not shown]" in hover
    assert "It divides." in hover
    actions = (
        await client.request(
            "textDocument/codeAction",
            {
                "textDocument": {"uri": uri},
                "range": {"start": {"line": 5, "character": 0}, "end": {"line": 6, "character": 0}},
                "context": {"diagnostics": [], "only": ["source.postil.explain"]},
            },
        )
    )["result"]
    assert [action["title"] for action in actions] == ["Postil: explain"]
