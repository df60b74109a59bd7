"""Past commits whose message is like the report: what they changed is suspect again."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from functools import lru_cache

from context.evidence import Evidence, Signal
from context.evidence.lexical import query_weights
from context.languages import is_test_path
from context.report import Report
from context.store import Reader
from context.terms import terms

BEST_COMMITS = 15  # the benchmark's finding
K1, B = 1.2, 0.75


def evidence(report: Report, reader: Reader) -> list[Evidence]:
    commits = reader.commits()
    if not commits:
        return []
    messages = [_message_terms(commit.message) for commit in commits]
    mean = sum(sum(m.values()) for m in messages) / len(messages) or 1.0
    frequency = Counter(term for message in messages for term in message)
    weights = query_weights(report, reader)
    scored = []
    for commit, message in zip(commits, messages, strict=True):
        norm = K1 * (1 - B + B * sum(message.values()) / mean)
        score = sum(
            weights[t] * _idf(len(commits), frequency[t]) * c * (K1 + 1) / (c + norm)
            for t, c in message.items()
            if t in weights
        )
        if score > 0:
            scored.append((score, commit))
    scored.sort(key=lambda pair: (-pair[0], pair[1].id))
    totals: dict[str, float] = defaultdict(float)
    like: dict[str, str] = {}
    for score, commit in scored[:BEST_COMMITS]:
        code = [p for p in commit.paths if not is_test_path(p)]
        for path in code:
            totals[path] += score / math.sqrt(len(code))
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


def _idf(n_commits: int, frequency: int) -> float:
    return math.log(1 + (n_commits - frequency + 0.5) / (frequency + 0.5))


@lru_cache(maxsize=20_000)
def _message_terms(message: str) -> Counter[str]:
    return Counter(terms(message))
