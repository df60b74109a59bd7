"""Name the lines and the cause of a bug, in the code of the best suspects or in a selection.

The deterministic order of the suspects is never changed by what a model says: the finding stands
beside it. Where an answer points outside what was shown, as small models do, the place is chosen
among the lines that were shown by the probability that the model gives to each, which costs no
generated text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from context.window import ContextWindow, Snippet, pack, render_numbered
from models import prompts
from models.asking import ANSWER_SAMPLING, Answer, OnEvent, ask, provenance_of
from models.backends import Backend, Conversation, Generation
from models.errors import CannotScore, ReplyUnusable
from models.findings import Finding
from models.prompts import Grammar
from models.reasoning import CLOSE_TAG, OPEN_TAG
from models.replies import Place, parse_bug, parse_place

MAX_ANSWER_TOKENS = 220
MAX_SCORED_LINES = 80  # a score of each costs two decodes
MAX_LINE_TOKENS = 12  # a digit each, and a comma
MIN_LINE_CHARS = 3  # a line of a bracket holds no bug
MAX_REPORT_CHARS = 3_000  # of a report, its head and tail; logs are long and the prompt is not free


async def locate(
    report: str,
    snippets: Sequence[Snippet],
    *,
    backend: Backend,
    thinking_tokens: int,
    context_tokens: int,
    on_event: OnEvent,
) -> Finding:
    """The lines and the cause, as the model sees them. Raises `ModelError`."""
    window = await pack(snippets, context_tokens, backend.count_tokens)
    if not window.pieces:
        raise ReplyUnusable("There is no code to show to the model.")
    conversation = prompts.locate(shorten(report), render_numbered(window))
    answer = await _ask(backend, conversation, Grammar.PLACE, thinking_tokens, on_event)
    place = parse_place(answer.text)
    if not _is_shown(place, window):
        place = await _most_probable(backend, conversation, answer, place, window)
    return _finding(place, answer, window, report, backend)


async def find_bug(
    snippet: Snippet,
    related: Sequence[Snippet],
    first_line: int,
    last_line: int,
    *,
    backend: Backend,
    thinking_tokens: int,
    context_tokens: int,
    on_event: OnEvent,
    before: str = "",
) -> Finding | str:
    """A bug in the selected lines, or the model's reason to see none.

    `before`: the same code as it was before somebody changed it, for a review of the change.
    """
    window = await pack([snippet, *related], context_tokens, backend.count_tokens)
    if not window.pieces:
        raise ReplyUnusable("There is no code to show to the model.")
    code = render_numbered(window)
    file_id = window.pieces[0].file_id
    conversation = prompts.find_bug(code, file_id, first_line, last_line, before)

    answer = await _ask(backend, conversation, Grammar.BUG_OR_NONE, thinking_tokens, on_event)
    reply = parse_bug(answer.text)
    if not reply.bug:
        return reply.reason
    place = Place(
        file=reply.file,
        first_line=reply.first_line,
        last_line=reply.last_line,
        cause=reply.cause,
    )
    if not _is_shown(place, window):
        place = await _most_probable(backend, conversation, answer, place, window)
    return _finding(place, answer, window, before, backend)


def shorten(report: str) -> str:
    """Head and tail of a long report: what was wanted, and how it ended."""
    if len(report) <= MAX_REPORT_CHARS:
        return report
    half = MAX_REPORT_CHARS // 2
    return f"{report[:half]}\n[...]\n{report[-half:]}"


async def _ask(
    backend: Backend,
    conversation: Conversation,
    grammar: Grammar,
    thinking_tokens: int,
    on_event: OnEvent,
) -> Answer:
    return await ask(
        backend,
        conversation,
        grammar=prompts.grammar(grammar),
        thinking_tokens=thinking_tokens,
        max_answer_tokens=MAX_ANSWER_TOKENS,
        on_event=on_event,
    )


def _is_shown(place: Place, window: ContextWindow) -> bool:
    return place.first_line <= place.last_line and any(
        p.snippet.start_line <= place.first_line and place.last_line <= p.snippet.end_line
        for p in window.pieces_of(place.file)
    )


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
        if len(line.strip()) > MIN_LINE_CHARS
    ][:MAX_SCORED_LINES]
    if not lines:
        raise ReplyUnusable("The model names lines that it was not shown.")
    prefix = f"{OPEN_TAG}\n{answer.trace.text}\n{CLOSE_TAG}\n\n"
    start = f'{prefix}{{"file": "{file_id}", "first_line": '
    asked = replace(conversation, assistant_prefix=start)
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
    text = "".join([piece.text async for piece in backend.generate(generation)])
    number = text.rstrip(",")
    if not number.isdecimal() or int(number) not in lines:
        raise ReplyUnusable("The model names lines that it was not shown.")
    return int(number)


def _finding(
    place: Place, answer: Answer, window: ContextWindow, report: str, backend: Backend
) -> Finding:
    snippet = next(
        p.snippet
        for p in window.pieces_of(place.file)
        if p.snippet.start_line <= place.first_line <= p.snippet.end_line
    )
    return Finding(
        path=snippet.path,
        start_line=place.first_line,
        end_line=place.last_line,
        symbol=snippet.symbol,
        cause=place.cause.strip(),
        file_hash=snippet.file_hash,
        provenance=provenance_of(backend, answer, window, report),
    )
