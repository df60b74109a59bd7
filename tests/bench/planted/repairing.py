"""What reading repairs, nothing being thought or written, in any line or where lines were named."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.backends import Backend
from models.tasks.likelier import MIN_GAIN, MIN_GAIN_NAMED, likely_repairs
from tests.bench.intervals import share
from tests.bench.planted.planting import Case

GAINS = (MIN_GAIN_NAMED, MIN_GAIN, 7.0, 9.0)  # nats


async def repair(backend: Backend, case: Case, lines: Sequence[int]) -> dict[str, Any]:
    """One row: the repairs of the function, and how likely the best of the right one seems.

    `lines`: those that were named; none means that no line was.
    """
    started = time.perf_counter()
    repairs = await likely_repairs(backend, case.snippet, lines)
    seconds = time.perf_counter() - started
    right = case.right_function
    rows = [(one.gain, one.applied(case.function) == right) for one in repairs]
    unneeded = await likely_repairs(backend, replace(case.snippet, text=right), lines)
    best = unneeded[0].gain if unneeded else None
    return {"repairs": rows, "seconds": seconds, "gain_on_right": best}


def print_repaired(
    title: str, cases: Sequence[Case], rows: Mapping[str, Mapping[str, Any]]
) -> None:
    done = [rows[case.id] for case in cases if case.id in rows]
    if not done:
        return
    seconds = sorted(row["seconds"] for row in done)[len(done) // 2]
    print(f"\n{title}: {len(done)} cases, {seconds:.1f} s a function (median)")
    for least in GAINS:
        firsts = [next((r for r in row["repairs"] if r[0] >= least), None) for row in done]
        threes = [[r for r in row["repairs"] if r[0] >= least][:3] for row in done]
        unneeded = [(row["gain_on_right"] or 0.0) >= least for row in done]
        print(f"likelier by {least:g} nats: offered in {share([bool(r) for r in firsts])}; right "
              f"first in {share([bool(r and r[1]) for r in firsts])}, among three in "
              f"{share([any(r[1] for r in three) for three in threes])}; offered where nothing is "
              f"wrong in {share(unneeded)}")  # fmt: skip
