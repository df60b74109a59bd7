"""The model's order of places, with scripted probabilities and with the real small model."""

from __future__ import annotations

import pytest

from context.evidence import Evidence, Signal
from context.suspects import Located, RankedFile, Suspect
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.tasks.rank import mixed, propose_names, rank, reorder

REPORT = "The invoice total is wrong when a discount is given"


def _located(*paths: str) -> Located:
    why = (Evidence(Signal.LEXICAL, "a", None, None, 1.0, "words"),)
    return Located(
        tuple(Suspect(p, "f", 1, 2, 1.0, why) for p in paths),
        tuple(RankedFile(p, 1.0) for p in paths),
        0.01,
    )


async def test_both_orders_are_asked_so_that_a_liking_for_a_letter_cancels_out() -> None:
    backend = ScriptedBackend([""], scores=[0.0, -1.0, -2.0])  # always likes A best
    says = await rank(backend, REPORT, ["a.py", "b.py", "c.py"])
    assert says == pytest.approx([says[0]] * 3)
    first, second = (g.conversation.messages[-1].content for g in backend.asked)
    assert "A. a.py\nB. b.py\nC. c.py" in first
    assert "A. c.py\nB. b.py\nC. a.py" in second


def test_a_weight_mixes_and_zero_keeps_the_order() -> None:
    assert mixed([-9.0, -0.1, -9.0], 0.0) == [0, 1, 2]
    assert mixed([-9.0, -0.1, -9.0], 1.0) == [1, 0, 2]
    assert mixed([-1.1, -1.0, -1.2], 0.5) == [0, 1, 2]  # a weak opinion changes nothing


async def test_no_weight_asks_nothing() -> None:
    backend = ScriptedBackend([""])
    located = _located("a.py", "b.py")
    assert await reorder(backend, REPORT, located, 0.0) is located
    assert not backend.asked


async def test_the_real_model_orders_and_proposes(backend: LlamaCppBackend) -> None:
    located = _located("docs/readme.py", "billing/invoice_discount.py", "net/socket.py")
    found = await reorder(backend, REPORT, located, 4.0)
    assert {f.path for f in found.files} == {f.path for f in located.files}
    assert len(found.suspects) == 3
    names = await propose_names(backend, REPORT)
    assert 3 <= len(names) <= 10
    assert all(name.isidentifier() for name in names)
