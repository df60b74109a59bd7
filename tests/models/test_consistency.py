"""Self-consistency: what several answers agree on, scripted and with the real small model."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence

import pytest

from context.window import Role, Snippet
from lsp.to_lsp import finding_hover
from lsp.trace_documents import trace_text
from models.asking import ELICITED_SAMPLING, Asking, thinking_within
from models.audit import Outcome, entry_of
from models.backends import Generation, Piece
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.consistency import samplings
from models.errors import ModelCrashed, ReplyUnusable
from models.findings import Agreement, CutReason, Finding
from models.reasoning import N_SAMPLES, Effort
from models.tasks.locate import find_bug, locate

SNIPPET = Snippet(
    path="a.py",
    symbol="mean",
    start_line=4,
    end_line=9,
    text="def mean(xs):\n    total = 0\n    for x in xs:\n        total += x\n    n = len(xs)\n"
    "    return total / n",
    file_hash="0" * 64,
    role=Role.SUSPECT,
    reason="named",
)


def _place(first: int, last: int, cause: str) -> str:
    return json.dumps({"file": "F1", "first_line": first, "last_line": last, "cause": cause})


def _script(*answers: str) -> ScriptedBackend:
    replies = [reply for n, answer in enumerate(answers) for reply in (f"T{n}.</think>", answer)]
    return ScriptedBackend(replies)


async def _locate(backend: ScriptedBackend | LlamaCppBackend, n_samples: int) -> Finding:
    return await locate(
        "mean fails with ZeroDivisionError on an empty list",
        [SNIPPET],
        Asking(backend, 24, 500, lambda _: None, n_samples=n_samples),
    )


async def test_the_majority_is_taken_with_its_own_trace_and_the_count_is_shown() -> None:
    backend = _script(
        _place(5, 5, "The total starts wrong."),
        _place(8, 9, "The list may be empty."),
        _place(9, 9, "It divides by zero."),
    )
    finding = await _locate(backend, 3)
    assert (finding.start_line, finding.cause) == (8, "The list may be empty.")
    provenance = finding.provenance
    assert provenance.agreement == Agreement(2, 3)
    assert provenance.trace.text == "T1."
    assert "2 of 3 answers name these lines" in finding_hover(finding)
    assert "2 of 3 answers name these lines" in trace_text(provenance)
    entry = entry_of("locate", Outcome.FINDING, provenance)
    assert (entry.n_agreeing, entry.n_asked) == (2, 3)


async def test_where_none_agree_the_first_is_taken_and_answers_that_fail_count_as_asked() -> None:
    backend = _script(_place(5, 5, "The total starts wrong."), "no answer", _place(9, 9, "Zero."))
    finding = await _locate(backend, 3)
    assert (finding.start_line, finding.provenance.agreement) == (5, Agreement(1, 3))
    assert "1 of 3 answers names these lines" in finding_hover(finding)
    with pytest.raises(ReplyUnusable, match="not the JSON"):
        await _locate(_script("no answer"), 3)


class Crashing(ScriptedBackend):
    """Dies at its n-th generation."""

    def __init__(self, replies: Sequence[str], dies_at: int) -> None:
        super().__init__(replies)
        self._dies_at = dies_at

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        if len(self.asked) + 1 == self._dies_at:
            raise ModelCrashed("The model process ended.")
        async for piece in super().generate(generation):
            yield piece


async def test_what_came_before_the_model_was_lost_is_kept() -> None:
    replies = ["T.</think>", _place(8, 9, "The list may be empty.")] * 2
    finding = await _locate(Crashing(replies, dies_at=5), 5)
    assert (finding.start_line, finding.provenance.agreement) == (8, Agreement(2, 2))
    alone = await _locate(Crashing(replies, dies_at=3), 5)
    assert (alone.start_line, alone.provenance.agreement) == (8, None)
    with pytest.raises(ModelCrashed):
        await _locate(Crashing(replies, dies_at=2), 5)


async def test_one_sample_says_nothing_of_agreement() -> None:
    finding = await _locate(_script(_place(5, 5, "The total starts wrong.")), 1)
    assert finding.provenance.agreement is None
    hover = finding_hover(finding)
    assert "answers" not in hover
    assert "**Reasoning (elicited; 1 tokens, 0 s)**" in hover


async def test_most_answers_may_see_no_bug() -> None:
    none = '{"bug": false, "reason": "The lines do what they say."}'
    bug = '{"bug": true, "file": "F1", "first_line": 9, "last_line": 9, "cause": "By zero."}'
    found = await find_bug(
        SNIPPET, [], 4, 9,
        Asking(_script(bug, none, none), 24, 500, lambda _: None, n_samples=3),
    )  # fmt: skip
    assert found == "The lines do what they say."


async def test_the_first_sample_is_the_likeliest_and_the_others_are_drawn_apart() -> None:
    backend = _script(_place(5, 5, "The total starts wrong."))
    await _locate(backend, 3)
    thinking: list[Generation] = backend.asked[::2]
    first, *others = [generation.sampling for generation in thinking]
    assert first.temperature == 0
    assert {s.temperature for s in others} == {ELICITED_SAMPLING.temperature}
    assert len({s.seed for s in others}) == 2
    assert [s.n_samples for s in Effort] == [1, 1, N_SAMPLES]
    assert len(samplings(backend, N_SAMPLES)) == N_SAMPLES


@pytest.mark.model
async def test_the_real_model_is_asked_several_times(backend: LlamaCppBackend) -> None:
    finding = await _locate(backend, 2)
    agreement = finding.provenance.agreement
    assert agreement is not None
    assert agreement.n_asked == 2
    assert agreement.confidence in (0.5, 1.0)
    assert SNIPPET.start_line <= finding.start_line <= finding.end_line <= SNIPPET.end_line


@pytest.mark.model
async def test_the_real_models_thinking_is_closed_after_its_time(backend: LlamaCppBackend) -> None:
    with thinking_within(0.001):
        finding = await _locate(backend, 1)
    trace = finding.provenance.trace
    assert trace.cut is CutReason.TIME
    assert trace.n_tokens < 24
    assert ", cut after 0 s;" in finding_hover(finding)
