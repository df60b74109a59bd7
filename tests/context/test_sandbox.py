"""What a process can no longer do, tried in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from context.child import Child, ChildError
from context.sandbox import can_keep_writes

ROOT = Path(__file__).resolve().parent.parent.parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")

TRIES = """
import ctypes, os, socket, subprocess, threading
from context.sandbox import (
    Programs, Sockets, can_keep_writes, keep_writes_below, leave_network, limit_resources,
    refuse_calls,
)

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

def truncate():
    os.truncate(os.environ["VICTIM"], 0)

def link():
    os.symlink("/etc", os.environ["TARGET"] + ".link")

def folder():
    os.mkdir(os.environ["TARGET"] + ".folder")

def unlink():
    os.unlink(os.environ["VICTIM"])

def environ():
    with open(f"/proc/{os.getppid()}/environ", "rb") as file:
        file.read(1)

def memory():
    os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY))

def signal():
    os.kill(os.getppid(), 0)

def pair():
    a, b = socket.socketpair()
    a.close(), b.close()

def become_ordinary():  # root's capabilities would let it look anywhere; the parent has none either
    libc = ctypes.CDLL(None, use_errno=True)
    version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
    assert libc.capset(version_3, (ctypes.c_uint32 * 6)()) == 0
    if os.fork():
        os._exit(os.waitstatus_to_exitcode(os.wait()[1]))

def elsewhere():  # in a thread that was there before
    began.set()
    go.wait()
    found.append(may(tcp))

began, go, found = threading.Event(), threading.Event(), []
def show(*tries):
    print(" ".join(f"{t.__name__}:{may(t)}" for t in tries))
"""


def _run(script: str, tmp_path: Path) -> list[str]:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    done = subprocess.run(
        [sys.executable, "-c", TRIES + script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "TARGET": str(tmp_path / "written"),
            "VICTIM": str(victim),
        },
    )
    return done.stdout.split("\n")


@LINUX
def test_without_layers_everything_is_possible(tmp_path: Path) -> None:
    """The control: what the other tests see refused works here."""
    shown = _run("show(tcp, udp, local, pair, raw_call, program, write)", tmp_path)
    assert shown[0] == "tcp:yes udp:yes local:yes pair:yes raw_call:yes program:yes write:yes"
    script = "become_ordinary(); show(truncate, link, folder, unlink, environ, memory, signal)"
    shown = _run(script, tmp_path)
    assert shown[0] == (
        "truncate:yes link:yes folder:yes unlink:yes environ:yes memory:yes signal:yes"
    )


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
def test_with_landlock_no_file_changes_and_no_other_process_is_seen(tmp_path: Path) -> None:
    script = """
print(can_keep_writes(), tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 12), flush=True)
become_ordinary()
keep_writes_below([])
show(write, truncate, link, folder, unlink, environ, memory)
show(signal)
open("/dev/null", "w").close()
"""
    there, tried, signalled, _ = _run(script, tmp_path)
    has_landlock, keeps_signals = (word == "True" for word in there.split())
    if not has_landlock:
        pytest.skip("this kernel has no Landlock, and nothing is said of it")
    no = "no (PermissionError)"
    assert tried == " ".join(
        f"{what}:{no}"
        for what in ("write", "truncate", "link", "folder", "unlink", "environ", "memory")
    )
    assert signalled == (f"signal:{no}" if keeps_signals else "signal:yes")
    assert (tmp_path / "victim").read_text() == "kept"


@LINUX
def test_sockets_of_the_internet_alone_leave_pairs_and_refuse_paths(tmp_path: Path) -> None:
    shown = _run(
        "refuse_calls(Sockets.INTERNET, Programs.ANY); show(tcp, udp, local, pair, program)",
        tmp_path,
    )
    assert shown[0] == "tcp:yes udp:yes local:no (PermissionError) pair:yes program:yes"
    shown = _run("refuse_calls(Sockets.NONE, Programs.ANY); show(tcp, local, pair)", tmp_path)
    no = "no (PermissionError)"
    assert shown[0] == f"tcp:{no} local:{no} pair:yes"


@LINUX
async def test_a_parser_changes_no_file_and_does_not_look_into_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for a grammar that is made to: the parser's start-up hook tries on one file."""
    hook, victim, seen = tmp_path / "hook", tmp_path / "victim.py", "nothing was tried"
    hook.mkdir()
    victim.write_text("kept = 1\n")
    (hook / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def watch(event, args):\n"
        "    if event != 'open' or not str(args[0]).endswith('probe.py'):\n"
        "        return\n"
        "    found = []\n"
        f"    for path, flags in (({str(victim)!r}, os.O_WRONLY | os.O_TRUNC),\n"
        "                        (f'/proc/{os.getppid()}/mem', os.O_RDONLY)):\n"
        "        try:\n"
        "            found.append(os.read(os.open(path, flags), 1))\n"
        "        except OSError as error:\n"
        "            found.append(error.errno)\n"
        "    raise RuntimeError(str(found))\n"
        "sys.addaudithook(watch)\n"
    )
    places = os.pathsep.join([str(hook), str(ROOT)])
    monkeypatch.setattr("context.child.package_root", lambda: places)
    child = await Child.start("context.parsing", name="parser")
    try:
        params = {"root": str(tmp_path), "files": [["probe.py", "python"]], "named_at_once": 1}
        await child.call("parse_files", params)
    except ChildError as error:
        seen = str(error)
    finally:
        await child.close()
    if not can_keep_writes():
        pytest.skip("this kernel has no Landlock, and nothing is said of it")
    assert seen == "[13, 13]"
    assert victim.read_text() == "kept = 1\n"


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
