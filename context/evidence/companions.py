"""Files that past changes touched together with the best ones: a fix over several files."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from context.evidence import Evidence, Signal
from context.languages import is_test_path
from context.store import Reader

COMMITS = 2_000
MAX_PATHS = 12  # a commit that changes more ties nothing together
MIN_TOGETHER = 2
MAX_COMPANIONS = 5  # of one file


def evidence(best: Sequence[tuple[str, float]], reader: Reader) -> list[Evidence]:
    """`best`: the best files with their scores."""
    together, changes = reader.cached("companions", lambda: _counts(reader))
    found: dict[str, Evidence] = {}
    top = max((score for _, score in best), default=0.0) or 1.0
    for source, score in best:
        counts = Counter(together.get(source, {}))
        for path, count in counts.most_common(MAX_COMPANIONS):
            if count < MIN_TOGETHER:
                continue
            share = count / math.sqrt(changes[source] * changes[path])
            strength = min(1.0, share) * score / top
            if path not in found or strength > found[path].strength:
                detail = f"{count} past commits changed it together with {source}"
                found[path] = Evidence(Signal.COMPANION, path, None, None, strength, detail)
    return list(found.values())


def _counts(reader: Reader) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """Commits that changed each pair of code files, and each file."""
    together: dict[str, Counter[str]] = defaultdict(Counter)
    changes: Counter[str] = Counter()
    for commit in reader.commits(COMMITS):
        code = [path for path in commit.paths if not is_test_path(path)]
        changes.update(code)
        if len(code) <= MAX_PATHS:
            for path in code:
                together[path].update(other for other in code if other != path)
    return together, changes
