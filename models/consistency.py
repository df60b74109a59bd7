"""Self-consistency: the same question several times, and the answer that most others agree with.

The first answer is the model's likeliest, the others are sampled as its catalogue entry says. How
many agree says how sure a model is of itself. That is shown, and is no promise: small models agree
with themselves about wrong answers, too.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from models.asking import thinking_sampling
from models.backends import Backend, Sampling
from models.errors import ModelError, ReplyUnusable
from models.findings import Agreement

logger = logging.getLogger(__name__)

T = TypeVar("T")
AskOnce = Callable[[Sampling | None], Awaitable[T]]


async def ask_several(
    backend: Backend, ask_once: AskOnce[T], n_samples: int, agree: Callable[[T, T], bool]
) -> tuple[T, Agreement | None]:
    """The answer of the majority; between equally many, the earliest. One sample agrees with none.

    Answers that cannot be used count as asked for; where the model is lost on the way, only what
    was asked before does. Raises the last `ModelError` when there is no answer.
    """
    if n_samples <= 1:
        return await ask_once(None), None
    answers: list[T] = []
    n_asked = n_samples
    failure: ModelError | None = None
    for number, sampling in enumerate(samplings(backend, n_samples)):
        try:
            answers.append(await ask_once(sampling))
        except ReplyUnusable as unusable:
            failure = unusable
        except ModelError as error:  # the next sample would meet the same
            logger.info("Asked %d of %d times: %s", number, n_samples, type(error).__name__)
            n_asked, failure = number, error
            break
    if not answers and failure is not None:
        raise failure
    n_agreeing = [sum(agree(one, other) for other in answers) for one in answers]
    best = n_agreeing.index(max(n_agreeing))
    return answers[best], Agreement(n_agreeing[best], n_asked) if n_asked > 1 else None


def samplings(backend: Backend, n_samples: int) -> list[Sampling]:
    """How each sample's thinking is drawn."""
    usual = thinking_sampling(backend)
    drawn = [replace(usual, seed=usual.seed + number) for number in range(1, n_samples)]
    return [replace(usual, temperature=0.0), *drawn]
