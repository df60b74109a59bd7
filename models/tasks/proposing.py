"""Ask for a change, read it, have it checked, and send a refusal back once: the same for all tasks.

A task brings its words, the form of the answer, and a `check` that turns a text into edits. What
comes out has passed the gate, or is empty and says what was refused.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from context.secrets import conceal
from context.window import ContextWindow
from models import prompts
from models.asking import Answer, Asking, ask, provenance_of
from models.backends import Conversation
from models.errors import ModelError, ReplyUnusable
from models.findings import Edit, NewFile, Proposal, Refusal
from models.gate import hidden_refusal
from models.prompts import Grammar

logger = logging.getLogger(__name__)

MAX_TRIES = 2


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one answer: edits and new files when it passed, else why it did not."""

    edits: tuple[Edit, ...] = ()
    new_files: tuple[NewFile, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def has_passed(self) -> bool:
        return bool(self.edits or self.new_files) and not self.refusals


@dataclass(frozen=True, slots=True)
class Question:
    """One question for a change. `told`: what the model is told beside the window's code."""

    title: str
    conversation: Conversation
    form: Grammar
    window: ContextWindow
    told: str
    max_answer_tokens: int
    answer_prefix: str = ""


Check = Callable[[str], Awaitable[Checked]]  # of an answer with its secrets back in place


async def propose(
    question: Question,
    check: Check,
    asking: Asking,
) -> Proposal:
    """A proposal that passed, or an empty one with its refusals.

    An answer that passes with a remark (calls elsewhere that no longer match) is kept, and the
    model is told once: a second answer without one is better. Where that second answer fails to
    come, what the first one led to stands. Raises `ReplyUnusable` when nothing that can be read was
    answered, and `ModelError` when nothing was.
    """
    conversation = question.conversation
    refusals: list[Refusal] = []
    answer: Answer | None = None
    best: tuple[Checked, Answer, int] | None = None
    for n_tries in range(MAX_TRIES):
        try:
            answer = await _ask(question, conversation, asking)
        except ModelError as error:
            if answer is None:
                raise
            logger.info("No second answer: %s", type(error).__name__)
            break
        checked = await _read(check, question.window.reveal(answer.text), question.window)
        refusals.extend(checked.refusals)
        if checked.has_passed and (best is None or not checked.remarks):
            best = checked, answer, n_tries
        if best is not None and not best[0].remarks:
            break
        why = "; ".join(checked.remarks) or (refusals[-1].sentence if refusals else "it is empty")
        why = conceal(why, question.window.hidden)
        conversation = prompts.mend(question.conversation, answer.text, why)
    if best is None and refusals and all(refusal.check == "form" for refusal in refusals):
        raise ReplyUnusable(refusals[-1].sentence)
    assert answer is not None
    made, answer, n_mended = best or (Checked(), answer, 0)
    return Proposal(
        question.title,
        made.edits,
        tuple(refusals),
        n_mended,
        provenance_of(asking.backend, answer, question.window, question.told),
        new_files=made.new_files,
        remarks=made.remarks,
    )


async def _ask(question: Question, conversation: Conversation, asking: Asking) -> Answer:
    return await ask(
        asking.backend,
        conversation,
        grammar=prompts.grammar(question.form),
        answer_prefix=question.answer_prefix,
        thinking_tokens=asking.thinking_tokens,
        max_answer_tokens=question.max_answer_tokens,
        on_event=asking.on_event,
    )


async def _read(check: Check, text: str, window: ContextWindow) -> Checked:
    """What cannot be read is refused like any other answer.

    Secrets that the answer got back stay in the code: its reasons are shown and recorded.
    """
    try:
        checked = await check(text)
    except ReplyUnusable as unusable:
        return Checked(refusals=(Refusal("form", str(unusable)),))
    if refusal := hidden_refusal(checked.edits, checked.new_files, window.hidden):
        return Checked(refusals=(*checked.refusals, refusal))
    if not window.hidden:
        return checked
    return replace(
        checked,
        edits=tuple(replace(e, reason=conceal(e.reason, window.hidden)) for e in checked.edits),
        new_files=tuple(
            replace(n, reason=conceal(n.reason, window.hidden)) for n in checked.new_files
        ),
    )
