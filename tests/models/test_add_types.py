"""Types: only those of the model's first line are taken; the tree proves the rest."""

from __future__ import annotations

import pytest

from context.text import content_hash, split_lines
from context.window import Role, Snippet
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ReplyUnusable
from models.findings import Proposal
from models.gate import apply_edits
from models.tasks.add_types import propose_types
from models.tasks.edit import EditKind, EditTask
from tests.code import ParsedHere
from tests.models.small_writer import first_let_through

TOTAL = "def total(prices, tax=0.2, *more, code=None):\n    return sum(prices)\n"


async def _propose(
    path: str, source: str, backend: ScriptedBackend | LlamaCppBackend, line: int = 1
) -> Proposal:
    lines = split_lines(source.rstrip("\n"))
    snippet = Snippet(
        path, 1, len(lines), None, "\n".join(lines), Role.SUSPECT, "chosen", content_hash(source)
    )
    return await propose_types(
        EditTask(EditKind.ADD_TYPES, path, line, line), [snippet], {path: source}, ParsedHere(),
        Asking(backend, 0, 900, lambda _: None),
    )  # fmt: skip


def _rest(answer: str) -> str:
    """What follows the first missing type's colon, up to where the line is begun for the model."""
    return answer.removeprefix("self, ").partition(":")[2]


@pytest.mark.parametrize(
    ("path", "source", "answer", "expect"),
    [
        (
            "a.py",
            TOTAL,
            "prices: list[float], tax: float = 0.2, *more: int, code: str | None=None) -> float:\n",
            "def total(prices: list[float], tax: float = 0.2, *more: int, code: str | None = None)"
            " -> float:\n    return sum(prices)\n",
        ),
        (
            "a.py",
            "class A:\n    @x\n    def m(self, b, c: int):  # why\n        return self\n",
            'self, b: "A", c: int) -> "A":\n',
            'class A:\n    @x\n    def m(self, b: "A", c: int) -> "A":  # why\n'
            "        return self\n",
        ),
        (
            "a.py",
            "class A:\n    def m(self, b):\n        return self\n",
            "self, b: A) -> A:\n",
            'class A:\n    def m(self, b: "A") -> "A":\n        return self\n',
        ),
        (
            "a.py",
            '"""D."""\nfrom __future__ import annotations\n\nimport os\n\n\n'
            "def f(a):\n    return a\n",
            "a: Callable[[int], Any]) -> Any:\n",
            '"""D."""\nfrom __future__ import annotations\n\nfrom collections.abc import Callable\n'
            "from typing import Any\nimport os\n\n\ndef f(a: Callable[[int], Any]) -> Any:\n"
            "    return a\n",
        ),
        (
            "a.ts",
            "export function f(a, b = 1, ...c) {\n  return a\n}\n",
            "a: string, b: number = 1, ...c: string[]): string {\n",
            "export function f(a: string, b: number = 1, ...c: string[]): string {\n"
            "  return a\n}\n",
        ),
        (
            "a.ts",
            "class A {\n  m(a, b) { return a }\n}\n",
            "a: number, b: (x: number) => void): number {\n",
            "class A {\n  m(a: number, b: (x: number) => void): number { return a }\n}\n",
        ),
        (
            "a.ts",
            "const f = (a) => a\n",
            "a: string): string =>\n",
            "const f = (a: string): string => a\n",
        ),
    ],
)  # fmt: skip
async def test_only_types_are_taken(path: str, source: str, answer: str, expect: str) -> None:
    line = next(n for n, text in enumerate(source.split("\n"), 1) if "(" in text)
    proposal = await _propose(path, source, ScriptedBackend([_rest(answer)]), line)
    assert [r.sentence for r in proposal.refusals] == []
    assert apply_edits(source, proposal.edits) == expect


@pytest.mark.parametrize(
    ("answer", "check", "sentence"),
    [
        ("prices: list, tax: float = 0.5, *more, code=None):\n", "signature", "tax=0.2"),
        ("prices: int, *more, tax=0.2, code=None):\n", "signature", "must keep the names"),
        ("prices: int, tax=0.2, code=None):\n", "signature", "must keep the names"),
        ("prices: Basket, tax=0.2, *more, code=None):\n", "type", "Basket is no type"),
        ("prices: 1, tax=0.2, *more, code=None):\n", "type", "1 is a value"),
        ("prices: Any, tax=0.2, *more, code=None):\n", "type", "Any is not imported"),
        ("prices: eval('x'), tax=0.2, *more, code=None):\n", "signature", "cannot be read"),
        ("prices: list[, tax=0.2, *more, code=None):\n", "signature", "cannot be read"),
        (f"prices: {'list[' * 30}int{']' * 30}, tax=0.2, *more, code=None):\n", "type", "too long"),
    ],
)
async def test_what_is_more_than_types_is_refused(answer: str, check: str, sentence: str) -> None:
    proposal = await _propose("a.py", TOTAL, ScriptedBackend([_rest(answer)]))
    assert proposal.edits == ()
    assert proposal.refusals[0].check == check
    assert sentence in proposal.refusals[0].sentence


async def test_a_type_that_is_not_known_is_left_out_and_said() -> None:
    answer = " List[float], tax: Basket = 0.2, *more, code: str=None) -> float:\n"
    proposal = await _propose("a.py", TOTAL, ScriptedBackend([answer]))
    expect = "def total(prices: list[float], tax=0.2, *more, code: str | None = None) -> float:"
    assert apply_edits(TOTAL, proposal.edits).split("\n")[0] == expect
    (remark,) = proposal.remarks
    assert remark == "tax has no type yet, because Basket is no type that this file knows"


KNOWN = '''"""Ndarray and Basket in words."""
import collections.abc as abc
import os.path
from typing import TYPE_CHECKING, TypeVar
from fractions import (
    Fraction as Share,  # Rational
)
if TYPE_CHECKING:
    from pathlib import Path
T = TypeVar("T")
class Shop:
    class Till: ...
    Key = int
    def find(self, x):
        """x (Ndarray): what."""
        from decimal import Decimal
        return x  # Rational
class Later: ...
Alias = list[int]
text = """
Fake = 1
"""
'''


@pytest.mark.parametrize(
    ("type_", "expect"),
    [
        ("abc.Sized", "abc.Sized"),
        ("os.PathLike[str]", "os.PathLike[str]"),
        ("Share", "Share"),
        ("T", "T"),
        ("Till", "Till"),
        ("Key", "Key"),
        ("list[Shop]", '"list[Shop]"'),
        ("Later | None", '"Later | None"'),
        ("Alias", '"Alias"'),
        ("Path", '"Path"'),
        ('"abc.Sized"', '"abc.Sized"'),
        ("Ndarray", ""),
        ("Basket", ""),
        ("Rational", ""),
        ("Fraction", ""),
        ("Decimal", ""),
        ("find", ""),
        ("Fake", ""),
        ("x", ""),
    ],
)
async def test_a_type_is_known_where_the_function_can_see_it(type_: str, expect: str) -> None:
    source = KNOWN
    line = source.split("\n").index("    def find(self, x):") + 1
    proposal = await _propose("a.py", source, ScriptedBackend([f" {type_}):\n"]), line)
    if not expect:
        assert not proposal.edits
        assert f"{type_} is no type that this file knows" in proposal.refusals[0].sentence
        return
    typed = apply_edits(source, proposal.edits)
    assert typed == source.replace("find(self, x)", f"find(self, x: {expect})")
    exec(typed, {})  # fails where an annotation names what is not there


async def test_the_type_parameters_of_a_function_and_its_class_are_known() -> None:
    source = "class A[K]:\n    def f[T](self, x, y): ...\ndef g[U](): ...\n"
    proposal = await _propose("a.py", source, ScriptedBackend([" K, y: T) -> U:\n"]), 2)
    assert "def f[T](self, x: K, y: T):" in apply_edits(source, proposal.edits)
    assert "U is no type" in proposal.remarks[0]


TYPESCRIPT = """import { Shop, type Item } from 'Gadget'
import * as shop from './shop'
/* a Widget */
export const limits = { low: 1 }
function g<U>(e: HTMLElement, rows: U) { return rows }
class A<K> {
  f<T>(a) { return a }
}
"""


@pytest.mark.parametrize(
    "type_",
    [
        "Shop", "Item", "shop.Till", "K", "T", "HTMLElement", "typeof limits",
        "(first: number, second?: string) => void",
    ],
)  # fmt: skip
async def test_a_typescript_type_may_be_declared_or_used_in_code(type_: str) -> None:
    proposal = await _propose("a.ts", TYPESCRIPT, ScriptedBackend([f" {type_}) {{\n"]), 7)
    assert apply_edits(TYPESCRIPT, proposal.edits) == TYPESCRIPT.replace("(a)", f"(a: {type_})")


@pytest.mark.parametrize("type_", ["Widget", "Gadget", "U", "rows"])
async def test_words_of_comments_and_other_functions_are_no_typescript_types(type_: str) -> None:
    proposal = await _propose("a.ts", TYPESCRIPT, ScriptedBackend([f" {type_}) {{\n"]), 7)
    assert not proposal.edits
    assert f"{type_} is no type" in proposal.refusals[0].sentence


async def test_a_line_of_nothing_but_spaces_and_one_word_is_read_at_once() -> None:
    source = "function f(a) { return a }\n"
    proposal = await _propose("a.ts", source, ScriptedBackend([" number" + " " * 500 + "x\n"]))
    assert proposal.refusals[0].check == "signature"


async def test_an_answer_without_the_line_is_unusable() -> None:
    backend = ScriptedBackend(["x"])
    source = "def total(prices):\n    return 1\n"
    proposal = await _propose("a.py", source, backend)
    assert proposal.refusals[0].check == "signature"


async def test_what_cannot_have_types_is_said_before_the_model_is_asked() -> None:
    backend = ScriptedBackend(["x"])
    for path, source, sentence in (
        ("a.go", "package a\nfunc F(a int) int { return a }\n", "Python and TypeScript only"),
        ("a.py", "x = 1\n", "no function"),
        ("a.py", "def f(a: int) -> int:\n    return a\n", "has all its types"),
        ("a.ts", "const f = x => x\n", "into parentheses first"),
    ):
        with pytest.raises(ReplyUnusable, match=sentence):
            await _propose(path, source, backend, 2 if path == "a.go" else 1)
    assert backend.asked == []


@pytest.mark.model
async def test_the_small_model_adds_types(unread: LlamaCppBackend) -> None:
    def source(name: str) -> str:
        return (
            f"def {name}(words, mark='!'):\n"
            "    return ' '.join(word.upper() for word in words) + mark\n"
        )

    name, proposal = await first_let_through(
        lambda name: _propose("words.py", source(name), unread)
    )
    typed = apply_edits(source(name), proposal.edits)
    assert "mark: str = '!'" in typed
    assert typed.split("\n")[1:] == source(name).split("\n")[1:]


@pytest.mark.parametrize(
    ("path", "source", "line", "reply", "expect"),
    [
        ("a.py", "class Node:\n    def add(self, child=None):\n        return child\n", 2,
         ' "Node" = None) -> None:\n', '    def add(self, child: "Node | None" = None) -> None:'),
        ("a.py", "class Node:\n    def add(self, child):\n        return child\n", 2,
         ' "Node" | None) -> None:\n', '    def add(self, child: "Node | None") -> None:'),
        ("a.py", "class V:\n    def list(self):\n        return 1\n\n    def f(self, a):\n"
         "        return [a]\n", 5, " int) -> list[int]:\n", "    def f(self, a: int):"),
        ("a.py", "def f(a, b='x y'):\n    return a\n", 1, ' int, b: str = "x y") -> int:\n',
         "def f(a: int, b: str = 'x y') -> int:"),
        ("a.ts", "class A {\n  set size(v) {\n    this.a = v\n  }\n}\n", 2,
         " number): void {\n", "  set size(v: number) {"),
        ("a.ts", "class A {\n  private handle = async (a) => {\n    return 1\n  }\n}\n", 2,
         " number): Promise<number> => {\n",
         "  private handle = async (a: number): Promise<number> => {"),
        ("a.ts", "const o = {\n  m: (a) => {\n    return 1\n  },\n}\n", 2,
         " number): number => {\n", "  m: (a: number): number => {"),
    ],
)  # fmt: skip
async def test_what_would_fail_at_import_or_compile_is_written_so_that_it_does_not(
    path: str, source: str, line: int, reply: str, expect: str
) -> None:
    proposal = await _propose(path, source, ScriptedBackend([reply]), line)
    changed = apply_edits(source, proposal.edits)
    assert expect in changed.split("\n")
    if path.endswith(".py"):
        exec(compile(changed, "a.py", "exec"), {})
