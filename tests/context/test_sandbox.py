"""What a process can no longer do, tried in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")

TRIES = """
import ctypes, os, socket, subprocess, threading
from context.sandbox import Sockets, leave_network, limit_resources, refuse_calls

def may(what):
    try:
        what()
    except OSError as error:
        return f"no ({type(error).__name__})"
    return "yes"

def tcp():
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()

def udp():
    socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()

def local():
    socket.socket(socket.AF_UNIX).close()

def raw_call():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.socket(2, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "")

def program():
    subprocess.run(["true"], check=True)

def reach():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("192.0.2.1", 9))  # sends nothing: asks for a route

def write():
    with open(os.environ["TARGET"], "w") as file:
        file.write("x")

def elsewhere():  # in a thread that was there before
    began.set()
    go.wait()
    found.append(may(tcp))

began, go, found = threading.Event(), threading.Event(), []
def show(*tries):
    print(" ".join(f"{t.__name__}:{may(t)}" for t in tries))
"""


def _run(script: str, tmp_path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", TRIES + script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TARGET": str(tmp_path / "written")},
    )
    return done.stdout.split("\n")


@LINUX
def test_without_layers_everything_is_possible(tmp_path: Path) -> None:
    """The control: what the other tests see refused works here."""
    shown = _run("show(tcp, udp, local, raw_call, program, write)", tmp_path)
    assert shown[0] == "tcp:yes udp:yes local:yes raw_call:yes program:yes write:yes"


@LINUX
def test_seccomp_refuses_sockets_and_programs_in_all_threads(tmp_path: Path) -> None:
    script = """
thread = threading.Thread(target=elsewhere); thread.start(); began.wait()
print(refuse_calls(Sockets.NONE)[0].value)
show(tcp, udp, local, raw_call, program)
go.set(); thread.join(); print(found[0])
"""
    layer, tried, in_thread, _ = _run(script, tmp_path)
    no = "no (PermissionError)"
    assert layer == "seccomp"
    assert tried == f"tcp:{no} udp:{no} local:{no} raw_call:{no} program:{no}"
    assert in_thread == no


@LINUX
def test_local_sockets_can_be_left(tmp_path: Path) -> None:
    shown = _run("refuse_calls(Sockets.LOCAL); show(local, tcp, raw_call)", tmp_path)
    assert shown[0] == "local:yes tcp:no (PermissionError) raw_call:no (PermissionError)"


@LINUX
def test_an_empty_network_namespace_has_no_way_out(tmp_path: Path) -> None:
    shown = _run("print([x.value for x in leave_network()]); show(tcp, reach)", tmp_path)
    if shown[0] == "[]":  # this system forbids it to ordinary users; seccomp is there for that
        assert "no (PermissionError)" in _run("refuse_calls(Sockets.NONE); show(tcp)", tmp_path)[0]
    else:
        assert shown[1] == "tcp:yes reach:no (OSError)"


@LINUX
def test_no_file_can_be_written_and_memory_is_bounded(tmp_path: Path) -> None:
    script = """
limit_resources(1 << 30)
show(write)
try:
    bytearray(2 << 30)
except MemoryError:
    print("no memory")
"""
    shown = _run(script, tmp_path)
    assert shown[:2] == ["write:no (OSError)", "no memory"]
