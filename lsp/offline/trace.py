"""Reads what strace saw: which process tried to reach a network, whether it succeeded or not.

An empty network namespace stops a connection and hides that it was tried; strace tells of the try,
with the process. UNIX sockets are how processes of one machine talk (asyncio wakes itself through a
pair of them) and are listed only when they are connected to a path, which could be a way out.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from context.programs import program

CALLS = "%network,execve,clone,clone3,fork,vfork"
_LINE = re.compile(r"^(\d+)\s+(?:<\.\.\. )?(\w+)(.*)$")
_FAMILY = re.compile(r"\b(?:AF|PF)_(\w+)")
_PATH = re.compile(r'sun_path=(@?"[^"]*")')
_CHILD = re.compile(r"=\s*(\d+)\s*$")
_LOCAL = {"UNIX", "LOCAL", "UNSPEC"}
# The C library asks the system's own cache of users and hosts there, and goes on without it.
_HARMLESS_PATHS = re.compile(r'"/(?:var/)?run/nscd/socket"')


@dataclass(frozen=True, slots=True)
class Attempt:
    """One system call that could have led to a network."""

    pid: int
    command: str  # of the process; "" when its start was not seen
    call: str


def strace_program() -> str | None:
    return program("strace")


def traced(strace: str, command: Sequence[str], file: Path) -> list[str]:
    """The command line that runs `command` under strace, which writes into `file`."""
    return [strace, "-f", "-qq", "-s", "300", "-o", str(file), "-e", f"trace={CALLS}",
            *_quick(strace), "--", *command]  # fmt: skip


def attempts(lines: Iterable[str]) -> list[Attempt]:
    """Every call with an address family that leaves the process's machine, or a path."""
    commands: dict[int, str] = {}
    found: list[Attempt] = []
    for line in lines:
        matched = _LINE.match(line)
        if matched is None:
            continue
        pid, call, rest = int(matched[1]), matched[2], matched[3]
        if call == "execve":
            if not rest.rstrip().endswith("ENOENT (No such file or directory)"):
                commands[pid] = _words(rest) or commands.get(pid, "")
        elif call in ("clone", "clone3", "fork", "vfork"):
            if child := _CHILD.search(rest):
                commands.setdefault(int(child[1]), commands.get(pid, ""))
        elif _leaves(rest):
            found.append(Attempt(pid, commands.get(pid, ""), f"{call}{rest}".strip()[:200]))
    return found


def _leaves(rest: str) -> bool:
    families = set(_FAMILY.findall(rest))
    if families - _LOCAL:
        return True
    path = _PATH.search(rest)
    return path is not None and not _HARMLESS_PATHS.search(path[0])


def _words(rest: str) -> str:
    """The command line of an execve, as strace writes it."""
    matched = re.search(r"\[(.*?)\](?:\.\.\.)?, ", rest)
    if matched is None:
        return ""
    return " ".join(re.findall(r'"((?:[^"\\]|\\.)*)"', matched[1]))[:200]


def _quick(strace: str) -> list[str]:
    """Stop only at the calls that are asked for, where this strace can (5.3 and newer)."""
    told = subprocess.run([strace, "--help"], capture_output=True, text=True, check=False)
    return ["--seccomp-bpf"] if "--seccomp-bpf" in told.stdout else []
