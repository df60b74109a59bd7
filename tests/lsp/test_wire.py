"""Framing and dispatch under clients that are odd, broken or hostile."""

from __future__ import annotations

from typing import Any

import pytest

from lsp.framing import Framer, FramingLost
from tests.lsp.client import RawClient
from tests.lsp.conftest import Start


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n", b"content-length: 2\r\n\r\n", b"Content-Length:2\r\n\r\n",
        b"CONTENT-LENGTH:  2  \r\nContent-Type: x; charset=utf-8\r\n\r\n",
        b"Content-Type: x\r\nContent-Length: 2\r\n\r\n", b"\r\nContent-Length: 2\n\n",
    ],
)  # fmt: skip
def test_headers_count_however_they_are_written(header: bytes) -> None:
    stream = header + b"{}" + b"Content-Length: 1\r\n\r\n1"
    assert Framer().feed(stream) == [b"{}", b"1"]
    by_byte = Framer()
    assert [body for byte in stream for body in by_byte.feed(bytes([byte]))] == [b"{}", b"1"]


@pytest.mark.parametrize(
    "stream",
    [b"Content-Length: -1\r\n\r\n", b"Content-Length: x\r\n\r\n",
     b"Content-Length: 99999999999\r\n\r\n", b"X: " + b"y" * 10_000],
)  # fmt: skip
def test_a_stream_that_cannot_be_followed_is_given_up(stream: bytes) -> None:
    with pytest.raises(FramingLost):
        Framer().feed(stream)


def test_a_body_waits_for_its_last_byte() -> None:
    framer = Framer()
    assert framer.feed(b"Content-Length: 10\r\n\r\n{}") == []
    assert framer.feed(b"12345678") == [b"{}12345678"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700), (b"{", -32700), (b"\xff\xfe", -32700), (b"nonsense", -32700),
        (b"[" * 100_000, -32700), (b'{"a":' * 200 + b"1" + b"}" * 200, -32700),
        (b"[]", -32600), (b"3", -32600), (b'{"id": 1}', -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "x"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 9, "method": 3}', -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 9, "method": "no/such"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 9, "method": "textDocument/hover", "params": 3}', -32602),
        (b'{"jsonrpc": "2.0", "id": 9, "method": "textDocument/hover"}', -32602),
    ],
)  # fmt: skip
async def test_a_malformed_message_gets_one_error_and_the_stream_goes_on(
    malformed_client: RawClient, body: bytes, code: int
) -> None:
    client = malformed_client
    client.messages.clear()
    client.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert (await client.command("postil.status", None))["result"]["effort"] == "normal"
    errors = [m["error"]["code"] for m in client.messages if "error" in m]
    assert errors == [code]


@pytest.fixture(scope="module")
async def malformed_client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    cache = tmp_path_factory.mktemp("cache")
    client = await RawClient.start(POSTIL_CACHE_DIR=str(cache))
    await client.initialize(None)
    yield client
    await client.close()


async def test_requests_outside_the_sessions_life_are_refused(start: Start) -> None:
    client = await start()
    early = await client.request("textDocument/hover", {})
    assert early["error"]["code"] == -32002
    await client.initialize(None)
    again = await client.request("initialize", {"capabilities": {}})
    assert again["error"]["code"] == -32600
    await client.request("shutdown", None)
    late = await client.request("textDocument/hover", {})
    assert late["error"]["code"] == -32600
    client.notify("exit", None)
    assert await client.ended() == 0
