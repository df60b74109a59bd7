"""Repairs by reading: from given probabilities, as a fix of last resort, with the real model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from context.text import content_hash
from context.window import Role, Snippet
from lsp.to_lsp import edit_hover
from models.asking import Asking
from models.backends import Conversation, Thinks, TokenLog
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import CannotScore
from models.findings import Proposal, Provenance
from models.gate import apply_edits
from models.tasks.edit import BY_READING, NOT_WRITTEN, EditKind, EditTask, propose_edit
from models.tasks.likelier import likely_repairs
from tests.code import ParsedHere

TEXT = """\
def largest(values, best):
    seen = 0
    while seen > len(values):
        use(best, values)
        if seen:
            return None
        seen += 1
    return best
"""


def _snippet(text: str = TEXT) -> Snippet:
    return Snippet(
        path="a.py",
        symbol="largest",
        start_line=1,
        end_line=text.count("\n"),
        text=text.removesuffix("\n"),
        file_hash=content_hash(text),
        role=Role.SUSPECT,
        reason="named",
    )


class Reads(ScriptedBackend):
    """Finds some words improbable where others were expected: {line: {word: expected}}.

    So does it lines that were in no text before and are not `right`.
    """

    def __init__(
        self,
        odd: dict[str, tuple[str, str]],
        nats: float = 9.0,
        replies: Sequence[str] = ("",),
        right: Sequence[str] = (),
    ) -> None:
        super().__init__(list(replies))
        self._odd, self._nats = odd, nats
        self._fine = {*right} or {line.replace(*words, 1) for line, words in odd.items()}
        self._first = ""

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        del conversation
        self._first = self._first or text
        fine = self._fine | {line.strip() for line in self._first.split("\n")}
        found = []
        for token in re.finditer(r"\s*(?:\w+|[^\w\s]+)", text):
            line = text[: token.end()].rpartition("\n")[2] + text[token.end() :].partition("\n")[0]
            odd, expected = self._odd.get(line.strip(), ("", ""))
            is_odd = odd == token[0].strip() or line.strip() not in fine
            log = -self._nats if is_odd else -0.1
            found.append(TokenLog(token.start(), log, -0.1, 0.2, f" {expected}"))
        return found


async def _repaired(odd: dict[str, tuple[str, str]], *right: str, nats: float = 9.0) -> str | None:
    snippet = _snippet()
    repairs = await likely_repairs(Reads(odd, nats, right=right), snippet, range(1, 9))
    if not repairs:
        return None
    repair = repairs[0]
    text = snippet.text
    assert text[repair.span.start : repair.span.end] == repair.old
    changed = text[: repair.span.start] + repair.new + text[repair.span.end :]
    (line,) = set(changed.split("\n")) - set(text.split("\n"))
    return line.strip()


@pytest.mark.parametrize(
    ("line", "odd", "expected", "repaired"),
    [
        ("while seen > len(values):", ">", "<", "while seen < len(values):"),
        ("seen = 0", "0", "1", "seen = 1"),
        ("if seen:", "seen", "not", "if not seen:"),
        ("return None", "None", "be", "return best"),
        ("use(best, values)", "best", "val", "use(values, best)"),
        ("return None", "None", "True", "return True"),
        ("while seen > len(values):", ">", "be", "while seen < len(values):"),
        ("use(best, values)", "best", "be", "use(values, best)"),
        ("if seen:", "if", "be", "if not seen:"),
    ],
)  # fmt: skip
async def test_a_likelier_word_stands_in_its_place(
    line: str, odd: str, expected: str, repaired: str
) -> None:
    assert await _repaired({line: (odd, expected)}, repaired) == repaired


async def test_what_is_hardly_likelier_or_unknown_is_no_repair() -> None:
    assert await _repaired({"seen = 0": ("0", "1")}, nats=2.5) is None
    assert await _repaired({"return None": ("None", "unheard_of")}) is None
    assert await _repaired({"seen = 0": ("0", "\n")}) is None
    assert await _repaired({}) is None


async def _fixed(backend: ScriptedBackend, text: str = TEXT, *, is_own: bool = False) -> Proposal:
    return await propose_edit(
        EditTask(EditKind.FIX, "a.py", 3, 3, "It never runs.", is_own=is_own),
        [_snippet(text)],
        {"a.py": text},
        ParsedHere(),
        Asking(backend, 16, 2_000, lambda _: None),
    )


def _same(text: str) -> list[str]:
    """A model that writes the lines down again as they stand, twice."""
    rest = text.removesuffix("\n").partition("\n")[2]
    return ["Hm.\n</think>", f"{rest}\n```\nREASON: It is fixed.\n"] * 2


async def test_where_the_model_writes_the_same_again_its_reading_repairs() -> None:
    odd = {"while seen > len(values):": (">", "<")}
    proposal = await _fixed(Reads(odd, replies=_same(TEXT)))
    assert apply_edits(TEXT, proposal.edits) == TEXT.replace("seen > len", "seen < len")
    assert proposal.remarks[0] == BY_READING
    assert [refusal.check for refusal in proposal.refusals] == ["no-op", "no-op"]
    assert proposal.edits[0].reason.startswith("“<” instead of “>”: as the model reads this code")


async def test_an_edit_of_the_models_own_is_not_replaced() -> None:
    odd = {"while seen > len(values):": (">", "<")}
    own = TEXT.replace("seen > len", "seen != len")
    proposal = await _fixed(Reads(odd, replies=_same(own)))
    assert apply_edits(TEXT, proposal.edits) == own
    assert BY_READING not in proposal.remarks


async def test_lines_that_were_named_come_first_and_need_less() -> None:
    odd = {"while seen > len(values):": (">", "<"), "seen = 0": ("0", "1")}
    named_late = await likely_repairs(Reads(odd, nats=4.0), _snippet(), range(3, 4))
    assert [(repair.old, repair.new) for repair in named_late] == [(">", "<")]
    both = await likely_repairs(Reads(odd), _snippet(), range(2, 3))
    assert [(repair.old, repair.new) for repair in both] == [("0", "1"), (">", "<")]


async def test_a_name_in_the_place_of_another_needs_more() -> None:
    line = "use(best, values)"
    odd, repaired = {line: ("best", "seen")}, "use(seen, values)"
    assert await _repaired(odd, repaired, nats=7.0) is None
    assert await _repaired(odd, repaired, nats=9.0) == repaired
    assert await _repaired({line: ("best", "val")}, "use(values, best)", nats=7.0)


async def test_what_is_taken_out_or_added_is_said() -> None:
    def reason(proposal: Proposal) -> str:
        return proposal.edits[0].reason.partition(":")[0]

    line, text = "if seen:", TEXT.replace("while seen > len(values)", "if seen")
    reads = Reads({line: ("seen", "not")}, right=["if not seen:"])
    assert reason(await _fixed(reads, text, is_own=True)) == "“not” added"
    line, text = "if not seen:", TEXT.replace("while seen > len(values)", "if not seen")
    reads = Reads({line: ("not", "be")}, right=["if seen:"])
    assert reason(await _fixed(reads, text, is_own=True)) == "“not” taken out"


async def test_a_word_of_a_comment_is_no_repair() -> None:
    text = TEXT.replace("    seen = 0", "    seen = 0  # never best")
    odd = {"seen = 0  # never best": ("never", "best")}
    assert await likely_repairs(Reads(odd, nats=12), _snippet(text), [])
    assert not (await _fixed(Reads(odd, nats=12, replies=_same(text)), text, is_own=True)).edits


async def test_for_its_own_finding_a_small_model_reads_before_it_writes() -> None:
    odd = {"while seen > len(values):": (">", "<")}
    own = TEXT.replace("seen > len", "seen != len")
    backend = Reads(odd, replies=_same(own))
    proposal = await _fixed(backend, is_own=True)
    assert apply_edits(TEXT, proposal.edits) == TEXT.replace("seen > len", "seen < len")
    assert (proposal.remarks[0], proposal.refusals, backend.asked) == (BY_READING, (), [])
    assert isinstance(proposal.provenance, Provenance)
    assert (proposal.provenance.trace.text, proposal.provenance.trace.n_tokens) == ("", 0)
    assert len(proposal.provenance.prompt_digest) == 64
    hover = edit_hover(proposal.edits, proposal.title, proposal.provenance)
    assert "**No reasoning was written (0 tokens)**\n\n**Shown to the model**" in hover
    assert "a.py:1-8 largest" in hover
    written = await _fixed(Reads({}, replies=_same(own)), is_own=True)
    assert apply_edits(TEXT, written.edits) == own, "nothing is likelier, so it writes"
    assert not written.remarks


async def test_a_small_model_writes_nothing_for_its_own_finding() -> None:
    odd, own = {"while seen > len(values):": (">", "<")}, TEXT.replace("seen > len", "seen != len")
    backend = Reads({}, replies=_same(own))
    backend.info = replace(backend.info, is_small=True)
    proposal = await _fixed(backend, is_own=True)
    assert (proposal.edits, proposal.refusals, backend.asked) == ((), (NOT_WRITTEN,), [])
    assert isinstance(proposal.provenance, Provenance)
    assert apply_edits(TEXT, (await _fixed(backend)).edits) == own, "in somebody else's words"
    reads = Reads(odd)
    reads.info = replace(reads.info, is_small=True)
    assert (await _fixed(reads, is_own=True)).remarks[0] == BY_READING


@pytest.mark.parametrize("is_own", [True, False])
async def test_lines_written_down_as_they_stand_are_asked_for_once_more(*, is_own: bool) -> None:
    backend = Reads({}, replies=_same(TEXT))
    proposal = await _fixed(backend, is_own=is_own)
    assert not proposal.edits
    assert [refusal.check for refusal in proposal.refusals] == ["no-op", "no-op"]
    assert len(backend.asked) == 4, "to think and to answer, twice"


async def test_a_model_that_was_trained_to_think_writes_its_fix() -> None:
    odd = {"while seen > len(values):": (">", "<")}
    search = "    while seen > len(values):"
    edit = f"REASON: Never runs.\nFILE: F1\n<<<<<<< SEARCH\n{search}\n=======\n"
    edit += f"{search.replace('>', '!=')}\n>>>>>>> REPLACE\n"
    backend = Reads(odd, replies=["Hm.\n</think>", edit])
    backend.info = replace(backend.info, thinks=Thinks.TRAINED)
    proposal = await _fixed(backend, is_own=True)
    assert apply_edits(TEXT, proposal.edits) == TEXT.replace("seen > len", "seen != len")


async def test_a_repair_goes_through_the_gate_and_secrets_stay() -> None:
    odd = {"while seen > len(values):": (">", ")")}
    assert not (await _fixed(Reads(odd, replies=_same(TEXT)))).edits, "it would not parse"
    key = 'token = "tr0ub4dor&3x"'
    text = TEXT.replace("seen = 0", f"seen = 0; {key}")
    hidden = text.replace("tr0ub4dor&3x", "POSTIL_HIDDEN_1")
    odd = {"while seen > len(values):": (">", "<")}
    proposal = await _fixed(Reads(odd, replies=_same(hidden)), text)
    assert apply_edits(text, proposal.edits) == text.replace("seen > len", "seen < len")


async def test_without_probabilities_the_refusal_stands() -> None:
    class Mute(ScriptedBackend):
        async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
            raise CannotScore("Not here.")

    proposal = await _fixed(Mute(_same(TEXT)))
    assert not proposal.edits
    assert proposal.refusals[-1].check == "no-op"


@pytest.mark.model
async def test_the_small_model_sets_a_turned_comparison_right(backend: LlamaCppBackend) -> None:
    text = (
        "def find(values, wanted):\n    low, high = 0, len(values) - 1\n    while low >= high:\n"
        "        middle = (low + high) // 2\n        if values[middle] == wanted:\n"
        "            return middle\n        if values[middle] < wanted:\n"
        "            low = middle + 1\n        else:\n            high = middle - 1\n"
        "    return -1\n"
    )
    for wrong in (text, text.replace("low >= high", "low <= high").replace("== want", "!= want")):
        repair = (await likely_repairs(backend, _snippet(wrong), range(3, 6)))[0]
        assert (repair.old, repair.new) in ((">=", "<="), ("!=", "=="))
