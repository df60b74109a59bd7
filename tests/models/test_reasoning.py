"""Thinking apart from the answer, whatever way it is marked; loops; replies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.asking import ask, thinking_within
from models.backends import Conversation, Generation, Message, Piece, Thought
from models.backends.scripted import ScriptedBackend
from models.errors import ReplyUnusable
from models.findings import CutReason
from models.prompts import Grammar, grammar
from models.reasoning import LoopDetector, Start, ThinkingSplitter
from models.replies import (
    Bug,
    NoBug,
    freely_written,
    json_schema_of,
    parse_bug,
    parse_edits,
    parse_place,
    parse_rewrite,
)

ASKED = Conversation((Message("user", "why?"),))


def _split(pieces: list[str], start: Start) -> tuple[str, str]:
    splitter = ThinkingSplitter(start)
    deltas = [splitter.feed(p) for p in pieces] + [splitter.finish()]
    return "".join(d.thinking for d in deltas), "".join(d.answer for d in deltas)


@pytest.mark.parametrize(
    ("text", "start", "thinking", "answer"),
    [
        ("<think>a</think>b", Start.OUTSIDE, "a", "b"),
        ("\n<think>a</think>\n\nb", Start.OUTSIDE, "a", "b"),
        ("a</think>b", Start.INSIDE, "a", "b"),
        ("<think>a</think>b", Start.INSIDE, "a", "b"),
        ("a, never closed", Start.INSIDE, "a, never closed", ""),
        ("no thinking at all", Start.OUTSIDE, "", "no thinking at all"),
        ("a</think>s = '</think>'", Start.INSIDE, "a", "s = '</think>'"),
        ("print('<think>')", Start.OUTSIDE, "", "print('<think>')"),
        ("<thinner>", Start.OUTSIDE, "", "<thinner>"),
        ("a </thin", Start.INSIDE, "a </thin", ""),
        ("", Start.INSIDE, "", ""),
        ("", Start.OUTSIDE, "", ""),
        ("<thinking>a</thinking>b", Start.OUTSIDE, "a", "b"),
        ("<thinking>a</think>b</thinking>c", Start.INSIDE, "a</think>b", "c"),
        ("<thought>\na</thought>b", Start.OUTSIDE, "\na", "b"),
        ("<reasoning>a</reasoning>b", Start.OUTSIDE, "a", "b"),
        ("<seed:think>a</seed:think>b", Start.OUTSIDE, "a", "b"),
        ("[THINK]a[/THINK]b", Start.OUTSIDE, "a", "b"),
        ("◁think▷a◁/think▷b", Start.OUTSIDE, "a", "b"),
        ("<|START_THINKING|>a<|END_THINKING|>b", Start.OUTSIDE, "a", "b"),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b",
            Start.OUTSIDE,
            "a",
            "b",
        ),
        ("Here is my thought process: a\nHere is my response: b", Start.OUTSIDE, " a\n", " b"),
        ("<think>a, never closed", Start.OUTSIDE, "a, never closed", ""),
        ("the tag '</think>' ends it</think>b", Start.INSIDE, "the tag '</think>' ends it", "b"),
        ("`</think>` is a tag", Start.INSIDE, "`</think>` is a tag", ""),
        ("it's '</think>b", Start.INSIDE, "it's '", "b"),
        ("a '</think>", Start.INSIDE, "a '", ""),
        ("x = '</think>'", Start.OUTSIDE, "", "x = '</think>'"),
    ],
)
@given(data=st.data())
def test_tags_are_found_however_the_text_is_cut(
    text: str, start: Start, thinking: str, answer: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert _split(pieces, start) == (thinking, answer)


@given(data=st.data())
def test_thinking_whose_opening_was_never_sent_is_recalled(data: st.DataObject) -> None:
    """Some chat templates open it in the prompt: the reply begins in the midst of it."""
    text = 'First a thought, {...}.\n</think>\n\n{"bug": true}'
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    splitter = ThinkingSplitter(Start.OUTSIDE)
    thinking = answer = ""
    for a, b in pairwise([0, *cuts, len(text)]):
        delta = splitter.feed(text[a:b])
        if delta.recalls:
            thinking, answer = answer, ""
        thinking, answer = thinking + delta.thinking, answer + delta.answer
    assert (thinking, answer) == ("First a thought, {...}.\n", '{"bug": true}')


def _loops(text: str) -> bool:
    detector = LoopDetector()
    return any(detector.feed(text[i : i + 5]) for i in range(0, len(text), 5))


def test_a_loop_is_seen_and_cut_to_its_first_round() -> None:
    line = "The function is called with the wrong argument here.\n"
    assert _loops("First a thought.\n" + line * 4)
    assert _loops("so it is because " * 8)
    detector = LoopDetector()
    detector.feed("First a thought.\n" + line * 4)
    assert detector.sound_text.count("wrong argument") == 1


PARAGRAPH = (
    "The list may be empty when the file has no rows. Then the first item is asked for, and that "
    "fails. So the caller must look at its length before it goes on, which it does not do here."
)


@pytest.mark.parametrize(
    "repeated",
    [
        f"{PARAGRAPH}\n\n",
        f"{PARAGRAPH} ",
        " ".join(f"The {n}th of the rows is read before it was checked." for n in range(12)) + " ",
        "\n".join(PARAGRAPH.split(" ")) + "\n\n",
    ],
    ids=["paragraphs", "one line", "longer than the period", "short lines"],
)
def test_a_paragraph_that_comes_again_is_cut_to_its_first_round(repeated: str) -> None:
    text = "Let me think about the function.\n" + repeated * 5
    detector = LoopDetector()
    fed = next(n for n in range(0, len(text), 7) if detector.feed(text[n : n + 7]))
    assert fed < len("Let me think about the function.\n" + repeated * 4) + 16
    assert detector.sound_text.count("rows") == repeated.count("rows")


def test_the_same_verdict_on_line_after_line_is_no_loop() -> None:
    names = [f"{a}{b}" for a in "abcdefghij" for b in "xyz"]
    assert not _loops(" ".join(f"Line {n} sets {n}. There is no bug in this line." for n in names))


def test_ordinary_code_and_lists_are_no_loop() -> None:
    code = "\n".join(f"    self.field_{n} = options.get('field_{n}', None)" for n in range(40))
    assert not _loops(code)
    assert not _loops("- one\n- two\n- three\n" + "=" * 60 + "\n        return None\n" * 3)


async def test_thinking_over_its_budget_is_closed_for_the_model() -> None:
    backend = ScriptedBackend(["word " * 50, "the answer"])
    answer = await _ask(backend, thinking_tokens=10)
    assert answer.trace.cut is CutReason.BUDGET
    assert answer.trace.n_tokens == 10
    assert answer.text == "the answer"
    assert backend.asked[0].conversation.thought == Thought()
    assert backend.asked[1].conversation.thought == Thought(answer.trace.text, is_closed=True)


async def test_looping_thinking_is_cut_and_the_model_stopped() -> None:
    backend = ScriptedBackend(["The same line of thought again and again.\n" * 50, "answer"])
    answer = await _ask(backend, thinking_tokens=400)
    assert answer.trace.cut is CutReason.LOOP
    assert answer.trace.text.count("again and again") == 1
    assert backend.n_cancelled == 1


class Stalling(ScriptedBackend):
    """Thinks one piece and then no more, until it is stopped; answers at once."""

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        async for piece in super().generate(generation):
            yield piece
            if len(self.asked) == 1:
                await asyncio.Event().wait()


async def test_thinking_is_closed_when_its_time_is_up_and_the_answer_still_comes() -> None:
    backend = Stalling(["First a thought", "the answer"])
    with thinking_within(0.01):
        answer = await _ask(backend, thinking_tokens=400)
    assert (answer.trace.text, answer.trace.cut) == ("First", CutReason.TIME)
    assert (answer.text, backend.n_cancelled) == ("the answer", 1)
    assert backend.asked[1].conversation.thought == Thought("First", is_closed=True)


async def test_a_time_out_of_somebody_else_is_not_taken_for_ours() -> None:
    with thinking_within(0), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await _ask(Stalling(["First a thought"]), thinking_tokens=400)


async def test_an_answer_that_does_not_end_is_refused() -> None:
    with pytest.raises(ReplyUnusable, match="did not end within 20 tokens"):
        await _ask(ScriptedBackend(["ok</think>", "word " * 100]), thinking_tokens=10)


async def _ask(backend: ScriptedBackend, thinking_tokens: int):  # type: ignore[no-untyped-def]
    return await ask(
        backend, ASKED, grammar="", thinking_tokens=thinking_tokens, max_answer_tokens=20,
        on_event=lambda _: None,
    )  # fmt: skip


@pytest.mark.parametrize("parse", [parse_place, parse_bug, parse_edits, parse_rewrite])
@pytest.mark.parametrize("text", ["", "{}", "no", '{"file": 3}', "REASON: x\nFILE: F1\n", "[]"])
def test_rubbish_is_refused_in_one_sentence(parse, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ReplyUnusable, match="The model's answer"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"bug": true, "file": "F1", "first_line": 2, "last_line": 2}',
        '{"bug": true, "file": "F1", "first_line": 2, "last_line": 2, "cause": " "}',
        '{"bug": true, "cause": "It is wrong."}',
        '{"bug": false}',
        '{"bug": false, "reason": "\\n"}',
        '{"bug": false, "cause": "It is right."}',
    ],
)
def test_a_bug_without_a_cause_and_none_without_a_reason_are_refused(text: str) -> None:
    with pytest.raises(ReplyUnusable, match="not the JSON"):
        parse_bug(text)


def test_a_verdict_is_read_with_what_a_free_answer_says_beside_it() -> None:
    bug = parse_bug(
        '{"bug": true, "file": "F1", "first_line": 2, "last_line": 2, "cause": "By zero.",'
        ' "reason": ""}'
    )
    assert isinstance(bug, Bug)
    assert bug.place.cause == "By zero."
    none = parse_bug('{"bug": false, "reason": "It is right.", "file": "", "first_line": 0}')
    assert none == NoBug(bug=False, reason="It is right.")


def test_the_schema_for_a_verdict_demands_what_the_grammar_demands() -> None:
    schema = json_schema_of(grammar(Grammar.BUG_OR_NONE))
    assert schema is not None
    assert [kind["required"] for kind in schema["anyOf"]] == [
        ["bug", "file", "first_line", "last_line", "cause"],
        ["bug", "reason"],
    ]


BLOCK = "FILE: F1\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"


@pytest.mark.parametrize(
    ("rest", "n_edits"),
    [
        (f"{BLOCK}\n{BLOCK}", 2),
        (f"```\n{BLOCK}\n```\nand\n```\n{BLOCK}\n```\nThis is all.", 2),
        (f"{BLOCK}\n```\nThe fence was opened before the reason.", 1),
        (f"which is\nlong\n\n{BLOCK}\nDone.", 1),
        (f"{BLOCK.replace('b', 'b```')}\nDone.", 1),
        (BLOCK.replace("\nb", "\n```\nb"), 1),
        (f"{BLOCK}\n**FILE: F2**\nx", 0),
        (f"{BLOCK}\n<<<<<<< SEARCH\nc\n=======\nd\n>>>>>>> REPLACE", 0),
        (f"{BLOCK.removesuffix('>>>>>>> REPLACE')}{BLOCK}", 0),
        (f"{BLOCK.replace('=======', '')}\n{BLOCK}", 0),
        (f"{BLOCK}\nAnd in b.py:\n```python\nf(b)\n```", 0),
        (f"```\n{BLOCK}\n```\n```python\nf(b)\n```", 0),
    ],
)
def test_an_edit_that_lost_its_form_spoils_the_others(rest: str, n_edits: int) -> None:
    text = f"REASON: So it is.\n{rest}\n"
    if n_edits:
        assert len(parse_edits(text).edits) == n_edits
        return
    with pytest.raises(ReplyUnusable, match="no edit in the form"):
        parse_edits(text)


def test_a_long_answer_of_nothing_but_marks_is_refused_at_once() -> None:
    """Each of these took minutes while the marks were looked for from each place anew."""
    block = "FILE: F1\n<<<<<<< SEARCH\n"
    for text in (block * 9_000 + "=======\n" * 9_000, (block + "=======\n") * 9_000):
        with pytest.raises(ReplyUnusable):
            parse_edits(f"REASON: r\n{text}")
    for form in (Grammar.REWRITE, Grammar.PLACE):
        with pytest.raises(ReplyUnusable):
            freely_written("```\n{" * 60_000, grammar(form))


def test_a_rewrite_is_read_with_the_reason_right_behind_it() -> None:
    text = "First:\n```py\nx = 1\n```\n\n  REASON: So it is.\nThen:\n```\ny = 2\n```\nREASON: No.\n"
    assert freely_written(text, grammar(Grammar.REWRITE)) == "```py\nx = 1\n```\nREASON: So it is."
    with pytest.raises(ReplyUnusable):
        freely_written("```\nREASON: No code.\n", grammar(Grammar.REWRITE))


def test_answers_are_read() -> None:
    place = parse_place('{"file": "F1", "first_line": 3, "last_line": 4, "cause": "it \\"is\\""}')
    assert (place.first_line, place.cause) == (3, 'it "is"')
    edits = parse_edits(
        "REASON: Because.\nFILE: F2\n<<<<<<< SEARCH\na\n\nb\n=======\n>>>>>>> REPLACE\n"
    )
    assert (edits.edits[0].search, edits.edits[0].replace) == ("a\n\nb", "")
    assert parse_rewrite("```python\nx = 1\n```\nREASON: So it is.\n").code == "x = 1"
    # A model that copies the question on behind the lines, as the 1.5B has done.
    mark = "@@9789b9c7 end of lines"
    for rest in ("", f"\n{mark}", f"\n{mark}\ny = 2", f"\n{mark}\n\n{mark}\ny = 2"):
        assert parse_rewrite(f"```\nx = 1{rest}\n```\nREASON: So it is.\n").code == "x = 1"
    assert parse_rewrite("```\nx = '@@9789b9c7 end of lines'\n```\nREASON: r").code.endswith("'")
