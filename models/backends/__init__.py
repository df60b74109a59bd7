"""One protocol for everything that can generate text, one module a backend.

A backend renders the conversation with our own reviewed template (never the one in the weight
file), counts with its own tokenizer, and stops when the caller stops listening. A server may lack
some of that: `ModelInfo` says what, `CannotScore` says the rest, and models/asking.py copes.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Literal, ParamSpec, Protocol, TypeVar

from models.errors import GaveWay

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Thinks(StrEnum):
    TRAINED = "trained"  # opens its thinking by itself (R1 distills)
    ELICITED = "elicited"  # is asked to think; its trace is labelled so


class Priority(IntEnum):
    """Who waits for an answer; the lower goes first."""

    PERSON = 0
    BACKGROUND = 1


_priority: ContextVar[Priority] = ContextVar("priority", default=Priority.PERSON)


def current_priority() -> Priority:
    """Of the task that asks; whoever says nothing is a person who waits."""
    return _priority.get()


@contextmanager
def in_background() -> Iterator[None]:
    """What is asked inside lets everybody else go first, also when it has begun: `GaveWay`."""
    token = _priority.set(Priority.BACKGROUND)
    try:
        yield
    finally:
        _priority.reset(token)


def gives_way(
    work: Callable[_P, Coroutine[Any, Any, _T]],
) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Begun anew as often as it has to let a person go first."""

    @functools.wraps(work)
    async def until_through(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        while True:
            with suppress(GaveWay):
                return await work(*args, **kwargs)

    return until_through


@dataclass(frozen=True, slots=True)
class Sampling:
    temperature: float = 0.0
    top_p: float = 0.95
    repeat_penalty: float = 1.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class ModelInfo:
    name: str
    digest: str  # SHA-256 of the weights, hex; empty where it is not known
    backend: str  # "llama.cpp", "scripted", ...
    device: str  # e.g. "CPU, 2 threads" or "CUDA, 29 of 29 layers"
    n_ctx: int  # tokens
    thinks: Thinks
    continues: bool = True  # goes on from an assistant prefix; else it thinks as long as it likes
    obeys_grammar: bool = True  # else the answer is only asked for in that form
    sampling: Sampling | None = None  # advised for thinking; None where nobody says
    fills_gaps: bool = False  # was trained to write what is missing between two texts
    is_small: bool = False  # its weights are known to be (models/catalog.py)


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Code before and after a place that is to be filled in, and what of it stands there."""

    before: str
    after: str
    begun: str = ""


@dataclass(frozen=True, slots=True)
class Thought:
    """Thinking that is there before a model goes on: with it while it is open, else behind it."""

    text: str = ""
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    messages: tuple[Message, ...]
    assistant_prefix: str = ""  # text with which the answer already begins, behind any thought
    gap: Gap | None = None  # instead of messages, for a model whose info says `fills_gaps`
    thought: Thought | None = None


class StopReason(StrEnum):
    END = "end"  # the model ended its turn, or the grammar did
    STOP_TEXT = "stop_text"  # one of `stop` was about to be written; it is not part of the text
    LENGTH = "length"  # max_new_tokens reached, or the context is full


@dataclass(frozen=True, slots=True)
class Generation:
    conversation: Conversation
    max_new_tokens: int
    grammar: str | None = None  # GBNF, only from models/prompts/grammars
    stop: tuple[str, ...] = ()
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of generated text. Only the last one has a `stop_reason`; its text may be empty."""

    text: str
    n_tokens: int
    stop_reason: StopReason | None = None
    thinking: str = ""  # from servers that send the trace in a field of its own


@dataclass(frozen=True, slots=True)
class TokenLog:
    """How probable one token of a given text was, in its place."""

    start: int  # code points of the text before it
    log: float  # nats
    best: float  # of the likeliest token there, in nats: `log` when it was this one
    entropy: float  # nats to be expected there: high where anything may follow
    likeliest: str = ""  # the text of the likeliest token; "" where it is not known


class Backend(Protocol):
    """Raises `models.errors.ModelError` subclasses. Safe for one caller at a time per call."""

    @property
    def info(self) -> ModelInfo: ...

    def wake(self) -> bool:
        """Whether it can answer at once. A model that left memory is loaded meanwhile."""
        ...

    async def count_tokens(self, texts: Sequence[str]) -> list[int]: ...

    def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        """Stream the answer. Closing the generator, or cancelling, stops the model.

        In the background it may raise `GaveWay` at any piece: what came before is to be thrown
        away. The others wait and begin anew by themselves.
        """
        ...

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        """Log-probability of each choice as the continuation, in nats, summed over its tokens.

        Raises `CannotScore` where the backend gives no probabilities.
        """
        ...

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        """How probable each token of `text` is as the continuation, given those before it.

        Raises `CannotScore` where the backend does not tell.
        """
        ...

    async def close(self) -> None: ...
