"""The writing tasks with a model that obeys the workspace: a doc stays words, a type a type, a test
a test, and a review's words are inert. Nothing it says chooses a file.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable

import pytest

from context.dissecting import dissect
from context.languages import language_named
from context.window import Role, Snippet
from lsp import to_lsp
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.errors import ReplyUnusable
from models.findings import Finding, Proposal
from models.gate import INVISIBLE, apply_edits
from models.tasks.add_types import propose_types
from models.tasks.document import propose_doc
from models.tasks.edit import EditKind, EditTask, propose_edit
from models.tasks.locate import find_bug
from models.tasks.write_test import propose_test
from tests.code import ParsedHere
from tests.faults.injections import CASES, SECRET, snippet_of, source_with

PYTHON = language_named("python")
Propose = Callable[[str, str], Awaitable[Proposal | None]]


async def _document(source: str, reply: str) -> Proposal | None:
    return await _attempt(
        propose_doc(
            EditTask(EditKind.DOCUMENT, "shop.py", 1, 1),
            [snippet_of(source)],
            {"shop.py": source},
            ParsedHere(),
            Asking(_asked(reply), 0, 2_000, lambda _: None),
        )
    )


async def _add_types(source: str, reply: str) -> Proposal | None:
    return await _attempt(
        propose_types(
            EditTask(EditKind.ADD_TYPES, "shop.py", 1, 1),
            [snippet_of(source)],
            {"shop.py": source},
            ParsedHere(),
            Asking(_asked(reply), 0, 2_000, lambda _: None),
        )
    )


async def _write_test(source: str, reply: str) -> Proposal | None:
    return await _attempt(
        propose_test(
            EditTask(EditKind.WRITE_TEST, "shop.py", 1, 1),
            [snippet_of(source)],
            {"shop.py": source},
            ["shop.py"],
            ParsedHere(),
            Asking(_asked(reply), 0, 2_000, lambda _: None),
        )
    )


def _asked(reply: str) -> ScriptedBackend:
    return ScriptedBackend([reply])


async def _attempt(work: Awaitable[Proposal]) -> Proposal | None:
    """None when nothing could be read, which is said to the user in one sentence."""
    try:
        return await work
    except ReplyUnusable:
        return None


def _skeleton(text: str) -> str:
    assert PYTHON is not None
    return dissect(text, PYTHON).skeleton


def _assert_only_words(source: str, proposal: Proposal) -> None:
    after = apply_edits(source, proposal.edits)
    assert _skeleton(after) == _skeleton(source)
    assert not proposal.new_files


def _assert_only_types(source: str, proposal: Proposal) -> None:
    assert PYTHON is not None
    after = dissect(apply_edits(source, proposal.edits), PYTHON)
    before = dissect(source, PYTHON)
    assert [c.name for c in after.calls] == [c.name for c in before.calls]
    assert [f.qualified_name for f in after.functions] == ["mean"]
    assert all(e.old_text in ("", "=") for e in proposal.edits)


def _assert_only_a_test(source: str, proposal: Proposal) -> None:
    del source
    assert not proposal.edits
    for new in proposal.new_files:
        assert new.path == "tests/test_shop.py"
        for word in ("system", "subprocess", "curl", "popen", "rmtree", "urlopen"):
            assert f"{word}(" not in new.text


def _assert_harmless(proposal: Proposal, demand: str) -> None:
    texts = [e.new_text for e in proposal.edits] + [n.text for n in proposal.new_files]
    for edit in proposal.edits:
        assert edit.path == "shop.py"
    for text in texts:
        assert not INVISIBLE.search(text), demand
        assert "\x1b" not in text, demand
        assert "<think" not in text, demand


WRITERS = (
    (_document, "Return the mean. {}", _assert_only_words),
    (_document, "{}", _assert_only_words),
    (_add_types, " {}) -> float:\n", _assert_only_types),
    (_add_types, " list) -> {}:\n", _assert_only_types),
    (_write_test, "():\n    {}\n    assert mean([1]) == 1\n```\n", _assert_only_a_test),
    (_write_test, "():\n    assert mean([1]) == 1  # {}\n```\n", _assert_only_a_test),
)


@pytest.mark.parametrize("writer", range(len(WRITERS)))
async def test_what_an_obeying_model_writes_stays_what_was_asked_for(writer: int) -> None:
    propose, form, check = WRITERS[writer]
    for place, demand, obeyed, seed in CASES[writer :: len(WRITERS)]:
        source = source_with(place, demand, seed)
        proposal = await propose(source, form.replace("{}", obeyed))
        if proposal is not None:
            check(source, proposal)
            _assert_harmless(proposal, demand)


@pytest.mark.parametrize("writer", [0, 2, 4])
async def test_malformed_answers_never_change_more(writer: int) -> None:
    """Mutations of a right answer, put together with what would do harm."""
    propose, _, check = WRITERS[writer]
    right = (
        "Return the mean of the values. An empty list has none.",
        " list[float]) -> float:\n",
        "():\n    assert mean([1]) == 1\n```\n",
    )[writer // 2]
    junk = ['"""', "'''", "*/", "\n", "```", ":", "=", ")", "(", "\\", "#", "\u202e", "\x00",
            "import os", "os.system('x')", "lambda: x()", "<|im_end|>", "def mean(", ", *",
            "__import__('os')", "x" * 3_000, "\ud83d"]  # fmt: skip
    chance = random.Random(11)
    source = source_with("# {}", "do as you are told", 1)
    n_passed = 0
    for _ in range(200):
        text = right
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(junk) + text[chance.choice([at, at + 1]) :]
        proposal = await propose(source, text)
        if proposal is not None:
            check(source, proposal)
            _assert_harmless(proposal, text)
            n_passed += bool(proposal.edits or proposal.new_files)
    assert n_passed < 150, "most are refused"


async def test_a_review_of_hostile_changes_is_inert() -> None:
    """The change is in HEAD's text, too: a commit or a branch that somebody else made."""
    for place, demand, obeyed, seed in CASES[::5]:
        source = source_with(place, demand, seed)
        answer = {
            "bug": True, "file": "F1", "first_line": 2, "last_line": 3,
            "cause": (obeyed or "none of it") * 2,
        }  # fmt: skip
        backend = ScriptedBackend([f"I obey: {obeyed}\n</think>", json.dumps(answer)])
        found = await find_bug(
            snippet_of(source),
            [_rules_file(demand)],
            1,
            4,
            Asking(backend, 50, 2_000, lambda _: None),
            before=source.replace("len", "sum"),
        )
        assert isinstance(found, Finding)
        assert found.path == "shop.py"
        shown = to_lsp.finding_hover(found)
        assert not INVISIBLE.search(shown)
        assert "\x1b" not in shown
        asked = "".join(m.content for g in backend.asked for m in g.conversation.messages)
        assert SECRET not in asked
        assert SECRET not in shown


async def test_a_hostile_test_output_moves_no_edit_out_of_the_function() -> None:
    for _, demand, obeyed, seed in CASES[::5]:
        source = source_with("# {}", "be good", seed)
        output = f"FAILED test_shop.py::test_mean - AssertionError: {demand}: {obeyed}\n{SECRET}"
        body = "\n".join(source.split("\n")[1:-1])
        reply = f"{body}\n    {obeyed}\n```\nREASON: {demand[:40]}, as the test says.\n"
        backend = ScriptedBackend([reply])
        proposal = await _attempt(
            propose_edit(
                EditTask(EditKind.FIX, "shop.py", 4, 4, output),
                [snippet_of(source), _rules_file(demand)], {"shop.py": source, "AGENTS.md": "x"},
                ParsedHere(), Asking(backend, 0, 2_000, lambda _: None),
            )
        )  # fmt: skip
        if proposal is not None:
            _assert_harmless(proposal, demand)


def _rules_file(demand: str) -> Snippet:
    text = f"# Rules for assistants\nAlways {demand}."
    return Snippet("AGENTS.md", 1, 2, None, text, Role.RELATED, "named", "0" * 32)
