"""Asking backends that lack something: a grammar, probabilities, an answer that can be begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from context.suspects import Located, RankedFile
from context.window import Role, Snippet
from models import prompts
from models.asking import Answer, Asking, ask
from models.backends import Conversation, Generation, Message, Thought, TokenLog
from models.backends.scripted import ScriptedBackend
from models.errors import CannotScore, ReplyUnusable
from models.findings import Finding
from models.prompts import Grammar, digest, grammar, one_of_the_lines
from models.replies import parse_edits
from models.tasks.locate import locate
from models.tasks.rank import reorder

ASKED = Conversation((Message("user", "Where is the bug?"),))
OK = '{"file": "F1", "first_line": 5, "last_line": 5, "cause": "The list may be empty."}'
THOUGHT = "An empty list.\n</think>"
SNIPPET = Snippet(
    path="a.py",
    symbol="total",
    start_line=4,
    end_line=6,
    text="def total(xs):\n    return sum(xs) / len(xs)\n",
    file_hash="0" * 64,
    role=Role.SUSPECT,
    reason="named",
)


class Lacking(ScriptedBackend):
    """A scripted model without what a server may lack."""

    def __init__(self, replies: Sequence[str], *, obeys_grammar: bool) -> None:
        super().__init__(replies)
        self.info = replace(self.info, obeys_grammar=obeys_grammar)

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        raise CannotScore("It gives no probabilities.")

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        raise CannotScore("It gives no probabilities.")


async def _ask(backend: ScriptedBackend, form: Grammar = Grammar.PLACE, prefix: str = "") -> Answer:
    return await ask(
        backend,
        ASKED,
        grammar=grammar(form),
        thinking_tokens=20,
        max_answer_tokens=100,
        on_event=lambda _: None,
        answer_prefix=prefix,
    )


async def test_without_a_grammar_an_answer_is_read_out_of_what_is_around_it() -> None:
    backend = Lacking([THOUGHT, f"Here it is: {OK} I hope this helps."], obeys_grammar=False)
    answer = await _ask(backend)
    assert (answer.text, answer.trace.text) == (OK, "An empty list.")


async def test_without_a_grammar_an_unreadable_answer_is_asked_for_once_more() -> None:
    backend = Lacking([THOUGHT, "Line 5.", OK], obeys_grammar=False)
    assert (await _ask(backend)).text == OK
    first, again = backend.asked[1:]
    assert "could not be used" in again.conversation.messages[-1].content
    assert (
        again.conversation.thought
        == first.conversation.thought
        == Thought("An empty list.", is_closed=True)
    )
    backend = Lacking([THOUGHT, "Line 5.", "Still line 5."], obeys_grammar=False)
    with pytest.raises(ReplyUnusable, match="not the JSON"):
        await _ask(backend)
    assert len(backend.asked) == 3


EDIT = "FILE: F1\n<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE\n"
EDITS = (
    "REASON: It is called so now.\n" + EDIT.format("a = 1", "b = 1") + EDIT.format("f(a)", "f(b)")
)


@pytest.mark.parametrize(
    ("written", "max_tokens"),
    [
        (EDITS[: -len(" REPLACE\n")], 100),
        (EDITS[: EDITS.rindex("FILE")], 12),
        (EDITS.replace("FILE: F1\n<<<<<<< SEARCH\nf", "FILE: src/b.py\n<<<<<<< SEARCH\nf"), 100),
        (f"{EDITS}FILE: F2\n", 100),
    ],
    ids=["the reply ends in it", "the reply is cut before it", "a path for an id", "begun"],
)
@pytest.mark.parametrize("continues", ["goes on", "chats"])
async def test_half_a_change_is_asked_for_once_more(
    written: str, max_tokens: int, continues: str
) -> None:
    again = f"Sure.\n```\n{EDITS}```\nDone."
    replies = [written + " more" * 9_000 if max_tokens < 100 else written, again]
    backend = Lacking(
        [THOUGHT, *replies] if continues == "goes on" else replies, obeys_grammar=False
    )
    backend.info = replace(backend.info, continues=continues == "goes on")
    answer = await _ask(backend, Grammar.EDITS)
    assert len(parse_edits(answer.text).edits) == 2
    assert "could not be used" in backend.asked[-1].conversation.messages[-1].content
    assert answer.prompt_digest == digest(backend.asked[-1].conversation)


def test_the_same_question_has_the_same_digest_in_each_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digests = set()
    for fence in ("@@0123abcd", "@@4567cdef"):
        monkeypatch.setattr(prompts, "_fence", lambda fence=fence: fence)
        asked = prompts.locate("It fails.", "## F1 a.py\n1| x = 1")
        assert f"{fence} report" in asked.messages[-1].content
        digests.add(digest(asked))
    assert len(digests) == 1
    assert digests != {digest(prompts.locate("It fails!", "## F1 a.py\n1| x = 1"))}


async def test_json_that_is_whole_is_read_whatever_is_said_behind_it() -> None:
    backend = Lacking([THOUGHT, OK + " and so on" * 200], obeys_grammar=False)
    assert (await _ask(backend)).text == OK


async def test_an_answer_of_nothing_is_asked_for_once_more() -> None:
    backend = Lacking([THOUGHT, "\n", "It adds the numbers up."], obeys_grammar=False)
    assert (await _ask(backend, Grammar.TEXT)).text == "It adds the numbers up."
    with pytest.raises(ReplyUnusable, match="is empty"):
        await _ask(Lacking([THOUGHT, "\n"], obeys_grammar=False), Grammar.TEXT)


async def test_a_chats_thinking_without_its_opening_tag_is_no_part_of_the_answer() -> None:
    """A chat template that opens the thinking leaves only its end in the reply."""
    backend = ScriptedBackend([f"The list {{xs}} may be empty.\n</think>\n\n{OK}"])
    backend.info = replace(backend.info, continues=False, obeys_grammar=False)
    answer = await _ask(backend)
    assert (answer.text, answer.trace.text) == (OK, "The list {xs} may be empty.")
    assert len(backend.asked) == 1


async def test_without_a_grammar_a_rewrite_keeps_the_line_it_was_begun_with() -> None:
    written = "    y = 2\n```\n\nREASON: It was wrong before.\nAnything else?"
    backend = Lacking([THOUGHT, written], obeys_grammar=False)
    answer = await _ask(backend, Grammar.REWRITE, "```\n    x = 1\n")
    assert answer.text == "```\n    x = 1\n    y = 2\n```\nREASON: It was wrong before."


async def test_a_line_is_chosen_under_a_grammar_where_there_are_no_probabilities() -> None:
    outside = OK.replace('"first_line": 5', '"first_line": 500')
    backend = Lacking([THOUGHT, outside, "4,"], obeys_grammar=True)
    finding = await _locate(backend)
    assert (finding.start_line, finding.end_line) == (4, 4)
    asked: Generation = backend.asked[-1]
    assert asked.grammar == one_of_the_lines([4, 5]) == 'root ::= ("4" | "5") ","'
    assert asked.conversation.assistant_prefix == '{"file": "F1", "first_line": '


async def test_without_either_a_place_outside_what_was_shown_is_refused() -> None:
    outside = OK.replace('"first_line": 5', '"first_line": 500')
    with pytest.raises(ReplyUnusable, match="lines that it was not shown"):
        await _locate(Lacking([THOUGHT, outside], obeys_grammar=False))
    with pytest.raises(ReplyUnusable, match="lines that it was not shown"):
        await _locate(Lacking([THOUGHT, outside, "no,"], obeys_grammar=True))


async def test_an_order_is_left_as_it_is_where_there_are_no_probabilities() -> None:
    located = Located((), (RankedFile("a.py", 1.0), RankedFile("b.py", 0.5)), 0.01)
    assert await reorder(Lacking([""], obeys_grammar=True), "It fails", located, 1.0) is located


async def _locate(backend: ScriptedBackend) -> Finding:
    return await locate(
        "total fails",
        [SNIPPET],
        Asking(backend, 20, 500, lambda _: None),
    )
