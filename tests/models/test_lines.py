"""Scores of lines: from given probabilities, through find_bug, and with the real small model."""

from __future__ import annotations

import math

import pytest

from context.window import Role, Snippet
from models.asking import Asking
from models.backends import TokenLog
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ContextFull
from models.findings import Finding
from models.tasks.lines import line_scores, oddities, score_lines, scored_lines
from models.tasks.locate import find_bug
from tests.models.test_asking import Lacking

TEXT = """\
def largest_index(values):
    best = 0
    for i in range(1, len(values)):
        if values[i] > values[best]:
            best = i
    return best

    )
é = "😀"\
"""
BUG = '{"bug": true, "file": "F1", "first_line": 13, "last_line": 13, "cause": "It is turned."}'


def _snippet(text: str = TEXT) -> Snippet:
    return Snippet(
        path="a.py",
        symbol="largest_index",
        start_line=10,
        end_line=10 + text.count("\n"),
        text=text,
        file_hash="0" * 64,
        role=Role.SUSPECT,
        reason="named",
    )


def _logs(*odd: tuple[str, float]) -> list[TokenLog]:
    """A token a character, all of them expected but the first of each odd text."""
    regrets = {TEXT.index(text): regret for text, regret in odd}
    return [TokenLog(at, -0.1 - regrets.get(at, 0.0), -0.1, entropy=0.2) for at in range(len(TEXT))]


def test_lines_that_are_blank_or_a_bracket_and_the_first_are_not_scored() -> None:
    assert scored_lines(_snippet()) == (11, 12, 13, 14, 15, 18)
    assert scored_lines(_snippet("x = 1")) == (10,), "unless there is no other"
    assert scored_lines(_snippet("\n)\n")) == ()


def test_a_line_is_as_suspicious_as_its_worst_token() -> None:
    scores = line_scores(_snippet(), _logs(("> values", 6.0), ("len(", 2.0)))
    assert scores.ranked()[:2] == [13, 12]
    assert sum(math.exp(log) for log in scores.logs) == pytest.approx(1)
    assert scores.log_of(13) == max(scores.logs)
    assert scores.log_of(17) == -math.inf


def test_what_decides_what_code_does_counts_more_than_a_name() -> None:
    names_alone = oddities(_snippet(), _logs(("best = i\n", 5.0)))
    assert max(names_alone, key=names_alone.__getitem__) == 14
    both = oddities(_snippet(), _logs(("best = i\n", 5.0), ("> values", 3.0)))
    assert sorted(both, key=lambda line: -both[line])[:2] == [13, 14]


@pytest.mark.parametrize("comment", ["# be(x)", "// be(x)", "* be(x)", "/* be(x)", "-- be(x)"])
def test_among_lines_as_odd_a_condition_and_a_call_are_likelier_than_a_comment(
    comment: str,
) -> None:
    lines = ["head", comment, "be = xx", "be(x)", "if be :", "if be(x):", "#if be", "*be = x"]
    text = "\n".join(lines)
    logs = [TokenLog(at, -1.0, -0.1, entropy=0.2) for at in range(len(text))]
    ranked = line_scores(_snippet(text), logs).ranked()
    assert ranked[:2] + ranked[-1:] == [15, 14, 11]


def test_characters_outside_ascii_and_odd_white_space_belong_to_their_lines() -> None:
    odd = oddities(_snippet(), _logs(('"😀"', 5.0)))
    assert max(odd, key=odd.__getitem__) == 18
    spaces = oddities(_snippet(), _logs(("\n    return", 9.0))).values()
    assert max(spaces) == pytest.approx(min(spaces)), "white space alone is no line's"


async def test_the_likeliest_lines_of_the_selection_are_told_to_the_model() -> None:
    backend = ScriptedBackend(["It is turned.</think>", BUG], unlikely=[">", "best"])
    found = await _find_bug(backend)
    assert isinstance(found, Finding)
    asked = backend.asked[-1].conversation.messages[-1].content
    assert "the likeliest first: 13, 15, 14. Answer" in asked
    read = backend.asked[0].conversation
    assert read.messages[-1].content == "Write largest_index of a.py."


async def test_a_backend_without_probabilities_is_asked_without_them() -> None:
    backend = Lacking(["It is turned.</think>", BUG], obeys_grammar=True)
    assert isinstance(await _find_bug(backend), Finding)
    assert "likeliest first" not in backend.asked[-1].conversation.messages[-1].content


async def test_a_place_of_half_a_function_is_narrowed_to_its_likeliest_line() -> None:
    wide = BUG.replace('"first_line": 13, "last_line": 13', '"first_line": 10, "last_line": 17')
    backend = ScriptedBackend(["It is turned.</think>", wide], unlikely=[">"])
    found = await _find_bug(backend)
    assert isinstance(found, Finding)
    assert (found.start_line, found.end_line, found.cause) == (13, 13, "It is turned.")
    unable = await _find_bug(Lacking(["It is turned.</think>", wide], obeys_grammar=True))
    assert isinstance(unable, Finding)
    assert (unable.start_line, unable.end_line) == (10, 17)


async def _find_bug(backend: ScriptedBackend) -> Finding | str:
    return await find_bug(
        _snippet(), [], 13, 15,
        Asking(backend, 20, 500, lambda _: None),
    )  # fmt: skip


@pytest.mark.model
async def test_the_real_model_finds_a_turned_comparison_odd(backend: LlamaCppBackend) -> None:
    """Against the same function without the bug: it is the bug that makes the line odd."""
    text = TEXT.partition("\n\n")[0]
    right = await score_lines(backend, _snippet(text))
    wrong = await score_lines(backend, _snippet(text.replace("values[i] >", "values[i] <")))
    assert right is not None
    assert wrong is not None
    assert wrong.lines == right.lines
    assert wrong.ranked().index(13) <= 1
    assert wrong.log_of(13) > right.log_of(13)
    with pytest.raises(ContextFull, match="show less"):
        await score_lines(backend, _snippet(TEXT * 400))
