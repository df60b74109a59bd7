"""Propose a change: fix, simplify, extract a function, or what the user says. One shape for all.

The model writes search/replace blocks; the gate turns them into edits or says why not; a refusal is
sent back once. What comes out has passed the gate, or is empty and says what was refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from context.window import ContextWindow, Snippet, pack, render_plain
from models import prompts
from models.asking import Answer, OnEvent, ask, provenance_of
from models.backends import Backend, Thinks
from models.errors import ReplyUnusable
from models.findings import Edit, Proposal, Refusal
from models.gate import Deletion, OutlineOf, check_edits, check_rewrite
from models.prompts import Grammar
from models.replies import parse_edits, parse_rewrite

MAX_ANSWER_TOKENS = 900
MAX_REWRITTEN_LINES = 45  # a guess: what a 1.5B writes again without losing the thread
LINES_AROUND = 10


class EditKind(StrEnum):
    FIX = "fix"
    SIMPLIFY = "simplify"
    EXTRACT_FUNCTION = "extract function"
    CUSTOM = "custom"


_DELETION = {
    EditKind.FIX: Deletion.LITTLE,
    EditKind.SIMPLIFY: Deletion.LINES,
    EditKind.EXTRACT_FUNCTION: Deletion.LINES,
    EditKind.CUSTOM: Deletion.AS_TOLD,
}


@dataclass(frozen=True, slots=True)
class EditTask:
    """What to change, and where. Lines are 1-based and inclusive."""

    kind: EditKind
    path: str
    first_line: int
    last_line: int
    detail: str = ""  # the problem for FIX, the user's words for CUSTOM

    @property
    def title(self) -> str:
        lines = f"line {self.first_line}"
        if self.last_line > self.first_line:
            lines = f"lines {self.first_line}-{self.last_line}"
        what = self.detail.strip().partition("\n")[0][:60] if self.detail else lines
        return f"{self.kind.value.capitalize()}: {what}"


async def propose_edit(
    task: EditTask,
    snippets: Sequence[Snippet],
    sources: Mapping[str, str],
    outline_of: OutlineOf,
    *,
    backend: Backend,
    thinking_tokens: int,
    context_tokens: int,
    on_event: OnEvent,
) -> Proposal:
    """Edits that passed the gate. `sources` holds the current text of every file in `snippets`.

    Raises `ReplyUnusable` when the model twice answered nothing that can be read.
    """
    window = await pack(snippets, context_tokens, backend.count_tokens)
    if not window.pieces:
        raise ReplyUnusable("There is no code to show to the model.")
    deletion = _DELETION[task.kind]
    region = _region(task, window) if _rewrites(task, backend) else None
    words, code = _task_text(task, window), render_plain(window)
    if region is not None:
        conversation, form = prompts.rewrite(words, code, region.text), Grammar.REWRITE
    else:
        conversation, form = prompts.edit(words, code), Grammar.EDITS
    refusals: list[Refusal] = []
    answer: Answer | None = None
    edits: tuple[Edit, ...] = ()
    n_tries = 0
    while not edits and n_tries < 2:
        n_tries += 1
        answer = await ask(
            backend,
            conversation,
            grammar=prompts.grammar(form),
            answer_prefix=_first_line(region) if region is not None else "",
            thinking_tokens=thinking_tokens,
            max_answer_tokens=MAX_ANSWER_TOKENS,
            on_event=on_event,
        )
        try:
            written = window.reveal(answer.text)
            if region is not None:
                rewritten = parse_rewrite(written)
                actual = replace(region, text=window.reveal(region.text))
                verdict = await check_rewrite(rewritten, actual, sources, outline_of, deletion)
            else:
                reply = parse_edits(written)
                actual_window = window.revealed()
                verdict = await check_edits(reply, actual_window, sources, outline_of, deletion)
            edits = verdict.edits
            refusals.extend(verdict.refusals)
        except ReplyUnusable as unusable:
            refusals.append(Refusal("form", str(unusable)))
        if not edits:
            conversation = prompts.mend(conversation, answer.text, refusals[-1].sentence)
    if all(refusal.check == "form" for refusal in refusals) and not edits:
        raise ReplyUnusable(refusals[-1].sentence)
    assert answer is not None
    provenance = provenance_of(backend, answer, window, words)
    return Proposal(task.title, edits, tuple(refusals), n_tries - 1 if edits else 0, provenance)


def _rewrites(task: EditTask, backend: Backend) -> bool:
    """Whether to have lines written again in full instead of asking for search and replace.

    The 1.5B copies the example of a search/replace prompt, or lines that are not there; it writes
    a short function again well. Only what the user words freely may reach over several places.
    """
    return task.kind is not EditKind.CUSTOM and backend.info.thinks is Thinks.ELICITED


def _region(task: EditTask, window: ContextWindow) -> Snippet | None:
    """The lines to write again: the whole function when it is short, else those around the task."""
    for piece in window.pieces:
        snippet = piece.snippet
        if snippet.path != task.path or not (
            snippet.start_line <= task.first_line <= snippet.end_line
        ):
            continue
        first, last = snippet.start_line, snippet.end_line
        if last - first >= MAX_REWRITTEN_LINES:
            first = max(first, task.first_line - LINES_AROUND)
            last = min(last, max(task.last_line, task.first_line) + LINES_AROUND)
            last = min(last, first + MAX_REWRITTEN_LINES)
        lines = snippet.text.split("\n")
        kept = lines[first - snippet.start_line : last - snippet.start_line + 1]
        return replace(snippet, start_line=first, end_line=last, text="\n".join(kept))
    return None


def _first_line(region: Snippet) -> str:
    """The answer begins with the first line: a small model then goes on with all of them."""
    return f"```\n{region.text.partition(chr(10))[0]}\n"


def _task_text(task: EditTask, window: ContextWindow) -> str:
    file_id = next((p.file_id for p in window.pieces if p.snippet.path == task.path), "F1")
    place = f"lines {task.first_line} to {task.last_line} of {file_id}"
    match task.kind:
        case EditKind.FIX:
            return prompts.fix_task(f"{place}{_quoted(task, window)}", task.detail)
        case EditKind.SIMPLIFY:
            return prompts.simplify_task(place)
        case EditKind.EXTRACT_FUNCTION:
            return prompts.extract_task(f"{place}{_quoted(task, window)}")
        case EditKind.CUSTOM:
            return prompts.custom_task(place, task.detail)


def _quoted(task: EditTask, window: ContextWindow) -> str:
    """The first of the lines meant, since the code for an edit is shown without numbers."""
    for piece in window.pieces:
        snippet = piece.snippet
        if snippet.path == task.path and snippet.start_line <= task.first_line <= snippet.end_line:
            line = snippet.text.split("\n")[task.first_line - snippet.start_line].strip()
            return f" (from `{line[:120]}`)" if line else ""
    return ""
