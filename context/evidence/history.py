"""Past commits whose message is like the report: what they changed is suspect again."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from context.evidence import Evidence, Signal
from context.history import History
from context.languages import is_test_path
from context.store import Reader

BEST_COMMITS = 15  # the benchmark's finding


def evidence(weights: Mapping[str, float], history: History, reader: Reader) -> list[Evidence]:
    """`weights` of the report's terms, as `lexical.query_weights` gives them."""
    scores = history.message_scores(weights)
    best = [int(i) for i in np.argsort(-scores, kind="stable")[:BEST_COMMITS] if scores[i] > 0]
    commits = {c.id: c for c in reader.commits_with_ids([history.commit_ids[i] for i in best])}
    totals: dict[str, float] = defaultdict(float)
    like: dict[str, str] = {}
    for index in best:
        commit = commits.get(history.commit_ids[index])
        if commit is None:
            continue
        code = [p for p in commit.paths if not is_test_path(p)]
        for path in code:
            totals[path] += float(scores[index]) / math.sqrt(len(code))
            like.setdefault(path, f"{commit.id[:10]} “{commit.message.partition(chr(10))[0][:80]}”")
    top = max(totals.values(), default=1.0)
    return [
        Evidence(
            Signal.HISTORY,
            path,
            None,
            None,
            total / top,
            f"a past commit with a message like the report changed it: {like[path]}",
        )
        for path, total in totals.items()
    ]
