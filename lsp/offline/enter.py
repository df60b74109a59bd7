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
import struct
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from platform import machine

from context.sandbox import Programs, Sockets, leave_network, refuse_calls

CANNOT = 125  # exit code: the way is not to be had here; env(1) and others use it alike
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
    if not leave_network():
        raise CannotEnter("the system gives no network namespace")


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
    """EPERM for every socket that is not AF_UNIX, and for io_uring."""
    if not refuse_calls(Sockets.LOCAL, Programs.ANY):
        raise CannotEnter(f"the system takes no filter, or none is written for {machine()}")


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
