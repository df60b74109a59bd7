"""Signals beyond words: what each adds for a report made for it, and the reason it gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


JEST = """const { add, sub } = require('../src/sum');

test('adds two numbers', () => {
  expect(add(1, 1)).toBe(2);
});

test('subtracts', () => {
  expect(sub(1, 1)).toBe(0);
});
"""
RSPEC = """describe User do
  it "is saved" do
    expect(User.new.save_it).to be true
  end

  it "runs" do
    expect(User.new.run_it).to be true
  end
end
"""


@pytest.mark.parametrize(
    ("report", "called", "others", "shown"),
    [
        (" FAIL  spec/sum.test.js\n  ● adds two numbers", "add", {"sub"}, (3, 6)),
        (" FAIL  spec/sum.test.js\n  ● sums", "add", set(), (1, 10)),  # too short for the index
        ("rspec ./spec/user_spec.rb:2 # it fails", "User.save_it", {"User.run_it"}, (2, 5)),
        ("rspec ./spec/user_spec.rb:7 # it fails", "User.run_it", {"User.save_it"}, (6, 10)),
    ],
)
async def test_a_test_that_is_a_block_is_found_as_functions_are(
    root: Path,
    open_workspace: OpenWorkspace,
    report: str,
    called: str,
    others: set[str],
    shown: tuple[int, int],
) -> None:
    files = {
        "src/sum.js": (
            "function add(a, b) {\n  return a;\n}\nfunction sub(a, b) {\n  return a;\n}\n"
            "module.exports = { add, sub };\n"
        ),
        "app/user.rb": (
            "class User\n  def save_it\n    1\n  end\n\n  def run_it\n    2\n  end\nend\n"
        ),
        "spec/sum.test.js": JEST,
        "spec/user_spec.rb": RSPEC,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    workspace = await open_workspace()
    await workspace.index(lambda _: None)
    located = await workspace.locate(report)
    symbols = {symbol for _, symbol in _of(located, Signal.TEST)}
    assert called in symbols
    assert not others & symbols
    (test,) = [
        s for s in await workspace.snippets(located.suspects[:1], report) if s.role == "test"
    ]
    assert (test.start_line, test.end_line) == shown


async def test_a_frame_in_a_library_is_none_in_a_file_of_that_name(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    for path in (
        "app/models.py",
        "app/views.py",
        "src/panic.go",
        "six.py",
        "app/java/ArrayList.java",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x = 1\ny = 2\n")
    workspace = await open_workspace()
    await workspace.index(lambda _: None)

    async def frames(report: str) -> set[str]:
        found = _of(await workspace.locate(f"Title\n{report}"), Signal.FRAME)
        return {path for path, _ in found}

    packages = "/usr/lib/python3.11/site-packages"
    for foreign in (
        f'  File "{packages}/requests/models.py", line 2, in f',
        '  File "C:\\Python311\\Lib\\views.py", line 2, in f',
        '  File "/srv/other/models.py", line 30, in f',
        "goroutine 1 [running]:\npanic(0x1)\n\t/usr/local/go/src/runtime/panic.go:2 +0x1",
        "\tat java.util.ArrayList.get(ArrayList.java:2)",
    ):
        assert await frames(foreign) == set(), foreign
    for own, path in (
        (f'  File "{packages}/app/models.py", line 2, in f', "app/models.py"),
        (f'  File "{packages}/six.py", line 2, in f', "six.py"),
        ('  File "/home/u/proj/app/models.py", line 2, in f', "app/models.py"),
        ('  File "/home/u/proj/lib/app/models.py", line 900, in f', "app/models.py"),
        ('  File "models.py", line 2, in f', "app/models.py"),
    ):
        assert await frames(own) == {path}, own


async def test_a_test_of_the_same_name_in_another_file_does_not_fail(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    workspace = await _shop(root, open_workspace)
    contexts = {"2": ["tests.test_cart.test_paid"], "7": ["tests/test_web.py::test_paid|run"]}
    money = {"executed_lines": [2, 7], "contexts": contexts}
    (root / "coverage.json").write_text(json.dumps({"files": {"shop/money.py": money}}))
    located = await workspace.locate("FAILED tests/test_cart.py::test_paid - a sum is wrong")
    assert {s for _, s in _of(located, Signal.COVERAGE)} == {"round_up", None}
    located = await workspace.locate("--- FAIL: test_paid (0.00s)\na sum is wrong")
    assert {s for _, s in _of(located, Signal.COVERAGE)} == {"round_up", "floor", None}


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
