"""Name the lines and the cause of a bug, in the code of the best suspects or in a selection.

Before it thinks about a selection, it is told which lines are likely to hold a bug (lines.py);
where its answer names half a function, the likeliest of those lines is the place.
The deterministic order of the suspects is never changed by what a model says: the finding stands
beside it. Where an answer points outside what was shown, as small models do, the place is chosen
among the lines that were shown by the probability that the model gives to each, which costs no
generated text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from context.window import ContextWindow, ShownPiece, Snippet, render_numbered
from models import prompts
from models.asking import (
    ANSWER_SAMPLING,
    Answer,
    Asking,
    ask,
    packed,
    piece_from,
    provenance_of,
    written,
)
from models.backends import Backend, Conversation, Generation, Sampling, Thought
from models.consistency import ask_several
from models.errors import CannotScore, ReplyUnusable
from models.findings import Agreement, Finding
from models.prompts import Grammar
from models.replies import NoBug, Place, parse_bug, parse_place
from models.tasks.lines import is_telling, score_lines

MAX_ANSWER_TOKENS = 220
MAX_SCORED_LINES = 80  # ten that begin alike cost a decode
MAX_LINE_TOKENS = 12  # a digit each, and a comma
N_LIKELY_LINES = 3  # that a model is told to look at
MAX_WINDOWS = 4  # that lines are read in, when one does not hold them; a guess
MAX_NAMED_LINES = 6  # of a place; a model that names more has not found any
MAX_REPORT_CHARS = 3_000  # of a report, its head and tail; logs are long and the prompt is not free


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer: a place that was shown to the model, or why there is none."""

    place: Place | None
    reason: str
    answer: Answer


async def locate(
    report: str,
    snippets: Sequence[Snippet],
    asking: Asking,
) -> Finding:
    """The lines and the cause, as the model sees them. Raises `ModelError`.

    With several samples it is asked as often, and the answer that most agree on is taken.
    """
    backend, window = asking.backend, await packed(snippets, asking)
    conversation = prompts.locate(shorten(report), render_numbered(window))

    async def ask_once(sampling: Sampling | None) -> _Said:
        answer = await _ask(asking, conversation, Grammar.PLACE, sampling)
        place = await _shown(backend, conversation, answer, parse_place(answer.text), window)
        return _Said(place, "", answer)

    said, agreement = await ask_several(backend, ask_once, asking.n_samples, _agree)
    assert said.place is not None
    place = await _narrowed(backend, said.place, window)
    return _finding(place, said.answer, window, report, backend, agreement)


async def find_bug(
    snippet: Snippet,
    related: Sequence[Snippet],
    first_line: int,
    last_line: int,
    asking: Asking,
    *,
    before: str = "",
) -> Finding | str:
    """A bug in the selected lines, or the model's reason to see none.

    Lines that do not fit into one window are read part by part. `before`: the same code as it was
    before somebody changed it, for a review of the change. Raises `ReplyUnusable` when no bug was
    seen, but not all lines were read.
    """
    last_line = min(last_line, snippet.end_line)
    at = min(first_line, last_line)
    for _ in range(MAX_WINDOWS):
        asked = replace(snippet, asked=(at, last_line))
        window = await packed([asked, *related], asking)
        piece = piece_from(window, snippet.path, at)
        shown_to = min(piece.snippet.end_line, last_line)
        found = await _find_bug(window, piece, at, shown_to, asking, before)
        if isinstance(found, Finding) or shown_to == last_line:
            return found
        at = shown_to + 1
    raise ReplyUnusable(
        f"No bug was seen in lines {first_line} to {at - 1}; lines {at} to {last_line} were not "
        "read: select them."
    )


async def _find_bug(
    window: ContextWindow,
    piece: ShownPiece,
    first_line: int,
    last_line: int,
    asking: Asking,
    before: str,
) -> Finding | str:
    """The same for lines that are all shown, in one piece."""
    backend = asking.backend
    likely = await _likeliest(backend, piece.snippet, first_line, last_line)
    conversation = prompts.find_bug(
        render_numbered(window),
        piece.file_id,
        first_line,
        last_line,
        likely[:N_LIKELY_LINES],
        before,
    )

    async def ask_once(sampling: Sampling | None) -> _Said:
        answer = await _ask(asking, conversation, Grammar.BUG_OR_NONE, sampling)
        reply = parse_bug(answer.text)
        if isinstance(reply, NoBug):
            return _Said(None, reply.reason, answer)
        place = await _shown(backend, conversation, answer, reply.place, window)
        return _Said(place, "", answer)

    said, agreement = await ask_several(backend, ask_once, asking.n_samples, _agree)
    if said.place is None:
        return said.reason
    place = await _narrowed(backend, said.place, window)
    return _finding(place, said.answer, window, before, backend, agreement)


async def _likeliest(
    backend: Backend, snippet: Snippet, first_line: int, last_line: int
) -> list[int]:
    """Lines, those first that are likely to hold a bug; none where a backend cannot say."""
    try:
        scores = await score_lines(backend, snippet)
    except CannotScore:
        return []
    ranked = scores.ranked() if scores is not None else []
    return [line for line in ranked if first_line <= line <= last_line]


async def _narrowed(backend: Backend, place: Place, window: ContextWindow) -> Place:
    """The likeliest line of a place that is too wide to be looked at."""
    if place.last_line - place.first_line < MAX_NAMED_LINES:
        return place
    snippet = _snippet_at(place, window)
    best = await _likeliest(backend, snippet, place.first_line, place.last_line)
    return place.model_copy(update={"first_line": best[0], "last_line": best[0]}) if best else place


def _agree(one: _Said, other: _Said) -> bool:
    """Whether both see no bug, or name lines that overlap."""
    if one.place is None or other.place is None:
        return one.place is other.place
    return (
        one.place.file == other.place.file
        and one.place.first_line <= other.place.last_line
        and other.place.first_line <= one.place.last_line
    )


def shorten(report: str) -> str:
    """Head and tail of a long report: what was wanted, and how it ended."""
    if len(report) <= MAX_REPORT_CHARS:
        return report
    half = MAX_REPORT_CHARS // 2
    return f"{report[:half]}\n[...]\n{report[-half:]}"


async def _ask(
    asking: Asking, conversation: Conversation, grammar: Grammar, sampling: Sampling | None
) -> Answer:
    return await ask(
        asking.backend,
        conversation,
        grammar=prompts.grammar(grammar),
        thinking_tokens=asking.thinking_tokens,
        max_answer_tokens=MAX_ANSWER_TOKENS,
        on_event=asking.on_event,
        sampling=sampling,
    )


def _is_shown(place: Place, window: ContextWindow) -> bool:
    return place.first_line <= place.last_line and any(
        p.snippet.start_line <= place.first_line and place.last_line <= p.snippet.end_line
        for p in window.pieces_of(place.file)
    )


async def _shown(
    backend: Backend,
    conversation: Conversation,
    answer: Answer,
    place: Place,
    window: ContextWindow,
) -> Place:
    """The place itself where the model was shown it, else the most probable line."""
    if _is_shown(place, window):
        return place
    return await _most_probable(backend, conversation, answer, place, window)


async def _most_probable(
    backend: Backend,
    conversation: Conversation,
    answer: Answer,
    place: Place,
    window: ContextWindow,
) -> Place:
    """Keep the cause; choose the line among those shown of the file named, else of the first.

    Raises `ReplyUnusable` where the backend cannot tell which line is the most probable.
    """
    pieces = window.pieces_of(place.file) or window.pieces[:1]
    file_id = pieces[0].file_id
    lines = [
        number
        for piece in pieces
        for number, line in enumerate(piece.snippet.text.split("\n"), piece.snippet.start_line)
        if is_telling(line)
    ][:MAX_SCORED_LINES]
    if not lines:
        raise ReplyUnusable("The model names lines that it was not shown.")
    start = f'{{"file": "{file_id}", "first_line": '
    thought = Thought(answer.trace.text, is_closed=True)
    asked = replace(conversation, assistant_prefix=start, thought=thought)
    best = await _best_line(backend, asked, lines)
    return place.model_copy(update={"file": file_id, "first_line": best, "last_line": best})


async def _best_line(backend: Backend, asked: Conversation, lines: Sequence[int]) -> int:
    """The most probable line; chosen digit by digit by a backend that cannot score."""
    try:
        scores = await backend.score(asked, [f"{line}," for line in lines])
        return lines[scores.index(max(scores))]
    except CannotScore as error:
        if not backend.info.obeys_grammar:
            raise ReplyUnusable("The model names lines that it was not shown.") from error
    generation = Generation(
        asked, MAX_LINE_TOKENS, grammar=prompts.one_of_the_lines(lines), sampling=ANSWER_SAMPLING
    )
    number = (await written(backend, generation)).rstrip(",")
    if not number.isdecimal() or int(number) not in lines:
        raise ReplyUnusable("The model names lines that it was not shown.")
    return int(number)


def _finding(
    place: Place,
    answer: Answer,
    window: ContextWindow,
    report: str,
    backend: Backend,
    agreement: Agreement | None,
) -> Finding:
    snippet = _snippet_at(place, window)
    return Finding(
        path=snippet.path,
        start_line=place.first_line,
        end_line=place.last_line,
        symbol=snippet.symbol,
        cause=place.cause.strip(),
        file_hash=snippet.file_hash,
        provenance=provenance_of(backend, answer, window, report, agreement),
    )


def _snippet_at(place: Place, window: ContextWindow) -> Snippet:
    return next(
        p.snippet
        for p in window.pieces_of(place.file)
        if p.snippet.start_line <= place.first_line <= p.snippet.end_line
    )
