"""Real VS Code tries to reach no network: its extension host, our server, and all that they start.

strace follows code-server from its start, so that whatever runs in it is seen, whether it gets
through or not. The page's own requests are refused and counted for all tests (conftest.py).
"""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path

import pytest

from lsp.offline import trace as strace
from tests.e2e.setup_vscode import PLUGIN, Editor
from tests.e2e.shop import CAUSE, FINDING, FIX, make_shop, scripted
from tests.e2e.test_vscode import locate
from tests.e2e.vscode_window import Window, until, vscode

pytestmark = pytest.mark.editor
MODULES = {"child_process", "crypto", "fs", "net", "os", "path", "readline", "util", "vscode"}
INTERNET = re.compile(r"\b(?:AF|PF)_INET6?\b")
# What leaves: a listener, and asking a socket of one's own for its name, do not.
LEAVING = re.compile(r"(?:connect|sendto|sendmsg|sendmmsg)\(")
# TEST-NET-1 belongs to nobody (RFC 5737). Connecting a datagram socket sends nothing, and may fail:
# that it is tried is what is to be seen.
CONTROL = "192.0.2.1"
BY_HOST = """
const socket = process.getBuiltinModule('node:dgram').createSocket('udp4');
await new Promise((resolve) => socket.connect(9, given.address, resolve));
socket.close();
"""
BY_CHILD = """
const code = 'import socket; socket.socket(type=socket.SOCK_DGRAM).connect_ex(("%s", 9))';
const {execFileSync} = process.getBuiltinModule('node:child_process');
execFileSync(given.python, ['-c', code.replace('%s', given.address)]);
"""


async def test_nothing_of_it_tries_to_reach_a_network(
    editor: Editor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = strace.strace_program()
    if program is None:
        pytest.skip("strace is not installed (Debian: apt-get install strace)")
    home = tmp_path_factory.mktemp("net")
    calls = home / "calls"
    async with vscode(editor, home, lambda command: strace.traced(program, command, calls)) as code:
        model = scripted(home / "replies.json", FINDING, FIX)
        window = await code.window(make_shop(home / "shop"), model=model)
        with contextlib.closing(window):
            await _from_a_report_to_a_fix(window)
            assert _sent(calls) == []
            assert '"-m", "lsp", "serve"]' in calls.read_text()  # it did follow
            # What is tried is seen, of the extension host itself and of what it starts.
            host = await window.host("return process.pid;")
            await window.host(BY_HOST, address=CONTROL)
            (by_host,) = _sent(calls)
            assert (by_host.pid, CONTROL in by_host.call) == (host, True)
            await window.host(BY_CHILD, address=CONTROL, python=sys.executable)
            _, by_child = _sent(calls)
            assert CONTROL in by_child.call
            assert by_child.command.startswith(sys.executable)
            await window.shot("30-offline")
        assert code.outside == []


def _sent(calls: Path) -> list[strace.Attempt]:
    """What was connected or sent to an address of the internet's, this machine's own included."""
    lines = calls.read_text().split("\n")
    return [a for a in strace.attempts(lines) if INTERNET.search(a.call) and LEAVING.match(a.call)]


async def _from_a_report_to_a_fix(window: Window) -> None:
    """From a report to a fix, with the hover, the trace and the doctor."""
    await window.open("main.py")
    await locate(window)
    await window.diagnostics("finding")
    await window.open("prices.py", 8, 12)
    await window.palette("Show or Focus Hover")
    await window.page.locator(".monaco-hover:visible").filter(has_text=CAUSE).wait_for()
    await window.page.keyboard.press("Escape")
    await window.palette("Postil: Show Full Trace")
    await window.page.locator(".tab.active").filter(has_text="Reasoning").wait_for()
    await window.palette("View: Close Editor")
    await window.open("prices.py", 8, 12)
    await (await window.lightbulb("Postil: fix")).click()
    await until(lambda: window.has("prices.py", "country.lower()"), "the fix")
    await window.palette("Postil: Doctor")
    await window.until(
        "return vscode.workspace.textDocuments.some((d) => d.uri.path === '/Doctor');",
        "what the doctor says",
    )


def test_the_extension_has_no_way_to_a_network() -> None:
    code = (PLUGIN / "dist" / "extension.js").read_text("utf-8")
    required = {name.removeprefix("node:") for name in re.findall(r'require\("([^"]+)"\)', code)}
    # net is there for language servers behind a socket; this one is a child with pipes.
    assert required <= MODULES
    assert not re.search(
        r"(?<!\.)\bfetch\(|XMLHttpRequest|WebSocket|sendTelemetry|TelemetryLogger", code
    )
