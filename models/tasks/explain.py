"""Say in plain words what lines do, or what a finding means: text to read, never an edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from context.window import Snippet, render_numbered
from models import prompts
from models.asking import Asking, ask, packed, piece_with, provenance_of
from models.citations import Citations, check_citations
from models.findings import Provenance
from models.prompts import Grammar

MAX_ANSWER_TOKENS = 420


@dataclass(frozen=True, slots=True)
class Explanation:
    """`citations` are those of the text itself, as the trace's are in its provenance."""

    path: str
    start_line: int
    end_line: int
    text: str
    file_hash: str
    citations: Citations
    provenance: Provenance


async def explain(
    snippet: Snippet,
    related: Sequence[Snippet],
    first_line: int,
    last_line: int,
    remark: str,
    asking: Asking,
) -> Explanation:
    """Explain lines of `snippet`; with a `remark` (a diagnostic's text), what it means there.

    Raises `ReplyUnusable` where the model says nothing that can be shown, or where the lines are
    too many to be shown to it.
    """
    window = await packed([snippet, *related], asking)
    piece = piece_with(window, snippet.path, first_line, min(last_line, snippet.end_line))
    conversation = prompts.explain(
        render_numbered(window), piece.file_id, first_line, last_line, remark
    )
    answer = await ask(
        asking.backend,
        conversation,
        grammar=prompts.grammar(Grammar.TEXT),
        thinking_tokens=asking.thinking_tokens,
        max_answer_tokens=MAX_ANSWER_TOKENS,
        on_event=asking.on_event,
    )
    text = answer.text.strip()
    return Explanation(
        snippet.path,
        first_line,
        last_line,
        text,
        snippet.file_hash,
        check_citations(text, window, remark),
        provenance_of(asking.backend, answer, window, remark),
    )
