"""Which change of parameters a wish means, where the model chooses instead of writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from context.refactoring import Change, SignatureChange, Target
from context.text import content_hash
from context.window import Role, Snippet
from models.asking import Asking
from models.backends import Conversation
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ReplyUnusable
from models.prompts import refactoring as words
from models.tasks.refactor import Planning, propose_signature

SOURCE = """\
def send(message, retries, colour):
    for _ in range(retries):
        if post(message):
            return True
    return False
"""
PARAMETERS = ("message", "retries", "colour")
TARGET = Target("send", "function", 1, 5, ("send", "post", *PARAMETERS), PARAMETERS)


class Chooses(ScriptedBackend):
    """Finds these ways to go on likelier than all others."""

    def __init__(self, *likely: str, replies: Sequence[str] = ("unused",)) -> None:
        super().__init__(replies)
        self._likely = likely
        self.choices: list[list[str]] = []

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        self.choices.append(list(choices))
        return [0.0 if choice in self._likely else -9.0 for choice in choices]


def _planning(backend: ScriptedBackend | LlamaCppBackend) -> Planning:
    snippet = Snippet(
        "a.py", 1, 5, "send", SOURCE.rstrip(), Role.SUSPECT, "test", content_hash(SOURCE)
    )
    return Planning([snippet], "python", Asking(backend, 60, 1_000, lambda _: None))


async def _meant(backend: ScriptedBackend, wish: str) -> SignatureChange:
    return (await propose_signature(TARGET, wish, _planning(backend)))[0]


async def test_what_the_wish_names_is_what_is_taken_out() -> None:
    backend = Chooses(words.KINDS[Change.REMOVE], "message`")
    assert await _meant(backend, "nobody sets colour") == SignatureChange(
        Change.REMOVE, ("colour",)
    )
    assert (await _meant(backend, "the first one is gone")).names == ("message",)
    assert not backend.asked, "nothing is written"


@pytest.mark.parametrize(
    ("wish", "place", "order"),
    [
        ("colour comes first", words.FRONT, ("colour", "message", "retries")),
        ("message comes last", words.END, ("retries", "colour", "message")),
        ("colour before retries", "before `retries`", ("message", "colour", "retries")),
        ("colour after message", "after `message`", ("message", "colour", "retries")),
    ],
)
async def test_a_parameter_moves_to_an_end_or_beside_another(
    wish: str, place: str, order: tuple[str, ...]
) -> None:
    moved = wish.partition(" ")[0]
    backend = Chooses(words.KINDS[Change.REORDER], f"{moved}`", place)
    assert await _meant(backend, wish) == SignatureChange(Change.REORDER, order)
    others = {name for name in PARAMETERS if name not in wish}
    assert not any(name in choice for name in others for choice in backend.choices[-1])


async def test_what_is_new_is_written() -> None:
    backend = Chooses(words.KINDS[Change.ADD], replies=["limit: int = 10`"])
    added = SignatureChange(Change.ADD, ("limit",), "10", "int")
    assert await _meant(backend, "a limit of 10") == added
    opening = backend.asked[0].conversation.assistant_prefix
    assert opening == "The user wants to add the parameter `"


async def test_where_a_wish_names_a_parameter_a_new_one_must_be_clearly_meant() -> None:
    class Wavers(Chooses):
        async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
            scores = await super().score(conversation, choices)
            return [-1.0 if choice == words.KINDS[Change.REMOVE] else s
                    for choice, s in zip(choices, scores, strict=True)]  # fmt: skip

    backend = Wavers(words.KINDS[Change.ADD], replies=["limit = 10`"])
    assert (await _meant(backend, "take out colour")).change is Change.REMOVE
    assert (await _meant(backend, "one for the limit")).change is Change.ADD


@pytest.mark.parametrize(
    ("likely", "reply", "why"),
    [
        ([words.KINDS[Change.ADD]], "retries = 3`", "There is a parameter retries already"),
        ([words.KINDS[Change.ADD]], "a limit", "The model wrote no parameter"),
        ([words.KINDS[Change.REORDER], words.END], "", "stand in that order already"),
    ],
)
async def test_what_cannot_be_is_refused_in_a_sentence(
    likely: list[str], reply: str, why: str
) -> None:
    with pytest.raises(ReplyUnusable, match=why):
        await _meant(Chooses(*likely, replies=[reply]), "colour, please")


async def test_a_function_without_parameters_can_only_get_one() -> None:
    backend = Chooses(replies=["limit = 10`"])
    target = replace(TARGET, parameters=())
    change, provenance = await propose_signature(target, "a limit", _planning(backend))
    assert (change.names, backend.choices) == (("limit",), [])
    assert provenance.receipt.shown[0].snippet.path == "a.py"


@pytest.mark.model
@pytest.mark.parametrize(
    ("wish", "meant"),
    [
        ("colour is not used", SignatureChange(Change.REMOVE, ("colour",))),
        ("put retries first", SignatureChange(Change.REORDER, ("retries", "message", "colour"))),
        ("add a parameter limit, 10 by default", SignatureChange(Change.ADD, ("limit",), "10")),
    ],
)
async def test_the_small_model_understands_a_wish(
    backend: LlamaCppBackend, wish: str, meant: SignatureChange
) -> None:
    change, provenance = await propose_signature(TARGET, wish, _planning(backend))
    assert replace(change, type="") == meant
    assert provenance.model.digest
