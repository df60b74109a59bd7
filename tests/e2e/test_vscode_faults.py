"""Real VS Code when something is wrong: no server, a killed one, a folder that is not trusted."""

from __future__ import annotations

import json
import os
import re
import signal

import pytest

from tests.e2e.conftest import OpenShop
from tests.e2e.shop import FINDING
from tests.e2e.test_vscode import locate
from tests.e2e.vscode_window import SERVER, Window, until

pytestmark = pytest.mark.editor


async def test_without_a_server_one_sentence_says_what_to_do(open_shop: OpenShop) -> None:
    window = await open_shop(server_command=["/nowhere/postil", "serve"])
    await window.wait_for_status("Postil: no server")
    said = window.notification("/nowhere/postil, named in the setting postil.server_command")
    await said.wait_for()
    await window.shot("11-no-server")
    await said.locator(".monaco-button").filter(has_text="Open Setting").click()
    setting = window.page.locator(".settings-editor .setting-item")
    await setting.filter(has_text="How to start the server").wait_for()
    await window.shot("12-setting")
    await window.host(
        """await vscode.workspace.getConfiguration('postil').update('server_command',
            given.command, vscode.ConfigurationTarget.Global);""",
        command=SERVER,
    )
    await window.wait_for_status("Postil")


async def test_a_killed_server_is_started_again_but_not_for_ever(open_shop: OpenShop) -> None:
    window = await open_shop(FINDING)
    pid = 0
    for _ in range(3):
        pid = await _other_server(window, pid)
        await window.wait_for_status("Postil")
        os.kill(pid, signal.SIGKILL)
    pid = await _other_server(window, pid)
    await window.wait_for_status("Postil")
    await window.open("main.py")
    await locate(window)  # the one that was started last works
    await window.diagnostics("finding")
    os.kill(pid, signal.SIGKILL)
    await window.wait_for_status("Postil: server ended")
    ended = window.notification("has ended 4 times within three minutes")
    await ended.wait_for()
    await window.shot("13-server-ended")
    await ended.locator(".monaco-button").filter(has_text="Start Again").click()
    await window.wait_for_status("Postil")
    assert await window.server_pid() != pid


async def test_a_folder_that_is_not_trusted_works_without_its_settings(
    open_shop: OpenShop,
) -> None:
    window = await open_shop(FINDING, trusted=False)
    settings = window.folder / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"postil.effort": "deep", "postil.model": "none"}))
    await window.page.locator(".statusbar-item").filter(has_text="Restricted Mode").wait_for()
    await window.wait_for_status("Postil")
    await window.open("main.py")
    await locate(window)
    await window.tree().filter(has_text="1. gross").wait_for()
    await window.diagnostics("finding")
    await window.shot("14-restricted")
    effective = """const settings = vscode.workspace.getConfiguration('postil');
        return {trusted: vscode.workspace.isTrusted, effort: settings.get('effort'),
            usesModel: settings.get('model') !== 'none'};"""
    before = await window.host(effective)
    assert before == {"trusted": False, "effort": "normal", "usesModel": True}
    await window.palette("Workspaces: Manage Workspace Trust")
    trust = window.page.locator(".workspace-trust-editor .monaco-button")
    await trust.filter(has_text=re.compile("^Trust$")).click()
    await window.until("return vscode.workspace.isTrusted;", "trust to be granted")
    await window.until(
        "return vscode.workspace.getConfiguration('postil').get('effort') === 'deep';",
        "the folder's own effort",
    )
    assert (await window.host(effective))["usesModel"]  # a model is never the folder's choice


async def _other_server(window: Window, than: int) -> int:
    async def another() -> int:
        pid = await window.server_pid()
        return pid if pid != than else 0

    return await until(another, "another server")
