"""Starts the check command with what it may do taken away first.

Run as `python -P -m context.check_launcher FOLDER TEMPORARY PYTHONPATH -- COMMAND`. Where the
system allows it, the command has no network and can write below the two folders only. Processes
that it leaves behind are ended with it: this process adopts them.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from context.sandbox import (
    Layer,
    Programs,
    Sockets,
    keep_writes_below,
    leave_network,
    refuse_calls,
)
from context.serving import PARENT, die_with_parent

NOT_STARTED = 127  # as a shell says it
MAX_FILE_BYTES = 1_000_000_000
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    folder, temporary, python_path, _, *command = sys.argv[1:]
    layers = leave_network()
    die_with_parent()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # No local socket by its path either: the session bus and the like do what they are asked. A
    # pair of connected ones, which event loops and Node's child processes need, can be made.
    inside = Sockets.INTERNET if Layer.NAMESPACE in layers else Sockets.NONE
    refuse_calls(inside, Programs.ANY)
    keep_writes_below([Path(folder), Path(temporary), Path("/dev/shm")])
    _limit()
    try:
        environment = {**os.environ, "PYTHONPATH": python_path}
        environment.pop(PARENT, None)
        code = subprocess.call(command, cwd=folder, stdin=subprocess.DEVNULL, env=environment)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        code = NOT_STARTED
    end_children(psutil.Process())
    sys.exit(code if 0 <= code < 256 else 1)


def end_children(process: psutil.Process) -> None:
    """Kill all that a process started; what forks meanwhile is found again, until nothing is."""
    for _ in range(50):
        try:
            children = process.children(recursive=True)
        except psutil.NoSuchProcess:
            return
        alive = [child for child in children if _is_alive(child)]
        if not alive:
            return
        for child in alive:
            with suppress(psutil.Error):
                child.kill()
        psutil.wait_procs(alive, timeout=0.2)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, MAX_FILE_BYTES)):
        _, hard = resource.getrlimit(what)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))


if __name__ == "__main__":
    os.umask(0o077)
    main()
