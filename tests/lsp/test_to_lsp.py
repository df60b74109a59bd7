"""Paths to URIs and back, titles, and hovers that stay short whatever a model wrote."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from context.text import Span
from lsp import from_lsp, to_lsp
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.findings import Edit, Exact
from models.gate import INVISIBLE
from models.tasks.locate import locate
from tests.faults.injections import snippet_of
from tests.lsp.conftest import LOCATE_REPLIES, REPORT, RULES, SHOP, StartAny

Script = Callable[[list[str]], str]
MAX_BYTES = 8_000
LONG = ["\u200b" * 7_000, "é" * 9_000, "😀" * 9_000, "`" * 5_000, "word " * 3_000, "`\n" * 5_000]


@pytest.mark.parametrize("uri", ["file://[x/a", "file://a%5D[/b", "file:///a%00b.py", "untitled:a"])
def test_what_names_no_file_has_no_path(uri: str) -> None:
    assert from_lsp.path(uri) is None


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_a_name_that_is_not_utf8_comes_back_as_it_was() -> None:
    path = from_lsp.path("file:///ws/caf%E9.py")
    assert path == Path(os.fsdecode(b"/ws/caf\xe9.py"))
    assert to_lsp.uri(path) == "file:///ws/caf%E9.py"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
async def test_a_folder_whose_name_is_not_utf8_is_worked_in(
    start_both: StartAny, tmp_path: Path, script: Script
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "shop.py").write_bytes(SHOP.encode())
    (folder / "rules.py").write_bytes(RULES.encode())
    client = await start_both(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(folder)
    uri = client.open(folder / "shop.py")
    located = (await client.command("postil.locate", {"report": REPORT, "uri": uri}))["result"]
    assert located["finding"]["uri"] == uri
    assert (await client.diagnostics(uri, "finding"))[0]["source"] == "postil"


async def test_an_initialize_with_an_odd_folder_is_answered(start_here: StartAny) -> None:
    client = await start_here(POSTIL_MODEL="none")
    reply = await client.request("initialize", {"capabilities": {}, "rootUri": "file://[x/a"})
    assert "result" in reply


@pytest.mark.parametrize("words", LONG)
async def test_a_hover_is_short_whatever_a_model_wrote(words: str) -> None:
    answer = {"file": "F1", "first_line": 2, "last_line": 3, "cause": "The list is empty."}
    backend = ScriptedBackend(["It is so.\n</think>", json.dumps(answer)])
    snippet = snippet_of("def mean(values):\n    total = sum(values)\n    return total / 2\n")
    finding = await locate("mean fails.", [snippet], Asking(backend, 50, 2_000, lambda _: None))
    provenance = finding.provenance
    wordy = replace(provenance, trace=replace(provenance.trace, text=words))
    for found in (replace(finding, cause=words), replace(finding, cause=words, provenance=wordy)):
        hover = to_lsp.finding_hover(found)
        assert len(hover.encode()) <= MAX_BYTES
        assert not INVISIBLE.search(hover)
        assert "the rest: command postil.trace" in hover
        assert "shop.py:1-3" in hover, "what was shown stays"


@pytest.mark.parametrize("words", LONG)
def test_a_hover_of_an_exact_edit_is_short_however_long_the_title(words: str) -> None:
    edit = Edit("a.py", Span(0, 1), "a", "b", "0" * 64, words)
    hover = to_lsp.edit_hover([edit], "Postil: rename", Exact("a rule", 1, (), None))
    assert len(hover.encode()) <= MAX_BYTES
    assert hover.endswith("\n" + hover.partition("\n\n")[2].partition("text")[0])


async def _actions(client: Any, uri: str, start: int, end: int) -> Any:
    range_ = {"start": {"line": start, "character": 0}, "end": {"line": end, "character": 0}}
    params = {"textDocument": {"uri": uri}, "range": range_, "context": {"diagnostics": []}}
    return await client.request("textDocument/codeAction", params)


@pytest.mark.parametrize("capabilities", [{}, {"textDocument": {"codeAction": {
    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}}}])  # fmt: skip
async def test_a_title_shows_no_character_that_turns_text_round(
    start_here: StartAny, shop: Path, capabilities: dict[str, Any]
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop, capabilities)
    text = "x = 1  # postil: make \u202etxt\n# FAILED tests/test_a.py::test_\u202eb - x\n"
    uri = client.open(shop / "b.py", text)
    listed = (await _actions(client, uri, 0, 2))["result"]
    titles = [action["title"] for action in listed]
    assert "Postil: change as I say: make \\u{202E}txt" in titles
    assert not INVISIBLE.search(json.dumps(titles, ensure_ascii=False))


async def test_a_range_that_ends_before_it_starts_is_the_clients_mistake(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    error = (await _actions(client, uri, 3, 2))["error"]
    assert error == {"code": -32602, "message": "The range ends before it starts."}
