"""A bundle made for real and carried to a machine without a network: what the tests and the
benchmark of it share. Linux: an empty network namespace, a user who owns nothing, no settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NOBODY = "61234"  # a user id that no account has
SYSTEM_PATH = "/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    output: str  # both streams
    seconds: float


def postil(*arguments: str, cwd: Path, **environ: str) -> Ran:
    """The command of this environment, as on the connected side."""
    return _run([sys.executable, "-P", "-m", "lsp.cli", *arguments], cwd, {**os.environ, **environ})


@dataclass(frozen=True, slots=True)
class CleanMachine:
    """A folder that stands for one: `home` is empty, `carried` holds what came on the stick."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def carried(self) -> Path:
        return self.folder / "carried"

    def run(self, *command: str) -> Ran:
        """As a stranger, without a network and without this environment's variables."""
        environ = {"HOME": str(self.home), "PATH": SYSTEM_PATH, "TMPDIR": str(self.folder / "tmp")}
        return _run([*self._cut_off(), *command], self.carried, environ)

    def _cut_off(self) -> Sequence[str]:
        if os.geteuid() != 0:
            return ["unshare", "-rn"]
        if system_python() is None:
            return ["unshare", "-n"]
        ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return ["unshare", "-n", "setpriv", *ids, "--no-new-privs"]


def clean_machine(folder: Path, carried: Sequence[Path]) -> CleanMachine:
    """`folder` must be reachable by others. The files are copied, as onto a stick."""
    machine = CleanMachine(folder)
    for made in (machine.home, machine.carried, folder / "tmp"):
        made.mkdir(parents=True)
    for file in carried:
        shutil.copy(file, machine.carried / file.name)
    if os.geteuid() == 0:
        folder.chmod(0o755)
        for path in (machine.home, folder / "tmp", machine.carried, *machine.carried.iterdir()):
            os.chown(path, int(NOBODY), int(NOBODY))
    return machine


def system_python() -> str | None:
    """One that a stranger may run: the system's, of this environment's version."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return shutil.which(name, path=SYSTEM_PATH)


def python() -> str:
    return system_python() or os.path.realpath(sys.executable)


def _run(command: Sequence[str], cwd: Path, environ: dict[str, str]) -> Ran:
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, time.monotonic() - started)
