"""100,000 messages of every kind: no crash, exactly one answer an id, no message lost.

The server is in this process with all its methods and no folder; bytes go over as on a pipe. What
can go wrong with the index and the model is tested elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lsp.framing import Framer, FramingLost, framed
from lsp.server import Server
from tests.faults.messages import REQUESTS, Messages

N_MESSAGES, N_CLIENTS = 100_000, 40
TURNS = 20_000  # of the loop, after which an answer counts as missing


class Pipe:
    """The server's transport; what it sends is counted and kept only while it is looked for."""

    def __init__(self) -> None:
        self.replies: Counter[Any] = Counter()
        self.codes: list[int | None] = []
        self._framer = Framer()
        self._deliver: Callable[[bytes], None] = lambda _: None

    def start(self, deliver: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._deliver, self.end = deliver, ended

    def take(self, data: bytes) -> None:
        for body in self._framer.feed(data):
            self._deliver(body)

    def send(self, body: bytes) -> None:
        message = json.loads(body)
        assert message["jsonrpc"] == "2.0"
        if "method" not in message:
            assert ("result" in message) != ("error" in message)
            self.replies[message["id"]] += 1
            self.codes.append(message["error"]["code"] if "error" in message else None)

    async def close(self) -> None:
        pass

    async def wait_for(self, n_replies: int) -> None:
        for _ in range(TURNS):
            if self.replies.total() >= n_replies:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{n_replies - self.replies.total()} answers are missing")


def _environment() -> dict[str, str]:
    return {"POSTIL_MODEL": "none", "POSTIL_CODE_LENS": "on", "POSTIL_SYMBOLS": "on"}


async def _one_client(seed: int, n_messages: int) -> None:
    pipe, messages = Pipe(), Messages(seed)
    server = Server(pipe, _environment())
    running = asyncio.ensure_future(server.run())
    await asyncio.sleep(0)
    hello = {"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {}}
    pipe.take(framed(json.dumps(hello).encode()))
    expected = messages.expected.replies
    expected["hello"] += 1
    chance = random.Random(seed)
    stream = b""
    for number in range(n_messages):
        stream += framed(messages.body())
        if number % 50 == 49:
            while stream:  # in pieces as a pipe may cut them
                size = chance.choice([1, 7, 100, 4_096, 65_536])
                pipe.take(stream[:size])
                stream = stream[size:]
            await pipe.wait_for(expected.total())
    pipe.take(stream)
    await pipe.wait_for(expected.total())
    assert pipe.replies == expected
    assert -32603 not in pipe.codes, "a fault of ours"
    pipe.end()
    assert await running == 1


@pytest.mark.timeout(600)
async def test_every_id_of_100_000_messages_is_answered_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("ERROR")
    for seed in range(N_CLIENTS):
        await _one_client(seed, N_MESSAGES // N_CLIENTS)
    assert caplog.records == []


class Lifecycle(RuleBasedStateMachine):
    """A client before, in and after its session, in any order that hypothesis likes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.pipe = Pipe()
        self.server = Server(self.pipe, _environment())
        self.running = self.loop.create_task(self.server.run())
        self.n_ids = 0
        self.initialized = self.shut_down = False
        self.loop.run_until_complete(asyncio.sleep(0))  # the server listens

    def _send(self, message: dict[str, Any]) -> None:
        self.loop.call_soon(self.pipe.take, framed(json.dumps(message).encode()))

    def _ask(self, method: str, params: Any) -> int | None:
        """The error's code of the answer, None for a result."""
        self.n_ids += 1
        message = {"jsonrpc": "2.0", "id": self.n_ids, "method": method, "params": params}
        self._send(message)
        self.loop.run_until_complete(self.pipe.wait_for(self.n_ids))
        return self.pipe.codes[-1]

    @rule(name=st.sampled_from(sorted(set(REQUESTS) - {"initialize"})))
    def asks(self, name: str) -> None:
        code = self._ask(name, {})
        if self.shut_down:
            assert code == -32600
        elif not self.initialized:
            assert code == -32002
        else:
            assert code not in (-32002, -32600, -32603)

    @rule(params=st.sampled_from([None, {}, [], {"capabilities": 3, "workspaceFolders": {}},
                                  {"processId": "x", "initializationOptions": [1]}]))  # fmt: skip
    def initializes(self, params: Any) -> None:
        code = self._ask("initialize", params)
        assert code == (-32600 if self.initialized or self.shut_down else None)
        self.initialized = self.initialized or not self.shut_down

    @precondition(lambda self: self.initialized)
    @rule()
    def shuts_down(self) -> None:
        assert self._ask("shutdown", None) == (-32600 if self.shut_down else None)
        self.shut_down = True

    @rule(
        method=st.sampled_from(["initialized", "$/cancelRequest", "textDocument/didOpen", "x"]),
        params=st.sampled_from([None, {}, {"id": 1}, {"id": "1"}, {"id": True}, {"id": []}]),
    )
    def notifies(self, method: str, params: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        self._send(message)

    @invariant()
    def each_id_has_one_answer(self) -> None:
        assert set(self.pipe.replies.values()) <= {1}
        assert not self.running.done()

    def teardown(self) -> None:
        message = {"jsonrpc": "2.0", "method": "exit"}
        self._send(message)
        code = self.loop.run_until_complete(self.running)
        assert code == (0 if self.shut_down else 1)
        self.loop.close()


Lifecycle.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLifecycle = Lifecycle.TestCase


@pytest.mark.parametrize("seed", range(20))
def test_no_bytes_bring_the_framer_down(seed: int) -> None:
    """Random bytes, headers broken in the middle, and good messages among them."""
    chance = random.Random(seed)
    framer = Framer()
    pieces = [b"Content-Length: ", b"\r\n\r\n", b"\n", b"5", b"{}", b"content-length:2\r\n\r\n{}",
              b"Content-Type: x\r\n", b"\xff", b"-1", b":", framed(b'{"a": 1}')]  # fmt: skip
    for _ in range(2_000):
        try:
            for body in framer.feed(chance.choice(pieces)):
                assert isinstance(body, bytes)
        except FramingLost:
            framer = Framer()


async def test_as_many_cancels_as_requests_in_one_write_give_one_answer_each() -> None:
    pipe = Pipe()
    server = Server(pipe, _environment())
    running = asyncio.ensure_future(server.run())
    await asyncio.sleep(0)
    numbers = range(1, 2_001)
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {}}
    asks = [
        {"jsonrpc": "2.0", "id": n, "method": "workspace/executeCommand",
         "params": {"command": "postil.status"}}
        for n in numbers
    ]  # fmt: skip
    cancels = [
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": n}} for n in numbers
    ]
    stream = b"".join(framed(json.dumps(m).encode()) for m in [hello, *asks, *cancels])
    pipe.take(stream)
    await pipe.wait_for(2_001)
    pipe.end()
    await running
    assert pipe.replies == Counter(dict.fromkeys(range(2_001), 1))
