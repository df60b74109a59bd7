"""Who is next with the model."""

from __future__ import annotations

import asyncio

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
