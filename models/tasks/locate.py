"""Name the lines and the cause of a bug, in the code of the best suspects or in a selection.

The deterministic order of the suspects is never changed by what a model says: the finding stands
beside it. An answer that points outside what was shown is sent back once, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from context.window import ContextWindow, Snippet, pack, render_numbered
from models import prompts
from models.asking import Answer, OnEvent, ask
from models.backends import Backend, Conversation
from models.errors import ReplyUnusable
from models.findings import Finding, Provenance
from models.prompts import Grammar
from models.replies import BugOrNone, Place, parse_bug, parse_place

T = TypeVar("T")

MAX_ANSWER_TOKENS = 220
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
    place, answer = await _asked(
        backend, conversation, Grammar.PLACE, thinking_tokens, on_event,
        lambda text: _checked(parse_place(text), window),
    )  # fmt: skip
    return _finding(place, answer, window, backend)


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
) -> Finding | str:
    """A bug in the selected lines, or the model's reason to see none."""
    window = await pack([snippet, *related], context_tokens, backend.count_tokens)
    code = render_numbered(window)
    conversation = prompts.find_bug(code, window.pieces[0].file_id, first_line, last_line)

    def read(text: str) -> Place | str:
        reply: BugOrNone = parse_bug(text)
        if not reply.bug:
            return reply.reason
        place = Place(
            file=reply.file,
            first_line=reply.first_line,
            last_line=reply.last_line,
            cause=reply.cause,
        )
        return _checked(place, window)

    found, answer = await _asked(
        backend, conversation, Grammar.BUG_OR_NONE, thinking_tokens, on_event, read
    )
    return found if isinstance(found, str) else _finding(found, answer, window, backend)


def shorten(report: str) -> str:
    """Head and tail of a long report: what was wanted, and how it ended."""
    if len(report) <= MAX_REPORT_CHARS:
        return report
    half = MAX_REPORT_CHARS // 2
    return f"{report[:half]}\n[...]\n{report[-half:]}"


async def _asked(
    backend: Backend,
    conversation: Conversation,
    grammar: Grammar,
    thinking_tokens: int,
    on_event: OnEvent,
    read: Callable[[str], T],
) -> tuple[T, Answer]:
    """Ask; when the answer is refused, ask once more with the reason. Raises `ReplyUnusable`."""
    for last_try in (False, True):
        answer = await ask(
            backend,
            conversation,
            grammar=prompts.grammar(grammar),
            thinking_tokens=thinking_tokens,
            max_answer_tokens=MAX_ANSWER_TOKENS,
            on_event=on_event,
        )
        try:
            return read(answer.text), answer
        except ReplyUnusable as refusal:
            if last_try:
                raise
            conversation = prompts.mend(conversation, answer.text, str(refusal))
    raise AssertionError("unreachable")


def _checked(place: Place, window: ContextWindow) -> Place:
    """Only lines that were shown can be pointed at."""
    pieces = window.pieces_of(place.file)
    if not pieces:
        raise ReplyUnusable(f"The model names {place.file}, which it was not shown.")
    if place.last_line < place.first_line:
        raise ReplyUnusable("The model's last line comes before its first.")
    for piece in pieces:
        snippet = piece.snippet
        if snippet.start_line <= place.first_line and place.last_line <= snippet.end_line:
            return place
    raise ReplyUnusable(
        f"The model names lines {place.first_line}-{place.last_line} of {place.file}, which it was "
        "not shown."
    )


def _finding(place: Place, answer: Answer, window: ContextWindow, backend: Backend) -> Finding:
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
        provenance=Provenance(backend.info, answer.trace, window.receipt),
    )
