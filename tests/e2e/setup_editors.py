"""Puts Emacs 28 and 30, Vim with ALE, luacheck, StyLua and a SARIF validator into `build/editors`.

    python tests/e2e/setup_editors.py      # also a step of `lsp/bootstrap.py test`

Debian's packages are fetched with apt and unpacked into a folder each: no right of root is needed
and nothing of the system changes. StyLua and the validator come from npm. What cannot be had here
leaves a sentence with the reason, which the tests that need it show when they are skipped. Neovim
is no matter of this module: it comes through pip with the other test dependencies. Uses the
standard library alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "build" / "editors"
STYLUA = "@johnnymorganz/stylua@2.5.2"
SARIF_MULTITOOL = "@microsoft/sarif-multitool-linux@5.7.0"
RELEASE = "bookworm"  # Debian 12; another release has other versions of these editors
APT_S = 300.0  # for one call of apt; a guess
_MARK = ".complete"


class CannotHave(Exception):
    """One sentence: why a tool cannot be had on this machine."""


@dataclass(frozen=True, slots=True)
class Debian:
    """Packages of one suite that make one tool, with what they need and is not installed."""

    suite: str
    packages: tuple[str, ...]

    def install(self, folder: Path) -> None:
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise CannotHave("it is taken from Debian's packages, and there is no apt here")
        with tempfile.TemporaryDirectory() as scratch:
            configured = {**os.environ, "APT_CONFIG": str(_apt_lists(Path(scratch), self.suite))}
            _run(["apt-get", "update", "-qq"], configured)
            asked = ["apt-get", "-s", "install", "--no-install-recommends", "-t", self.suite]
            planned = _run([*asked, *self.packages], configured)
            names = [
                f"{name}={version}"
                for name, version in re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", planned, re.M)
            ]
            if not names:  # installed already: unpack them all the same
                names = list(self.packages)
            _run(["apt-get", "download", "-q", *names], configured, Path(scratch))
            for package in sorted(Path(scratch).glob("*.deb")):
                _run(["dpkg-deb", "-x", str(package), str(folder)], None)


def _apt_lists(scratch: Path, suite: str) -> Path:
    """Lists of our own, so that a suite is known that the system does not use."""
    (scratch / "lists" / "partial").mkdir(parents=True)
    parts = scratch / "parts"
    parts.mkdir()
    (parts / "debian.sources").write_text(
        f"Types: deb\nURIs: {_mirror()}\nSuites: {' '.join(dict.fromkeys([RELEASE, suite]))}\n"
        "Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )
    configuration = scratch / "apt.conf"
    configuration.write_text(
        'Dir::Etc::sourcelist "/dev/null";\n'
        f'Dir::Etc::sourceparts "{parts}";\nDir::State::lists "{scratch / "lists"}";\n'
        'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
        # without root, apt cannot become its own user
        + ("" if os.geteuid() == 0 else f'APT::Sandbox::User "";\nDir::Cache "{scratch}";\n')
    )
    return configuration


def _mirror() -> str:
    """Where the system's own lists for this release come from."""
    known = _run(["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"], None)
    for line in known.splitlines():
        release, _, uri = line.partition(" ")
        if release == RELEASE:
            return uri
    raise CannotHave("its packages are those of Debian 12, and this is another system")


@dataclass(frozen=True, slots=True)
class Npm:
    package: str

    def install(self, folder: Path) -> None:
        npm = shutil.which("npm")
        if npm is None or not shutil.which("node"):
            raise CannotHave("it is taken from npm, and there is no Node here")
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        _run([*command, "--prefix", str(folder), self.package], None)


TOOLS: dict[str, Debian | Npm] = {
    "emacs-28": Debian("bookworm", ("emacs-nox", "elpa-eglot", "elpa-lsp-mode")),
    "emacs-30": Debian("bookworm-backports", ("emacs-nox",)),
    "vim-ale": Debian("bookworm", ("vim", "vim-ale")),
    "luacheck": Debian("bookworm", ("lua-check",)),
    "stylua": Npm(STYLUA),
    "sarif": Npm(SARIF_MULTITOOL),
}


def why_missing(name: str) -> str:
    """Empty when the tool is there, else one sentence for a test that is skipped."""
    if (FOLDER / name / _MARK).exists():
        return ""
    note = FOLDER / f"{name}.missing"
    if note.exists():
        return f"{name} is not here: {note.read_text().strip()}"
    return f"{name} is not here: run python tests/e2e/setup_editors.py"


def install_all(say: Callable[[str], None]) -> None:
    """Install what is not there yet. Never fails: what cannot be had is named with its reason."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, source in TOOLS.items():
        folder, note = FOLDER / name, FOLDER / f"{name}.missing"
        if (folder / _MARK).exists():
            continue
        started = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir()
            source.install(folder)
            (folder / _MARK).touch()
            note.unlink(missing_ok=True)
            say(f"{name}: installed for the tests in {time.monotonic() - started:.0f} s")
        except CannotHave as reason:
            note.write_text(f"{reason}\n")
            say(f"{name}: NOT installed, its tests will be skipped: {reason}")


def _run(command: list[str], environment: dict[str, str] | None, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, check=False,
            timeout=APT_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotHave(f"{command[0]} failed ({error})") from error
    if done.returncode:
        last = (done.stderr.strip().split("\n") or [""])[-1][:200]
        raise CannotHave(f"{' '.join(command[:2])} failed: {last}")
    return done.stdout


if __name__ == "__main__":
    install_all(lambda line: print(line, file=sys.stderr))  # noqa: T201 - for a person
