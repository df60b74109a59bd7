"""Who is next with the model."""

from __future__ import annotations

import asyncio

import pytest

from models.backends import Priority, current_priority, in_background
from models.backends.turns import Turns

PERSON, BACKGROUND = Priority.PERSON, Priority.BACKGROUND


async def test_a_person_goes_before_background_work_that_waited_longer() -> None:
    turns, order = Turns(lambda: None), list[str]()

    async def job(name: str, priority: Priority) -> None:
        async with turns.turn(priority):
            order.append(name)

    async with turns.turn(PERSON):
        jobs = [("review", BACKGROUND), ("first", PERSON), ("index", BACKGROUND), ("last", PERSON)]
        waiting = [asyncio.ensure_future(job(name, priority)) for name, priority in jobs]
        await asyncio.sleep(0)
        assert order == []
    await asyncio.gather(*waiting)
    assert order == ["first", "last", "review", "index"]
    assert turns.is_free


@pytest.mark.parametrize("first", [PERSON, BACKGROUND])
async def test_only_background_work_is_told_that_somebody_waits(first: Priority) -> None:
    turns = Turns(lambda: None)

    async def job(priority: Priority) -> None:
        async with turns.turn(priority):
            pass

    async with turns.turn(first) as turn:
        waiting = [asyncio.ensure_future(job(BACKGROUND))]
        await asyncio.sleep(0)
        assert not turn.is_wanted.done()
        waiting.append(asyncio.ensure_future(job(PERSON)))
        await asyncio.sleep(0)
        assert turn.is_wanted.done() == (first is BACKGROUND)
    await asyncio.gather(*waiting)


async def test_background_work_that_is_called_while_a_person_comes_is_told_as_it_begins() -> None:
    turns, told = Turns(lambda: None), list[bool]()

    async def background() -> None:
        async with turns.turn(BACKGROUND) as turn:
            told.append(turn.is_wanted.done())

    async def person() -> None:
        async with turns.turn(PERSON):
            pass

    async with turns.turn(BACKGROUND):
        called = asyncio.ensure_future(background())
        await asyncio.sleep(0)
        coming = asyncio.ensure_future(person())  # runs once the turn was given away
    await asyncio.gather(called, coming)
    assert told == [True]
    assert turns.is_free


async def test_background_work_does_not_begin_between_two_questions_of_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.backends.turns.PAUSE_S", 0.05)
    turns, order = Turns(lambda: None), list[str]()

    async def job(name: str, priority: Priority) -> None:
        async with turns.turn(priority):
            order.append(name)

    async with turns.turn(PERSON):
        order.append("think")
        background = asyncio.ensure_future(job("review", BACKGROUND))
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not turns.is_free
    await job("answer", PERSON)
    late = asyncio.ensure_future(job("another review", BACKGROUND))
    await asyncio.gather(background, late)
    assert order == ["think", "answer", "review", "another review"]
    assert turns.is_free


async def test_one_who_stops_waiting_does_not_keep_the_turn() -> None:
    turns = Turns(lambda: None)

    async def job() -> None:
        async with turns.turn(PERSON):
            pass

    async with turns.turn(PERSON):
        gone, staying = asyncio.ensure_future(job()), asyncio.ensure_future(job())
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
    await staying
    assert turns.is_free


async def test_one_who_is_cancelled_when_called_passes_the_turn_on() -> None:
    turns = Turns(lambda: None)

    async def job() -> None:
        async with turns.turn(PERSON):
            pass

    async with turns.turn(PERSON):
        called, next_one = asyncio.ensure_future(job()), asyncio.ensure_future(job())
        await asyncio.sleep(0)
    called.cancel()  # the turn was given to it, and it has not run since
    await next_one
    assert turns.is_free


async def test_a_cancelled_job_leaves_at_once_and_the_next_waits_until_it_is_stopped() -> None:
    freed, order, stopped = list[str](), list[str](), asyncio.Event()
    turns = Turns(lambda: freed.append("free"))

    async def stop() -> None:
        await stopped.wait()
        order.append("stopped")

    async with turns.turn(PERSON) as turn:
        turn.stopping = stop()
    order.append("left")

    async def follow() -> None:
        async with turns.turn(PERSON):
            order.append("next")

    following = asyncio.ensure_future(follow())
    await asyncio.sleep(0)
    assert freed == []
    stopped.set()
    await turns.settled()
    await following
    assert order == ["left", "stopped", "next"]
    assert freed == ["free"]


def test_whoever_says_nothing_is_a_person() -> None:
    assert current_priority() is PERSON
    with in_background():
        assert current_priority() is BACKGROUND
    assert current_priority() is PERSON
