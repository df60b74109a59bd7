"""What this machine has for a model: memory and cores. Asks the system, decides nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

CORES_S = 0.5  # between two looks at what others do


def free_memory_bytes() -> int:
    """What may be taken now: the machine's free memory, or what a container leaves of it."""
    free = int(psutil.virtual_memory().available)
    limit = cgroup_free_bytes()
    return free if limit is None else min(free, limit)


def cgroup_free_bytes(
    own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """What the limits of this process's control groups (version 2) leave; None without a limit.

    Memory that only caches files is given back when it is needed, so it counts as free.
    """
    try:
        line = next(
            line for line in own.read_text(encoding="utf-8").split("\n") if line.startswith("0::")
        )
    except (OSError, StopIteration):
        return None
    left: list[int] = []
    folder = root / line.removeprefix("0::").lstrip("/")
    for group in (folder, *folder.parents):
        if not group.is_relative_to(root):
            break
        with suppress(OSError, ValueError):  # "max" is no number: no limit at this level
            limit = int((group / "memory.max").read_text(encoding="ascii"))
            used = int((group / "memory.current").read_text(encoding="ascii"))
            left.append(limit - used + _cached_bytes(group / "memory.stat"))
    return max(0, min(left)) if left else None


def _cached_bytes(stat: Path) -> int:
    for line in stat.read_text(encoding="ascii").split("\n"):
        name, _, value = line.partition(" ")
        if name == "inactive_file":
            return int(value)
    return 0


def n_threads() -> int:
    """Physical cores that this process may use: hyper-threads slow llama.cpp down."""
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


@dataclass(frozen=True, slots=True)
class CpuTime:
    """What the cores did so far, in seconds of one core."""

    at_s: float
    busy_s: float  # for anybody
    own_s: float  # for this process
    n_cores: int


class FreeCores:
    """How many threads pay now: beside a compiler, one thread is faster than one a core.

    The threads of llama.cpp wait for each other hundreds of times a token. One that has to share
    its core holds all others up, so that cores which somebody else uses are better left alone:
    measured on 2 cores beside a build, 0.5B: 15 tokens/s with one thread, 2.5 with two.
    """

    def __init__(
        self,
        most: int,
        look: Callable[[], CpuTime] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._look = look or cpu_time
        self._clock = clock
        self._now = most
        self._last = self._look()

    def count(self) -> int:
        """Between 1 and the most; looks at the machine again once in CORES_S: a look costs time."""
        last = self._last
        if self._clock() - last.at_s < CORES_S:
            return self._now
        seen = self._look()
        others = ((seen.busy_s - last.busy_s) - (seen.own_s - last.own_s)) / (seen.at_s - last.at_s)
        self._now = max(1, min(self._most, round(seen.n_cores - others)))
        self._last = seen
        return self._now


def cpu_time() -> CpuTime:
    times, own = psutil.cpu_times(), psutil.Process().cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    counted_twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return CpuTime(
        at_s=time.monotonic(),
        busy_s=sum(times) - idle - counted_twice,
        own_s=own.user + own.system,
        n_cores=psutil.cpu_count() or 1,
    )
