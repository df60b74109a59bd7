"""From words to identifiers, as this repository's own commits teach it.

Terms of changed lines that come with a report's word in the message more often than chance has it
(positive pointwise mutual information) are what people who say that word end up changing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from context.history import History

MAX_TERMS = 40
MIN_TOGETHER = 2  # commits that have both
SHRINK = 4.0  # little evidence counts less: n / (n + SHRINK)
MAX_SHARE = 0.25  # a word that more of the messages have says nothing


def translated_terms(weights: Mapping[str, float], history: History) -> dict[str, float]:
    """Terms that the report does not have, with weights, the strongest 1."""
    n_commits = max(history.n_read, 1)
    scores = np.zeros(len(history.vocabulary))
    for term, weight in weights.items():
        rows, _ = history.commits_with(term)
        if not MIN_TOGETHER <= len(rows) <= MAX_SHARE * n_commits:
            continue
        together = np.bincount(history.changes.rows(rows), minlength=len(scores))
        ids = np.flatnonzero(together >= MIN_TOGETHER)
        n = together[ids]
        chance = len(rows) * history.change_frequency[ids] / n_commits
        information = np.maximum(np.log(n / chance), 0.0)
        idf = np.log(1 + (n_commits - len(rows) + 0.5) / (len(rows) + 0.5))
        scores[ids] += weight * idf * information * n / (n + SHRINK)
    best = np.argsort(-scores, kind="stable")[: MAX_TERMS + len(weights)]
    found = {
        history.vocabulary[i]: float(scores[i])
        for i in best
        if scores[i] > 0 and history.vocabulary[i] not in weights
    }
    kept = list(found)[:MAX_TERMS]
    return {t: found[t] / found[kept[0]] for t in kept}
