"""Set Postil up from a checkout, then run the demo or the tests: the README's two commands.

    python3 lsp/bootstrap.py demo    # environment, weights, then the main job on real code
    python3 lsp/bootstrap.py test    # environment, small weights, then linters, types and all tests

Needs only Python 3.11 or newer with pip and venv, git and a C/C++ compiler, and uses nothing but
the standard library, because it runs before anything is installed. Everything it makes is in
`.venv` beside the README and in the user's cache folder; running it again only does what is left.
Each step says what it does, how long it takes so far, and, when it fails, what to do.
"""

from __future__ import annotations

import sys

if sys.path and sys.path[0].endswith("lsp"):
    sys.path.pop(0)  # run as a script: keep the modules of this folder from shadowing others

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lsp.accelerators import Accelerator  # noqa: E402 - needs the line above

# Not in the lock: its builds for one version differ by where pip finds them (for the CPU alone, or
# with 3 GB of libraries for a GPU), and so do their hashes.
TORCH = "torch==2.13.0"
ACCELERATOR_NOTE = ".postil-accelerator"  # in the environment
OLDEST, NEWEST = (3, 11), (3, 14)
HEARTBEAT_S = 15.0  # a line this often while a step is silent, where stderr is no terminal


class SetupFailed(Exception):
    """One sentence: what failed and what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bootstrap.py", description="Set up Postil and run it.")
    parser.add_argument("command", choices=["setup", "demo", "test"])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="where to install")
    parser.add_argument(
        "--accelerator",
        choices=list(Accelerator),
        type=Accelerator,
        help="what llama.cpp is built for, the CPU unless told otherwise; kept for later runs",
    )
    options, rest = parser.parse_known_args(argv)
    if options.command == "setup" and rest:
        parser.error(f"setup does not know {' '.join(rest)}")
    venv = options.venv.expanduser().absolute()  # the steps run in the checkout, not here
    try:
        check_python(sys.version_info[:2])
        check_tools(os.environ)
        chosen = options.accelerator or installed_accelerator(venv)
        scripts = install(venv, chosen, developer=options.command == "test")
        if options.command == "setup":
            say(f"ready: {scripts / 'postil'}")
            return 0
        return run_demo(scripts, rest) if options.command == "demo" else run_tests(scripts, rest)
    except SetupFailed as failure:
        print(f"postil set-up: {failure}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"postil set-up: {error.filename}: {error.strerror}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("postil set-up: stopped; run the same command again to go on", file=sys.stderr)
        return 130


def check_python(version: tuple[int, ...]) -> None:
    if not OLDEST <= version <= NEWEST:
        found = ".".join(map(str, version))
        raise SetupFailed(
            f"this is Python {found}, and Postil needs 3.11 to 3.14; run the command with one of "
            "those, for example python3.12 lsp/bootstrap.py demo"
        )


def check_tools(environ: Mapping[str, str]) -> None:
    """git for history, a C and a C++ compiler for llama.cpp. CC and CXX count, as for any build."""
    path = environ.get("PATH")
    if not shutil.which("git", path=path):
        raise SetupFailed("git was not found; install it (Debian: apt-get install git), run again")
    compilers = {
        "C": [environ.get("CC", ""), "cc", "gcc", "clang", "cl"],
        "C++": [environ.get("CXX", ""), "c++", "g++", "clang++", "cl"],
    }
    for language, names in compilers.items():
        if not any(name and shutil.which(name.split()[0], path=path) for name in names):
            raise SetupFailed(
                f"no {language} compiler was found, and llama.cpp is built from source; install "
                "one (Debian: apt-get install g++; Fedora: dnf install gcc-c++; macOS: "
                "xcode-select --install; Windows: Visual Studio Build Tools), then run again"
            )


def installed_accelerator(venv: Path) -> Accelerator:
    """What the environment's llama.cpp was built for; the CPU where there is none yet."""
    try:
        return Accelerator((venv / ACCELERATOR_NOTE).read_text().strip())
    except (OSError, ValueError):
        return Accelerator.CPU


def install(venv: Path, accelerator: Accelerator, *, developer: bool) -> Path:
    """Make or complete the environment; return the folder of its scripts."""
    scripts = venv / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / ("python.exe" if sys.platform == "win32" else "python")
    lock = ROOT / ("requirements-dev.lock" if developer else "requirements.lock")
    stamps = {
        name: hashlib.sha256(
            b"".join((ROOT / f).read_bytes() for f in (name, "pyproject.toml"))
            + sys.version.encode()
            + str(ROOT).encode()
            + accelerator.encode()
        ).hexdigest()
        for name in ("requirements.lock", "requirements-dev.lock")
    }
    stamp = venv / f".postil-{lock.stem}"
    if python.exists() and stamp.exists() and stamp.read_text() == stamps[lock.name]:
        return scripts
    log = venv.parent / f"{venv.name}-setup.log"
    venv.parent.mkdir(parents=True, exist_ok=True)
    if not has_pip(python):  # or the making of it was stopped
        run_step(
            f"making the environment {venv.name}",
            [sys.executable, "-m", "venv", str(venv)],
            log,
            "is the venv module there? (Debian: apt-get install python3-venv)",
        )
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    # pip keeps what it built under its version alone: a build for a GPU must not be found there.
    cache = () if accelerator is Accelerator.CPU else ("--no-cache-dir",)
    is_other = accelerator is not installed_accelerator(venv)  # llama.cpp comes last, once
    compiling = "" if is_other else " (the first time, llama.cpp is compiled: 4 to 10 minutes)"
    with tempfile.TemporaryDirectory() as folder:
        others = Path(folder) / lock.name
        others.write_text(split_lock(lock)[1], encoding="utf-8")
        run_step(
            f"installing dependencies{compiling}",
            [
                *pip,
                *cache,
                "--require-hashes",
                "--no-deps",
                "-r",
                str(others if is_other else lock),
            ],
            log,
            "if the compiler failed, its message is above; if packages could not be fetched, check "
            "pip's index settings",
            build_environment(accelerator, os.environ),
        )
    if developer:
        run_step(
            "installing PyTorch for the tests of safetensors",
            [*pip, TORCH],
            log,
            "pip's message is above",
        )
    if is_other:
        build_for(accelerator, pip, lock, log)
    (venv / ACCELERATOR_NOTE).write_text(accelerator.value)
    run_step(
        "installing postil",
        [*pip, "--no-deps", "--editable", str(ROOT)],
        log,
        "pip's message is above",
    )
    stamp.write_text(stamps[lock.name])
    log.unlink(missing_ok=True)
    return scripts


def has_pip(python: Path) -> bool:
    try:
        done = subprocess.run(
            [str(python), "-m", "pip", "--version"], capture_output=True, check=False, cwd=ROOT
        )
    except OSError:
        return False  # there is no such Python
    return done.returncode == 0


def build_for(accelerator: Accelerator, pip: Sequence[str], lock: Path, log: Path) -> None:
    """Build the locked llama-cpp-python anew, for other hardware than before."""
    with tempfile.TemporaryDirectory() as folder:
        only = Path(folder) / "llama.lock"
        only.write_text(split_lock(lock)[0], encoding="utf-8")
        run_step(
            f"building llama.cpp for {accelerator.label}",
            [*pip, "--force-reinstall", "--no-cache-dir", "--no-deps", "--require-hashes",
             "--no-binary", "llama-cpp-python", "-r", str(only)],
            log,
            f"this needs {accelerator.needs}; --accelerator cpu goes back",
            build_environment(accelerator, os.environ),
        )  # fmt: skip


def build_environment(accelerator: Accelerator, environ: Mapping[str, str]) -> dict[str, str]:
    """What llama.cpp's build is told; of the same option twice the user's own, the last, counts."""
    own = environ.get("CMAKE_ARGS", "")
    return {"CMAKE_ARGS": " ".join([*accelerator.cmake_options, own]).strip()}


def split_lock(lock: Path) -> tuple[str, str]:
    """(llama-cpp-python's entry, all others) of a lock file. Raises `SetupFailed`."""
    text = lock.read_text(encoding="utf-8")
    entry = re.search(r"^llama-cpp-python==.*?(?=^\w|\Z)", text, re.MULTILINE | re.DOTALL)
    if entry is None:
        raise SetupFailed(f"{lock.name} names no llama-cpp-python; get the file anew")
    return entry[0], text[: entry.start()] + text[entry.end() :]


def run_demo(scripts: Path, rest: Sequence[str]) -> int:
    postil = str(scripts / "postil")
    if "--no-model" not in rest:
        fetched = subprocess.run([postil, "models", "fetch"], check=False).returncode
        if fetched:
            return fetched
    return subprocess.run([postil, "demo", *rest], check=False).returncode


def run_tests(scripts: Path, rest: Sequence[str]) -> int:
    """Linters and types first, being quick; then pytest, whose closing line is the last.

    VS Code is set up meanwhile, but after the other editors: both ask apt, which takes one at a
    time. Where it fails, it says so, and the tests of it are skipped with the reason.
    """
    python, set_up = str(scripts / "python"), ROOT / "tests" / "e2e"
    for command in (
        [str(scripts / "postil"), "models", "fetch", "qwen2.5-coder-0.5b"],
        [python, str(set_up / "setup_editors.py")],
    ):
        if code := _run_shown(command):
            return code
    vscode = subprocess.Popen([python, str(set_up / "setup_vscode.py")], cwd=ROOT)
    try:
        for command in (
            [str(scripts / "ruff"), "check", "."],
            [str(scripts / "ruff"), "format", "--check", "."],
            [str(scripts / "mypy")],
        ):
            if code := _run_shown(command):
                return code
        vscode.wait()
    finally:
        if vscode.poll() is None:
            vscode.terminate()
    return _run_shown([python, "-m", "pytest", *(rest or ["-q", "-rs"])])


def _run_shown(command: Sequence[str]) -> int:
    say(" ".join([Path(command[0]).stem, *command[1:]]))
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def run_step(
    title: str,
    command: Sequence[str],
    log: Path,
    advice: str,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run one command with its output in `log`, showing that time passes. Raises `SetupFailed`."""
    say(f"{title} ...")
    started = time.monotonic()
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, **environment},
            )
        except OSError as error:
            raise SetupFailed(f"{title} could not start: {error}") from error
        done = threading.Event()
        beat = threading.Thread(target=_heartbeat, args=(started, log, done), daemon=True)
        beat.start()
        try:
            code = process.wait()
        finally:
            done.set()
            if process.poll() is None:
                process.terminate()
    if code:
        tail = log.read_text(errors="replace").rstrip().split("\n")[-25:]
        print("\n".join(tail), file=sys.stderr)
        raise SetupFailed(f"{title} failed (exit {code}): {advice}; the whole output is in {log}")
    say(f"  done in {time.monotonic() - started:.0f} s")


def _heartbeat(started: float, log: Path, done: threading.Event) -> None:
    """On a terminal, one line that is rewritten each second; elsewhere a line now and then."""
    terminal = sys.stderr.isatty()
    while not done.wait(1.0 if terminal else HEARTBEAT_S):
        lines = log.read_text(errors="replace").rstrip().split("\n")
        line = f"  {time.monotonic() - started:4.0f} s  {lines[-1].strip()[:80]}"
        sys.stderr.write(f"\r\x1b[K{line}" if terminal else f"{line}\n")
        sys.stderr.flush()
    if terminal:
        sys.stderr.write("\r\x1b[K")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
