"""What of the machine a model may use."""

from __future__ import annotations

import pytest

from models.hardware import CORES_S, CpuTime, FreeCores, cpu_time


@pytest.mark.parametrize(
    ("others", "expected"), [(0.0, 4), (0.4, 4), (1.0, 3), (2.2, 2), (3.4, 1), (4.0, 1)]
)
def test_cores_that_others_use_are_left_to_them(others: float, expected: int) -> None:
    own = 4.0 - others
    seen = iter([CpuTime(0.0, 100.0, 50.0, 4), CpuTime(1.0, 104.0, 50.0 + own, 4)])
    cores = FreeCores(4, lambda: next(seen), lambda: 1.0)
    assert cores.count() == expected


def test_a_users_limit_holds_on_an_idle_machine() -> None:
    seen = iter([CpuTime(0.0, 0.0, 0.0, 16), CpuTime(1.0, 2.0, 2.0, 16)])
    assert FreeCores(2, lambda: next(seen), lambda: 1.0).count() == 2


def test_the_machine_is_looked_at_now_and_then_only() -> None:
    seen = iter([CpuTime(0.0, 0.0, 0.0, 4), CpuTime(CORES_S, 2.0, 0.0, 4)])
    now = iter([0.0, CORES_S / 2, CORES_S])
    cores = FreeCores(4, lambda: next(seen), lambda: next(now))
    assert [cores.count() for _ in range(2)] == [4, 4], "half of the time is too short to tell"
    assert cores.count() == 1


def test_this_machine_can_be_looked_at() -> None:
    first = cpu_time()
    sum(range(1_000_000))
    second = cpu_time()
    assert second.own_s >= first.own_s
    assert second.busy_s >= first.busy_s > 0
    assert second.n_cores >= 1
