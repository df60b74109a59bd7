"""Framing and dispatch under clients that are odd, broken or hostile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lsp.errors import Failure
from lsp.framing import Framer, FramingLost
from lsp.wire import FAILED, Handler, Method, Wire, _is_deeper
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


class _Memory:
    """A transport that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        self.deliver: Callable[[bytes], None] = lambda _: None

    def start(self, deliver: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        del ended
        self.deliver = deliver

    def send(self, body: bytes) -> None:
        self.sent.append(json.loads(body))
        self._arrived.set()

    async def close(self) -> None:
        pass

    def give(self, **message: Any) -> None:
        self.deliver(json.dumps({"jsonrpc": "2.0", **message}).encode())

    async def reply_to(self, request_id: int) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while not (replies := [m for m in self.sent if m.get("id") == request_id]):
                self._arrived.clear()
                await self._arrived.wait()
        return replies[0]


@asynccontextmanager
async def _wire(**requests: Handler) -> AsyncIterator[tuple[Wire, _Memory]]:
    """An initialized wire with these requests."""
    transport = _Memory()
    wire = Wire(transport)

    async def initialize(params: Any) -> dict[str, Any]:
        return {}

    for name, handler in {"initialize": initialize, **requests}.items():
        wire.on_request(name, Method(handler))
    running = asyncio.ensure_future(wire.run())
    await asyncio.sleep(0)
    transport.give(id=0, method="initialize")
    await transport.reply_to(0)
    yield wire, transport
    wire.end(0)
    await running


@pytest.mark.parametrize("n_before", [0, 1, 2, 5])
async def test_a_request_sees_no_change_that_was_sent_after_it(n_before: int) -> None:
    """However many requests before it end in their first step."""
    version, seen = 1, []

    async def hover(params: Any) -> None:
        pass

    async def action(params: Any) -> None:
        seen.append(version)

    async def change(params: Any) -> None:
        nonlocal version
        version += 1

    async with _wire(hover=hover, action=action) as (wire, transport):
        wire.on_notification("change", Method(change))
        for number in range(n_before):
            transport.give(id=1 + number, method="hover")
        transport.give(id=10, method="action")
        transport.give(method="change")
        transport.give(id=11, method="action")
        await transport.reply_to(11)
        assert seen == [1, 2]


@pytest.mark.parametrize("result", [{"a": {1, 2}}, {"a": float("nan")}])
async def test_a_result_that_json_cannot_take_is_still_one_answer(result: Any) -> None:
    async def odd(params: Any) -> Any:
        return result

    async with _wire(odd=odd) as (_, transport):
        transport.give(id=1, method="odd")
        await transport.reply_to(1)
        assert [m["error"]["code"] for m in transport.sent if m.get("id") == 1] == [-32603]


async def test_a_reply_whose_error_is_null_is_a_result() -> None:
    async with _wire() as (wire, transport):
        asked = [asyncio.ensure_future(wire.request("x", None)) for _ in range(3)]
        await asyncio.sleep(0)
        first, second, third = (m["id"] for m in transport.sent[1:])
        transport.give(id=first, error=None, result={"applied": True})
        transport.give(id=second, error=None)
        transport.give(id=third, error={"code": 7, "message": "no"}, result=None)
        assert await asked[0] == {"applied": True}
        assert await asked[1] is None
        with pytest.raises(Failure, match="no"):
            await asked[2]


async def test_a_server_whose_methods_cannot_be_loaded_says_so_and_ends() -> None:
    def load() -> None:
        raise ImportError("gone")

    transport = _Memory()
    wire = Wire(transport, load)

    async def initialize(params: Any) -> dict[str, Any]:
        return {}

    wire.on_request("initialize", Method(initialize))
    running = asyncio.ensure_future(wire.run())
    await asyncio.sleep(0)
    transport.give(id=0, method="initialize")
    transport.give(id=1, method="textDocument/hover")
    assert await running == 1
    assert (await transport.reply_to(1))["error"] == {"code": -32603, "message": FAILED}


async def test_a_client_whose_initialize_failed_may_try_again() -> None:
    answers: list[Any] = [ValueError("canary"), {"capabilities": {}}]

    async def initialize(params: Any) -> Any:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    transport = _Memory()
    wire = Wire(transport)
    wire.on_request("initialize", Method(initialize))
    running = asyncio.ensure_future(wire.run())
    await asyncio.sleep(0)
    transport.give(id=1, method="initialize")
    await transport.reply_to(1)
    transport.give(id=2, method="initialize")
    await transport.reply_to(2)
    assert [list(message)[2] for message in transport.sent] == ["error", "result"]
    wire.end(0)
    await running


def test_depth_is_that_of_lists_and_objects_and_a_text_of_brackets_has_none() -> None:
    value: Any = "[" * 1_000
    for depth in range(1, 202):
        value = [value] if depth % 2 else {"a": value, "b": 1}
        assert _is_deeper(value, 100) is (depth > 100), depth
