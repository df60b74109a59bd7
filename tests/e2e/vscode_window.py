"""A real VS Code for tests: one code-server, one Chromium, a window for each folder.

Drives it two ways: by the page, as a person would (keys, what is on the screen), and by a script in
the extension host (the editor's own interface). Waits for what it wants to see, never for time.
It connects to this machine alone: Chromium resolves no other name.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, async_playwright
from playwright.async_api import TimeoutError as PageTimeoutError

from tests.e2e.setup_vscode import VSIX, Editor

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PICTURES = ROOT / "build" / "pictures" / "vscode"
SERVER = [sys.executable, "-P", "-m", "lsp", "serve"]
TIMEOUT_S = 60.0
PRESS_S = 4.0  # seconds until a key is pressed again
PRESSES = 8
SIZE = {"width": 1180, "height": 720}
QUIET = {
    "security.workspace.trust.enabled": True,
    "security.workspace.trust.banner": "never",
    "security.workspace.trust.startupPrompt": "never",
    "workbench.startupEditor": "none",
    "workbench.enableExperiments": False,
    "workbench.tips.enabled": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.layoutControl.enabled": False,
    "window.commandCenter": False,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoCheckUpdates": False,
    "extensions.autoUpdate": False,
    "extensions.ignoreRecommendations": True,
    "chat.disableAIFeatures": True,
    "git.enabled": False,
    "npm.autoDetect": "off",
    "files.autoSave": "off",
    "editor.hover.delay": 100,
    "editor.minimap.enabled": False,
    "editor.inlayHints.enabled": "off",
    "breadcrumbs.enabled": False,
    "terminal.integrated.gpuAcceleration": "off",  # its text is then in the page
}
CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
    # Chromium's own look-ups end inside its process.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


@dataclass
class VSCode:
    """The running editor; `window` opens a folder in it."""

    home: Path
    url: str
    page: Page
    process: asyncio.subprocess.Process
    outside: list[str] = field(
        default_factory=list
    )  # addresses that the page asked for, all refused

    async def window(self, folder: Path, *, trusted: bool = True, **settings: object) -> Window:
        """Open a folder with the given `postil.` settings, which are the machine's."""
        machine = {"postil.server_command": SERVER}
        machine.update({f"postil.{name}": value for name, value in settings.items()})
        _write_json(self.home / "user" / "Machine" / "settings.json", machine)
        quiet = {**QUIET, "security.workspace.trust.enabled": not trusted}
        _write_json(self.home / "user" / "User" / "settings.json", quiet)
        await self.page.goto(f"{self.url}/?folder={folder}")
        window = Window(self, folder)
        await self.page.locator(".monaco-workbench").wait_for()
        await window.connect()
        return window


class Window:
    """One folder in the editor."""

    def __init__(self, code: VSCode, folder: Path) -> None:
        self.code = code
        self.page = code.page
        self.folder = folder

    # --- by a script in the extension host ------------------------------------------------------

    async def connect(self) -> None:
        socket = self.code.home / "sockets" / f"{self.folder.name}.sock"

        async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
            with contextlib.suppress(OSError):  # not there, or bound and not yet listening
                return await asyncio.open_unix_connection(socket, limit=1 << 26)
            return None

        self._reader, self._writer = await until(connected, "the extension host to start")

    async def host(self, body: str, **given: object) -> Any:
        """Run a function's body with `vscode`, `folder` (its URI) and `given`; what it returns."""
        message = json.dumps({"body": body, "given": given}).encode() + b"\n"
        self._writer.write(message)
        await self._writer.drain()
        line = await asyncio.wait_for(self._reader.readline(), TIMEOUT_S)
        answer = json.loads(line)
        assert "error" not in answer, answer
        return answer["result"]

    async def until(self, body: str, what: str, **given: object) -> Any:
        """The first result of a body that is neither false, null, 0 nor empty."""
        return await until(lambda: self.host(body, **given), what)

    async def diagnostics(self, code: str, timeout_s: float = TIMEOUT_S) -> list[dict[str, Any]]:
        """Postil's, once there are any: path, line (0-based), message, severity."""
        return await until(
            lambda: self.host(
                """return vscode.languages.getDiagnostics().flatMap(([uri, all]) => all
                .filter((d) => d.source === 'postil' && (d.code.value ?? d.code) === given.code)
                .map((d) => ({path: vscode.workspace.asRelativePath(uri), line: d.range.start.line,
                    message: d.message, severity: d.severity})));""",
                code=code,
            ),
            f"a diagnostic of the kind {code}",
            timeout_s,
        )

    async def text(self, name: str) -> str:
        """A file's text as the editor has it, saved or not."""
        return await self.host(
            """const uri = vscode.Uri.joinPath(folder, given.name);
            return (await vscode.workspace.openTextDocument(uri)).getText();""",
            name=name,
        )

    async def has(self, name: str, words: str) -> bool:
        return words in await self.text(name)

    async def server_pid(self) -> int:
        """The language server that this window started."""
        return await until(lambda: _server_of(self.code.process.pid), "the server to run")

    # --- by the page ------------------------------------------------------------------------------

    async def palette(self, title: str) -> None:
        """Run a command by its title, as in the palette.

        The palette closes when something else takes the keyboard, such as a file that is just
        being opened, and an open one does not offer what has become possible since; a person then
        presses the key again, and so does this.
        """
        rows = self.page.locator(".quick-input-widget .monaco-list-row").filter(has_text=title)
        for _ in range(PRESSES):
            await self.page.keyboard.press("F1")
            with contextlib.suppress(PageTimeoutError):
                await self._fill(f">{title}", PRESS_S)
                await rows.first.wait_for(timeout=1_000 * PRESS_S)
                await rows.first.click(timeout=1_000 * PRESS_S)
                return
            await self.page.keyboard.press("Escape")
        raise AssertionError(f"the palette did not offer {title}")

    async def lightbulb(self, title: str) -> Locator:
        """The entry of the lightbulb's menu; pressed again while nothing is offered yet."""
        row = self.page.locator(".action-widget .monaco-list-row").filter(has_text=title)
        for _ in range(PRESSES):
            await self.page.keyboard.press("Control+.")
            with contextlib.suppress(PageTimeoutError):
                await row.first.wait_for(timeout=1_000 * PRESS_S)
                return row.first
            await self.page.keyboard.press("Escape")
        raise AssertionError(f"the lightbulb did not offer {title}")

    async def open(self, name: str, line: int = 1, column: int = 1) -> None:
        """Show a file with the cursor at a 1-based place."""
        await self.host(
            """const uri = vscode.Uri.joinPath(folder, given.name);
            const at = new vscode.Position(given.line - 1, given.column - 1);
            const selection = new vscode.Range(at, at);
            await vscode.window.showTextDocument(uri, {selection, preview: false});
            await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');""",
            name=name,
            line=line,
            column=column,
        )

    async def select_lines(self, name: str, first: int, last: int) -> None:
        await self.open(name, first)
        await self.host(
            """const editor = vscode.window.activeTextEditor;
            editor.selection = new vscode.Selection(given.first - 1, 0, given.last, 0);""",
            first=first,
            last=last,
        )
        # The extension host does not wait for the page, which may ask for the palette before that.
        selected = re.compile(rf"Ln {last + 1}, Col 1 \(\d+ selected\)")
        await self.page.locator(".statusbar-item").filter(has_text=selected).wait_for()

    async def answer(self, question: str, words: str) -> None:
        """Write into the input box that asks this."""
        asked = self.page.locator(".quick-input-widget:visible").filter(has_text=question)
        await asked.wait_for()
        await self._fill(words)
        await self.page.keyboard.press("Enter")

    async def diff(self, words: str) -> Locator:
        """The diff of a change with these words, once the keyboard is on it."""
        diff = self.page.locator(".monaco-diff-editor")
        await diff.filter(has_text=words).wait_for()
        await diff.locator(".monaco-editor.focused").wait_for()
        return diff

    def preview(self) -> Locator:
        """The editor's Refactor Preview."""
        return self.page.locator(".bulk-edit-panel")

    async def apply_preview(self, *names: str) -> None:
        """Tick these files, which are all that it shows, and apply."""
        files = self.preview().locator('.monaco-list-row[aria-level="1"]')
        for name in names:
            await files.filter(has_text=name).wait_for()
        assert await files.count() == len(names)
        for name in names:
            await files.filter(has_text=name).locator(".edit-checkbox").click()
        await self.preview().locator(".monaco-button").filter(has_text="Apply").click()

    def close(self) -> None:
        self._writer.close()

    async def _fill(self, text: str, timeout_s: float = TIMEOUT_S) -> None:
        box = self.page.locator(".quick-input-widget:visible .quick-input-box input")
        await box.fill(text, timeout=1_000 * timeout_s)

    async def wait_for_status(self, words: str) -> None:
        """The status item says exactly this."""
        exact = re.compile(rf"^\W*{words}\W*$")
        await self.page.locator(".statusbar-item").filter(has_text=exact).first.wait_for()

    def tree(self) -> Locator:
        """The rows of the suspects' tree."""
        return self.page.locator(".part.sidebar .monaco-list-row")

    def notification(self, words: str) -> Locator:
        return self.page.locator(".notification-toast").filter(has_text=words)

    async def shot(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png", caret="initial")


@contextlib.asynccontextmanager
async def vscode(
    editor: Editor, home: Path, run_by: Callable[[list[str]], list[str]] = list
) -> AsyncIterator[VSCode]:
    """Start the editor with the extension of this checkout, in a home of its own.

    `run_by` makes the command line that is run of code-server's.
    """
    for name in ("sockets", "user/User", "user/Machine", "cache"):
        (home / name).mkdir(parents=True)
    (home / "config.yaml").write_text("auth: none\ncert: false\n")
    entry = [
        str(editor.tools.node), str(editor.code_server), "--config", str(home / "config.yaml"),
        "--user-data-dir", str(home / "user"), "--extensions-dir", str(home / "extensions"),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "EXTENSIONS_GALLERY": "{}",  # else the page asks for one
        "POSTIL_TEST_SOCKETS": str(home / "sockets"),
        "POSTIL_CACHE_DIR": str(home / "cache"),
        "POSTIL_DATA_DIR": str(home / "data"),
        "PYTHONPATH": str(ROOT),
    }
    for vsix in (VSIX, _packed_driver(home)):
        installing = await asyncio.create_subprocess_exec(
            *entry, "--install-extension", str(vsix), "--force",
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await installing.communicate()
        assert installing.returncode == 0, output.decode()
    with (home / "code-server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *run_by([
                *entry, "--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-telemetry",
                "--disable-update-check", "--disable-getting-started-override",
            ]),
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        url = await until(lambda: _listening(home / "code-server.log"), "code-server to listen")
        async with _page(editor, home) as (page, outside):
            yield VSCode(home, url, page, process, outside)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


@contextlib.asynccontextmanager
async def _page(editor: Editor, home: Path) -> AsyncIterator[tuple[Page, list[str]]]:
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            home / "chromium",
            executable_path=editor.chromium,
            headless=True,
            viewport=SIZE,
            device_scale_factor=1,
            args=CHROMIUM,
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(1_000 * TIMEOUT_S)
        outside: list[str] = []

        async def refuse(route: Any) -> None:
            outside.append(route.request.url)
            await route.abort()

        await context.route(lambda url: not url.startswith("http://127.0.0.1:"), refuse)
        yield context.pages[0], outside
        await context.close()


async def until(look: Any, what: str, timeout_s: float = TIMEOUT_S) -> Any:
    """The first result of `look` that is true, asked for again and again."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                found = look()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}") from error


def _listening(log: Path) -> str | None:
    """The address in code-server's log, once it answers there."""
    found = re.search(r"HTTP server listening on (http://127\.0\.0\.1:\d+)", log.read_text())
    if found is None:
        return None
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{found[1]}/healthz", timeout=5):
        return found[1]
    return None


def _server_of(ancestor: int) -> int | None:
    """The newest process under `ancestor` that is our server."""
    import psutil

    found = []
    for process in psutil.Process(ancestor).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[-3:] == SERVER[-3:]:
                found.append((process.create_time(), process.pid))
    return max(found)[1] if found else None


def _packed_driver(home: Path) -> Path:
    """The driver as a .vsix, which is a zip with two lists."""
    vsix = home / "driver.vsix"
    source = HERE / "vscode" / "driver"
    manifest = json.loads((source / "package.json").read_text())
    identity = (
        f'<Identity Language="en-US" Id="{manifest["name"]}" Version="{manifest["version"]}" '
        f'Publisher="{manifest["publisher"]}"/>'
    )
    with zipfile.ZipFile(vsix, "w") as archive:
        for file in source.iterdir():
            archive.write(file, f"extension/{file.name}")
        archive.writestr(
            "extension.vsixmanifest",
            '<PackageManifest Version="2.0.0" '
            'xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">'
            f"<Metadata>{identity}<DisplayName>driver</DisplayName></Metadata>"
            '<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>'
            '<Dependencies/><Assets><Asset Type="Microsoft.VisualStudio.Code.Manifest" '
            'Path="extension/package.json" Addressable="true"/></Assets></PackageManifest>',
        )
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="json" ContentType="application/json"/>'
            '<Default Extension="vsixmanifest" ContentType="text/xml"/>'
            '<Default Extension="js" ContentType="application/javascript"/></Types>',
        )
    return vsix


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1))


def copy_logs(home: Path) -> None:
    """Keep what a person would want to see after a failure."""
    to = PICTURES / "logs"
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(home / "user" / "logs", to, dirs_exist_ok=True)
    shutil.copy(home / "code-server.log", to)
