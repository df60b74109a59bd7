"""Runs a command where no network can be reached: `python -P -m lsp.offline.enter WAY -- COMMAND`.

Ways, Linux only: `netns`, an empty network namespace, a property of the kernel and not of the calls
that we thought of; `netns-loopback`, the same with its own loopback up, for tests that start
servers on it; `seccomp`, a filter that lets no process open a socket but for UNIX ones, where the
system gives no namespaces. Children inherit all of them and cannot undo them. Needs no program
beside Python, and no privileges where the system allows user namespaces.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

CANNOT = 125  # exit code: the way is not to be had here; env(1) and others use it alike
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_AF_UNIX, _EPERM = 1, 1
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_IO_URING_SETUP = 425  # the same number on every architecture; a ring could connect without calls
# (audit architecture, socket, socketpair): linux/audit.h and the system call tables
_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


class Way(StrEnum):
    NETNS = "netns"  # an empty network namespace, loopback down
    NETNS_LOOPBACK = "netns-loopback"
    SECCOMP = "seccomp"


class CannotEnter(Exception):
    """Why this way is not to be had here, in words."""


def command_in(way: Way, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` that way."""
    return [sys.executable, "-P", "-m", "lsp.offline.enter", way.value, "--", *command]


def enter(way: Way) -> None:
    """Close this process, and all that it starts, off. Raises `CannotEnter`."""
    if sys.platform != "linux":
        raise CannotEnter("only Linux has network namespaces and seccomp")
    match way:
        case Way.NETNS:
            _new_network()
        case Way.NETNS_LOOPBACK:
            _new_network()
            _loopback_up()
        case Way.SECCOMP:
            _deny_sockets()


def interfaces() -> list[str]:
    """Names of the network interfaces that this process sees; Linux."""
    lines = Path("/proc/net/dev").read_text(encoding="ascii").strip().split("\n")
    return [line.partition(":")[0].strip() for line in lines[2:]]


def _new_network() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNET) == 0:  # who may administer the system needs no user namespace
        return
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        raise CannotEnter(
            f"the system gives no network namespace ({os.strerror(ctypes.get_errno())})"
        )
    try:  # the same ids inside, so that files belong to the same user
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    except OSError as error:
        raise CannotEnter(f"the system does not map users ({error.strerror})") from error


def _loopback_up() -> None:
    """What `ip link set lo up` does, by ioctl: the program is not everywhere."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.socket(2, 2, 0)  # AF_INET, SOCK_DGRAM: only to speak to the interface
    try:
        request = ctypes.create_string_buffer(struct.pack("16sH22x", b"lo", 0), 40)
        if libc.ioctl(descriptor, _SIOCGIFFLAGS, request) != 0:
            raise CannotEnter("there is no loopback in the new namespace")
        (flags,) = struct.unpack_from("H", request, 16)
        struct.pack_into("H", request, 16, flags | _IFF_UP)
        if libc.ioctl(descriptor, _SIOCSIFFLAGS, request) != 0:
            raise CannotEnter(f"loopback cannot be started ({os.strerror(ctypes.get_errno())})")
    finally:
        os.close(descriptor)


def _deny_sockets() -> None:
    """EPERM for every socket that is not AF_UNIX, and for io_uring; other architectures end."""
    known = _CALLS.get(platform.machine())
    if known is None:
        raise CannotEnter(f"the filter is not written for {platform.machine()}")
    architecture, socket_call = known
    load, equal, at_least, ret = 0x20, 0x15, 0x35, 0x06
    refuse = _ERRNO | _EPERM
    program = (
        (load, 0, 0, 4),  # the architecture of the call
        (equal, 1, 0, architecture),
        (ret, 0, 0, _KILL),
        (load, 0, 0, 0),  # its number
        (at_least, 5, 0, 0x40000000),  # the x32 ABI would have other numbers
        (equal, 4, 0, _IO_URING_SETUP),
        (equal, 0, 2, socket_call),
        (load, 0, 0, 16),  # its first argument: the family
        (equal, 0, 1, _AF_UNIX),
        (ret, 0, 0, _ALLOW),
        (ret, 0, 0, refuse),
    )
    # struct sock_filter and struct sock_fprog (linux/filter.h), packed as the C compiler would
    filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    whole = struct.pack("HP", len(program), ctypes.addressof(filters))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise CannotEnter("the system does not let a process give up privileges")
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, whole, 0, 0) != 0:
        raise CannotEnter(f"the system takes no filter ({os.strerror(ctypes.get_errno())})")


def main() -> None:
    way, *separated = sys.argv[1:]
    if separated[:1] != ["--"] or len(separated) < 2:
        sys.exit(2)
    command = separated[1:]
    try:
        enter(Way(way))
    except CannotEnter as reason:
        sys.stderr.write(f"{reason}\n")
        sys.exit(CANNOT)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
