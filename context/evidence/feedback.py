"""Words that the report does not say, but that the changes of similar past commits are made of.

Relevance feedback (RM3, Lavrenko & Croft 2001) with the repository's commits as the documents: the
commits whose messages are most like the report lend the terms of their changed lines to a second
search over the code.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from context.history import History
from context.store import Reader

BEST_COMMITS = 15  # the benchmark's finding, as are the two below
MAX_TERMS = 40


def feedback_terms(
    weights: Mapping[str, float], history: History, reader: Reader
) -> dict[str, float]:
    """Terms with weights, the strongest 1; empty where nothing in the past is like the report."""
    scores = history.message_scores(weights)
    best = np.argsort(-scores, kind="stable")[:BEST_COMMITS]
    best = best[scores[best] > 0]
    if not len(best):
        return {}
    totals = np.zeros(len(history.vocabulary))
    for row in best:
        ids, counts = history.changes.row(int(row))
        totals[ids] += counts * (scores[row] / scores[best[0]]) ** 2
    candidates = np.argsort(-totals, kind="stable")[: 4 * MAX_TERMS]
    named = {history.vocabulary[i]: float(totals[i]) for i in candidates if totals[i] > 0}
    return strongest(reader, named, MAX_TERMS)


def strongest(reader: Reader, totals: Mapping[str, float], limit: int) -> dict[str, float]:
    """The `limit` best terms by weight times their rarity in the code, the best at 1."""
    rarity = reader.symbol_rarity(totals)
    scored = {term: total * rarity[term] for term, total in totals.items() if rarity[term] > 0}
    kept = sorted(scored, key=lambda t: (-scored[t], t))[:limit]
    return {t: scored[t] / scored[kept[0]] for t in kept}
