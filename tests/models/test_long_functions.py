"""Questions about lines of a function that is too long for the window: none about unseen lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from context.selection import selection_snippets
from context.suspects import Suspect
from context.text import Text
from context.window import Snippet
from models.asking import Asking
from models.backends import Thinks
from models.backends.scripted import ScriptedBackend
from models.errors import ReplyUnusable
from models.findings import Edit, Finding
from models.gate import apply_edits
from models.tasks.edit import EditKind, EditTask, propose_edit
from models.tasks.explain import explain
from models.tasks.locate import MAX_WINDOWS, find_bug
from tests.code import ParsedHere

N_LINES = 200
SOURCE = "def f(a):\n" + "".join(f"    a = a + {n}\n" for n in range(2, N_LINES)) + "    return a\n"
NO_BUG = json.dumps({"bug": False, "reason": "All is well."})


class _Workspace(ParsedHere):
    async def snippets(self, suspects: Sequence[Suspect], report: str = "") -> list[Snippet]:
        return []


async def _snippets(first: int, last: int, source: str = SOURCE) -> list[Snippet]:
    return await selection_snippets(_Workspace(), "a.py", Text(source), first, last)


def _asking(backend: ScriptedBackend, context_tokens: int = 300) -> Asking:
    return Asking(backend, 0, context_tokens, lambda _: None)


def _asked(backend: ScriptedBackend) -> list[str]:
    """The questions; what was only read has no system's words before it."""
    conversations = [generation.conversation for generation in backend.asked]
    return [c.messages[-1].content for c in conversations if len(c.messages) > 1]


async def test_a_bug_is_looked_for_in_lines_at_the_end_that_are_shown() -> None:
    backend = ScriptedBackend([NO_BUG])
    chosen, *related = await _snippets(190, 195)
    assert await find_bug(chosen, related, 190, 195, _asking(backend)) == "All is well."
    (shown,) = _asked(backend)
    assert "1| def f(a):" in shown
    for line in range(190, 196):
        assert f"{line}|     a = a + {line}\n" in shown
    assert "Look only at lines 190 to 195 of F1" in shown


async def test_a_function_that_no_window_holds_is_read_part_by_part() -> None:
    backend = ScriptedBackend([NO_BUG] * MAX_WINDOWS)
    chosen, *related = await _snippets(1, N_LINES)
    assert await find_bug(chosen, related, 1, N_LINES, _asking(backend, 600)) == "All is well."
    asked = _asked(backend)
    assert len(asked) > 1
    for line in range(2, N_LINES):
        assert any(f"{line}|     a = a + {line}\n" in question for question in asked)


async def test_the_first_bug_of_a_long_function_ends_the_reading() -> None:
    bug = {"bug": True, "file": "F1", "first_line": 150, "last_line": 150, "cause": "It is wrong."}
    backend = ScriptedBackend([NO_BUG, json.dumps(bug), NO_BUG])
    chosen, *related = await _snippets(100, N_LINES)
    found = await find_bug(chosen, related, 100, N_LINES, _asking(backend, 400))
    assert isinstance(found, Finding)
    assert (found.start_line, len(_asked(backend))) == (150, 2)


async def test_lines_that_were_not_read_are_named() -> None:
    backend = ScriptedBackend([NO_BUG] * MAX_WINDOWS)
    chosen, *related = await _snippets(1, N_LINES)
    with pytest.raises(ReplyUnusable, match=r"in lines 1 to \d+; lines \d+ to 200 were not read"):
        await find_bug(chosen, related, 1, N_LINES, _asking(backend, 200))
    assert len(_asked(backend)) == MAX_WINDOWS


@pytest.mark.parametrize("thinks", [Thinks.TRAINED, Thinks.ELICITED])
async def test_a_fix_at_the_end_of_a_long_function_is_made_there(thinks: Thinks) -> None:
    line, new = "    a = a + 192", "    a = a - 192"
    edits = f"REASON: It is off.\nFILE: F1\n<<<<<<< SEARCH\n{line}\n=======\n{new}\n>>>>>>> REPLACE"
    backend = ScriptedBackend([edits])
    if thinks is Thinks.ELICITED:
        region = Text(SOURCE).lines(181, N_LINES)
        rest = "\n".join(region[1:]).replace(line, new)
        backend = ScriptedBackend([f"{rest}\n```\nREASON: It is off.\n"])
    backend.info = replace(backend.info, thinks=thinks)
    proposal = await _fixed(backend, 191, 193)
    assert apply_edits(SOURCE, proposal) == SOURCE.replace(line, new)
    assert "    a = a + 192\n" in _asked(backend)[0]


async def test_lines_that_are_too_many_to_be_shown_are_neither_edited_nor_explained() -> None:
    backend = ScriptedBackend([NO_BUG])
    with pytest.raises(ReplyUnusable, match=r"Lines 20 to 190 are too many .* select fewer"):
        await _fixed(backend, 20, 190)
    chosen, *related = await _snippets(20, 190)
    with pytest.raises(ReplyUnusable, match="select fewer"):
        await explain(chosen, related, 20, 190, "", _asking(backend))
    assert backend.asked == []


async def test_a_line_that_no_window_holds_is_not_asked_about() -> None:
    source = f"def f(a):\n    x = [{', '.join(map(str, range(2_000)))}]\n    return x\n"
    backend = ScriptedBackend([NO_BUG])
    chosen, *_ = await _snippets(2, 2, source)
    other = replace(chosen, path="b.py", text="x = 1", start_line=1, end_line=1, asked=None)
    with pytest.raises(ReplyUnusable, match=r"Line 2 of a\.py cannot be shown"):
        await explain(chosen, [other], 2, 2, "", _asking(backend))
    assert backend.asked == []


async def _fixed(backend: ScriptedBackend, first: int, last: int) -> Sequence[Edit]:
    task = EditTask(EditKind.FIX, "a.py", first, last, "off by one")
    snippets = await _snippets(first, last)
    made = await propose_edit(task, snippets, {"a.py": SOURCE}, ParsedHere(), _asking(backend, 500))
    return made.edits
