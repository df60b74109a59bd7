"""Files that were changed lately: fresh code has more bugs (Graves et al. 2000)."""

from __future__ import annotations

import math
from collections import defaultdict

from context.evidence import Evidence, Signal
from context.store import Reader

COMMITS = 500
HALF_LIFE = 70  # commits after which a change counts half; about the benchmark's 1 / e at 100


def evidence(reader: Reader) -> list[Evidence]:
    """The same for every report."""
    return reader.cached("recency", lambda: _evidence(reader))


def _evidence(reader: Reader) -> list[Evidence]:
    totals: dict[str, float] = defaultdict(float)
    changes: dict[str, int] = defaultdict(int)
    for position, commit in enumerate(reader.commits(COMMITS)):
        for path in commit.paths:
            totals[path] += 0.5 ** (position / HALF_LIFE)
            changes[path] += 1
    top = math.log1p(max(totals.values(), default=1.0))
    return [
        Evidence(
            Signal.RECENCY, path, None, None, math.log1p(total) / top,
            f"it was changed in {changes[path]} of the last {COMMITS} commits",
        )
        for path, total in totals.items()
    ]  # fmt: skip
