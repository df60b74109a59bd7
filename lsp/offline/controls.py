"""Attempts to connect that a harness must stop, or it proves nothing: the positive controls.

They go to a listener on this machine's own loopback, never to another machine. Outside the
closed-off network each attempt must arrive there (else the attempt itself is broken), inside none
may. The only module under lsp/ that uses sockets; `postil doctor --prove-offline` and the tests
import it, nothing on the run path does (a test walks the imports).
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

PYTHON, CTYPES, CHILD, UDP, NAMES = (
    "python socket",
    "ctypes connect",
    "child process",
    "UDP datagram",
    "name look-up",
)
LISTENED_FOR = (PYTHON, CTYPES, CHILD, UDP)
ATTEMPT_S = 5.0
# Reserved by RFC 2606: it cannot exist, so even a broken harness asks for nobody's name.
NO_SUCH_NAME = "postil-control.invalid"


@dataclass(frozen=True, slots=True)
class Control:
    """One attempt, outside and inside."""

    name: str
    arrived_outside: bool | None  # None: not tried there
    arrived_inside: bool
    error_inside: str

    @property
    def is_good(self) -> bool:
        return self.arrived_outside is not False and not self.arrived_inside


class Listener:
    """Notes which attempts reach this machine's loopback."""

    def __init__(self, tcp: socket.socket, udp: socket.socket) -> None:
        self._tcp, self._udp = tcp, udp
        self.tcp_port: int = tcp.getsockname()[1]
        self.udp_port: int = udp.getsockname()[1]

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Listener]:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            for one in (tcp, udp):
                one.bind(("127.0.0.1", 0))
                one.settimeout(0)
            tcp.listen(16)
            yield cls(tcp, udp)

    def arrived(self) -> set[str]:
        """Names of the attempts that came since the last call; all senders have ended by now."""
        names: set[str] = set()
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._tcp, selectors.EVENT_READ)
            waiting.register(self._udp, selectors.EVENT_READ)
            while ready := waiting.select(0):
                for key, _ in ready:
                    names.add(self._take(key.fileobj is self._tcp))
        return names

    def _take(self, is_tcp: bool) -> str:  # noqa: FBT001 - which of two sockets
        if not is_tcp:
            return self._udp.recv(100).decode("ascii", "replace")
        connection, _ = self._tcp.accept()
        with connection:
            connection.settimeout(ATTEMPT_S)
            return connection.recv(100).decode("ascii", "replace")


def attempt(
    listener: Listener, names: Sequence[str], wrap: Callable[[list[str]], list[str]]
) -> dict[str, str]:
    """Run the attempts in a process that `wrap` closes off; each one's error, "" for none."""
    command = [
        sys.executable, "-P", "-m", "lsp.offline.controls",
        str(listener.tcp_port), str(listener.udp_port), *names,
    ]  # fmt: skip
    done = subprocess.run(wrap(command), capture_output=True, text=True, check=False)
    try:
        errors: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().split("\n") or [""])[-1]
        return dict.fromkeys(names, f"the attempts did not run: {last}"[:200])
    return errors


def run_controls(wrap: Callable[[list[str]], list[str]]) -> list[Control]:
    """Each attempt outside, then inside what `wrap` makes."""
    with Listener.open() as listener:
        attempt(listener, LISTENED_FOR, lambda command: command)
        outside = listener.arrived()
        errors = attempt(listener, (*LISTENED_FOR, NAMES), wrap)
        inside = listener.arrived()
    # A datagram to the new network's own loopback is sent and lost: no error, and no arrival.
    controls = [
        Control(
            name,
            name in outside,
            name in inside or (name != UDP and not errors[name]),
            errors[name],
        )
        for name in LISTENED_FOR
    ]
    return [*controls, Control(NAMES, None, not errors[NAMES], errors[NAMES])]


def _by_python(port: int, name: str) -> None:
    with socket.create_connection(("127.0.0.1", port), ATTEMPT_S) as connection:
        connection.sendall(name.encode())


def _by_ctypes(port: int, name: str) -> None:
    """The C library itself: a patched Python would not notice."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, b"\x7f\0\0\1")
    if sys.platform == "darwin":
        address = struct.pack("=BB", 16, socket.AF_INET) + address[2:]
    try:
        if libc.connect(descriptor, address, 16) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        os.write(descriptor, name.encode())
    finally:
        os.close(descriptor)


def _by_child(port: int, name: str) -> None:
    code = (
        "import socket, sys\n"
        f"with socket.create_connection(('127.0.0.1', {port}), {ATTEMPT_S}) as c:\n"
        f"    c.sendall({name!r}.encode())\n"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError((done.stderr.strip().split("\n") or ["it failed"])[-1])


def _by_udp(port: int, name: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(name.encode(), ("127.0.0.1", port))


def _by_name(port: int, name: str) -> None:
    del port, name
    socket.getaddrinfo(NO_SUCH_NAME, 80)


_ATTEMPTS: dict[str, Callable[[int, str], None]] = {
    PYTHON: _by_python,
    CTYPES: _by_ctypes,
    CHILD: _by_child,
    UDP: _by_udp,
    NAMES: _by_name,
}


def main() -> None:
    tcp_port, udp_port, *names = sys.argv[1:]
    errors = {}
    for name in names:
        try:
            _ATTEMPTS[name](int(udp_port if name == UDP else tcp_port), name)
            errors[name] = ""
        except OSError as error:
            errors[name] = str(error) or type(error).__name__
    sys.stdout.write(json.dumps(errors))


if __name__ == "__main__":
    main()
