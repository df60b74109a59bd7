"""Propose a change of code: fix, simplify, extract, modernise, or what the user says.

A model that was trained to think writes search/replace blocks; a small one writes short functions
again. What is exact by construction has modules of its own (document.py, add_types.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from context.languages import spoken_name
from context.old_forms import old_forms
from context.text import count_lines, shortened
from context.window import ContextWindow, ShownPiece, Snippet, render_plain
from models import prompts
from models.asking import Asking, packed, piece_with, read_only
from models.backends import Backend, Conversation, Thinks
from models.errors import CannotScore, ContextFull
from models.findings import Proposal, Refusal
from models.gate import Code, Deletion, changes_code, check_edits, check_rewrite, uses_remarks
from models.prompts import Grammar
from models.replies import RewriteReply, parse_edits, parse_rewrite
from models.tasks.likelier import Repair, likely_repairs
from models.tasks.proposing import Checked, Question, propose

MAX_ANSWER_TOKENS = 900
MAX_TITLE_CHARS = 60  # of the user's words or a test's name in a title
MAX_REWRITTEN_LINES = 45  # a guess: what a 1.5B writes again without losing the thread
LINES_AROUND = 10
MAX_REPAIRS = 5  # that the gate is shown
BY_READING = "no edit was written for this; it is the word that the model would have read there"
# Planted bugs: 41 edits of the 1.5B on 200, 5 on 56 others, 4 of the 0.5B; tests/bench/README.md
NOT_WRITTEN = Refusal(
    "reading",
    "Reading gave no likelier word that can stand here, and of 50 edits that small models wrote "
    "for bugs that they had found themselves none was right: say in your own words what to change, "
    "or take a larger model.",
)


class EditKind(StrEnum):
    FIX = "fix"
    SIMPLIFY = "simplify"
    EXTRACT_FUNCTION = "extract function"
    CUSTOM = "custom"
    MODERNISE = "modernise"
    ADD_TYPES = "add types"
    DOCUMENT = "document"
    WRITE_TEST = "write a test"


_DELETION = {
    EditKind.FIX: Deletion.LITTLE,
    EditKind.SIMPLIFY: Deletion.LINES,
    EditKind.EXTRACT_FUNCTION: Deletion.LINES,
    EditKind.CUSTOM: Deletion.AS_TOLD,
    EditKind.MODERNISE: Deletion.LINES,
}


@dataclass(frozen=True, slots=True)
class EditTask:
    """What to change, and where. Lines are 1-based and inclusive."""

    kind: EditKind
    path: str
    first_line: int
    last_line: int
    detail: str = ""  # the problem for FIX, the user's words for CUSTOM, a test run's output
    is_own: bool = False  # the problem is what a model found, which says nothing of the way out

    @property
    def title(self) -> str:
        lines = f"line {self.first_line}"
        if self.last_line > self.first_line:
            lines = f"lines {self.first_line}-{self.last_line}"
        what = shortened(self.detail, MAX_TITLE_CHARS) or lines
        verb = "change" if self.kind is EditKind.CUSTOM else self.kind.value
        return f"{verb.capitalize()}: {what}"


async def propose_edit(
    task: EditTask,
    snippets: Sequence[Snippet],
    sources: Mapping[str, str],
    code: Code,
    asking: Asking,
) -> Proposal:
    """Edits that passed the gate. `sources` holds the current text of every file in `snippets`.

    Raises `ReplyUnusable` when the model twice answered nothing that can be read, or when the lines
    are too many to be shown to it.
    """
    window = await packed(snippets, asking)
    task = _in_file(task, sources[task.path])
    piece = piece_with(window, task.path, task.first_line, task.last_line)
    deletion = _DELETION[task.kind]
    reads_first = _reads_first(task, asking.backend)
    if reads_first:
        read = await _by_reading(task, piece.snippet, window, sources, code, asking.backend)
        if read.has_passed or asking.backend.info.is_small:
            refusals = () if read.has_passed else (NOT_WRITTEN,)
            provenance = read_only(asking.backend, window)
            return Proposal(task.title, read.edits, refusals, 0, provenance, remarks=read.remarks)
    region = _region(task, piece.snippet) if _rewrites(task, asking.backend) else None
    words, shown = _task_text(task, piece, window), render_plain(window)

    async def check(text: str) -> Checked:
        if region is not None:
            actual = replace(region, text=window.reveal(region.text))
            reply = parse_rewrite(text)
            verdict = await check_rewrite(reply, actual, sources, code.outline, deletion)
        else:
            edits = parse_edits(text)
            actual_window = window.revealed()
            verdict = await check_edits(edits, actual_window, sources, code.outline, deletion)
        remarks = await uses_remarks(verdict.edits, sources, code)
        return Checked(verdict.edits, refusals=verdict.refusals, remarks=remarks)

    question = Question(
        title=task.title,
        conversation=_conversation(task, words, shown, region),
        form=Grammar.EDITS if region is None else Grammar.REWRITE,
        window=window,
        told=words,
        max_answer_tokens=MAX_ANSWER_TOKENS,
        answer_prefix="" if region is None else _first_line(region),
    )
    proposal = await propose(question, check, asking)
    if task.kind is not EditKind.FIX or proposal.edits or reads_first:
        return proposal
    read = await _by_reading(task, piece.snippet, window, sources, code, asking.backend)
    return replace(proposal, edits=read.edits, remarks=read.remarks)


async def _by_reading(
    task: EditTask,
    shown: Snippet,
    window: ContextWindow,
    sources: Mapping[str, str],
    code: Code,
    backend: Backend,
) -> Checked:
    """The likelier word, where there is one that passes the gate; else nothing."""
    try:
        repairs = await likely_repairs(backend, shown, range(task.first_line, task.last_line + 1))
    except (CannotScore, ContextFull):
        return Checked()
    for repair in repairs[:MAX_REPAIRS]:
        reply, region = _as_rewrite(repair, shown, window)
        verdict = await check_rewrite(reply, region, sources, code.outline, Deletion.LITTLE)
        if not verdict.edits or verdict.refusals:
            continue
        if not await changes_code(verdict.edits, sources, code):
            continue  # a word of a comment
        remarks = (BY_READING, *await uses_remarks(verdict.edits, sources, code))
        return Checked(verdict.edits, remarks=remarks)
    return Checked()


def _as_rewrite(
    repair: Repair, shown: Snippet, window: ContextWindow
) -> tuple[RewriteReply, Snippet]:
    """The line with the repair, as if a model had written it again, and the line as it stands."""
    idx = repair.line - shown.start_line
    texts = (shown.text, repair.applied(shown.text))
    old, new = (window.reveal(text.split("\n")[idx]) for text in texts)
    if not repair.old:
        said = f"“{repair.new.strip()}” added"
    elif not repair.new:
        said = f"“{repair.old.strip()}” taken out"
    else:
        said = f"“{repair.new.strip()}” instead of “{repair.old}”"
    reason = f"{said}: as the model reads this code, that is likelier here."
    region = replace(shown, start_line=repair.line, end_line=repair.line, text=old)
    return RewriteReply(reason, new), region


def _conversation(task: EditTask, words: str, shown: str, region: Snippet | None) -> Conversation:
    if region is None:
        return prompts.edit(words, shown)
    if task.kind in (EditKind.SIMPLIFY, EditKind.MODERNISE):
        return prompts.renew(words, shown, region.text)
    return prompts.rewrite(words, shown, region.text)


def _reads_first(task: EditTask, backend: Backend) -> bool:
    """Models that were not trained to think name a bug and then write the lines down again as they
    stand, or worse. Of planted bugs that they had named, a likelier word restored many and what
    they wrote none, so a small one writes nothing; what somebody else says of a problem is for the
    words of an answer, which reading does not heed.
    """
    return task.kind is EditKind.FIX and task.is_own and backend.info.thinks is Thinks.ELICITED


def _rewrites(task: EditTask, backend: Backend) -> bool:
    """Whether to have lines written again in full instead of asking for search and replace.

    The 1.5B copies the example of a search/replace prompt, or lines that are not there; it writes
    a short function again well. Only what the user words freely may reach over several places.
    """
    return task.kind is not EditKind.CUSTOM and backend.info.thinks is Thinks.ELICITED


def _region(task: EditTask, shown: Snippet) -> Snippet:
    """The lines to write again: the whole function when it is short, else those around the task."""
    first, last = shown.start_line, shown.end_line
    if last - first >= MAX_REWRITTEN_LINES:
        first = max(first, task.first_line - LINES_AROUND)
        last = min(last, max(task.last_line, task.first_line) + LINES_AROUND)
        last = min(last, first + MAX_REWRITTEN_LINES)
    lines = shown.text.split("\n")
    kept = lines[first - shown.start_line : last - shown.start_line + 1]
    return replace(shown, start_line=first, end_line=last, text="\n".join(kept))


def _in_file(task: EditTask, source: str) -> EditTask:
    """The task without lines after the end of its file."""
    n_lines = count_lines(source)
    return replace(
        task, first_line=min(task.first_line, n_lines), last_line=min(task.last_line, n_lines)
    )


def _first_line(region: Snippet) -> str:
    """The answer begins with the first line: a small model then goes on with all of them."""
    return f"```\n{region.text.partition(chr(10))[0]}\n"


def _task_text(task: EditTask, piece: ShownPiece, window: ContextWindow) -> str:
    place = f"lines {task.first_line} to {task.last_line} of {piece.file_id}"
    match task.kind:
        case EditKind.FIX:
            return prompts.fix_task(f"{place}{_quoted(task, piece.snippet)}", task.detail)
        case EditKind.SIMPLIFY:
            return prompts.simplify_task(place)
        case EditKind.EXTRACT_FUNCTION:
            return prompts.extract_task(f"{place}{_quoted(task, piece.snippet)}")
        case EditKind.CUSTOM:
            return prompts.custom_task(place, task.detail)
        case EditKind.MODERNISE:
            shown = "\n".join(p.snippet.text for p in window.pieces_of(piece.file_id))
            old = old_forms(task.path, shown)
            return prompts.modernise_task(place, spoken_name(task.path), old)
        case _:
            raise ValueError(f"{task.kind} is no task of this module")


def _quoted(task: EditTask, shown: Snippet) -> str:
    """The first of the lines meant, since the code for an edit is shown without numbers."""
    line = shown.text.split("\n")[task.first_line - shown.start_line].strip()
    return f" (from `{line[:120]}`)" if line else ""
