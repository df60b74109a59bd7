"""The proof that nothing connects, and that the proof itself would notice.

Under Linux a way to close a process off must be had, or these fail: a skipped proof proves nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsp.offline import proof as proving
from lsp.offline.controls import CHILD, CTYPES, PYTHON, UDP, run_controls
from lsp.offline.enter import CANNOT, CannotEnter, Way, command_in, enter
from lsp.offline.job import index_and_locate, language_server_session, make_workspace
from lsp.offline.proof import Verdict, why_cannot
from lsp.offline.trace import attempts, strace_program, traced
from tests.lsp.client import ROOT

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the proof is Linux's; it says so elsewhere"
)
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def way() -> Way:
    """The strongest that this machine has. Fails where there is none."""
    for candidate in (Way.NETNS, Way.SECCOMP):
        if not why_cannot(candidate):
            return candidate
    pytest.fail("neither a network namespace nor seccomp can be had: nothing can be proven here")


@linux
@pytest.mark.parametrize("each", list(Way))
def test_every_attempt_to_connect_arrives_outside_and_is_stopped_inside(each: Way) -> None:
    if why_not := why_cannot(each):
        assert each is not Way.SECCOMP, why_not
        pytest.skip(why_not)
    controls = run_controls(lambda command: command_in(each, command))
    assert [c.name for c in controls if c.arrived_outside] == [PYTHON, CTYPES, CHILD, UDP]
    assert [c for c in controls if not c.is_good] == []


def test_a_harness_that_closes_nothing_off_is_found_out() -> None:
    controls = run_controls(lambda command: command)
    assert [c.name for c in controls if not c.is_good] == [PYTHON, CTYPES, CHILD, UDP]


@linux
def test_a_harness_that_stops_python_alone_is_found_out() -> None:
    """What a patched socket module would do: the C library and other processes go on."""
    patch = (
        "import runpy, socket, sys\n"
        "def refuse(*a, **k): raise OSError('patched')\n"
        "socket.socket.connect = socket.create_connection = refuse\n"
        "socket.socket.sendto = refuse\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_module('lsp.offline.controls', run_name='__main__', alter_sys=True)\n"
    )
    controls = run_controls(
        lambda command: [sys.executable, "-P", "-c", patch, "controls", *command[4:]]
    )
    assert [c.name for c in controls if not c.is_good] == [CTYPES, CHILD]


@linux
def test_a_language_server_session_is_held_where_no_network_can_be_reached(
    way: Way, tmp_path: Path
) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from lsp.offline.job import language_server_session, make_workspace\n"
        "print(language_server_session(make_workspace(Path(sys.argv[1])), os.environ))\n"
    )
    environ = {**ENVIRON, "POSTIL_MODEL": "none", "POSTIL_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        command_in(way, [sys.executable, "-P", "-c", code, str(tmp_path)]),
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )
    assert "answered initialize, locate (total first) and shutdown" in done.stdout, done.stderr


async def test_the_job_that_is_watched_is_the_real_one(tmp_path: Path) -> None:
    """Outside, on every system: the session and the locate that the proof runs."""
    root = make_workspace(tmp_path)
    assert "the first is total" in await index_and_locate(root, tmp_path / "cache")
    environ = {**ENVIRON, "POSTIL_MODEL": "none", "POSTIL_CACHE_DIR": str(tmp_path / "server")}
    told = await asyncio.to_thread(language_server_session, root, environ)
    assert "exit code 0" in told


@linux
def test_an_attempt_is_told_with_its_process(way: Way, tmp_path: Path) -> None:
    """A grandchild that tries inside, where it cannot succeed; under strace where that is here."""
    strace = strace_program()
    if strace is None:
        pytest.skip("strace is not installed; its lines are tested below")
    code = (
        "import socket\ntry:\n socket.create_connection(('127.0.0.1', 9))\nexcept OSError: pass\n"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-P', '-c', {code!r}])"
    file = tmp_path / "out"
    command = traced(strace, [sys.executable, "-P", "-c", parent], file)
    subprocess.run(command_in(way, command), check=True, env=ENVIRON)
    found = attempts(file.read_text().split("\n"))
    assert found
    assert "socket.create_connection" in found[0].command
    assert "AF_INET" in found[0].call


def test_straces_lines_are_read() -> None:
    """Recorded from strace 6.1: starts, threads, interrupted calls, UNIX sockets."""
    lines = """\
100 execve("/usr/bin/python3", ["python3", "-m", "job"], 0x7ffd /* 30 vars */) = 0
100 socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [3, 4]) = 0
100 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0) = 5
100 connect(5, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such ...)
100 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD}, 88) = 101
101 execve("/nowhere/curl", ["curl"], 0x7ffd /* 30 vars */) = -1 ENOENT (No such file or directory)
101 execve("/usr/bin/curl", ["curl", "https://x.example"], 0x7ffd /* 30 vars */) = 0
101 connect(5, {sa_family=AF_INET6, sin6_port=htons(443)}, 28 <unfinished ...>
101 <... connect resumed>) = -1 ENETUNREACH (Network is unreachable)
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD) = 102
102 sendto(7, "q", 1, 0, {sa_family=AF_INET, sin_port=htons(53)}, 16) = -1 ENETUNREACH (...)
102 connect(8, {sa_family=AF_UNIX, sun_path="/var/run/docker.sock"}, 110) = 0
102 socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 9
102 getpeername(3, {sa_family=AF_UNIX}, [2]) = 0
""".split("\n")
    found = attempts(lines)
    assert [(a.pid, a.command) for a in found] == [
        (101, "curl https://x.example"),
        (102, "python3 -m job"),
        (102, "python3 -m job"),
        (102, "python3 -m job"),
    ]
    assert "docker.sock" in found[2].call


def test_verdicts_follow_from_what_was_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A harness broken on purpose: it closes nothing off, and says that it proves nothing."""
    monkeypatch.setattr(proving, "command_in", lambda way, command: list(command))
    told = proving.Proof(Verdict.CANNOT)
    proving._prove_in(Way.NETNS, tmp_path, told)
    assert told.verdict is Verdict.BROKEN
    assert told.steps == []


def test_where_nothing_can_be_closed_off_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "why_cannot", lambda way: "the system gives none")
    told = proving.prove()
    assert told.verdict is Verdict.CANNOT
    assert told.why_not == {"netns": "the system gives none", "seccomp": "the system gives none"}


@pytest.mark.skipif(sys.platform == "linux", reason="elsewhere")
def test_other_systems_say_that_they_cannot() -> None:
    with pytest.raises(CannotEnter, match="only Linux"):
        enter(Way.NETNS)


@linux
def test_a_command_keeps_its_exit_code_and_bad_use_is_2(way: Way) -> None:
    done = subprocess.run(command_in(way, ["sh", "-c", "exit 7"]), check=False, env=ENVIRON)
    assert done.returncode == 7 != CANNOT
    bad = [sys.executable, "-P", "-m", "lsp.offline.enter", "netns"]
    assert subprocess.run(bad, check=False, env=ENVIRON).returncode == 2


@linux
@pytest.mark.model
def test_doctor_proves_it_with_the_real_model(way: Way) -> None:
    """The whole command as a user runs it."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "lsp", "doctor", "--prove-offline", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRON,
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["verdict"], told["attempts"]) == (0, "offline", [])
    assert told["way"] == way.value
    steps = {step["name"]: step["said"] for step in told["steps"]}
    assert "wrote 24 tokens" in steps["model"]
    assert set(steps) == {"network interfaces", "index and locate", "model", "language server"}
