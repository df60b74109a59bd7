"""Real VS Code, our extension, the real server: what a person does, by keys and on screen."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.conftest import OpenShop
from tests.e2e.shop import (
    CAUSE,
    FINDING,
    FIX,
    HOSTILE_FINDING,
    ONE_FILE,
    TWO_FILES,
    report_of,
)
from tests.e2e.vscode_window import Window, until
from tests.models.weights import models_folder

pytestmark = pytest.mark.editor
SHOWN_DOCUMENT = """
const {document} = vscode.window.activeTextEditor;
const links = await vscode.commands.executeCommand('vscode.executeLinkProvider', document.uri);
return {scheme: document.uri.scheme, text: document.getText(),
    links: links.map((l) => ({target: String(l.target), line: l.range.start.line}))};
"""
MODEL_S = 240.0  # on two busy cores
FIXED = "rate = RATES[country.lower()]"


async def locate(window: Window) -> None:
    """As a person does who has copied a traceback."""
    report = report_of(window.folder)
    await window.host("await vscode.env.clipboard.writeText(given.report);", report=report)
    await window.palette("Postil: Locate Bug from Clipboard")


async def test_a_report_leads_to_suspects_a_finding_its_reasoning_and_a_fix(
    open_shop: OpenShop,
) -> None:
    window = await open_shop(FINDING, FIX)
    await window.open("main.py", 3)
    await window.wait_for_status("Postil")
    await window.shot("1-before")
    await locate(window)
    finding = window.tree().filter(has_text=CAUSE[:20])
    await finding.wait_for()
    suspects = {d["path"] for d in await window.diagnostics("suspect")}
    assert {"prices.py", "cart.py", "main.py"} <= suspects
    (found,) = await window.diagnostics("finding")
    assert (found["path"], found["line"], found["message"]) == ("prices.py", 7, CAUSE)
    first = window.tree().filter(has_text="1. gross")
    await first.wait_for()
    # The keyboard is on the rows since the first answer: to the finding, down, open its reasons,
    # go there.
    await window.page.locator(".part.sidebar .monaco-list:focus-within").wait_for()
    await window.page.keyboard.press("Home")
    await window.page.keyboard.press("ArrowDown")
    await window.page.keyboard.press("ArrowRight")
    await window.tree().filter(has_text="the innermost frame of the trace").wait_for()
    await window.shot("2-suspects")
    await window.page.keyboard.press("Enter")
    assert await window.until(
        "return vscode.window.activeTextEditor?.document.fileName.endsWith('prices.py')",
        "the suspect's file",
    )
    await window.open("prices.py", 8, 12)
    await window.palette("Show or Focus Hover")
    hover = window.page.locator(".monaco-hover:visible").filter(has_text="Cause, as the model")
    await hover.wait_for()
    await window.shot("3-hover")
    words = re.sub(r"\s+", " ", await hover.inner_text())
    assert CAUSE in words
    assert "Reasoning (elicited" in words
    assert "lookup.py [not shown]" in words
    await window.page.keyboard.press("Escape")
    await window.palette("Postil: Show Full Trace")
    await window.page.locator(".tab.active").filter(has_text="Reasoning").wait_for()
    await window.page.locator(".detected-link").first.wait_for()
    await window.shot("3-trace")
    await window.palette("View: Close Editor")
    await window.open("prices.py", 8, 12)
    fix = await window.lightbulb("Postil: fix")
    await window.shot("4-actions")
    await fix.click()
    await until(lambda: window.has("prices.py", FIXED), "the fix in the editor")
    await window.shot("5-fixed")
    await window.page.keyboard.press("Control+z")
    await until(lambda: window.has("prices.py", "RATES[country]\n"), "the fix to be undone")


async def test_the_whole_trace_is_read_only_and_its_links_are_the_servers(
    open_shop: OpenShop,
) -> None:
    window = await open_shop(HOSTILE_FINDING)
    await window.open("main.py")
    await locate(window)
    await window.diagnostics("finding")
    await window.open("prices.py", 8, 12)
    await window.palette("Show or Focus Hover")
    hover = window.page.locator(".monaco-hover:visible").filter(has_text="evil.example")
    await hover.wait_for()
    assert await hover.locator('a[href*="evil"], a[data-href*="evil"], img').count() == 0
    await window.page.keyboard.press("Escape")
    await window.palette("Postil: Show Full Trace")
    await window.page.locator(".tab.active").filter(has_text="Reasoning").wait_for()
    trace = await window.host(SHOWN_DOCUMENT)
    await window.shot("10-hostile-trace")
    assert trace["scheme"] == "postil-trace"
    assert "evil.example" in trace["text"]
    targets = [link["target"] for link in trace["links"]]
    assert any(target.endswith("/prices.py#L8") for target in targets)
    assert not any("evil" in target or "lookup.py" in target for target in targets)
    await window.page.keyboard.type("x")
    assert (await window.host(SHOWN_DOCUMENT))["text"] == trace["text"]
    await window.open("prices.py", 8)
    await window.palette("Postil: Why These Files")
    receipt = await window.until(
        "return vscode.workspace.textDocuments.find((d) => d.uri.scheme === 'postil-receipt')"
        "?.getText();",
        "the receipt",
    )
    assert "prices.py" in receipt
    # The code of the finding in Problems leads to the same text, with the same links.
    await window.host(
        """const diagnostics = vscode.languages.getDiagnostics().flatMap(([, all]) => all);
        const finding = diagnostics.find((d) => d.code.value === 'finding');
        await vscode.window.showTextDocument(finding.code.target);"""
    )
    assert (await window.host(SHOWN_DOCUMENT))["links"] == trace["links"]


async def test_a_change_over_two_files_is_previewed_applied_and_undone(
    open_shop: OpenShop,
) -> None:
    window = await open_shop(TWO_FILES)
    await window.select_lines("prices.py", 6, 9)
    await window.palette("Postil: Change Selection as I Say")
    await window.answer("What is to be changed?", "call it with_tax")
    await window.preview().filter(has_text="cart.py").wait_for()
    await window.shot("6-refactor-preview")
    assert "with_tax" not in await window.text("cart.py")
    await window.apply_preview("cart.py", "prices.py")
    await until(lambda: window.has("cart.py", "with_tax(net"), "the change in the caller")
    assert "def with_tax" in await window.text("prices.py")
    await window.open("prices.py", 6)
    await window.page.keyboard.press("Control+z")
    in_both = window.page.locator(".monaco-dialog-box .monaco-button").filter(has_text="2 Files")

    async def undone() -> bool:
        if await in_both.count():  # the editor may ask whether both are meant
            await in_both.click()
        return await window.has("cart.py", "sum(gross(net")

    await until(undone, "the change to be undone")
    assert "def gross" in await window.text("prices.py")


async def test_a_change_in_my_words_is_a_diff_before_it_lands(open_shop: OpenShop) -> None:
    window = await open_shop(ONE_FILE, ONE_FILE)
    await window.select_lines("prices.py", 6, 9)
    await window.palette("Postil: Change Selection as I Say")
    await window.answer("What is to be changed?", "look countries up in small letters")
    diff = await window.diff("lower")
    await window.wait_for_status("Postil")  # it is the person who is thinking now
    await window.shot("7-diff")
    assert FIXED not in await window.text("prices.py")
    await window.palette("Postil: Discard This Change")
    await diff.wait_for(state="detached")
    await window.notification("it was discarded").wait_for()
    assert FIXED not in await window.text("prices.py")
    # The same from the lightbulb, where a comment says what to change.
    await window.open("prices.py", 8)
    await window.host(  # not typed, which would indent the line below
        """const {document} = vscode.window.activeTextEditor, edit = new vscode.WorkspaceEdit();
        edit.insert(document.uri, new vscode.Position(7, 0), given.comment);
        await vscode.workspace.applyEdit(edit);""",
        comment="    # postil: look countries up in small letters\n",
    )
    await window.select_lines("prices.py", 6, 10)
    await (await window.lightbulb("as I say")).click()
    diff = await window.diff("lower")
    await window.page.keyboard.press("Control+Enter")
    await until(lambda: window.has("prices.py", FIXED), "the change to land")
    await diff.wait_for(state="detached")


async def test_a_report_is_written_sent_by_a_key_and_stopped(open_shop: OpenShop) -> None:
    slow = [" ".join(f"thought{number}" for number in range(800))]  # no loop, which would be cut
    window = await open_shop(slow, piece_delay_s=0.4)
    await window.open("main.py")
    await window.palette("Postil: Locate Bug from Text")
    await window.page.locator(".tab.active").filter(has_text="Bug report.txt").wait_for()
    await window.page.keyboard.type("order() fails for Germany\nKeyError: 'DE' in gross\n")
    await window.page.locator(".codelens-decoration").filter(has_text="Ctrl+Enter").wait_for()
    await window.shot("8-report")
    await window.page.keyboard.press("Control+Enter")
    await window.wait_for_status("Postil: thinking")
    progress = window.notification("Postil: locating the bug")
    await progress.filter(has_text="thinking").wait_for()
    await window.shot("9-thinking")
    await window.tree().filter(has_text="gross").first.wait_for()
    await progress.locator(".monaco-button").filter(has_text="Cancel").click()
    await progress.wait_for(state="detached")
    await window.wait_for_status("Postil")
    await window.page.locator(".part.sidebar").filter(has_text="The search was stopped").wait_for()
    assert await window.tree().filter(has_text="gross").count() >= 1


async def test_what_a_terminal_and_a_selection_say_is_a_report(open_shop: OpenShop) -> None:
    window = await open_shop(FINDING, FINDING)
    await window.host(
        """const terminal = vscode.window.createTerminal({name: 'sh', shellPath: '/bin/sh',
            cwd: folder.fsPath, env: {PS1: '$ '}});
        terminal.show(); terminal.sendText(given.command);""",
        command=f"{json.dumps(str(_python()))} main.py",
    )
    await window.page.locator(".xterm-rows").filter(has_text="KeyError: 'DE'").wait_for()
    await window.host("await vscode.env.clipboard.writeText('mine');")
    await window.palette("Postil: Locate Bug from Terminal")
    await window.tree().filter(has_text="1. gross").wait_for()
    assert await window.host("return await vscode.env.clipboard.readText();") == "mine"
    await window.palette("Postil: Clear Findings")
    await window.tree().first.wait_for(state="detached")
    await window.select_lines("main.py", 6, 10)
    await window.palette("Postil: Locate Bug from Selection")
    await window.tree().filter(has_text="order").first.wait_for()


async def test_the_menu_sets_how_long_the_model_may_think(open_shop: OpenShop) -> None:
    window = await open_shop(model="none")
    await window.wait_for_status("Postil: no model")
    await window.palette("Postil: Menu")
    entry = window.page.locator(".quick-input-widget .monaco-list-row")
    await entry.filter(has_text="Doctor").wait_for()
    await window.shot("15-menu")
    await entry.filter(has_text="Effort").click()
    await entry.filter(has_text="deep").click()
    await window.until(
        """const status = await vscode.commands.executeCommand('postil.status', {});
        return status.effort === 'deep';""",
        "the server to know of it",
    )


@pytest.mark.model
async def test_the_real_small_model_finds_something_and_shows_its_reasoning(
    open_shop: OpenShop,
) -> None:
    window = await open_shop(
        model="qwen2.5-coder-0.5b",
        models_dir=str(models_folder()),
        effort="quick",
        context_tokens=600,
    )
    await window.open("main.py")
    await locate(window)
    (found,) = await window.diagnostics("finding", MODEL_S)
    await window.open(found["path"], found["line"] + 1, 6)
    hovers = await window.host(
        """const uri = vscode.window.activeTextEditor.document.uri;
        const at = vscode.window.activeTextEditor.selection.active;
        const all = await vscode.commands.executeCommand('vscode.executeHoverProvider', uri, at);
        return all.flatMap((h) => h.contents.map((c) => c.value ?? c)).join('\\n');"""
    )
    assert "Reasoning (elicited" in hovers
    assert "SHA-256" in hovers


def _python() -> Path:
    import sys

    return Path(sys.executable)
