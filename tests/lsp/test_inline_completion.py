"""Code at the cursor: who wins, who gives way, what is never offered; once with the real model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.backends.scripted import ScriptedBackend
from models.tasks.complete import Extent, complete
from tests.lsp.client import Client, MemoryClient
from tests.lsp.conftest import SHOP, StartAny
from tests.models.weights import models_folder

Script = Callable[[list[str]], str]
TYPED, INVOKED = 2, 1


def _place(uri: str, line: int, character: int, trigger: int = INVOKED) -> dict[str, Any]:
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": trigger},
    }


async def _loaded(client: Client, uri: str) -> None:
    """Until the model is there: for a person who types it is never waited for."""
    await client.request("textDocument/inlineCompletion", _place(uri, 0, 0))
    while not (await client.command("postil.status", {}))["result"]["loaded"]:
        pass


async def test_what_the_model_fills_in_stands_at_the_cursor(
    start_both: StartAny, shop: Path, script: Script
) -> None:
    client = await start_both(POSTIL_MODEL=script(["max(prices)"]))
    reply = await client.initialize(shop, inline_completion=True)
    assert reply["result"]["capabilities"]["inlineCompletionProvider"] is True
    uri = client.open(shop / "shop.py")
    await _loaded(client, uri)
    line = SHOP.split("\n")[5]
    character = len(line.encode("utf-16-le")) // 2  # the emoji is two
    for trigger in (TYPED, INVOKED):
        place = _place(uri, 5, character, trigger)
        result = (await client.request("textDocument/inlineCompletion", place))["result"]
        (item,) = result["items"]
        assert item["insertText"] == "max(prices)"
        at = {"line": 5, "character": character}
        assert item["range"] == {"start": at, "end": at}


async def test_of_several_requests_the_newest_wins_and_a_cancel_is_answered(
    start_here: StartAny, shop: Path, tmp_path: Path
) -> None:
    file = tmp_path / "slow.json"
    file.write_text(json.dumps({"replies": [" ".join("abcdefgh")], "piece_delay_s": 0.05}))
    client = await start_here(POSTIL_MODEL=f"scripted:{file}")
    assert isinstance(client, MemoryClient)
    await client.initialize(shop, inline_completion=True)
    uri = client.open(shop / "shop.py")
    await _loaded(client, uri)
    ids = [
        client.post("textDocument/inlineCompletion", _place(uri, 7, 0, trigger))
        for trigger in (TYPED, INVOKED, TYPED, INVOKED)
    ]
    results = [(await client.reply_to(one))["result"] for one in ids]
    assert results[:3] == [None, None, None]
    assert results[3]["items"][0]["insertText"] == "a b c d e f g h"
    cancelled = client.post("textDocument/inlineCompletion", _place(uri, 7, 0))
    client.notify("$/cancelRequest", {"id": cancelled})
    assert (await client.reply_to(cancelled))["error"]["code"] == -32800
    assert client.server.session is not None
    backend = client.server.session.model.opened
    assert isinstance(backend, ScriptedBackend)
    again = await client.request("textDocument/inlineCompletion", _place(uri, 7, 0))
    assert again["result"] is not None, "and the next one is served"


async def test_a_model_that_left_memory_is_not_waited_for_and_answers_once_it_is_back(
    start_here: StartAny, shop: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await start_here(POSTIL_MODEL=script(["max(prices)"]))
    assert isinstance(client, MemoryClient)
    await client.initialize(shop, inline_completion=True)
    uri = client.open(shop / "shop.py")
    await _loaded(client, uri)
    assert client.server.session is not None
    backend = client.server.session.model.opened
    assert isinstance(backend, ScriptedBackend)
    n_asked = len(backend.asked)
    with monkeypatch.context() as patched:
        patched.setattr(ScriptedBackend, "wake", lambda _: False)
        reply = await client.request("textDocument/inlineCompletion", _place(uri, 7, 0))
        assert reply["result"] is None
        assert len(backend.asked) == n_asked
    reply = await client.request("textDocument/inlineCompletion", _place(uri, 7, 0))
    assert reply["result"] is not None


async def test_nothing_is_offered_for_a_document_that_moved_on(
    start_here: StartAny, shop: Path, tmp_path: Path
) -> None:
    file = tmp_path / "slow.json"
    file.write_text(json.dumps({"replies": ["a b c d e f"], "piece_delay_s": 0.05}))
    client = await start_here(POSTIL_MODEL=f"scripted:{file}")
    await client.initialize(shop, inline_completion=True)
    uri = client.open(shop / "shop.py")
    await _loaded(client, uri)
    request_id = client.post("textDocument/inlineCompletion", _place(uri, 7, 0))
    at = {"line": 0, "character": 0}
    client.change(uri, 2, {"start": at, "end": at}, "x")
    assert (await client.reply_to(request_id))["result"] is None


@pytest.mark.parametrize(
    ("written", "after", "wanted"),
    [
        ("total(prices)", "\n", "total(prices)"),
        ("   \n ", "\n", ""),
        ("a\u202eb", "\n", ""),
        ("a</think>b", "\n", ""),
        ("return result", "    return result\n", ""),
        ("prices)", ")\n", "prices"),
        ("max(prices)", ")\n", "max(prices)"),  # in f(|)
        ("max(prices))", ")\n", "max(prices)"),
        ("max(prices))", "))\n", "max(prices)"),
        ("items[0]", "]", "items[0]"),
        ("items[0]]", "] + 1\n", "items[0]"),
        ("{'a': {'b': 1}}", "}\r\n", "{'a': {'b': 1}}"),
        ("'é'", "'\n", "'é'"),
        ("é😀')", "')\n", "é😀"),
        ("a > b:", ":\n", "a > b"),
        ("one\ntwo", "\n", "one"),
    ],
)
async def test_only_what_is_worth_offering_is_offered(
    written: str, after: str, wanted: str
) -> None:
    backend = ScriptedBackend([written])
    assert await complete("x = ", after, Extent.LINE, backend) == wanted


async def test_a_secret_stands_under_another_name_for_the_model() -> None:
    key = "AKIA" + "QWERTYUIOPASDFGH"
    backend = ScriptedBackend(["f(SECRET_1)"])
    await complete(f'KEY = "{key}"\n', "\n", Extent.LINE, backend)
    gap = backend.asked[0].conversation.gap
    assert gap is not None
    assert key not in gap.before + gap.begun


async def test_a_file_of_secrets_is_never_read(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(["anything"]))
    await client.initialize(shop, inline_completion=True)
    uri = client.open(shop / ".env", "A=")
    await _loaded(client, client.open(shop / "shop.py"))
    assert (await client.request("textDocument/inlineCompletion", _place(uri, 0, 2)))[
        "result"
    ] is None


@pytest.mark.model
async def test_the_real_small_model_fills_in_an_obvious_line(
    start_here: StartAny, shop: Path
) -> None:
    text = (
        "class Box:\n    def __init__(self, width, height):\n        self.width = width\n"
        "        self.height = \n\n    def area(self):\n        return self.width * self.height\n"
    )
    (shop / "box.py").write_text(text)
    client = await start_here(
        POSTIL_MODEL="qwen2.5-coder-0.5b", POSTIL_MODELS_DIR=str(models_folder())
    )
    await client.initialize(shop, inline_completion=True)
    uri = client.open(shop / "box.py")
    await _loaded(client, uri)
    reply = await client.request("textDocument/inlineCompletion", _place(uri, 3, 22, TYPED))
    (item,) = reply["result"]["items"]
    assert item["insertText"] == "height"
