"""Several servers behind one backend: who is asked, and what happens when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from models.backends import Backend, Conversation, Generation, Message, Piece
from models.backends.endpoint import parse_endpoint
from models.backends.network import open_endpoints
from models.backends.pool import Open, PoolBackend
from models.backends.scripted import ScriptedBackend
from models.errors import EndpointBroke, EndpointRefused, EndpointUnavailable, ModelUnavailable
from tests.models.servers import free_port, reply, scripted, sse, stream


class Member(ScriptedBackend):
    """A scripted model that can go down: before it answers, or in the middle."""

    def __init__(self, name: str = "m") -> None:
        super().__init__(["one two three four"])
        self.info = replace(self.info, name=name)
        self.is_down = False
        self.breaks = False
        self.n_opened = 0

    async def open(self) -> Backend:
        self.n_opened += 1
        if self.is_down:
            raise EndpointUnavailable("No server answers; start it.")
        return self

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        if self.is_down:
            raise EndpointUnavailable("No server answers; start it.")
        async with aclosing(super().generate(generation)) as pieces:
            async for piece in pieces:
                yield piece
                if self.breaks:
                    raise EndpointBroke("It stopped in the middle.")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _opens(*members: Member) -> list[Open]:
    return [member.open for member in members]


def _asked(text: str) -> Generation:
    return Generation(Conversation((Message("user", text),)), 10)


async def _text(pool: PoolBackend, asked: str) -> str:
    return "".join([p.text async for p in pool.generate(_asked(asked))])


async def test_the_server_with_the_fewest_outstanding_requests_is_asked() -> None:
    members = [Member(), Member(), Member()]
    pool = await PoolBackend.start(_opens(*members))
    running = [pool.generate(_asked(f"{n} question")) for n in range(6)]
    for stream_ in running:
        await anext(stream_)
    assert [len(m.asked) for m in members] == [2, 2, 2]
    for stream_ in running[::3]:  # both of the first server's
        await stream_.aclose()
    await anext(pool.generate(_asked("another")))
    assert [len(m.asked) for m in members] == [3, 2, 2]
    for stream_ in running:
        await stream_.aclose()


async def test_a_prompt_goes_where_its_beginning_was_read_unless_that_one_is_much_busier() -> None:
    first, second = Member(), Member()
    pool = await PoolBackend.start(_opens(first, second))
    code = "def f(): pass\n" * 50
    await _text(pool, code)
    assert len(first.asked) == 1
    for n in range(4):
        await _text(pool, f"{code} and then {n}")
    assert (len(first.asked), len(second.asked)) == (5, 0)
    await _text(pool, "quite another question")
    assert len(second.asked) == 1
    busy = [pool.generate(_asked(f"{code} {n}")) for n in range(5)]
    for stream_ in busy:
        await anext(stream_)
    assert len(first.asked) == 5 + 3, "as long as it is at most two busier"
    assert len(second.asked) == 1 + 2
    for stream_ in busy:
        await stream_.aclose()


async def test_a_request_that_has_not_begun_moves_on_and_the_failed_one_is_set_aside() -> None:
    clock = Clock()
    first, second = Member(), Member()
    pool = await PoolBackend.start(_opens(first, second), clock)
    first.is_down = True
    assert await _text(pool, "a") == "one two three four"
    assert (pool.n_in_use, len(second.asked)) == (1, 1)
    assert pool.info.device.startswith("1 of 2 servers")
    await _text(pool, "b")
    assert first.n_opened == 1, "not asked again before its time"


async def test_a_server_that_was_set_aside_is_opened_again_with_growing_pauses() -> None:
    clock = Clock()
    first, second = Member(), Member()
    pool = await PoolBackend.start(_opens(first, second), clock)
    first.is_down = True
    await _text(pool, "a")
    for pause_s, n_opened in ((1.0, 2), (2.0, 3), (4.0, 4)):
        clock.now += pause_s - 0.1
        await _text(pool, "b")
        assert first.n_opened == n_opened - 1
        clock.now += 0.2
        await _text(pool, "b")  # opens it beside this request
        await asyncio.sleep(0)
        assert first.n_opened == n_opened
    first.is_down = False
    clock.now += 60
    await _text(pool, "c")
    await asyncio.sleep(0)
    assert pool.n_in_use == 2


async def test_an_answer_that_has_begun_is_not_begun_again_elsewhere() -> None:
    first, second = Member(), Member()
    pool = await PoolBackend.start(_opens(first, second))
    first.breaks = True
    with pytest.raises(EndpointBroke, match="in the middle"):
        await _text(pool, "a")
    assert second.asked == []
    assert await _text(pool, "a")


async def test_when_all_are_down_the_error_is_told_and_the_next_request_tries_again() -> None:
    first, second = Member(), Member()
    pool = await PoolBackend.start(_opens(first, second))
    first.is_down = second.is_down = True
    with pytest.raises(EndpointUnavailable, match="start it"):
        await _text(pool, "a")
    with pytest.raises(EndpointUnavailable, match="start it"):
        await _text(pool, "a")
    second.is_down = False
    assert await _text(pool, "a")


async def test_closing_a_stream_closes_the_servers_and_is_counted() -> None:
    member = Member()
    pool = await PoolBackend.start(_opens(member))
    running = pool.generate(_asked("a"))
    await anext(running)
    await running.aclose()
    assert member.n_cancelled == 1


async def test_one_of_several_may_be_down_at_the_start_but_not_all() -> None:
    first, second = Member(), Member()
    first.is_down = True
    pool = await PoolBackend.start(_opens(first, second))
    assert await _text(pool, "a")
    assert await pool.count_tokens(["a b"]) == [2]
    assert len(await pool.score(_asked("a").conversation, ["x", "y"])) == 2
    assert [log.start for log in await pool.token_logs(_asked("a").conversation, "x y")] == [0, 1]
    second.is_down = True
    with pytest.raises(EndpointUnavailable, match="start it"):
        await PoolBackend.start(_opens(first, second))


async def test_servers_with_different_models_are_not_mixed() -> None:
    with pytest.raises(ModelUnavailable, match=r"different models \(a, b\); set endpoint_model"):
        await PoolBackend.start(_opens(Member("a"), Member("b")))


class Restarting:
    """A server that has another model each time it is opened, and counts clients left open."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.opened: list[Member] = []
        self.n_open = 0

    async def open(self) -> Backend:
        name = self.names.pop(0) if len(self.names) > 1 else self.names[0]
        server = self

        class Client(Member):
            async def close(self) -> None:
                server.n_open -= 1

        self.opened.append(Client(name))
        self.n_open += 1
        return self.opened[-1]


async def test_a_server_that_comes_back_with_another_model_stays_aside_until_it_has_ours() -> None:
    clock, other = Clock(), Restarting("qwen", "other", "qwen")
    steady = Member("qwen")
    pool = await PoolBackend.start([other.open, steady.open], clock)
    other.opened[0].is_down = True
    await _text(pool, "a")
    clock.now += 60
    for question in "bc":
        await _text(pool, question)
        await asyncio.sleep(0)
    assert [len(one.asked) for one in other.opened] == [0, 0]
    assert (pool.info.name, pool.n_in_use, other.n_open) == ("qwen", 1, 1)
    steady.is_down = True
    assert await _text(pool, "d")
    assert [len(one.asked) for one in other.opened] == [0, 0, 1]
    steady.is_down, other.names[0] = False, "third"
    other.opened[2].is_down = True
    clock.now += 60
    await _text(pool, "e")
    steady.is_down = True
    with pytest.raises(EndpointRefused, match=r"another model now \(third at .*set endpoint_model"):
        await _text(pool, "f")


async def test_a_server_that_was_down_at_the_start_and_has_another_model_is_not_used() -> None:
    late, steady = Member("other"), Member("qwen")
    late.is_down = True
    clock = Clock()
    pool = await PoolBackend.start(_opens(late, steady), clock)
    late.is_down = False
    clock.now += 60
    for question in "ab":
        await _text(pool, question)
        await asyncio.sleep(0)
    assert (late.asked, pool.n_in_use, late.n_opened) == ([], 1, 2)


async def test_the_only_server_may_change_its_model_and_the_next_question_is_worded_for_it() -> (
    None
):
    server = Restarting("qwen", "other")
    pool = await PoolBackend.start([server.open])
    server.opened[0].is_down = True
    with pytest.raises(EndpointUnavailable, match="start it"):
        await _text(pool, "a")
    with pytest.raises(EndpointUnavailable, match="has the model other now and not qwen; ask"):
        await _text(pool, "b")
    assert server.opened[1].asked == []
    assert pool.info.name == "other"
    assert await _text(pool, "c")
    await pool.close()
    assert server.n_open == 0


async def test_a_client_that_was_replaced_is_closed_when_its_last_request_ends() -> None:
    server = Restarting("qwen")
    pool = await PoolBackend.start([server.open])
    running = [pool.generate(_asked(f"{n} question")) for n in range(2)]
    for stream_ in running:
        await anext(stream_)
    server.opened[0].is_down = True
    with pytest.raises(EndpointUnavailable):
        await _text(pool, "a")
    assert await _text(pool, "b")
    await running[0].aclose()
    assert server.n_open == 2
    await running[1].aclose()
    assert server.n_open == 1
    await pool.close()
    assert server.n_open == 0


async def test_real_connections_share_the_load_and_survive_the_end_of_one() -> None:
    good = stream(sse({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}))
    gone = parse_endpoint(f"http://127.0.0.1:{await free_port()}", ())
    async with (
        scripted(v1__chat__completions=good) as a,
        scripted(v1__chat__completions=reply(500, {"error": "out of memory"})) as b,
    ):
        pool = await open_endpoints([gone, *(parse_endpoint(s.url, ()) for s in (b, a))])
        assert await _text(pool, "x") == "Hi"
        assert await _text(pool, "y") == "Hi"
        assert pool.info.device.startswith("1 of 3 servers")
        await pool.close()
