"""The remaining tasks with the real small model: an answer that can be read, and only such edits as
passed the gate. The tasks that write docs, types and tests have theirs beside their other tests.
"""

from __future__ import annotations

import pytest

from context.window import Role, Snippet
from models.asking import Asking
from models.backends.worker_client import LlamaCppBackend
from models.findings import Finding, Proposal
from models.gate import apply_edits
from models.tasks.edit import EditKind, EditTask, propose_edit
from models.tasks.locate import find_bug
from tests.code import ParsedHere
from tests.faults.injections import snippet_of

MEAN = "def mean(values):\n    return sum(values) / len(values)\n"
LOOP = (
    "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n"
    "    return total / len(values)\n"
)
PARITY = (
    "def is_even(n):\n    if n % 2 == 0:\n        return True\n    else:\n        return False\n"
)

pytestmark = pytest.mark.model


async def _propose(
    backend: LlamaCppBackend, kind: EditKind, source: str, detail: str = "", *tests: Snippet
) -> Proposal:
    line = source.rstrip("\n").count("\n") + 1 if kind is EditKind.FIX else 1
    return await propose_edit(
        EditTask(kind, "shop.py", line, line, detail), [snippet_of(source), *tests],
        {"shop.py": source}, ParsedHere(), Asking(backend, 0, 900, lambda _: None),
    )  # fmt: skip


async def _assert_sound(proposal: Proposal, source: str) -> None:
    """Edits that parse and keep the function, or the check that refused them."""
    assert proposal.provenance.receipt.shown
    if not proposal.edits:
        assert {r.check for r in proposal.refusals} <= {"no-op", "anchor", "deletion", "syntax"}
        return
    outline = await ParsedHere().outline("shop.py", apply_edits(source, proposal.edits))
    assert outline.problems == ()
    assert len(outline.symbols) >= 1


async def test_it_fixes_a_problem(unread: LlamaCppBackend) -> None:
    problem = "ZeroDivisionError: division by zero when values is empty; return 0 then"
    proposal = await _propose(unread, EditKind.FIX, LOOP, problem)
    await _assert_sound(proposal, LOOP)
    if proposal.edits:  # on another processor it may write no change
        fixed = apply_edits(LOOP, proposal.edits)
        assert "return 0" in fixed
        assert "return total / len(values)" in fixed


async def test_it_is_shown_the_failing_test(unread: LlamaCppBackend) -> None:
    test = Snippet(
        "test_shop.py", 1, 2, "test_empty", "def test_empty():\n    assert mean([]) == 0",
        Role.TEST, "it fails", "0" * 32,
    )  # fmt: skip
    detail = "test_shop.py::test_empty fails.\nE   ZeroDivisionError: division by zero"
    proposal = await _propose(unread, EditKind.FIX, MEAN, detail, test)
    await _assert_sound(proposal, MEAN)
    assert "test_shop.py" in {p.snippet.path for p in proposal.provenance.receipt.shown}


@pytest.mark.parametrize("kind", [EditKind.SIMPLIFY, EditKind.MODERNISE])
async def test_it_writes_lines_in_another_way(unread: LlamaCppBackend, kind: EditKind) -> None:
    await _assert_sound(await _propose(unread, kind, PARITY), PARITY)


async def test_it_changes_as_told(unread: LlamaCppBackend) -> None:
    detail = "rename the parameter values to numbers"
    await _assert_sound(await _propose(unread, EditKind.CUSTOM, MEAN, detail), MEAN)


async def test_it_reviews_a_change(unread: LlamaCppBackend) -> None:
    changed = MEAN.replace("/", "//")
    found = await find_bug(
        snippet_of(changed), [], 2, 2, Asking(unread, 0, 900, lambda _: None), before=MEAN,
    )  # fmt: skip
    if isinstance(found, Finding):
        assert (found.path, found.symbol) == ("shop.py", "mean")
        assert 1 <= found.start_line <= found.end_line <= 2
    else:
        assert found.strip()
