"""Runs a check command (tests, a type checker) on a shadow copy and says what came of it.

The command is the user's own, never a workspace's: who calls sees to that. It runs in a process
that gave up the network and writing elsewhere (context/check_launcher.py), for a bounded time, with
bounded output, and everything that it started ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from context.check_launcher import NOT_STARTED, end_children
from context.child import package_root
from context.serving import PARENT

MAX_OUTPUT_BYTES = 200_000  # kept of what the command prints, the end of it
_SECRET_NAME = re.compile(r"token|secret|passw|api_?key|credential|private|^POSTIL_", re.IGNORECASE)
# How runners print how many failed; the last match counts. Each looks at one line and at numbers of
# a bounded length: a program may print anything.
_COUNTS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^(?:=+ )?(?:(\d{1,9}) failed)?"  # pytest
        r"(?:(?:, )?\d{1,9} (?:passed|skipped|deselected|xfailed|xpassed|warnings?))*"
        r"(?:(?:, )?(\d{1,9}) errors?)? in [\d.]+s",
        r"^(?:\S+ )?FAILED \((?:failures=(\d{1,9}))?(?:, )?(?:errors=(\d{1,9}))?",  # unittest
        r"^test result: FAILED\. \d{1,9} passed; (\d{1,9}) failed",  # cargo
        r"^Tests:[ \t].{0,200}?(?<!\d)(\d{1,9}) failed",  # jest
        r"^[ \t]*Tests[ \t]+(\d{1,9}) failed",  # vitest
        r"^# fail (\d{1,9})\b",  # node --test
        r"^Found (\d{1,9}) errors?\b",  # mypy, tsc, ruff
        r"^Tests run: \d{1,9}, Failures: (\d{1,9})(?:, Errors: (\d{1,9}))?",  # JUnit
        r"^\d{1,9} examples, (\d{1,9}) failures?",  # RSpec
    )
)
_GO_FAIL = re.compile(r"^[ \t]*--- FAIL: ", re.MULTILINE)


class Status(StrEnum):
    PASSES = "passes"
    FAILS = "fails"
    TIMED_OUT = "takes too long"
    NOT_STARTED = "cannot be started"


@dataclass(frozen=True, slots=True)
class CheckRun:
    """`n_failed`: as the runner printed it; None where it prints none that is known."""

    status: Status
    n_failed: int | None
    output: str


async def run_check(
    command: Sequence[str], folder: Path, temporary: Path, timeout_s: float
) -> CheckRun:
    """Run the command in `folder`. Cancelling ends it and all that it started."""
    temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
    extra: dict[str, Any] = {}
    if sys.platform != "win32":
        extra["start_new_session"] = True
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "context.check_launcher",
        str(folder), str(temporary), _python_path(folder), "--", *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(os.environ, temporary),
        cwd=temporary,  # nothing of the copy is on a search path of ours
        **extra,
    )  # fmt: skip
    output = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            await _read(process, output)
            code = await process.wait()
    except TimeoutError:
        return CheckRun(Status.TIMED_OUT, None, _text(output))
    finally:
        await _end(process)
    text = _text(output)
    if code == NOT_STARTED:
        return CheckRun(Status.NOT_STARTED, None, text)
    if code == 0:
        return CheckRun(Status.PASSES, 0, text)
    return CheckRun(Status.FAILS, n_failed(text), text)


def verdict(after: CheckRun, before: CheckRun | None) -> str:
    """What a title says: "checked: fails (3 failed, before 1)"."""
    match after.status:
        case Status.PASSES:
            fixed = before is not None and before.status is Status.FAILS
            return "checked: passes (failed before)" if fixed else "checked: passes"
        case Status.FAILS:
            counts = [] if after.n_failed is None else [f"{after.n_failed} failed"]
            if before is not None:
                counts.append(_before(before))
            return f"checked: fails ({', '.join(counts)})" if counts else "checked: fails"
        case Status.TIMED_OUT | Status.NOT_STARTED:
            return f"not checked: the check command {after.status.value}"


def n_failed(output: str) -> int | None:
    """How many tests or errors the runner counted, by its last words on it."""
    for pattern in _COUNTS:
        found = list(pattern.finditer(output))
        if found and (numbers := [int(n) for n in found[-1].groups() if n]):
            return sum(numbers)
    return len(_GO_FAIL.findall(output)) or None


def _before(before: CheckRun) -> str:
    if before.status is Status.PASSES:
        return "passed before"
    if before.n_failed is not None:
        return f"before {before.n_failed}"
    return "failed before" if before.status is Status.FAILS else f"before: {before.status.value}"


async def _read(process: asyncio.subprocess.Process, output: bytearray) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(65_536):
        output += chunk
        del output[:-MAX_OUTPUT_BYTES]


async def _end(process: asyncio.subprocess.Process) -> None:
    """The launcher and its descendants, also those that left its group."""
    if process.returncode is not None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        launcher = psutil.Process(process.pid)
        launcher.suspend()  # it must not take the end of a child for the end of the command
        await asyncio.to_thread(end_children, launcher)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _environment(environ: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """The user's own, without what names a secret, with all caches in a place of ours."""
    kept = {name: value for name, value in environ.items() if not _SECRET_NAME.search(name)}
    folder = str(temporary)
    places = ("TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "GOCACHE", "CARGO_TARGET_DIR",
              "npm_config_cache")  # fmt: skip
    kept.update(dict.fromkeys(places, folder))
    kept.update({"PYTHONDONTWRITEBYTECODE": "1", "CI": "1", "NO_COLOR": "1"})
    kept.update({"PYTHONPATH": package_root(), PARENT: str(os.getpid())})
    return kept


def _python_path(folder: Path) -> str:
    """The copy before what is installed: an editable install leads to the files themselves."""
    places = [str(folder), str(folder / "src"), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(place for place in places if place)


def _text(output: bytearray) -> str:
    return output.decode("utf-8", "replace")
