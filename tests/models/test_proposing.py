"""Two tries for a change: what the first one led to stands where the second fails to come."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from context.text import Span
from context.window import Role, Snippet
from models.asking import Asking, packed
from models.backends import Conversation, Generation, Message, Piece
from models.backends.scripted import ScriptedBackend
from models.errors import ContextFull, ModelError, ReplyUnusable
from models.findings import Edit, Proposal, Refusal
from models.prompts import Grammar
from models.tasks.proposing import Checked, Question, propose

SNIPPET = Snippet("a.py", 1, 1, None, "x = 1", Role.SUSPECT, "chosen", "0" * 32)
EDIT = Edit("a.py", Span(0, 5), "x = 1", "x = 2", "0" * 32, "Two.")


class AnswersOnce(ScriptedBackend):
    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        if self.asked:
            raise ContextFull("The prompt has 9000 tokens; show less.")
        async for piece in super().generate(generation):
            yield piece


async def _propose(backend: ScriptedBackend, first: Checked | ReplyUnusable) -> Proposal:
    async def check(text: str) -> Checked:
        if text != "first":
            return Checked((EDIT,))
        if isinstance(first, ReplyUnusable):
            raise first
        return first

    asking = Asking(backend, 0, 900, lambda _: None)
    question = Question(
        title="Change x",
        conversation=Conversation((Message("user", "Change x."),)),
        form=Grammar.TEXT,
        window=await packed([SNIPPET], asking),
        told="",
        max_answer_tokens=20,
    )
    return await propose(question, check, asking)


async def test_an_edit_with_a_remark_stands_where_no_second_answer_comes() -> None:
    first = Checked((EDIT,), remarks=("f is called with one argument.",))
    proposal = await _propose(AnswersOnce(["first"]), first)
    assert (proposal.edits, proposal.remarks) == (first.edits, first.remarks)
    better = await _propose(ScriptedBackend(["first", "second"]), first)
    assert (better.edits, better.remarks, better.n_mended) == ((EDIT,), (), 1)


async def test_why_an_edit_was_refused_is_said_where_no_second_answer_comes() -> None:
    refused = Refusal("syntax", "It does not parse.")
    proposal = await _propose(AnswersOnce(["first"]), Checked(refusals=(refused,)))
    assert (proposal.edits, proposal.refusals) == ((), (refused,))
    with pytest.raises(ReplyUnusable, match="no edit in the form"):
        await _propose(AnswersOnce(["first"]), ReplyUnusable("It holds no edit in the form."))


async def test_without_a_first_answer_the_models_error_is_what_there_is_to_say() -> None:
    backend = AnswersOnce(["first"])
    backend.asked.append(Generation(Conversation(()), 0))
    with pytest.raises(ModelError, match="show less"):
        await _propose(backend, Checked((EDIT,)))
