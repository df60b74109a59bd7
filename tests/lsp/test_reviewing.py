"""Reviews of changes and whole files, and fixing a failing test, through the server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lsp.client import RawClient
from tests.lsp.conftest import REPORT, RULES, SHOP, Start, StartAny, progress_of
from tests.repositories import commit, git, new_repository

Script = Callable[[list[str]], str]
THOUGHT = "The list may be empty.\n</think>"
NONE = '{"bug": false, "reason": "It checks everything first."}'


def _bug(line: int) -> str:
    return (
        f'{{"bug": true, "file": "F1", "first_line": {line}, "last_line": {line}, '
        '"cause": "The list may be empty."}'
    )


def _repository(tmp_path: Path) -> Path:
    root = new_repository(tmp_path / "shop")
    commit(root, "first", {"shop.py": SHOP, "rules.py": RULES})
    return root


async def _changed(start: Start, tmp_path: Path, script: Script) -> tuple[RawClient, str]:
    """A server, and a document whose last line differs from the commit's."""
    root = _repository(tmp_path)
    client = await start(POSTIL_MODEL=script([THOUGHT, _bug(11)]))
    await client.initialize(root)
    text = SHOP.replace("- discount(code)", "+ discount(code)")
    return client, client.open(root / "shop.py", text)


async def test_a_review_reads_what_changed_and_shows_what_it_was(
    start: Start, tmp_path: Path, script: Script
) -> None:
    client, uri = await _changed(start, tmp_path, script)
    result = (await client.command("postil.review", {}))["result"]
    assert (result["hunks"], result["reason"]) == (1, "")
    (finding,) = result["findings"]
    assert (finding["symbol"], finding["start_line"]) == ("pay", 11)
    shown = await client.diagnostics(uri, "finding")
    assert shown[0]["message"] == "The list may be empty."


async def test_a_review_is_asked_for_from_the_menu_of_source_actions(
    start: Start, tmp_path: Path, script: Script
) -> None:
    client, uri = await _changed(start, tmp_path, script)
    at = {"line": 0, "character": 0}
    context = {"diagnostics": [], "only": ["source.review"]}
    params = {"textDocument": {"uri": uri}, "range": {"start": at, "end": at}, "context": context}
    (action,) = (await client.request("textDocument/codeAction", params))["result"]
    assert action["title"] == "Postil: review what changed in this file"
    result = (await client.request("workspace/executeCommand", action["command"]))["result"]
    assert [finding["symbol"] for finding in result["findings"]] == ["pay"]


async def test_a_review_of_nothing_says_so_and_without_a_history_too(
    start: Start, shop: Path, tmp_path: Path
) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    error = (await client.command("postil.review", {}))["error"]
    assert error["message"] == "There is no git history here to compare with."
    git(shop, "init", "-q", "-b", "main")
    commit(shop, "first", {})
    result = (await client.command("postil.review", {"uri": shop.as_uri()}))["result"]
    assert result == {
        "findings": [],
        "hunks": 0,
        "reason": "Nothing has changed since the last commit.",
    }


async def test_a_whole_file_is_read_function_by_function(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script([THOUGHT, _bug(6), THOUGHT, NONE]))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    result = (await client.command("postil.findBugs", {"uri": uri}))["result"]
    assert result["finding"]["symbol"] == "total", "it divides, so it is read first"
    assert result["reason"] == ""


async def test_of_many_functions_only_some_are_read_and_the_rest_is_counted(
    start: Start, shop: Path, script: Script
) -> None:
    (shop / "many.py").write_text("".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(9)))
    client = await start(POSTIL_MODEL=script([NONE]), POSTIL_EFFORT="quick")
    await client.initialize(shop)
    uri = client.open(shop / "many.py")
    result = (await client.command("postil.findBugs", {"uri": uri}))["result"]
    assert result == {
        "finding": None,
        "reason": "The 3 most suspicious of 9 parts were read, 6 not.",
    }


@pytest.mark.parametrize("inner", [".", "inner"])
async def test_a_failing_test_leads_to_a_fix_of_what_it_calls(
    start: Start, shop: Path, script: Script, inner: str
) -> None:
    """Also in a workspace folder that lies in the one with the report."""
    (shop / inner).mkdir(exist_ok=True)
    file = (shop / "shop.py").rename(shop / inner / "shop.py")
    (shop / inner / "test_shop.py").write_text(
        "from shop import total\n\n\ndef test_empty():\n    assert total([]) == 0\n"
    )
    report = (
        "    def test_empty():\n>       assert total([]) == 0\n\ntest_shop.py:5:\n"
        "E   ZeroDivisionError: division by zero\n"
        "FAILED test_shop.py::test_empty - ZeroDivisionError: division by zero\n"
    )
    fixed = (
        '    if not prices:\n        return 0\n    emoji = "😀"; result = sum(prices) / len(prices)'
        "\n    return result\n```\nREASON: An empty list has no mean, so it is answered with 0.\n"
    )
    client = await start(POSTIL_MODEL=script([THOUGHT, fixed]))
    await client.initialize(shop, also=[] if inner == "." else [file.parent])
    client.open(file)
    result = (await client.command("postil.fixTest", {"report": report}))["result"]
    assert result["files"] == 1
    assert "test_empty fails" in result["title"]
    apply = await client.wait_for(lambda m: m.get("method") == "workspace/applyEdit")
    (change,) = apply["params"]["edit"]["documentChanges"]
    assert change["textDocument"]["uri"].endswith("/shop.py")
    assert change["edits"][0]["newText"] == "    if not prices:\n        return 0\n"


async def test_fixing_a_test_is_one_piece_of_work_for_the_client(
    start: Start, shop: Path, script: Script
) -> None:
    """Though two suspects are tried."""
    client = await start(POSTIL_MODEL=script(2 * [THOUGHT, "nonsense"]))
    await client.initialize(shop)
    report = f"FAILED tests/test_shop.py::test_pay - ZeroDivisionError\n{REPORT}"
    params = {"command": "postil.fixTest", "arguments": [{"report": report}]}
    reply = await client.request("workspace/executeCommand", {**params, "workDoneToken": "mine"})
    assert "holds no code in the form" in reply["error"]["message"]
    assert progress_of(client, "mine") == ["begin", "end"]


async def test_a_selected_test_run_offers_to_fix_what_it_shows(start: Start, shop: Path) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    log = "1 failed\nFAILED test_shop.py::test_empty - ZeroDivisionError: division by zero\n"
    uri = client.open(shop / "log.py", log)
    range_ = {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}}
    context = {"diagnostics": [], "only": ["source.postil.fixTest"]}
    params = {"textDocument": {"uri": uri}, "range": range_, "context": context}
    (action,) = (await client.request("textDocument/codeAction", params))["result"]
    assert action["title"] == "Postil: fix what test_empty shows"
    assert action["command"]["command"] == "postil.fixTest"
    assert action["command"]["arguments"][0]["report"] == log


async def test_a_report_like_nothing_here_is_said(start: Start, shop: Path) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    error = (await client.command("postil.fixTest", {"report": "zzz qqq xyzzy"}))["error"]
    assert "Nothing in this workspace is like the failing test" in error["message"]


async def test_a_saved_document_is_reviewed_where_the_user_wants_that(
    start: Start, tmp_path: Path, script: Script
) -> None:
    root = _repository(tmp_path)
    changed = SHOP.replace("- discount(code)", "+ discount(code)")
    for is_on in (False, True):
        client = await start(POSTIL_MODEL=script([THOUGHT, _bug(11)]))
        await client.initialize(root, review_on_save=is_on)
        uri = client.open(root / "shop.py", changed)
        client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        if is_on:
            (finding,) = await client.diagnostics(uri, "finding")
            assert finding["message"] == "The list may be empty."
        else:  # whatever is still to come is stopped, and there is nothing
            assert (await client.command("postil.stop", {}))["result"] == {"stopped": 0}


async def test_all_saved_documents_are_reviewed_not_only_the_last(
    start: Start, tmp_path: Path, script: Script
) -> None:
    root = _repository(tmp_path)
    client = await start(POSTIL_MODEL=script([THOUGHT, _bug(2)]))
    await client.initialize(root, review_on_save=True)
    uris = [
        client.open(root / name, f"def {name[:-3]}(items):\n    return items[0]\n")
        for name in ("shop.py", "rules.py")
    ]
    for uri in uris:
        client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    for uri in uris:
        assert await client.diagnostics(uri, "finding")


MANY = "".join(f"def f{n}(items):\n    return items[{n}] / len(items)\n\n\n" for n in range(3))


@pytest.mark.parametrize(
    ("line", "reason", "asked"),
    [
        (0, "No bug was seen in 3 parts.", ["f1", "f2"]),
        (12, "No bug was seen in 3 parts.", ["f1", "f2"]),
        (5, "1 part was edited meanwhile and not read. No bug was seen in 2 parts.", ["f2"]),
    ],
)
async def test_a_review_reads_its_functions_where_an_edit_has_moved_them(
    start_here: StartAny, shop: Path, tmp_path: Path, line: int, reason: str, asked: list[str]
) -> None:
    """A line is typed while the first function is read."""
    replies = tmp_path / "slow.json"
    replies.write_text(json.dumps({"replies": [THOUGHT, NONE], "piece_delay_s": 0.05}))
    client = await start_here(POSTIL_MODEL=f"scripted:{replies}")
    await client.initialize(shop)
    uri = client.open(shop / "shop.py", MANY)
    reading = client.post(
        "workspace/executeCommand", {"command": "postil.findBugs", "arguments": [{"uri": uri}]}
    )
    model = client.server.session.model  # type: ignore[attr-defined]
    while model.opened is None or not model.opened.asked:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    at = {"line": line, "character": 0}
    client.change(uri, 2, {"start": at, "end": at}, "# typed meanwhile\n")
    result = (await client.reply_to(reading))["result"]
    assert result == {"finding": None, "reason": reason}
    prompts = "\n".join(g.conversation.messages[-1].content for g in model.opened.asked)
    lines = {*re.findall(r"Look only at lines (\d+) to", prompts)}
    text = client.server.session.text_of(uri).content.split("\n")  # type: ignore[attr-defined]
    firsts = {str(text.index(f"def {name}(items):") + 1) for name in asked}
    assert lines == {"1", *firsts}, "the first was read before"
