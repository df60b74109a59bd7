"""Real VS Code: a report from a file, exact refactorings, a review, and a failing test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import OpenShop
from tests.e2e.shop import CAUSE, FINDING, FIX, report_of
from tests.e2e.vscode_window import Window, until
from tests.repositories import commit, git

pytestmark = pytest.mark.editor
NAMES = (
    ["It adds the tax to a price.\n</think>", "price_with_tax\n"],
    ["It is filled before anything is bought.\n</think>", "Basket\n"],
)
FIXED = "rate = RATES[country.lower()]"
SIGN = "return net - net * rate // 100"
BUG = {"bug": True, "file": "F1", "first_line": 9, "last_line": 9, "cause": "Tax is taken off."}
REVIEWED = ["A price with tax cannot be below the net one.\n</think>", json.dumps(BUG)]
TRAP = "[read on](command:workbench.action.closeWindow)"
TEST = """\
from prices import gross


def test_capitals():
    assert gross(100, "DE") == 119
"""


async def test_a_report_is_chosen_in_the_dialog_for_files(open_shop: OpenShop) -> None:
    window = await open_shop(FINDING)
    (window.folder / "run.log").write_text(report_of(window.folder))
    (window.folder / "empty.log").write_text("\n")
    await window.open("main.py")
    await choose_file(window, "empty.log")
    await window.notification("empty.log is empty").wait_for()
    await choose_file(window, "run.log")
    await window.tree().filter(has_text=CAUSE[:20]).wait_for()
    (found,) = await window.diagnostics("finding")
    assert (found["path"], found["line"]) == ("prices.py", 7)
    await window.shot("21-from-a-file")


async def test_a_rename_from_the_lightbulb_and_the_command_changes_two_files(
    open_shop: OpenShop,
) -> None:
    window = await open_shop(NAMES[0], NAMES[1])
    await window.open("prices.py", 6, 6)
    await (await window.lightbulb("rename “gross” for meaning")).click()
    await window.preview().filter(has_text="cart.py").wait_for()
    await window.shot("22-rename")
    assert await window.has("cart.py", "import gross")
    await window.apply_preview("cart.py", "prices.py")
    await until(lambda: window.has("cart.py", "import price_with_tax"), "the import")
    assert await window.has("cart.py", "sum(price_with_tax(net, self.country)")
    assert await window.has("prices.py", "def price_with_tax(net, country):")
    await window.open("cart.py", 6, 8)
    await refactor(window, "Rename, as the Model Proposes")
    await window.preview().filter(has_text="main.py").wait_for()
    await window.shot("23-rename-by-command")
    await window.apply_preview("cart.py", "main.py")
    await until(lambda: window.has("main.py", "cart = Basket(country)"), "the call")
    assert await window.has("main.py", "import Basket")
    assert await window.has("cart.py", "class Basket:")


async def test_refactorings_are_exact_without_a_model_or_say_why_not(open_shop: OpenShop) -> None:
    window = await open_shop(model="none")
    await window.wait_for_status("Postil: no model")
    await window.open("prices.py", 6, 6)
    await refactor(window, "Change Signature")
    await window.answer("add name=default", "reorder country, net")
    await window.notification("in cart.py would be evaluated in another order").wait_for()
    await window.shot("24-refused")
    await refactor(window, "Change Signature")
    await window.answer("add name=default", "add scale=1")
    await until(lambda: window.has("prices.py", "gross(net, country, scale=1):"), "the parameter")
    await window.open("prices.py", 8, 6)
    await (await window.lightbulb("inline “rate”")).click()
    await until(lambda: window.has("prices.py", "net * RATES[country] // 100"), "the value")
    assert not await window.has("prices.py", "rate =")
    await window.select_lines("main.py", 8, 9)
    await refactor(window, "Extract Function")
    await until(lambda: window.has("main.py", "    extracted("), "the call")
    assert await window.has("main.py", "def extracted(")
    said = window.page.locator(".statusbar-item").filter(has_text="extract extracted from order")
    assert (await said.inner_text()).strip() == "Postil: extract extracted from order (one file)"
    await window.shot("25-extracted")


async def test_a_review_reads_what_changed_since_the_last_commit(open_shop: OpenShop) -> None:
    window = await open_shop(REVIEWED)
    await window.open("prices.py", 9)
    await window.palette("Postil: Review Uncommitted Changes")
    await window.notification("There is no git history here").wait_for()
    git(window.folder, "init", "-q", "-b", "main")
    commit(window.folder, "The shop", {})
    await window.palette("Postil: Review Uncommitted Changes")
    await window.notification("Nothing has changed since the last commit").wait_for()
    await window.select_lines("prices.py", 9, 9)
    await window.host(  # not saved: what is in the editor is what counts
        """await vscode.window.activeTextEditor.edit((edit) =>
            edit.replace(vscode.window.activeTextEditor.selection, given.line));""",
        line=f"    {SIGN}\n",
    )
    await window.open("main.py")  # which has not changed
    await window.palette("Postil: Review Uncommitted Changes")
    problem = window.page.locator(".markers-panel .monaco-list-row").filter(has_text=BUG["cause"])
    await problem.wait_for()
    await window.shot("26-review")
    (found,) = await window.diagnostics("finding")
    assert (found["path"], found["line"], found["message"]) == ("prices.py", 8, BUG["cause"])


async def test_words_of_a_model_are_no_link_in_a_notification(open_shop: OpenShop) -> None:
    sound = {"bug": False, "reason": f"It is right: {TRAP}"}
    window = await open_shop(["It adds the tax.\n</think>", json.dumps(sound)])
    await window.host("void vscode.window.showInformationMessage(given.trap);", trap=f"ours {TRAP}")
    link = "a[href]"
    await window.notification("ours").locator(link).wait_for()  # the editor does make one
    await window.open("prices.py", 6)
    await window.palette("Postil: Find a Bug in the Selection")
    said = window.notification("Postil saw no bug there")
    await said.wait_for()
    await window.shot("29-no-link")
    assert "read on" in await said.inner_text()
    assert await said.locator(link).count() == 0


async def test_what_a_test_run_shows_is_fixed_and_the_test_passes(open_shop: OpenShop) -> None:
    window = await open_shop(FIX)
    failed = run_test(window.folder)
    assert "1 failed" in failed
    await window.open("main.py")
    await window.host("await vscode.env.clipboard.writeText(given.failed);", failed=failed)
    await window.palette("Postil: Fix the Code behind a Failing Test from Clipboard")
    # The file is not open: what is to become of it is shown first.
    await window.diff("lower")
    await window.shot("27-test-fixed")
    assert not await window.has("prices.py", FIXED)
    await window.palette("Postil: Apply This Change")
    await window.page.locator(".tab.dirty").filter(has_text="prices.py").wait_for()
    await window.palette("File: Save All")
    await window.page.locator(".tab.dirty").wait_for(state="detached")
    assert "1 passed" in run_test(window.folder)


async def test_a_test_run_in_the_editor_is_fixed_from_its_own_menu(open_shop: OpenShop) -> None:
    window = await open_shop(FIX, piece_delay_s=0.3)
    failed = run_test(window.folder)
    (window.folder / "run.log").write_text(failed)
    await window.wait_for_status("Postil")
    await window.select_lines("run.log", 1, failed.count("\n"))
    await window.palette("Source Action...")
    row = window.page.locator(".action-widget .monaco-list-row")
    await row.filter(has_text="fix what test_capitals shows").wait_for()
    await window.shot("28-source-actions")
    await row.filter(has_text="fix what test_capitals shows").click()
    await window.notification("Postil: fixing").filter(has_text="thinking").wait_for()
    await window.diff("lower")
    await window.page.keyboard.press("Control+Enter")
    await until(lambda: window.has("prices.py", FIXED), "the fix")


async def choose_file(window: Window, name: str) -> None:
    await window.palette("Postil: Locate Bug from File")
    dialog = window.page.locator(".quick-input-widget:visible").filter(has_text="A bug report")
    file = dialog.locator(".monaco-list-row").filter(has_text=name)
    await file.wait_for()
    await window.shot("20-dialog")
    await file.click()


async def refactor(window: Window, label: str) -> None:
    await window.palette("Postil: Refactor")
    row = window.page.locator(".quick-input-widget .monaco-list-row").filter(has_text=label)
    await row.click()


def run_test(shop: Path) -> str:
    (shop / "test_prices.py").write_text(TEST)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_prices.py"],
        cwd=shop, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ran.stdout
