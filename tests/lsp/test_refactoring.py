"""Exact refactorings over the wire: with a model that names, and without any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.client import FULL_CAPABILITIES, Client
from tests.lsp.conftest import Start, StartAny, progress_of

Script = Callable[[list[str]], str]
A = (
    '"""Emoji 😀."""\n\n\ndef total(xs, unused):\n    s = sum(xs); t = "😀"; d = s\n'
    "    return d, t\n"
)
B = "from a import total\n\nprint(total([1], 2))\n"
LONG = (
    "def report(rows):\n    count = len(rows)\n    width = 10\n    line = '-' * width\n"
    "    head = line + str(count)\n    print(head)\n    print(line)\n    if not rows:\n"
    "        return 0\n    return count\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in (("a.py", A), ("b.py", B), ("long.py", LONG)):
        (folder / name).write_bytes(text.encode())
    return folder


async def _applied(client: Client) -> dict[str, Any]:
    """The edit of the last request to apply one."""
    message = await client.wait_for(lambda m: m.get("method") == "workspace/applyEdit")
    return dict(message["params"])


def _texts(edit: dict[str, Any]) -> dict[str, list[str]]:
    """New texts by file name."""
    return {
        change["textDocument"]["uri"].rpartition("/")[2]: [e["newText"] for e in change["edits"]]
        for change in edit["documentChanges"]
        if "textDocument" in change
    }


async def test_a_rename_with_a_name_needs_no_model_and_asks_before_several_files_change(
    start_both: StartAny, project: Path
) -> None:
    client = await start_both(POSTIL_MODEL="none")
    await client.initialize(project)
    uri = client.open(project / "a.py")
    place = {"uri": uri, "version": 1, "line": 3, "character": 5}
    reply = await client.command("postil.rename", {**place, "new_name": "sum_of"})
    assert reply["result"]["files"] == 2, reply
    assert "rename function total to sum_of" in reply["result"]["title"]
    asked = await _applied(client)
    assert _texts(asked["edit"]) == {"a.py": ["sum_of"], "b.py": ["sum_of", "sum_of"]}
    annotations = asked["edit"]["changeAnnotations"].values()
    assert all(a["needsConfirmation"] for a in annotations)


async def test_a_variable_is_inlined_at_a_position_in_utf16(
    start_here: StartAny, project: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(project)
    uri = client.open(project / "a.py")
    column = A.split("\n")[4].index("d = s") + 1  # the emoji before it is two units
    reply = await client.command("postil.inline", {"uri": uri, "line": 4, "character": column})
    assert "error" in reply
    assert "same line" in reply["error"]["message"]
    text = A.replace("; d = s", "\n    d = s")
    client.notify(
        "textDocument/didChange",
        {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": text}]},
    )
    reply = await client.command(
        "postil.inline", {"uri": uri, "version": 2, "line": 5, "character": 4}
    )
    assert reply["result"]["title"] == "Postil: inline variable d"
    assert sorted(_texts((await _applied(client))["edit"])["a.py"]) == ["", "s"]


async def test_a_signature_changes_with_its_calls_in_plain_form(
    start_here: StartAny, project: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(project)
    uri = client.open(project / "a.py")
    place = {"uri": uri, "line": 3, "character": 4}
    reply = await client.command("postil.changeSignature", {**place, "detail": "remove unused"})
    assert reply["result"]["files"] == 2
    reply = await client.command("postil.changeSignature", {**place, "detail": "make it async"})
    assert "switched off" in reply["error"]["message"]
    reply = await client.command("postil.changeSignature", place)
    assert "Say in `detail`" in reply["error"]["message"]


async def test_a_model_names_and_the_record_says_who_did_what(
    start: Start, project: Path, script: Script, tmp_path: Path
) -> None:
    client = await start(
        POSTIL_MODEL=script(["It adds up.\n</think>", "sumOfAll\n"]),
        POSTIL_DATA_DIR=str(tmp_path / "data"),
    )
    await client.initialize(project)
    uri = client.open(project / "a.py")
    place = {"uri": uri, "line": 3, "character": 5}
    reply = await client.command("postil.rename", place)
    assert "rename function total to sumOfAll" in reply["result"]["title"], reply
    entries = [json.loads(e) for e in (tmp_path / "data/record.jsonl").read_text().split("\n") if e]
    assert entries[-1]["task"] == "rename"
    assert entries[-1]["model"] == "scripted"
    reply = await client.command("postil.rename", {**place, "new_name": "sum_of"})
    entries = [json.loads(e) for e in (tmp_path / "data/record.jsonl").read_text().split("\n") if e]
    assert entries[-1]["model"] == ""
    assert entries[-1]["backend"].startswith("rope")
    assert [path for path, _ in entries[-1]["files"]] == ["a.py", "b.py"]


async def test_an_applied_edit_says_on_hover_that_no_model_wrote_it(
    start_here: StartAny, project: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(project)
    uri = client.open(project / "a.py")
    place = {"uri": uri, "line": 3, "character": 5}
    await client.command("postil.rename", {**place, "new_name": "sum_of"})
    change = {"range": {"start": {"line": 3, "character": 4}, "end": {"line": 3, "character": 9}}}
    client.notify(
        "textDocument/didChange",
        {
            "textDocument": {"uri": uri, "version": 2},
            "contentChanges": [{**change, "text": "sum_of"}],
        },
    )
    position = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 6}}
    hover = (await client.request("textDocument/hover", position))["result"]
    assert "not by a model" in hover["contents"]["value"]


async def test_lines_are_extracted_exactly_or_by_the_model_and_the_title_says_which(
    start: Start, project: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(["It prints.\n</think>", "printHead\n"]))
    await client.initialize(project)
    uri = client.open(project / "long.py")
    lines = {"uri": uri, "first_line": 4, "last_line": 6}
    reply = await client.command("postil.extractFunction", lines)
    assert "extract print_head from report" in str(reply), reply
    reply = await client.command("postil.extractFunction", {**lines, "name": "show"})
    assert "extract show from report" in reply["result"]["title"], reply
    reply = await client.command(
        "postil.extractFunction", {"uri": uri, "first_line": 8, "last_line": 9, "name": "show"}
    )
    assert "A return cannot go" in reply["error"]["message"]


async def test_what_cannot_be_extracted_exactly_is_still_one_piece_of_work(
    start_here: StartAny, project: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(["It returns.\n</think>", "nonsense"]))
    await client.initialize(project)
    uri = client.open(project / "long.py")
    lines = {"uri": uri, "first_line": 8, "last_line": 9}
    params = {"command": "postil.extractFunction", "arguments": [lines], "workDoneToken": "mine"}
    assert "error" in await client.request("workspace/executeCommand", params)
    assert progress_of(client, "mine") == ["begin", "end"]


async def test_a_long_function_is_split_without_a_model_and_a_class_gets_a_file(
    start_here: StartAny, project: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    capabilities = json.loads(json.dumps(FULL_CAPABILITIES))
    capabilities["workspace"]["workspaceEdit"]["resourceOperations"] = ["create"]
    await client.initialize(project, capabilities)
    uri = client.open(project / "long.py")
    reply = await client.command("postil.split", {"uri": uri, "first_line": 5, "last_line": 5})
    assert "extract extracted from report" in reply["result"]["title"], reply
    (project / "c.py").write_text("import os\n\n\nclass Box:\n    path = os.sep\n")
    uri = client.open(project / "c.py")
    reply = await client.command("postil.split", {"uri": uri, "first_line": 4, "last_line": 5})
    assert "move Box to box.py" in reply["result"]["title"], reply
    assert reply["result"]["files"] == 2


async def test_the_menu_offers_what_the_language_can(start_here: StartAny, project: Path) -> None:
    client = await start_here(POSTIL_MODEL="none")
    (project / "x.rb").write_text("def f; end\n")
    await client.initialize(project)
    for name, expect in (("a.py", True), ("x.rb", False)):
        uri = client.open(project / name)
        at = {"line": 3 if expect else 0, "character": 5}
        params = {
            "textDocument": {"uri": uri},
            "range": {"start": at, "end": at},
            "context": {"diagnostics": []},
        }
        actions = (await client.request("textDocument/codeAction", params))["result"]
        titles = [action["title"] for action in actions]
        assert ("Postil: inline “total”" in titles) is expect
        inline = [a for a in actions if a["kind"] == "refactor.inline"]
        assert all("tags" not in a for a in inline)
