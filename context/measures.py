"""How good a ranking is, with how sure that is. The definitions are those of the benchmark.

Acc@1: the first file is right. Acc@k otherwise: everything right is among the first k (as LocAgent
counts). R@k: the share of what is right that is among the first k. MRR: one over the place of the
first right one. Names that begin with "fn " are about functions, over cases that have any.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence

MEASURES = (
    "Acc@1", "Acc@5", "R@5", "R@10", "MRR", "fn Acc@5", "fn Acc@10", "fn R@10", "fn MRR",
)  # fmt: skip
N_SAMPLES = 1_000  # of the bootstrap
SEED = 20_240_611  # any fixed number: the same data gives the same interval


def measure(
    files: Sequence[str],
    functions: Sequence[str],
    right_files: Collection[str],
    right_functions: Collection[str],
) -> dict[str, float]:
    """Each measure of one case, 0..1; rankings are best first and without repetitions."""
    found = {
        "Acc@1": float(bool(files) and files[0] in right_files),
        "Acc@5": float(_share(files, right_files, 5) == 1.0),
        "R@5": _share(files, right_files, 5),
        "R@10": _share(files, right_files, 10),
        "MRR": _reciprocal(files, right_files),
    }
    if right_functions:
        found |= {
            "fn Acc@5": float(_share(functions, right_functions, 5) == 1.0),
            "fn Acc@10": float(_share(functions, right_functions, 10) == 1.0),
            "fn R@10": _share(functions, right_functions, 10),
            "fn MRR": _reciprocal(functions, right_functions),
        }
    return found


def summarize(cases: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float, float]]:
    """(mean, low, high) by measure: a 95 % interval by the bootstrap over cases."""
    chance = random.Random(SEED)
    found: dict[str, tuple[float, float, float]] = {}
    for name in MEASURES:
        values = [case[name] for case in cases if name in case]
        if not values:
            continue
        means = sorted(
            sum(chance.choices(values, k=len(values))) / len(values) for _ in range(N_SAMPLES)
        )
        low, high = means[int(0.025 * N_SAMPLES)], means[int(0.975 * N_SAMPLES) - 1]
        found[name] = sum(values) / len(values), low, high
    return found


def _share(ranked: Sequence[str], right: Collection[str], k: int) -> float:
    return len(set(ranked[:k]) & set(right)) / len(right)


def _reciprocal(ranked: Sequence[str], right: Collection[str]) -> float:
    return next((1 / place for place, item in enumerate(ranked, 1) if item in right), 0.0)
