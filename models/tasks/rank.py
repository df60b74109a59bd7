"""Order a few places by the probability that a model gives to the letter of each.

Nothing is generated, so an answer cannot be malformed and costs one prompt in each of two orders.
A weak model must not spoil a good order: what it says is mixed in with a weight that is zero unless
it was measured to gain (tests/bench/model_ranking.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from context.suspects import Located
from models import prompts
from models.asking import ANSWER_SAMPLING, written
from models.backends import Backend, Generation
from models.errors import CannotScore
from models.prompts import Grammar

LETTERS = "ABCDEFGHIJ"
MAX_REPORT_CHARS = 1_200
MAX_NAMES_TOKENS = 90
_NAME = re.compile(r"[A-Za-z_]\w{2,40}")


async def rank(
    backend: Backend, report: str, places: Sequence[str], what: str = "file"
) -> list[float]:
    """Log-probability, in nats, of each of at most ten places as the one that must change.

    `places` are written for the model, one line each; letters favour the first, so both orders are
    asked and averaged.
    """
    places = list(places)[: len(LETTERS)]
    ahead = await _score(backend, report, places, what)
    back = await _score(backend, report, places[::-1], what)
    return [(a + b) / 2 for a, b in zip(ahead, reversed(back), strict=True)]


async def reorder(backend: Backend, report: str, located: Located, weight: float) -> Located:
    """The ten best files and suspects in the order that evidence and model give together.

    A weight of 0 asks nothing and changes nothing, nor does a backend that gives no probabilities.
    Raises `ModelError`.
    """
    if weight <= 0:
        return located
    try:
        return await _reordered(backend, report, located, weight)
    except CannotScore:
        return located


async def _reordered(backend: Backend, report: str, located: Located, weight: float) -> Located:
    files, suspects = list(located.files), list(located.suspects)
    n_files, n_suspects = min(len(files), len(LETTERS)), min(len(suspects), len(LETTERS))
    if n_files > 1:
        says = await rank(backend, report, [f.path for f in files[:n_files]])
        files[:n_files] = [files[i] for i in mixed(says, weight)]
    if n_suspects > 1:
        named = [f"{s.path} {s.symbol or ''}".strip() for s in suspects[:n_suspects]]
        says = await rank(backend, report, named, "function")
        suspects[:n_suspects] = [suspects[i] for i in mixed(says, weight)]
    return replace(located, files=tuple(files), suspects=tuple(suspects))


def mixed(scores: Sequence[float], weight: float) -> list[int]:
    """Places in their new order: the model's `scores`, times `weight`, against the given order."""
    both = [weight * score - math.log(place) for place, score in enumerate(scores, 1)]
    return sorted(range(len(scores)), key=lambda i: (-both[i], i))


async def propose_names(backend: Backend, report: str) -> list[str]:
    """Identifiers that the code behind the report may use: for reports that name none."""
    generation = Generation(
        prompts.propose_names(report[:MAX_REPORT_CHARS]),
        MAX_NAMES_TOKENS,
        grammar=prompts.grammar(Grammar.NAMES),
        sampling=ANSWER_SAMPLING,
    )
    text = await written(backend, generation)
    return list(dict.fromkeys(_NAME.findall(text)))


async def _score(backend: Backend, report: str, places: list[str], what: str) -> list[float]:
    listed = "\n".join(f"{letter}. {place}" for letter, place in zip(LETTERS, places, strict=False))
    conversation = prompts.choose(report[:MAX_REPORT_CHARS], listed, what)
    scores = await backend.score(conversation, list(LETTERS[: len(places)]))
    top = max(scores)
    if top == -math.inf:  # a backend that cannot tell them apart
        return [-math.log(len(scores))] * len(scores)
    total = math.log(sum(math.exp(score - top) for score in scores)) + top
    return [score - total for score in scores]
