"""The language server with endpoints set: a real one, and what a user reads when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp.backend import endpoint_words
from lsp.settings import read_settings
from tests.lsp.conftest import REPORT, Start
from tests.models.servers import LlamaServer, free_port, in_turn, reply, scripted, sse, stream

ANSWER = '{"file": "F1", "first_line": 6, "last_line": 6, "cause": "The list may be empty."}'


@pytest.mark.model
async def test_a_bug_is_located_through_a_real_server(start: Start, shop: Path) -> None:
    server = await LlamaServer.start(scores=False, n_ctx=4_096)
    try:
        client = await start(POSTIL_ENDPOINTS=server.url, POSTIL_EFFORT="quick")
        await client.initialize(shop)
        uri = client.open(shop / "shop.py")
        result = (await client.command("postil.locate", {"report": REPORT, "uri": uri}))["result"]
        assert result["without_model"] == ""
        assert result["finding"]["path"] in ("shop.py", "rules.py")
        status = (await client.command("postil.status", None))["result"]
        assert status["endpoints"] == [server.url]
        assert (status["model"], status["loaded"]) == ("qwen2.5-coder-0.5b", True)
        assert status["device"] == f"llama-cpp-python, {server.url}"
    finally:
        await server.kill()


async def test_a_chats_reasoning_is_shown_on_hover(start: Start, shop: Path) -> None:
    deltas = [{"reasoning_content": "An empty list has no mean."}, {"content": ANSWER}]
    events = [{"choices": [{"delta": delta, "finish_reason": None}]} for delta in deltas]
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    async with scripted(v1__chat__completions=stream(sse(*events, end, "[DONE]"))) as server:
        client = await start()
        await client.initialize(shop, endpoints=[server.url])
        uri = client.open(shop / "shop.py")
        result = (await client.command("postil.locate", {"report": REPORT, "uri": uri}))["result"]
        assert result["finding"]["start_line"] == 6
        position = {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 6}}
        hover = (await client.request("textDocument/hover", position))["result"]
        assert "An empty list has no mean." in hover["contents"]["value"]


async def test_without_a_server_the_suspects_are_shown_and_the_reason_is_said(
    start: Start, shop: Path
) -> None:
    url = f"http://127.0.0.1:{await free_port()}"
    client = await start()
    await client.initialize(shop, endpoints=[url])
    result = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert result["suspects"]
    assert result["without_model"] == (
        f"No server answers at {url}; start it, or correct the setting endpoints."
    )


async def test_code_goes_to_no_host_that_is_not_allowed(start: Start, shop: Path) -> None:
    client = await start()
    await client.initialize(shop, endpoints=["https://models.example/v1"])
    result = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert (
        "models.example is not this machine: add it to the setting allowed_hosts"
        in (result["without_model"])
    )
    status = (await client.command("postil.status", None))["result"]
    assert "allowed_hosts" in status["endpoints"][0]


def test_the_variable_of_the_setting_is_the_one_that_is_named() -> None:
    url = "http://me:secret@127.0.0.1"
    env = {"POSTIL_ENDPOINTS": url, "POSTIL_API_KEY_VARIABLE": "TEAM_KEY"}
    settings, _ = read_settings(env)
    (words,) = endpoint_words(settings)
    assert words.endswith("a key is read from TEAM_KEY.")


async def test_a_workspace_cannot_set_an_endpoint(start: Start, shop: Path) -> None:
    """Whatever stands in the folder, no server is asked."""
    async with scripted(v1__chat__completions=in_turn(reply(200, {}))) as server:
        for name in (".env", "postil.toml", "postil.json", ".postil", "pyproject.toml"):
            (shop / name).write_text(
                f'POSTIL_ENDPOINTS={server.url}\nendpoints = ["{server.url}"]\n', encoding="utf-8"
            )
        client = await start(POSTIL_MODELS_DIR=str(shop / "none"))
        await client.initialize(shop)
        result = (await client.command("postil.locate", {"report": REPORT}))["result"]
        assert "postil models fetch" in result["without_model"]
        assert server.asked == []
