"""What the model is asked for an exact refactoring, and what of its answers is taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from context.refactoring import Change, SignatureChange, Target
from context.text import content_hash
from context.window import Role, Snippet
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ReplyUnusable
from models.tasks.parameters import read_signature
from models.tasks.refactor import (
    Planning,
    in_style_of,
    propose_function_name,
    propose_name,
    propose_signature,
)

SOURCE = "def f(x):\n    d = sum(x) / len(x)\n    return d\n"
TARGET = Target("d", "variable", 1, 3, ("d", "f", "x", "sum", "len"), ("x",))


def _planning(*replies: str) -> tuple[Planning, ScriptedBackend]:
    backend = ScriptedBackend(["hm\n</think>", *replies])
    snippet = Snippet(
        "a.py", 1, 3, "f", SOURCE.rstrip(), Role.SUSPECT, "test", content_hash(SOURCE)
    )
    return Planning([snippet], "python", Asking(backend, 20, 500, lambda _: None)), backend


async def test_a_name_is_taken_in_the_style_of_the_old_one_with_its_provenance() -> None:
    planning, backend = _planning("meanValue\n")
    name, provenance = await propose_name(TARGET, planning)
    assert name == "meanValue"
    assert provenance.model.name == "scripted"
    assert provenance.receipt.shown[0].snippet.path == "a.py"
    asked = backend.asked[0].conversation.messages[-1].content
    assert "`d`" in asked


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [("sum\n", "mean\n", "mean"), ("class\n", "mean\n", "mean"), ("d\n", "mean\n", "mean")],
)
async def test_an_unfit_name_is_mended_once(first: str, second: str, name: str) -> None:
    backend = ScriptedBackend(["hm\n</think>", first, "hm\n</think>", second])
    planning, _ = _planning()
    planning = replace(planning, asking=replace(planning.asking, backend=backend))
    assert (await propose_name(TARGET, planning))[0] == name
    assert "could not be used" in backend.asked[-1].conversation.messages[-1].content


@pytest.mark.parametrize("said", ["mean`", "`mean`", "mean", "mean` is shorter."])
async def test_a_name_is_read_however_it_is_said(said: str) -> None:
    assert (await propose_name(TARGET, _planning(said)[0]))[0] == "mean"


async def test_two_unfit_names_are_refused_in_one_sentence() -> None:
    planning, _ = _planning("sum\n")
    with pytest.raises(ReplyUnusable, match="nothing that is fit"):
        await propose_name(TARGET, planning)


async def test_words_become_a_change_of_known_parameters() -> None:
    planning, _ = _planning("remove x\n")
    change, _ = await propose_signature(TARGET, "x is not needed", planning)
    assert (change.change, change.names) == (Change.REMOVE, ("x",))
    planning, _ = _planning("remove y\n")
    with pytest.raises(ReplyUnusable, match="has no parameter y"):
        await propose_signature(TARGET, "y is not needed", planning)


async def test_a_function_is_named_by_what_its_lines_do() -> None:
    planning, _ = _planning("computeMean\n")
    name, _ = await propose_function_name(2, 2, ["f"], "snake_case", planning)
    assert name == "compute_mean"


@pytest.mark.parametrize(
    ("old", "new", "expect"),
    [
        ("MAX_N", "maxItems", "MAX_ITEMS"),
        ("_k", "key_of", "_key_of"),
        ("Foo", "price_list", "PriceList"),
        ("fooBar", "price_list", "priceList"),
        ("x", "Total", "total"),
    ],
)
def test_styles(old: str, new: str, expect: str) -> None:
    assert in_style_of(old, new) == expect


@pytest.mark.model
async def test_the_small_model_chooses_a_name_for_lines(backend: LlamaCppBackend) -> None:
    planning, _ = _planning("unused")
    planning = replace(planning, asking=Asking(backend, 16, 500, lambda _: None))
    name, provenance = await propose_function_name(2, 2, ["f"], "snake_case", planning)
    assert name.isidentifier()
    assert name == name.lower()
    assert name != "f"
    assert provenance.model.digest


@pytest.mark.model
async def test_the_small_model_chooses_a_name_that_says_what_is_there(
    backend: LlamaCppBackend,
) -> None:
    source = (
        "def load(path):\n    k = path.read_text().splitlines()\n    return [p.strip() for p in k]"
    )
    snippet = Snippet("a.py", 1, 3, "load", source, Role.SUSPECT, "test", content_hash(source))
    planning = Planning([snippet], "python", Asking(backend, 16, 500, lambda _: None))
    target = Target("k", "variable", 1, 3, ("k", "p", "path", "load"))
    name, provenance = await propose_name(target, planning)
    assert {"line", "lines", "text", "content"} & {*name.lower().split("_")}
    assert provenance.model.digest


@pytest.mark.parametrize(
    ("written", "expect"),
    [
        ("add retries = 3", SignatureChange(Change.ADD, ("retries",), "3", "")),
        ("add retries : int  =  3 ", SignatureChange(Change.ADD, ("retries",), "3", "int")),
        ('add sep: str = "a  b"', SignatureChange(Change.ADD, ("sep",), '"a  b"', "str")),
        ("add retries", SignatureChange(Change.ADD, ("retries",), "", "")),
        (f"add retries{' ' * 30_000}and more", None),
        (f"add retries:{' ' * 30_000}int{' ' * 30_000}and more" + "!" * 100, None),
    ],
)
def test_a_new_parameter_is_read(written: str, expect: SignatureChange | None) -> None:
    """Long runs of spaces are read at once, too."""
    assert read_signature(written) == expect
