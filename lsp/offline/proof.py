"""The proof itself: controls first, then the job in a network that leads nowhere, then the verdict.

A verdict is given only where the controls were stopped: a harness that would not notice a
connection proves nothing, and says so. Linux only; elsewhere the answer is that it cannot be told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from lsp.offline.controls import Control, Listener, attempt, run_controls
from lsp.offline.enter import CANNOT, Way, command_in
from lsp.offline.trace import Attempt, attempts, strace_program, traced

JOB_S = 600.0  # a large model on a slow disk takes minutes to load


class Verdict(StrEnum):
    OFFLINE = "offline"  # the job was done where nothing can be reached, and nothing was tried
    TRIED = "tried"  # something tried to connect
    FAILED = "failed"  # the job did not get through without a network
    BROKEN = "broken"  # the controls were not stopped: nothing is proven
    CANNOT = "cannot"  # this machine has no way to close a process off


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    said: str
    has_failed: bool


@dataclass(slots=True)
class Proof:
    """What was done and seen, in order."""

    verdict: Verdict
    way: Way | None = None
    why_not: dict[str, str] = field(default_factory=dict)  # way -> why it is not to be had
    controls: list[Control] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    strace: str = ""  # "" when it was not there
    trace_control: str = ""  # what strace saw of a control; "" when it was not tried
    attempts: list[Attempt] = field(default_factory=list)


def prove() -> Proof:
    """Takes as long as loading the model and writing a few words, some 10 to 60 seconds."""
    proof = Proof(Verdict.CANNOT)
    with tempfile.TemporaryDirectory(prefix="postil-proof-") as folder:
        for way in (Way.NETNS, Way.SECCOMP):
            if why_not := why_cannot(way):
                proof.why_not[way.value] = why_not
                continue
            proof.way = way
            _prove_in(way, Path(folder), proof)
            break
    return proof


def why_cannot(way: Way) -> str:
    """Why a process cannot be closed off this way here; "" when it can."""
    if sys.platform != "linux":
        return "only Linux has it"
    done = _run(command_in(way, [sys.executable, "-P", "-c", "pass"]))
    if done.returncode == CANNOT:
        return done.stderr.strip()
    return "" if done.returncode == 0 else f"it fails ({done.stderr.strip()[-200:]})"


def _prove_in(way: Way, folder: Path, proof: Proof) -> None:
    proof.controls = run_controls(lambda command: command_in(way, command))
    strace = strace_program()
    if strace is not None:
        proof.trace_control = _trace_control(way, strace, folder)
        proof.strace = strace if proof.trace_control else ""
    if not all(control.is_good for control in proof.controls):
        proof.verdict = Verdict.BROKEN
        return
    file = folder / "job.strace"
    job = [sys.executable, "-P", "-m", "lsp.offline.job", str(folder / "job")]
    command = traced(strace, job, file) if strace and proof.strace else job
    done = _run(command_in(way, command))
    proof.steps = _steps(done)
    if file.exists():
        with file.open(encoding="utf-8", errors="replace") as lines:
            proof.attempts = attempts(lines)
    if proof.attempts:
        proof.verdict = Verdict.TRIED
    elif not proof.steps or any(step.has_failed for step in proof.steps):
        proof.verdict = Verdict.FAILED
    else:
        proof.verdict = Verdict.OFFLINE


def _trace_control(way: Way, strace: str, folder: Path) -> str:
    """The control for strace: what it saw of an attempt by a child; "" when it does not work here.

    Some systems forbid tracing (Yama's ptrace_scope 3, containers without the right).
    """
    file = folder / "control.strace"
    with Listener.open() as listener:
        attempt(
            listener,
            ["child process"],
            lambda command: command_in(way, traced(strace, command, file)),
        )
    if not file.exists():
        return ""
    with file.open(encoding="utf-8", errors="replace") as lines:
        seen = attempts(lines)
    return seen[0].call if seen else ""


def _steps(done: subprocess.CompletedProcess[str]) -> list[Step]:
    steps = []
    for line in done.stdout.strip().split("\n"):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        steps.append(
            Step(told["step"], told.get("said") or told.get("failed", ""), "failed" in told)
        )
    if not steps or (steps[-1].name != "done" and not steps[-1].has_failed):
        last = (done.stderr.strip().split("\n") or [""])[-1][:300]
        steps.append(Step("the job", f"ended early, exit code {done.returncode}: {last}", True))  # noqa: FBT003
    return [step for step in steps if step.name != "done"]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).resolve().parent.parent.parent)
    environ = {**os.environ, "PYTHONPATH": root, "PYTHONUTF8": "1"}
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environ, timeout=JOB_S
        )
    except subprocess.TimeoutExpired as expired:
        out = (expired.stdout or b"").decode("utf-8", "replace")
        return subprocess.CompletedProcess(command, -1, out, f"no end within {JOB_S:.0f} s")
