"""95 % intervals for what benchmarks print."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

N_SAMPLES = 2_000  # of the bootstrap
SEED = 20_261_127
_Z = 1.96  # standard errors of a normal distribution that hold 95 %


def wilson(n_right: int, n: int) -> tuple[float, float]:
    """Of a share, as two shares; (0, 1) of nothing. Wilson (1927), without continuity."""
    if not n:
        return 0.0, 1.0
    share, z2 = n_right / n, _Z * _Z
    middle = share + z2 / (2 * n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z2 / n)), min(1.0, (middle + half) / (1 + z2 / n))


def bootstrap(values: Sequence[float]) -> tuple[float, float]:
    """Of a mean: cases are drawn again with repetitions. For a paired difference, give those."""
    chance = random.Random(SEED)
    means = sorted(
        sum(chance.choices(values, k=len(values))) / len(values) for _ in range(N_SAMPLES)
    )
    return means[int(0.025 * N_SAMPLES)], means[int(0.975 * N_SAMPLES) - 1]


def share(right: Sequence[bool]) -> str:
    """`41.2 (34.0 to 48.8)`, in percent."""
    if not right:
        return "-"
    low, high = wilson(sum(right), len(right))
    return f"{100 * sum(right) / len(right):.1f} ({100 * low:.1f} to {100 * high:.1f})"
