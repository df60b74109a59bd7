"""Asks a model for a line's number by the probability of each: tried, and not what Postil does.

The number that is named as wrong, the one that is named as surely right (what a model likes about
a number stands in both), and both again with the lines numbered from the last to the first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from models.backends import Backend, Conversation, Message
from models.tasks.lines import scored_lines
from tests.bench.planted.planting import Case

_CODE = "Read this code. Every line has its number:\n{code}\n\n"
_WRONG = (
    "One of the lines {first} to {last} holds a bug: a wrong operator, name, constant, condition "
    "or order of arguments. Which line is it? Answer with its number alone."
)
_RIGHT = "Which of the lines {first} to {last} is surely right? Answer with its number alone."


async def ask_numbers(backend: Backend, case: Case) -> dict[str, Any]:
    """Log-probabilities of the lines, in their order, by the way of asking."""
    lines = scored_lines(case.snippet)
    ahead = dict(enumerate(case.function.split("\n"), case.first_line))
    turned = {number: case.first_line + case.last_line - number for number in ahead}
    row: dict[str, Any] = {}
    for name, numbers in (("ahead", {n: n for n in ahead}), ("back", turned)):
        code = "\n".join(f"{numbers[n]}| {line}" for n, line in ahead.items())
        asked = [numbers[n] for n in lines]
        for what, words in (("wrong", _WRONG), ("right", _RIGHT)):
            told = (_CODE + words).format(code=code, first=min(asked), last=max(asked))
            conversation = Conversation((Message("user", told),), "Line ")
            row[f"{what}_{name}"] = await _numbers(backend, conversation, asked)
    return row


async def _numbers(backend: Backend, asked: Conversation, numbers: Sequence[int]) -> list[float]:
    # Where all have as many digits, none is the beginning of another.
    end = "" if len({len(str(number)) for number in numbers}) == 1 else "."
    scores = await backend.score(asked, [f"{number}{end}" for number in numbers])
    top = max(scores)
    total = top + math.log(sum(math.exp(score - top) for score in scores))
    return [score - total for score in scores]
