"""One question to a model: free thinking within a budget, then an answer under a fixed grammar.

The budget is one of tokens, and one of time that whoever starts the work sets for all that is asked
in it (`thinking_within`): the thinking is closed for the model when either is spent.
Not every server lets an answer begin with given words, or holds it to a grammar (`ModelInfo`). Then
thinking and answer come in one reply, or the answer is read as it is and asked for once more when
that fails; who asks sees no difference. Nor where the answer is one that nobody waits for, and had
to be begun anew because somebody's question went first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from context.window import ContextWindow, ShownPiece, Snippet, pack, render_plain
from models import prompts
from models.backends import (
    Backend,
    Conversation,
    Generation,
    Message,
    Piece,
    Sampling,
    StopReason,
    Thinks,
    Thought,
    gives_way,
)
from models.citations import check_citations
from models.errors import ContextFull, ReplyUnusable
from models.findings import Agreement, CutReason, Provenance, Trace
from models.reasoning import LoopDetector, Start, ThinkingSplitter
from models.replies import freely_written, json_schema_of

# DeepSeek advises temperature 0.6 and top_p 0.95 for its distills; a small model that is only asked
# to think wanders at that, so it gets less (a guess).
TRAINED_SAMPLING = Sampling(temperature=0.6, top_p=0.95)
ELICITED_SAMPLING = Sampling(temperature=0.2, top_p=0.95, repeat_penalty=1.05)
ANSWER_SAMPLING = Sampling(temperature=0.0)
# A chat's thinking cannot be closed for it: with less room than it wants there is no answer at all.
CHAT_THINKING_TOKENS = 7_000  # a guess; with the answer below 8,192, which some servers allow
MIN_CHAT_THINKING_TOKENS = 256  # a guess: with less it is not worth asking
CHAT_MARK_TOKENS = 64  # of a template that we do not see; a guess


_limit_s: ContextVar[float] = ContextVar("limit_s", default=0.0)


@contextmanager
def thinking_within(seconds: float) -> Iterator[None]:
    """Close the thinking of each answer asked for inside after so long; 0 sets no limit.

    Reading the prompt does not count. A chat's thinking cannot be closed and has no limit.
    """
    token = _limit_s.set(seconds)
    try:
        yield
    finally:
        _limit_s.reset(token)


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
class Asking:
    """Whom a task asks, how much it may think and show in each question, and who hears of it.

    `n_samples`: how often a question for a place is asked; what most answers agree on is taken.
    """

    backend: Backend
    thinking_tokens: int
    context_tokens: int
    on_event: OnEvent
    n_samples: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    trace: Trace
    prompt_digest: str  # SHA-256 of the conversation, hex


def provenance_of(
    backend: Backend,
    answer: Answer,
    window: ContextWindow,
    told: str,
    agreement: Agreement | None = None,
) -> Provenance:
    """Where an answer comes from. `told`: what the model was told beside the window's code."""
    citations = check_citations(answer.trace.text, window, told)
    return Provenance(
        backend.info, answer.trace, window.receipt, answer.prompt_digest, citations, agreement
    )


def read_only(
    backend: Backend, window: ContextWindow, asked: Conversation | None = None
) -> Provenance:
    """Where an edit comes from for which a model read code, and thought of nothing."""
    nothing = Trace("", 0, 0.0, CutReason.NONE, backend.info.thinks)
    asked = asked or Conversation((Message("user", render_plain(window)),))
    return provenance_of(backend, Answer("", nothing, prompts.digest(asked)), window, "")


async def packed(snippets: Sequence[Snippet], asking: Asking) -> ContextWindow:
    """The window that the model sees. Raises `ReplyUnusable` when nothing can be shown."""
    window = await pack(snippets, asking.context_tokens, asking.backend.count_tokens)
    if not window.pieces:
        raise ReplyUnusable("There is no code to show to the model.")
    return window


def piece_from(window: ContextWindow, path: str, first_line: int) -> ShownPiece:
    """The piece in which the model sees this line of a file and what follows it.

    Raises `ReplyUnusable` when it does not see the line.
    """
    piece = window.piece_at(path, first_line)
    if piece is None:
        raise ReplyUnusable(
            f"Line {first_line} of {path} cannot be shown to the model: its lines are too long for "
            "the setting context_tokens, or they are kept from it."
        )
    return piece


def piece_with(window: ContextWindow, path: str, first_line: int, last_line: int) -> ShownPiece:
    """The piece in which the model sees all these lines. Raises `ReplyUnusable` when none has."""
    piece = piece_from(window, path, first_line)
    if piece.snippet.end_line < last_line:
        raise ReplyUnusable(
            f"Lines {first_line} to {last_line} are too many to be shown to the model: select "
            "fewer, or raise the setting context_tokens."
        )
    return piece


async def ask(
    backend: Backend,
    conversation: Conversation,
    *,
    grammar: str,
    thinking_tokens: int,
    max_answer_tokens: int,
    on_event: OnEvent,
    answer_prefix: str = "",
    sampling: Sampling | None = None,
) -> Answer:
    """Think, then answer. Raises `ReplyUnusable` when the answer does not end in its budget.

    The answer begins with `answer_prefix`, which the model did not write; the grammar holds for
    what follows. `sampling` is that of the thinking, where not the model's own is wanted.
    """
    sampling = sampling or thinking_sampling(backend)
    if not backend.info.continues:
        wanted = max(thinking_tokens, CHAT_THINKING_TOKENS)
        room = _Room(wanted + max_answer_tokens, MIN_CHAT_THINKING_TOKENS + max_answer_tokens)
        return await _chat(backend, conversation, grammar, sampling, room, on_event)
    trace = await _think(backend, conversation, sampling, thinking_tokens, on_event)
    thought = Thought(trace.text, is_closed=True)
    generation = Generation(
        conversation=replace(conversation, assistant_prefix=answer_prefix, thought=thought),
        max_new_tokens=max_answer_tokens,
        grammar=grammar,
        sampling=ANSWER_SAMPLING,
    )
    text, reason = await _answer(backend, generation, on_event)
    text = answer_prefix + text
    if backend.info.obeys_grammar:
        if reason is StopReason.LENGTH:
            raise _endless(max_answer_tokens)
        return Answer(text, trace, prompts.digest(conversation))
    try:
        written = _read_freely(text, reason, grammar, max_answer_tokens)
        return Answer(written, trace, prompts.digest(conversation))
    except ReplyUnusable as unusable:
        mended = prompts.mend(conversation, text, str(unusable))
    again = replace(mended, assistant_prefix=answer_prefix, thought=thought)
    generation = replace(generation, conversation=again)
    text, reason = await _answer(backend, generation, on_event)
    text = _read_freely(answer_prefix + text, reason, grammar, max_answer_tokens)
    return Answer(text, trace, prompts.digest(mended))


def _endless(max_tokens: int) -> ReplyUnusable:
    return ReplyUnusable(
        f"The model's answer did not end within {max_tokens} tokens; try a smaller selection."
    )


def _read_freely(text: str, reason: StopReason | None, grammar: str, max_tokens: int) -> str:
    """An answer that no grammar held, in its form. Raises `ReplyUnusable`.

    JSON says itself where it ends; of anything else that was cut, what is missing may have
    belonged to it.
    """
    if reason is StopReason.LENGTH and json_schema_of(grammar) is None:
        raise _endless(max_tokens)
    return freely_written(text, grammar)


def thinking_sampling(backend: Backend) -> Sampling:
    """What the catalogue says of the model, else what suits its kind."""
    info = backend.info
    default = TRAINED_SAMPLING if info.thinks is Thinks.TRAINED else ELICITED_SAMPLING
    return info.sampling or default


async def written(backend: Backend, generation: Generation) -> str:
    """All that the model writes."""
    text, _ = await _answer(backend, generation, lambda _: None)
    return text


@gives_way
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


@dataclass(frozen=True, slots=True)
class _Room:
    """Tokens of a chat's reply, thinking and answer together."""

    wanted: int
    least: int  # where a context does not hold what is wanted


async def _chat(
    backend: Backend,
    conversation: Conversation,
    grammar: str,
    sampling: Sampling,
    room: _Room,
    on_event: OnEvent,
) -> Answer:
    """Thinking and answer in one reply; a second one when the first cannot be read."""
    asked, budget = conversation, room.wanted
    while True:
        try:
            text, trace, reason = await _reply(backend, asked, sampling, budget, on_event)
        except ContextFull as full:
            budget = await _fitting(backend, asked, budget, room.least, full)
            text, trace, reason = await _reply(backend, asked, sampling, budget, on_event)
        if trace.cut is CutReason.BUDGET:
            raise ReplyUnusable(
                f"The model was still thinking after {budget} tokens; choose one that thinks less."
            )
        try:
            written = _read_freely(text, reason, grammar, budget)
            return Answer(written, trace, prompts.digest(asked))
        except ReplyUnusable as unusable:
            if asked is not conversation:  # the second one
                raise
            asked = prompts.mend(conversation, text, str(unusable))


async def _fitting(
    backend: Backend, conversation: Conversation, budget: int, least: int, full: ContextFull
) -> int:
    """The tokens that are left for a reply, once a context turned out too small for the budget.

    Not asked before: some servers do not say how much they take, and `n_ctx` is a guess then.
    """
    n_prompt = sum(await backend.count_tokens([m.content for m in conversation.messages]))
    n_left = backend.info.n_ctx - n_prompt - CHAT_MARK_TOKENS
    if n_left < least:
        raise ContextFull(
            f"The model takes {backend.info.n_ctx} tokens and the question has about {n_prompt}, "
            f"which leaves less than the {least} that its answer may need; lower the setting "
            "context_tokens, or choose a model that takes more."
        ) from full
    if n_left >= budget:
        raise full
    return n_left


@gives_way
async def _reply(
    backend: Backend,
    conversation: Conversation,
    sampling: Sampling,
    budget: int,
    on_event: OnEvent,
) -> tuple[str, Trace, StopReason | None]:
    """(answer, trace, why it ended) of a chat, whose thinking has a field or tags of its own."""
    thinks = backend.info.thinks
    started: float | None = None
    splitter = ThinkingSplitter(Start.OUTSIDE)
    text, thought, n_tokens, reason = "", "", 0, None
    generation = Generation(conversation, budget, sampling=sampling)
    async with aclosing(backend.generate(generation)) as pieces:
        async for piece in pieces:
            started = started or time.perf_counter()
            deltas = [splitter.feed(piece.text)]
            if piece.stop_reason is not None:
                deltas.append(splitter.finish())
            if any(delta.recalls for delta in deltas):
                thought, text = thought + text, ""
            thinking = piece.thinking + "".join(delta.thinking for delta in deltas)
            answer = "".join(delta.answer for delta in deltas)
            if thinking:
                thought, n_tokens = thought + thinking, piece.n_tokens
                on_event(Thinking(thinking))
            if answer:
                text += answer
                on_event(Answering(answer))
            reason = piece.stop_reason
    is_cut = reason is StopReason.LENGTH and not text.strip()
    cut = CutReason.BUDGET if is_cut else CutReason.NONE
    return text, Trace(thought.strip(), n_tokens, _since(started), cut, thinks), reason


@gives_way
async def _think(
    backend: Backend,
    conversation: Conversation,
    sampling: Sampling,
    budget: int,
    on_event: OnEvent,
) -> Trace:
    """The trace: up to its closing tag, a budget (closed for the model), or a loop (cut)."""
    if budget <= 0:
        return Trace("", 0, 0.0, CutReason.NONE, backend.info.thinks)
    generation = Generation(
        conversation=replace(conversation, thought=Thought()),
        max_new_tokens=budget,
        sampling=sampling,
    )
    thought, limit = _Thought(on_event), asyncio.timeout(None)
    try:
        async with limit:
            await _follow(backend, generation, thought, limit)
    except TimeoutError:
        if not limit.expired():
            raise
        thought.cut = CutReason.TIME
    elapsed_s = _since(thought.started)
    return Trace(thought.whole(), thought.n_tokens, elapsed_s, thought.cut, backend.info.thinks)


class _Thought:
    """A trace while it is written."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._splitter, self._loop = ThinkingSplitter(Start.INSIDE), LoopDetector()
        self._text = ""
        self.n_tokens = 0
        self.cut = CutReason.NONE
        self.started: float | None = None  # at its first piece

    def add(self, piece: Piece) -> bool:
        """False once it is over."""
        self.started = self.started or time.perf_counter()
        self.n_tokens = piece.n_tokens
        if thinking := self._splitter.feed(piece.text).thinking:
            self._text += thinking
            self._on_event(Thinking(thinking))
        if self._splitter.is_closed:
            return False
        if self._loop.feed(thinking):
            self.cut, self._text = CutReason.LOOP, self._loop.sound_text
            return False
        if piece.stop_reason is StopReason.LENGTH:
            self.cut = CutReason.BUDGET
        return True

    def whole(self) -> str:
        """What was written, with what was held back because it began like a tag."""
        if not self._splitter.is_closed and self.cut is not CutReason.LOOP:
            self._text += self._splitter.finish().thinking
        return self._text.strip()


async def _follow(
    backend: Backend, generation: Generation, thought: _Thought, limit: asyncio.Timeout
) -> None:
    """The limit counts from the first piece: a slow machine reads a long prompt for minutes."""
    seconds = _limit_s.get()
    async with aclosing(backend.generate(generation)) as pieces:
        async for piece in pieces:
            if seconds and limit.when() is None:
                limit.reschedule(asyncio.get_running_loop().time() + seconds)
            if not thought.add(piece):
                return


def _since(started: float | None) -> float:
    """Seconds; 0 where nothing began."""
    return 0.0 if started is None else time.perf_counter() - started
