"""Writing tasks through the server: what reaches the editor, and what it must ask the user."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from context.shadow_copy import ShadowCopy, make_copy
from lsp.jobs import checking
from lsp.settings import read_settings
from tests.lsp.client import FULL_CAPABILITIES, RawClient
from tests.lsp.conftest import SHOP, Start

Script = Callable[[list[str]], str]
THOUGHT = "It is short.\n</think>"
REWRITTEN = "    return int(code)\n```\nREASON: A number is enough for every code that there is.\n"


def _capabilities(**changes: Any) -> dict[str, Any]:
    found = copy.deepcopy(FULL_CAPABILITIES)
    found["workspace"]["workspaceEdit"] = {
        "documentChanges": True,
        "changeAnnotationSupport": {},
        "resourceOperations": ["create"],
        **changes,
    }
    return found


async def _applied(
    client: RawClient, command: str, uri: str, first: int, last: int, detail: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the command's reply, the edit that the editor was asked to apply)."""
    argument = {"uri": uri, "version": 1, "first_line": first, "last_line": last, "detail": detail}
    reply = await client.command(command, argument)
    assert "result" in reply, reply
    apply = await client.wait_for(lambda m: m.get("method") == "workspace/applyEdit")
    return reply["result"], apply["params"]


async def test_a_function_is_documented(start: Start, shop: Path, script: Script) -> None:
    client = await start(POSTIL_MODEL=script([THOUGHT, "Return the discount for a code."]))
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "rules.py")
    result, applied = await _applied(client, "postil.document", uri, 2, 2)
    assert result == {"title": "Document discount", "files": 1}
    (change,) = applied["edit"]["documentChanges"]
    (edit,) = change["edits"]
    assert edit["newText"] == '"""Return the discount for a code."""\n    '
    assert edit["range"]["start"] == {"line": 1, "character": 4}
    annotation = applied["edit"]["changeAnnotations"][edit["annotationId"]]
    assert annotation["needsConfirmation"] is False
    assert annotation["label"] == "Documents discount; the code is the same."


async def test_a_class_is_documented_from_its_first_line(
    start: Start, shop: Path, script: Script
) -> None:
    (shop / "shelf.py").write_text("class Shelf:\n    size = 3\n\n    def f(self):\n        pass\n")
    client = await start(POSTIL_MODEL=script([THOUGHT, "A shelf of the shop."]))
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "shelf.py")
    result, applied = await _applied(client, "postil.document", uri, 1, 1)
    assert result == {"title": "Document Shelf", "files": 1}
    (change,) = applied["edit"]["documentChanges"]
    (edit,) = change["edits"]
    assert edit["newText"] == '"""A shelf of the shop."""\n\n    '
    assert edit["range"]["start"] == {"line": 1, "character": 4}


async def test_a_test_in_rust_lands_in_the_file_itself(
    start: Start, shop: Path, script: Script
) -> None:
    (shop / "shelf.rs").write_text("pub fn size() -> i32 {\n    3\n}\n")
    client = await start(
        POSTIL_MODEL=script([THOUGHT, "() {\n    assert_eq!(size(), 3);\n}\n```\n"])
    )
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "shelf.rs")
    result, applied = await _applied(client, "postil.writeTest", uri, 1, 1)
    assert result == {"title": "Write a test of size", "files": 1}
    (change,) = applied["edit"]["documentChanges"]
    (edit,) = change["edits"]
    assert edit["newText"].startswith("\n#[cfg(test)]\nmod tests {\n    use super::*;\n")
    assert edit["range"]["start"] == edit["range"]["end"] == {"line": 3, "character": 0}


async def test_types_are_added(start: Start, shop: Path, script: Script) -> None:
    client = await start(POSTIL_MODEL=script([THOUGHT, " str) -> int:\n"]))
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "rules.py")
    _, applied = await _applied(client, "postil.addTypes", uri, 1, 1)
    edits = applied["edit"]["documentChanges"][0]["edits"]
    assert [e["newText"] for e in edits] == [": str", " -> int"]


async def test_a_test_is_a_new_file_that_must_be_confirmed(
    start: Start, shop: Path, script: Script
) -> None:
    test = "():\n    assert discount('none') == 0\n```\n"
    client = await start(POSTIL_MODEL=script([THOUGHT, test]))
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "rules.py")
    result, applied = await _applied(client, "postil.writeTest", uri, 1, 4)
    assert result == {"title": "Write a test of discount", "files": 1}
    create, write = applied["edit"]["documentChanges"]
    assert create["kind"] == "create"
    assert create["uri"].endswith("/shop/tests/test_rules.py")
    assert create["options"] == {"overwrite": False, "ignoreIfExists": False}
    assert write["textDocument"] == {"uri": create["uri"], "version": None}
    assert "def test_discount():" in write["edits"][0]["newText"]
    annotation = applied["edit"]["changeAnnotations"][create["annotationId"]]
    assert annotation["needsConfirmation"] is True
    assert "a new file" in annotation["label"]
    (shop / "tests").mkdir()
    new = shop / "tests" / "test_rules.py"
    new.write_text(write["edits"][0]["newText"])
    position = {"textDocument": {"uri": client.open(new)}, "position": {"line": 5, "character": 4}}
    hover = (await client.request("textDocument/hover", position))["result"]["contents"]["value"]
    assert "It is short." in hover, "the reasoning behind a new file is there once it is made"


async def test_an_editor_that_cannot_make_files_is_told_so(
    start: Start, shop: Path, script: Script
) -> None:
    client = await start(POSTIL_MODEL=script(["():\n    assert discount('none') == 0\n```\n"]))
    await client.initialize(shop, _capabilities(resourceOperations=[]), effort="quick")
    uri = client.open(shop / "rules.py")
    argument = {"uri": uri, "first_line": 1, "last_line": 4}
    error = (await client.command("postil.writeTest", argument))["error"]
    assert "cannot make the new file tests/test_rules.py" in error["message"]


async def test_a_change_that_breaks_calls_elsewhere_says_so_in_its_title(
    start: Start, shop: Path, script: Script
) -> None:
    block = (
        "REASON: It needs the price.\nFILE: F1\n<<<<<<< SEARCH\ndef discount(code):\n=======\n"
        "def discount(code, price):\n>>>>>>> REPLACE\n"
    )
    client = await start(POSTIL_MODEL=script([THOUGHT, block, THOUGHT, block]))
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "rules.py")
    result, applied = await _applied(client, "postil.change", uri, 1, 4, "take the price")
    remark = "1 call of discount no longer matches: shop.py:11"
    assert result["title"] == f"Change: take the price; {remark}"
    assert applied["label"] == result["title"]
    (annotation,) = applied["edit"]["changeAnnotations"].values()
    assert annotation["description"].endswith(remark)


@pytest.mark.parametrize("asks", [True, False])
async def test_what_runs_by_itself_is_confirmed_or_refused(
    start: Start, shop: Path, script: Script, *, asks: bool
) -> None:
    (shop / "conftest.py").write_text("def discount(code):\n    return int(str(code))\n")
    client = await start(POSTIL_MODEL=script([THOUGHT, REWRITTEN]))
    changes: dict[str, Any] = {} if asks else {"changeAnnotationSupport": None}
    await client.initialize(shop, _capabilities(**changes))
    uri = client.open(shop / "conftest.py")
    argument = {"uri": uri, "version": 1, "first_line": 1, "last_line": 2}
    reply = await client.command("postil.modernise", argument)
    if not asks:
        assert "conftest.py is not changed without asking" in reply["error"]["message"]
        assert not [m for m in client.messages if m.get("method") == "workspace/applyEdit"]
        return
    apply = await client.wait_for(lambda m: m.get("method") == "workspace/applyEdit")
    (annotation,) = apply["params"]["edit"]["changeAnnotations"].values()
    assert annotation["needsConfirmation"] is True
    assert "it runs by itself when tests or Python start" in annotation["label"]


async def test_a_link_out_of_the_workspace_is_not_followed(
    start: Start, shop: Path, script: Script, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "rules.py").write_bytes((shop / "rules.py").read_bytes())
    (shop / "linked").symlink_to(outside)
    client = await start(POSTIL_MODEL=script([THOUGHT, "Return the discount for a code."]))
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "linked" / "rules.py")
    argument = {"uri": uri, "version": 1, "first_line": 2, "last_line": 2}
    error = (await client.command("postil.document", argument))["error"]
    assert error["message"] == "linked/rules.py leads out of the workspace."


async def test_the_menu_offers_what_the_language_has(start: Start, shop: Path) -> None:
    (shop / "a.go").write_text("package a\n\nfunc F() int { return 1 }\n")
    client = await start()
    await client.initialize(shop, _capabilities())

    async def offered(name: str, last_line: int = 3) -> set[str]:
        uri = client.open(shop / name)
        range_ = {"start": {"line": 0, "character": 0}, "end": {"line": last_line, "character": 0}}
        context = {"diagnostics": [], "only": ["refactor.rewrite"]}
        params = {"textDocument": {"uri": uri}, "range": range_, "context": context}
        actions = (await client.request("textDocument/codeAction", params))["result"]
        return {action["title"].removeprefix("Postil: ") for action in actions}

    common = {"simplify", "modernise", "document", "write a test"}
    in_go, in_python = await offered("a.go"), await offered("shop.py")
    assert common <= in_go
    assert common <= in_python
    assert "add types" in in_python - in_go
    at_the_cursor = await offered("shop.py", 0)
    assert {"document", "add types", "write a test"} <= at_the_cursor
    assert "simplify" not in at_the_cursor, "it needs a selection"


@pytest.mark.parametrize(
    ("asserted", "verdict"),
    [
        ("discount(0) == 0", "checked: fails (1 failed, passed before)"),
        ("discount(0) == 1", "checked: fails (1 failed, before 1)"),
        ("discount", "checked: passes"),
    ],
)
async def test_an_edit_is_tried_with_the_users_command_on_a_copy(
    start: Start, shop: Path, script: Script, tmp_path: Path, *, asserted: str, verdict: str
) -> None:
    code = "def discount(code):\n    return 0\n"
    (shop / "one.py").write_text(code)
    (shop / "test_one.py").write_text(
        f"from one import discount\n\n\ndef test_one():\n    assert {asserted}\n"
    )
    changed = "    return 5\n```\nREASON: Broken on purpose for this test.\n"
    command = f"{sys.executable},-m,pytest,-q,-p,no:cacheprovider"
    client = await start(POSTIL_MODEL=script([THOUGHT, changed]), POSTIL_CHECK_COMMAND=command)
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "one.py")
    result, applied = await _applied(client, "postil.modernise", uri, 1, 2)
    assert result["title"] == f"Modernise: lines 1-2; {verdict}"
    assert applied["label"] == result["title"]
    assert (shop / "one.py").read_text() == code
    assert list((tmp_path / "cache" / "checks").iterdir()) == [], "the copies are gone"


async def test_in_a_workspace_that_is_not_trusted_nothing_runs_and_the_status_says_so(
    start: Start, shop: Path, script: Script, tmp_path: Path
) -> None:
    canary = tmp_path / "ran"
    client = await start(
        POSTIL_MODEL=script([THOUGHT, "Return the discount for a code."]),
        POSTIL_CHECK_COMMAND=f"touch,{canary}",
    )
    await client.initialize(shop, _capabilities(), trusted=False)
    uri = client.open(shop / "rules.py")
    result, _ = await _applied(client, "postil.document", uri, 1, 1)
    assert result["title"] == "Document discount"
    assert not canary.exists()
    assert not (tmp_path / "cache" / "checks").exists()
    status = (await client.command("postil.status", {}))["result"]
    assert status["advice"] == "Edits are not checked, because this workspace is not trusted."


async def test_a_workspace_cannot_name_the_command(
    start: Start, shop: Path, script: Script, tmp_path: Path
) -> None:
    canary = tmp_path / "ran"
    (shop / ".vscode").mkdir()
    settings = json.dumps({"postil.check_command": ["touch", str(canary)]})
    (shop / ".vscode/settings.json").write_text(settings)
    (shop / "pyproject.toml").write_text(f'[tool.postil]\ncheck_command = ["touch", "{canary}"]\n')
    client = await start(POSTIL_MODEL=script([THOUGHT, "Return the discount for a code."]))
    await client.initialize(shop, _capabilities())
    uri = client.open(shop / "rules.py")
    result, _ = await _applied(client, "postil.document", uri, 1, 1)
    assert result["title"] == "Document discount"
    assert not canary.exists()


async def test_a_check_that_is_cancelled_while_files_are_copied_leaves_none(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    def held(*arguments: Any) -> ShadowCopy:
        began.set()
        goes_on.wait(60)
        try:
            return make_copy(*arguments)
        finally:
            ended.set()

    monkeypatch.setattr(checking, "make_copy", held)
    settings, _ = read_settings({}, {"cache_dir": str(tmp_path), "check_command": ["true"]})
    session = cast(Any, SimpleNamespace(settings=settings, check_runs={}))
    run = asyncio.ensure_future(checking._run(session, shop, {}))
    await asyncio.to_thread(began.wait, 60)
    run.cancel()
    asyncio.get_running_loop().call_later(0, goes_on.set)
    with pytest.raises(asyncio.CancelledError):
        await run
    await asyncio.to_thread(ended.wait, 60)
    assert list((tmp_path / "checks").iterdir()) == []


def test_what_a_killed_server_left_of_a_check_is_removed_once_it_is_old(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / "checks" / name / "shop").mkdir(parents=True)
        (tmp_path / "checks" / name / "shop" / "shop.py").write_text(SHOP, encoding="utf-8")
    long_ago = time.time() - 10_000
    os.utime(tmp_path / "checks" / "old", (long_ago, long_ago))
    checking.remove_old_copies(tmp_path)
    assert [folder.name for folder in (tmp_path / "checks").iterdir()] == ["new"]
    checking.remove_old_copies(tmp_path / "none")


async def test_a_server_that_starts_removes_them(start: Start, shop: Path, tmp_path: Path) -> None:
    old = tmp_path / "cache" / "checks" / "old"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    while old.exists():
        await client.command("postil.status", {})
