"""Ways to score the lines of a function that were tried, each from what was recorded of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.backends import TokenLog
from models.tasks.lines import decides, line_scores, oddities, scored_lines, tokens_by_line
from tests.bench.planted.planting import Case

Scores = list[float]  # of `scored_lines`, in their order
OfTokens = Callable[[Sequence[TokenLog]], float]

SHIPPED = "as shipped"
WEIGHTS = (0.0, 0.25, 0.5, 0.75)  # of tokens that decide nothing


def by_reading(case: Case, logs: Sequence[TokenLog]) -> dict[str, Scores]:
    """From the probability of each token, the code above it being known."""
    lines = scored_lines(case.snippet)
    found = list(tokens_by_line(case.snippet, logs))
    tokens: dict[int, list[TokenLog]] = {number: [] for number in lines}
    for number, _, log in found:
        if number in tokens:
            tokens[number].append(log)

    def each(way: OfTokens) -> Scores:
        return [way(tokens[number]) if tokens[number] else 0.0 for number in lines]

    ways = {
        "chance": each(lambda _: 0.0),
        "surprise: mean nats a token": each(lambda t: sum(-x.log for x in t) / len(t)),
        "surprise: nats of the line": each(lambda t: sum(-x.log for x in t)),
        "surprise: worst token": each(lambda t: max(-x.log for x in t)),
        "surprise over entropy, mean": each(lambda t: sum(-x.log - x.entropy for x in t) / len(t)),
        "surprise over entropy, worst": each(lambda t: max(-x.log - x.entropy for x in t)),
        "regret: worst token": each(lambda t: max(x.best - x.log for x in t)),
        "regret less entropy, worst": each(lambda t: max(x.best - x.log - x.entropy for x in t)),
        "regret: sum": each(lambda t: sum(x.best - x.log for x in t)),
        "the same, names and words at a quarter": list(oddities(case.snippet, logs).values()),
        SHIPPED: list(line_scores(case.snippet, logs).logs),
    }
    for weight in WEIGHTS:
        scores = dict.fromkeys(lines, -math.inf)
        for number, piece, log in found:
            if number in scores:
                nats = (1.0 if decides(piece) else weight) * (log.best - log.log)
                scores[number] = max(scores[number], nats)
        ways[f"regret, worst; free tokens {weight:g}"] = list(scores.values())
    mean, worst = ways["surprise: mean nats a token"], ways["regret: worst token"]
    ways["mean surprise and worst regret"] = mixed(mean, worst)
    return ways


def by_number(row: Mapping[str, Any]) -> dict[str, Scores]:
    """From the probabilities of the lines' numbers."""
    ahead, back = row["wrong_ahead"], row["wrong_back"]
    right, right_back = row["right_ahead"], row["right_back"]
    contrast = [a - b for a, b in zip(ahead, right, strict=True)]
    contrast_back = [a - b for a, b in zip(back, right_back, strict=True)]
    return {
        "number named as wrong": ahead,
        "the same, both orders": [a + b for a, b in zip(ahead, back, strict=True)],
        "wrong against right": contrast,
        "wrong against right, both orders": [
            a + b for a, b in zip(contrast, contrast_back, strict=True)
        ],
    }


def mixed(*ways: Scores) -> Scores:
    """The sum of standard scores: nothing is fitted."""
    return [sum(scores) for scores in zip(*map(standard, ways), strict=True)]


def standard(scores: Scores) -> Scores:
    mean = sum(scores) / len(scores)
    spread = (sum((score - mean) ** 2 for score in scores) / len(scores)) ** 0.5
    return [(score - mean) / (spread or 1.0) for score in scores]


def place_of(case: Case, scores: Scores) -> int:
    """Of the line with the bug, from 0; among lines that score the same, by lot."""
    lines = scored_lines(case.snippet)
    if case.line not in lines:
        return len(lines)
    own = scores[lines.index(case.line)]
    better = sum(score > own + 1e-9 for score in scores)
    same = sum(abs(score - own) <= 1e-9 for score in scores)
    return better + random.Random(case.id).randrange(same)
