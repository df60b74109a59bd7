"""Signals beyond words: what each adds for a report made for it, and the reason it gives."""

from __future__ import annotations

import json
from pathlib import Path

from context.evidence import Evidence, Signal
from context.evidence.diagnostics import OtherDiagnostic
from context.suspects import Located
from context.workspace import Workspace
from tests.context.conftest import OpenWorkspace

SHOP = {
    "shop/base.py": "class Cart:\n    def check_out(self):\n        raise NotImplementedError\n",
    "shop/cart.py": (
        "from shop.base import Cart\nfrom shop.money import round_up\n\n\n"
        "class PaidCart(Cart):\n    def check_out(self):\n        return round_up(1)\n"
    ),
    "shop/money.py": (
        "def round_up(x):\n    y = x + 1\n    return y\n\n\ndef floor(x):\n    return x\n"
    ),
    "shop/web.py": (
        "from shop.money import round_up\n\n\n"
        "def serve():\n    page = 1\n    return round_up(page)\n"
    ),
    "tests/test_cart.py": (
        "from shop.cart import PaidCart\nfrom shop.money import floor\n\n\n"
        "def test_paid():\n    assert PaidCart().check_out() == 1\n\n\n"
        "def test_floor():\n    assert floor(1) == 1\n"
    ),
}


async def _shop(root: Path, open_workspace: OpenWorkspace) -> Workspace:
    for path, text in SHOP.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    workspace = await open_workspace()
    await workspace.index(lambda _: None)
    return workspace


def _of(located: Located, signal: Signal) -> dict[tuple[str, str | None], Evidence]:
    return {(e.path, e.symbol): e for s in located.suspects for e in s.evidence
            if e.signal is signal}  # fmt: skip


async def test_callers_bases_and_imports_are_reasons(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    workspace = await _shop(root, open_workspace)
    located = await workspace.locate("`round_up` gives 2 for 1")
    callers = _of(located, Signal.CALLER)
    assert {s for _, s in callers} == {"serve", "PaidCart.check_out"}
    assert "calls round_up" in callers["shop/web.py", "serve"].detail
    located = await workspace.locate("PaidCart.check_out is wrong")
    bases = _of(located, Signal.BASE)
    assert "Cart is a base of PaidCart" in bases["shop/base.py", "Cart.check_out"].detail
    imports = _of(located, Signal.IMPORT)
    assert "shop/cart.py" in imports["shop/money.py", None].detail


async def test_methods_of_a_named_type_are_reasons(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    workspace = await _shop(root, open_workspace)
    members = _of(await workspace.locate("`PaidCart` is slow"), Signal.MEMBER)
    assert list(members) == [("shop/cart.py", "PaidCart.check_out")]
    said = members["shop/cart.py", "PaidCart.check_out"].detail
    assert said == "a method of PaidCart, which the report names"
    assert not _of(await workspace.locate("`round_up` gives 2 for 1"), Signal.MEMBER)


async def test_what_a_failing_test_calls_is_suspect(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    workspace = await _shop(root, open_workspace)
    located = await workspace.locate("FAILED tests/test_cart.py::test_floor - assert 0 == 1")
    assert located.suspects[0].symbol == "floor"
    assert "the failing test test_floor calls it" in {
        e.detail for e in located.suspects[0].evidence
    }
    snippets = await workspace.snippets(
        located.suspects, "FAILED tests/test_cart.py::test_floor - assert 0 == 1"
    )
    (test,) = [s for s in snippets if s.role == "test"]
    assert test.symbol == "test_floor"
    assert test.reason == "the test test_floor fails, says the report"


async def test_code_that_only_failing_tests_run_is_suspect(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    workspace = await _shop(root, open_workspace)
    contexts = {"2": ["tests.test_cart.test_paid"], "3": ["tests.test_cart.test_paid"],
                "7": ["tests.test_cart.test_floor"]}  # fmt: skip
    money = {"executed_lines": [1, 2, 3, 6, 7], "contexts": contexts}
    (root / "coverage.json").write_text(json.dumps({"files": {"shop/money.py": money}}))
    located = await workspace.locate("FAILED tests/test_cart.py::test_paid - a sum is wrong")
    ran = _of(located, Signal.COVERAGE)
    assert ran["shop/money.py", "round_up"].strength == 1.0
    assert ran["shop/money.py", "round_up"].detail == (
        "1 failing and 0 other tests ran it, says coverage.json"
    )
    assert ("shop/money.py", "floor") not in ran
    (root / "coverage.json").write_text("{")  # damaged: as if it were not there
    located = await workspace.locate("FAILED tests/test_cart.py::test_paid - a sum is wrong")
    assert not _of(located, Signal.COVERAGE)


async def test_what_other_servers_say_is_a_reason(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    workspace = await _shop(root, open_workspace)
    other = OtherDiagnostic(
        "shop/web.py", 6, "Argument 1 has the wrong type", "pyright", is_error=True
    )
    gone = OtherDiagnostic("shop/gone.py", 6, "anything", "pyright", is_error=True)
    located = await workspace.locate("serving a page fails", diagnostics=[other, gone])
    found = _of(located, Signal.DIAGNOSTIC)
    assert found["shop/web.py", "serve"].detail == "pyright: Argument 1 has the wrong type"
    assert all(path != "shop/gone.py" for path, _ in found)


async def test_the_window_has_callees_heads_callers_and_tests(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    many = "".join(f"def step_{n}(\n    x,\n):\n    return x + {n}\n\n\n" for n in range(8))
    calls = "".join(f"    step_{n}(1)\n" for n in range(8))
    (root / "steps.py").write_text(many)
    (root / "run.py").write_text(f"from steps import *\n\n\ndef run_all():\n{calls}")
    (root / "main.py").write_text("from run import run_all\n\n\ndef main():\n    run_all()\n")
    (root / "tests").mkdir()
    (root / "tests" / "test_run.py").write_text(
        "from run import run_all\n\n\ndef test_run():\n    run_all()\n"
    )
    workspace = await open_workspace()
    await workspace.index(lambda _: None)
    located = await workspace.locate("`run_all` does nothing")
    suspects = [s for s in located.suspects if s.symbol == "run_all"]
    found = await workspace.snippets(suspects, "`run_all` does nothing")
    by_symbol = {s.symbol: s for s in found}
    assert by_symbol["step_0"].text.endswith("return x + 0")
    assert by_symbol["step_7"].text == "def step_7(\n    x,\n):"
    assert by_symbol["step_7"].reason == "head only: called by run_all"
    assert by_symbol["main"].reason == "calls run_all"
    assert by_symbol["test_run"].reason == "tests run_all"
    assert [s.role for s in found] == sorted(
        (s.role for s in found), key=["suspect", "related", "test"].index
    )
