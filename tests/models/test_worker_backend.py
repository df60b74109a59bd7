"""The parent's side of a model's process: when it is loaded, by whom, and that none is left over.

The process is one that does as it is told; the real ones are in the tests of each backend.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from context.child import Child, ChildDied, ChildError
from models.asking import written
from models.backends import Conversation, Generation, Message, ModelInfo, Thinks, in_background
from models.backends.worker_backend import MAX_DEATHS, WorkerBackend
from models.errors import ModelCrashed, ModelError, ModelUnavailable


class Process:
    """A worker that loads when `loaded` says so."""

    def __init__(self, pid: int, loaded: asyncio.Future[None]) -> None:
        self.pid = pid
        self.loaded = loaded
        self.alive = True
        self.asked: list[str] = []
        self.is_slow = False  # until it is stopped, it answers nothing but how it loads
        self.n_stopped = 0

    @property
    def is_loading(self) -> bool:
        return self.alive and self.asked == ["load"] and not self.loaded.done()

    async def call(
        self, method: str, params: Any = None, *, on_event: Callable[[Any], None] | None = None
    ) -> Any:
        del params
        self.asked.append(method)
        if method == "load":
            await asyncio.shield(self.loaded)
            return {"n_ctx": 1_024, "device": "CPU"}
        if self.is_slow:
            if on_event is not None:
                on_event(["half", 1, None])
            await asyncio.Event().wait()
        if on_event is not None:
            on_event(["whole", 1, "end"])
        return [1]

    async def stop(self, call: asyncio.Future[Any], *_: object) -> None:
        self.is_slow = False
        self.n_stopped += 1
        call.cancel()

    async def close(self) -> None:
        self.alive = False

    async def kill(self) -> None:
        self.alive = False


class Worker(WorkerBackend):
    """A backend of such processes."""

    cancel_s = 1.0

    def __init__(self, idle_unload_s: float = 0.0) -> None:
        super().__init__({"n_ctx": 0, "device": "not loaded"}, idle_unload_s)
        self.processes: list[Process] = []
        self.dies = False  # whatever is started from now on, as it loads

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("m", "", "fake", self._loaded["device"], 1_024, Thinks.ELICITED)

    @property
    def n_alive(self) -> int:
        return sum(process.alive for process in self.processes)

    async def start(self) -> Worker:
        return await self._started()

    def unload(self) -> None:
        """As after idle time."""
        self._unload()

    async def _open(self) -> Child:
        loaded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.dies:
            loaded.set_exception(ChildDied("model", -9))
        self.processes.append(Process(len(self.processes) + 1, loaded))
        return cast(Child, self.processes[-1])

    def _load_params(self) -> Any:
        return {}


async def _until(is_so: Callable[[], bool]) -> None:
    """The loop turns until it is so; nothing here waits for anything outside."""
    for _ in range(100):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never is")


async def _asking(worker: Worker) -> asyncio.Future[list[int]]:
    """A question that waits for the weights."""
    asked = asyncio.ensure_future(worker.count_tokens(["a"]))
    await _until(lambda: bool(worker.processes) and worker.processes[-1].is_loading)
    return asked


async def _loaded(idle_unload_s: float = 0.0) -> Worker:
    worker = Worker(idle_unload_s)
    starting = asyncio.ensure_future(worker.start())
    await _until(lambda: bool(worker.processes))
    worker.processes[0].loaded.set_result(None)
    return await starting


async def test_whoever_stops_waiting_does_not_end_the_loading_that_others_share() -> None:
    worker = Worker()
    for _ in range(5):
        asked = await _asking(worker)
        asked.cancel()
        await asyncio.wait([asked])
    last = await _asking(worker)
    worker.processes[0].loaded.set_result(None)
    assert await last == [1]
    assert [process.asked for process in worker.processes] == [["load", "count"]]
    await worker.close()
    assert worker.n_alive == 0


async def test_a_model_that_left_memory_is_loaded_once_for_somebody_who_types() -> None:
    worker = await _loaded()
    assert worker.wake()
    worker.unload()
    assert [worker.wake() for _ in range(3)] == [False] * 3
    await _until(lambda: len(worker.processes) == 2)
    assert not worker.wake(), "it is being loaded"
    worker.processes[1].loaded.set_result(None)
    await _until(worker.wake)
    assert [process.alive for process in worker.processes] == [False, True]
    await worker.close()
    assert worker.n_alive == 0


async def test_a_model_that_was_loaded_for_nobody_leaves_memory_again() -> None:
    worker = await _loaded(idle_unload_s=1e-6)
    await _until(lambda: worker.worker_pid is None)
    worker.wake()
    await _until(lambda: len(worker.processes) == 2)
    worker.processes[1].loaded.set_result(None)
    await _until(lambda: not worker.processes[1].alive)
    await worker.close()


@pytest.mark.parametrize("method", ["generate", "count"])
async def test_background_work_is_stopped_for_a_person_and_begun_anew(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.backends.turns.PAUSE_S", 0.0)
    worker, order = await _loaded(), list[str]()
    process = worker.processes[0]
    process.asked.clear()
    process.is_slow = True

    async def review() -> str | list[int]:
        with in_background():
            if method == "count":
                found: str | list[int] = await worker.count_tokens(["a"])
            else:
                asked = Conversation((Message("user", "Explain."),))
                found = await written(worker, Generation(asked, 8))
        order.append("review")
        return found

    reviewing = asyncio.ensure_future(review())
    await _until(lambda: process.asked == [method])
    assert await worker.score(Conversation((Message("user", "Choose."),)), ["a"]) == [1]
    order.append("person")
    assert process.n_stopped == 1
    assert await reviewing == ([1] if method == "count" else "whole")
    assert order == ["person", "review"]
    assert process.asked == [method, "score", method]
    await worker.close()


async def test_a_start_that_fails_leaves_no_process() -> None:
    for error in (ChildError("ModelUnavailable", "Too little memory."), ChildDied("model", -9)):
        worker = Worker()
        starting = asyncio.ensure_future(worker.start())
        await _until(lambda: bool(worker.processes))  # noqa: B023 - awaited within the round
        worker.processes[0].loaded.set_exception(error)
        with pytest.raises(ModelError, match=r"Too little memory|ended unexpectedly"):
            await starting
        assert (len(worker.processes), worker.n_alive) == (1, 0)


async def test_a_start_that_is_cancelled_leaves_no_process() -> None:
    worker = Worker()
    starting = asyncio.ensure_future(worker.start())
    await _until(lambda: bool(worker.processes) and worker.processes[0].is_loading)
    starting.cancel()
    await asyncio.wait([starting])
    assert worker.n_alive == 0


async def test_a_process_that_could_not_load_is_asked_nothing_and_the_next_is_tried() -> None:
    worker = await _loaded()
    worker.unload()
    asked = await _asking(worker)
    worker.processes[1].loaded.set_exception(ChildError("ModelError", "The file is damaged."))
    with pytest.raises(ModelError, match="damaged"):
        await asked
    assert worker.processes[1].asked == ["load"]
    assert not worker.wake()
    assert len(worker.processes) == 2, "not tried again for somebody who only types"
    again = await _asking(worker)
    worker.processes[2].loaded.set_result(None)
    assert await again == [1]
    await worker.close()
    assert worker.n_alive == 0


async def test_closing_ends_the_loading_and_tells_whoever_waits() -> None:
    worker = await _loaded()
    worker.unload()
    asked = await _asking(worker)
    await worker.close()
    with pytest.raises(ModelUnavailable, match="was closed"):
        await asked
    with pytest.raises(ModelUnavailable, match="was closed"):
        await worker.count_tokens(["a"])
    assert not worker.wake()
    assert (len(worker.processes), worker.n_alive) == (2, 0)


async def test_a_process_that_dies_while_it_loads_is_not_started_again_and_again() -> None:
    worker = await _loaded()
    worker.unload()
    worker.dies = True
    for _ in range(MAX_DEATHS + 2):
        with pytest.raises(ModelCrashed):
            await worker.count_tokens(["a"])
        assert not worker.wake()
    assert (len(worker.processes), worker.n_alive) == (1 + MAX_DEATHS, 0)
    await worker.close()
