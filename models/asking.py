"""One question to a model: free thinking within a budget, then an answer under a fixed grammar.

Not every server lets an answer begin with given words, or holds it to a grammar (`ModelInfo`). Then
thinking and answer come in one reply, or the answer is read as it is and asked for once more when
that fails; who asks sees no difference.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from context.window import ContextWindow
from models import prompts
from models.backends import Backend, Conversation, Generation, Sampling, StopReason, Thinks
from models.citations import check_citations
from models.errors import ReplyUnusable
from models.findings import CutReason, Provenance, Trace
from models.reasoning import CLOSE_TAG, OPEN_TAG, LoopDetector, Start, ThinkingSplitter
from models.replies import freely_written

# DeepSeek advises temperature 0.6 and top_p 0.95 for its distills; a small model that is only asked
# to think wanders at that, so it gets less (a guess).
TRAINED_SAMPLING = Sampling(temperature=0.6, top_p=0.95)
ELICITED_SAMPLING = Sampling(temperature=0.2, top_p=0.95, repeat_penalty=1.05)
ANSWER_SAMPLING = Sampling(temperature=0.0)
# A chat's thinking cannot be closed for it: with less room than it wants there is no answer at all.
CHAT_THINKING_TOKENS = 7_000  # a guess; with the answer below 8,192, which some servers allow


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of the trace, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Answering:
    """A piece of the answer."""

    text: str


OnEvent = Callable[[Thinking | Answering], None]


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    trace: Trace
    prompt_digest: str  # SHA-256 of the conversation, hex


def provenance_of(backend: Backend, answer: Answer, window: ContextWindow, told: str) -> Provenance:
    """Where an answer comes from. `told`: what the model was told beside the window's code."""
    citations = check_citations(answer.trace.text, window, told)
    return Provenance(backend.info, answer.trace, window.receipt, answer.prompt_digest, citations)


async def ask(
    backend: Backend,
    conversation: Conversation,
    *,
    grammar: str,
    thinking_tokens: int,
    max_answer_tokens: int,
    on_event: OnEvent,
    answer_prefix: str = "",
) -> Answer:
    """Think, then answer. Raises `ReplyUnusable` when the answer does not end in its budget.

    The answer begins with `answer_prefix`, which the model did not write; the grammar holds for
    what follows.
    """
    if not backend.info.continues:
        return await _chat(
            backend, conversation, grammar, thinking_tokens, max_answer_tokens, on_event
        )
    trace = await _think(backend, conversation, thinking_tokens, on_event)
    prefix = f"{OPEN_TAG}\n{trace.text}\n{CLOSE_TAG}\n\n{answer_prefix}"
    generation = Generation(
        conversation=replace(conversation, assistant_prefix=prefix),
        max_new_tokens=max_answer_tokens,
        grammar=grammar,
        sampling=ANSWER_SAMPLING,
    )
    text, reason = await _answer(backend, generation, on_event)
    text = answer_prefix + text
    if not backend.info.obeys_grammar:
        try:
            return Answer(freely_written(text, grammar), trace, prompts.digest(conversation))
        except ReplyUnusable as unusable:
            mended = prompts.mend(conversation, text, str(unusable))
        generation = replace(generation, conversation=replace(mended, assistant_prefix=prefix))
        text, reason = await _answer(backend, generation, on_event)
        text = freely_written(answer_prefix + text, grammar)
    elif reason is StopReason.LENGTH:
        raise ReplyUnusable(
            f"The model's answer did not end within {max_answer_tokens} tokens; try a smaller "
            "selection."
        )
    return Answer(text, trace, prompts.digest(conversation))


def _thinking_sampling(backend: Backend) -> Sampling:
    """What the catalogue says of the model, else what suits its kind."""
    info = backend.info
    default = TRAINED_SAMPLING if info.thinks is Thinks.TRAINED else ELICITED_SAMPLING
    return info.sampling or default


async def _answer(
    backend: Backend, generation: Generation, on_event: OnEvent
) -> tuple[str, StopReason | None]:
    text, reason = "", None
    async with aclosing(backend.generate(generation)) as pieces:
        async for piece in pieces:
            text += piece.text
            reason = piece.stop_reason
            on_event(Answering(piece.text))
    return text, reason


async def _chat(
    backend: Backend,
    conversation: Conversation,
    grammar: str,
    thinking_tokens: int,
    max_answer_tokens: int,
    on_event: OnEvent,
) -> Answer:
    """Thinking and answer in one reply; a second one when the first cannot be read."""
    budget = max(thinking_tokens, CHAT_THINKING_TOKENS) + max_answer_tokens
    text, trace = await _reply(backend, conversation, budget, on_event)
    if not text.strip() and trace.cut is CutReason.BUDGET:
        raise ReplyUnusable(
            f"The model was still thinking after {budget} tokens; choose one that thinks less."
        )
    try:
        return Answer(freely_written(text, grammar), trace, prompts.digest(conversation))
    except ReplyUnusable as unusable:
        mended = prompts.mend(conversation, text, str(unusable))
    text, trace = await _reply(backend, mended, budget, on_event)
    return Answer(freely_written(text, grammar), trace, prompts.digest(conversation))


async def _reply(
    backend: Backend, conversation: Conversation, budget: int, on_event: OnEvent
) -> tuple[str, Trace]:
    """(answer, trace) of a chat, whose thinking comes in a field of its own or between tags."""
    thinks = backend.info.thinks
    started = time.perf_counter()
    sampling = _thinking_sampling(backend)
    splitter = ThinkingSplitter(Start.OUTSIDE)
    text, thought, n_tokens, cut = "", "", 0, CutReason.NONE
    generation = Generation(conversation, budget, sampling=sampling)
    async with aclosing(backend.generate(generation)) as pieces:
        async for piece in pieces:
            delta = splitter.feed(piece.text)
            thinking = piece.thinking + delta.thinking
            if piece.stop_reason is not None:
                rest = splitter.finish()
                thinking, answer = thinking + rest.thinking, delta.answer + rest.answer
            else:
                answer = delta.answer
            if thinking:
                thought, n_tokens = thought + thinking, piece.n_tokens
                on_event(Thinking(thinking))
            if answer:
                text += answer
                on_event(Answering(answer))
            if piece.stop_reason is StopReason.LENGTH:
                cut = CutReason.BUDGET
    elapsed_s = time.perf_counter() - started
    return text, Trace(thought.strip(), n_tokens, elapsed_s, cut, thinks)


async def _think(
    backend: Backend, conversation: Conversation, budget: int, on_event: OnEvent
) -> Trace:
    """The trace: up to its closing tag, the budget (closed for the model), or a loop (cut)."""
    thinks = backend.info.thinks
    started = time.perf_counter()
    if budget <= 0:
        return Trace("", 0, 0.0, CutReason.NONE, thinks)
    generation = Generation(
        conversation=replace(conversation, assistant_prefix=f"{OPEN_TAG}\n"),
        max_new_tokens=budget,
        sampling=_thinking_sampling(backend),
    )
    splitter, loop = ThinkingSplitter(Start.INSIDE), LoopDetector()
    text, n_tokens, cut = "", 0, CutReason.NONE
    async with aclosing(backend.generate(generation)) as pieces:
        async for piece in pieces:
            n_tokens = piece.n_tokens
            thinking = splitter.feed(piece.text).thinking
            if thinking:
                text += thinking
                on_event(Thinking(thinking))
            if splitter.is_closed:
                break
            if loop.feed(thinking):
                cut, text = CutReason.LOOP, loop.sound_text
                break
            if piece.stop_reason is StopReason.LENGTH:
                cut = CutReason.BUDGET
    if not splitter.is_closed and cut is not CutReason.LOOP:
        text += splitter.finish().thinking
    return Trace(text.strip(), n_tokens, time.perf_counter() - started, cut, thinks)
