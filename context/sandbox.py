"""What a worker process gives up before it reads data from outside: network, programs, memory.

Linux only, as far as the kernel lets an ordinary user; elsewhere nothing is done and the list of
layers is empty. None of it is needed for Postil to open no connection: it is there for the day on
which native code (llama.cpp, a grammar) is made to do what its authors did not mean.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _FILTER_FLAG_TSYNC = 1, 1
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: ld abs, jeq, jge, ret
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # on all architectures
_WRITE_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 13, 1 << 14
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2  # what a Landlock scope keeps inside
_WRITES = _WRITE_FILE | 0b1111_1111_1_0000  # and removing and making of every kind
_X32 = 0x40000000  # system calls of the x32 interface begin here


class Layer(StrEnum):
    """What holds in this process from now on."""

    NAMESPACE = "network namespace"  # no interface but a loopback that is down
    SECCOMP = "seccomp"  # no sockets, no programs, no looking into other processes
    WRITES = "landlock"  # files are changed below chosen folders only, other processes not seen
    LIMITS = "resource limits"  # no file grows, no core dump, memory


class Sockets(StrEnum):
    """Which sockets seccomp leaves."""

    NONE = "none"  # a pair of connected ones can be made all the same
    LOCAL = "local"  # AF_UNIX: drivers of some GPUs speak to their service
    INTERNET = "internet"  # IPv4 and IPv6, for who is in a network namespace of its own


class Programs(StrEnum):
    """Whether other programs may be started or looked into."""

    NONE = "none"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class _Numbers:
    """System calls of one architecture."""

    arch: int
    seccomp: int
    socket: int
    io_uring_setup: int  # a ring could connect without calls
    programs: tuple[int, ...]  # execve, execveat, ptrace, process_vm_readv, process_vm_writev


_FAMILIES: dict[Sockets, tuple[int, ...]] = {
    Sockets.NONE: (),
    Sockets.LOCAL: (1,),  # AF_UNIX
    Sockets.INTERNET: (2, 10, 16),  # AF_INET, AF_INET6, AF_NETLINK (a list of the interfaces)
}
_MACHINES = {
    "x86_64": _Numbers(0xC000003E, 317, 41, 425, (59, 322, 101, 310, 311)),
    "aarch64": _Numbers(0xC00000B7, 277, 198, 425, (221, 281, 117, 270, 271)),
}


def leave_network() -> list[Layer]:
    """Move into an empty network namespace. Call it first: a process with threads cannot.

    The kernel forgets the parent-death signal on the way, so `die_with_parent` comes after it.
    """
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNET) == 0:  # who may administer the system needs no user namespace
        return [Layer.NAMESPACE]
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return []
    with suppress(OSError):  # the same ids inside, so that files belong to the same user
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    return [Layer.NAMESPACE]


def refuse_calls(sockets: Sockets, programs: Programs = Programs.NONE) -> list[Layer]:
    """Have the kernel refuse sockets, new programs and looking into other processes, for good."""
    numbers = _MACHINES.get(platform.machine()) if sys.platform == "linux" else None
    if numbers is None:
        return []
    rules = _filter(numbers, sockets, programs)
    kept = ctypes.create_string_buffer(rules, len(rules))
    program = struct.pack("HP", len(rules) // 8, ctypes.addressof(kept))  # struct sock_fprog
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return []
    refused = libc.syscall(numbers.seccomp, _SET_MODE_FILTER, _FILTER_FLAG_TSYNC, program)
    return [] if refused else [Layer.SECCOMP]


def can_keep_writes() -> bool:
    """Whether `keep_writes_below` has an effect here."""
    return _landlock_version() > 0


def _landlock_version() -> int:
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def keep_writes_below(folders: Sequence[Path]) -> list[Layer]:
    """From now on files can be made, written or removed in `folders` only; reading stays free.

    Files may stand among them, and a few devices always do. The memory of processes that were not
    started from here can be read no more, nor their environment, but by root (the kernel's own rule
    for who is under Landlock), nor, from Linux 6.12, can they be sent a signal. Modes and times of
    files can still be changed. Holds for this thread and all that is started from it: call it
    before there are others. Empty where the kernel has no Landlock.
    """
    version = _landlock_version()
    if version < 1 or sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    handled = _WRITES | (_REFER if version > 1 else 0) | (_TRUNCATE if version > 2 else 0)
    attribute = struct.pack("Q", handled)
    if version >= 6:
        attribute = struct.pack("QQQ", handled, 0, _ABSTRACT_SOCKETS | _SIGNALS)
    ruleset = libc.syscall(
        _LANDLOCK_CREATE, attribute, ctypes.c_size_t(len(attribute)), ctypes.c_uint32(0)
    )
    if ruleset < 0:
        return []
    try:
        devices = [Path("/dev/null"), Path("/dev/zero"), Path("/dev/full"), Path("/dev/tty")]
        for place in (*folders, *devices):
            allowed = handled if place.is_dir() else handled & (_WRITE_FILE | _TRUNCATE)
            with suppress(OSError):
                descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
                rule = struct.pack("=Qi", allowed, descriptor)
                libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, ctypes.c_uint32(0))
                os.close(descriptor)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            return []
        refused = libc.syscall(_LANDLOCK_RESTRICT, ruleset, ctypes.c_uint32(0))
        return [] if refused else [Layer.WRITES]
    finally:
        os.close(ruleset)


def gpu_devices() -> list[Path]:
    """What a GPU's driver writes to: files and folders below /dev."""
    patterns = ("nvidia*", "dri", "kfd", "dxg")
    return [place for pattern in patterns for place in sorted(Path("/dev").glob(pattern))]


def limit_resources(max_memory_bytes: int | None) -> list[Layer]:
    """No core is dumped and no file grows, unless the log is one; address space up to the limit."""
    try:
        import resource
    except ImportError:  # Windows
        return []
    limits = {resource.RLIMIT_CORE: 0}
    if not stat.S_ISREG(os.fstat(2).st_mode):  # else it is a log, and may grow
        limits[resource.RLIMIT_FSIZE] = 0
    if max_memory_bytes is not None and sys.platform == "linux":
        limits[resource.RLIMIT_AS] = max_memory_bytes
    for what, most in limits.items():
        _, hard = resource.getrlimit(what)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(what, (most, most))
    return [Layer.LIMITS]


def _filter(numbers: _Numbers, sockets: Sockets, programs: Programs) -> bytes:
    """BPF that returns EPERM for what is refused and lets everything else pass.

    Each test jumps over one instruction or none, but that of sockets, which stands at the end.
    """
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    rules = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, numbers.arch),
        refuse,  # the calls of another architecture have other numbers
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        refuse,
    ]
    refused = (numbers.io_uring_setup, *(numbers.programs if programs is Programs.NONE else ()))
    for number in refused:
        rules += [(_EQUAL, 0, 1, number), refuse]
    families = _FAMILIES[sockets]
    # What is no socket call jumps over the reading of the family, its tests and the refusal.
    rules.append((_EQUAL, 0, len(families) + 2, numbers.socket))
    rules.append((_LOAD, 0, 0, _FIRST_ARGUMENT))
    for number, family in enumerate(families):
        rules.append((_EQUAL, len(families) - number, 0, family))
    rules.append(refuse)
    rules.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *rule) for rule in rules)
