"""Self-consistency: the same question several times, and the answer that most others agree with.

The first answer is the model's likeliest, the others are sampled as its catalogue entry says. How
many agree says how sure a model is of itself. That is shown, and is no promise: small models agree
with themselves about wrong answers, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from models.asking import thinking_sampling
from models.backends import Backend, Sampling
from models.errors import ReplyUnusable
from models.findings import Agreement

T = TypeVar("T")
AskOnce = Callable[[Sampling | None], Awaitable[T]]


async def ask_several(
    backend: Backend, ask_once: AskOnce[T], n_samples: int, agree: Callable[[T, T], bool]
) -> tuple[T, Agreement | None]:
    """The answer of the majority; between equally many, the earliest. One sample agrees with none.

    Answers that cannot be used count as asked for; raises the last `ReplyUnusable` when none can.
    """
    if n_samples <= 1:
        return await ask_once(None), None
    answers: list[T] = []
    refusal: ReplyUnusable | None = None
    for sampling in samplings(backend, n_samples):
        try:
            answers.append(await ask_once(sampling))
        except ReplyUnusable as unusable:
            refusal = unusable
    if not answers and refusal is not None:
        raise refusal
    n_agreeing = [sum(agree(one, other) for other in answers) for one in answers]
    best = n_agreeing.index(max(n_agreeing))
    return answers[best], Agreement(n_agreeing[best], n_samples)


def samplings(backend: Backend, n_samples: int) -> list[Sampling]:
    """How each sample's thinking is drawn."""
    usual = thinking_sampling(backend)
    drawn = [replace(usual, seed=usual.seed + number) for number in range(1, n_samples)]
    return [replace(usual, temperature=0.0), *drawn]
