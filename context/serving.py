"""The child's side of context/child.py: answers calls on stdin, keeps stdout to itself.

Imports little, because every parser and worker waits for it: nothing of asyncio.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

logger = logging.getLogger(__name__)

Emit = Callable[[Any], None]
Method = Callable[[Any, Emit, threading.Event], Any]


PARENT = "POSTIL_PARENT_PID"  # in the environment of each process that we start


class Cancelled(Exception):
    """Raised inside a child by work that saw its cancel token."""


def guard_stdout() -> int:
    """Move stdout to a private descriptor and point descriptor 1 at stderr; return the private one.

    llama.cpp prints and redirects descriptor 1 on its own; one stray byte would end the protocol.
    """
    private = os.dup(1)
    os.set_inheritable(private, False)  # noqa: FBT003
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return private


def die_with_parent() -> None:
    """Linux: have the kernel kill this process when its parent goes. Elsewhere EOF has to do.

    Who the parent is, it says itself: the first process of a container may be one, and who takes
    in what an ended one leaves need not be that.
    """
    if sys.platform != "linux":
        return
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != int(os.environ.get(PARENT, os.getppid())):
        os._exit(1)  # the parent went before the call above


class Call:
    """One call of the parent, to be answered once, from any thread."""

    def __init__(self, message: dict[str, Any], send: Callable[[Any], None]) -> None:
        self.method: str = message["method"]
        self.params: Any = message["params"]
        self.cancelled = threading.Event()
        self.on_cancel: Callable[[], object] = self.cancelled.set
        self._id: int = message["id"]
        self._send = send

    def emit(self, event: Any) -> None:
        self._send({"id": self._id, "event": event})

    def answer(self, result: Any) -> None:
        self._send({"id": self._id, "result": result})

    def fail(self, error: BaseException) -> None:
        if not isinstance(error, Cancelled):
            logger.debug("%s failed", self.method, exc_info=error)
        text = str(error) or type(error).__name__
        self._send({"id": self._id, "error": {"kind": type(error).__name__, "text": text}})


def serve(methods: Mapping[str, Method], wire_fd: int) -> None:
    """Answer calls until stdin ends, one at a time. Never returns: exits the process.

    A method gets its parameters, a function that sends an event, and an event that is set when the
    call is cancelled; what it returns must be JSON. Calls wait in the order in which they came.
    """
    import queue

    calls: queue.Queue[Call] = queue.Queue()

    def work() -> None:
        while True:
            call = calls.get()
            try:
                if call.cancelled.is_set():
                    raise Cancelled
                call.answer(methods[call.method](call.params, call.emit, call.cancelled))
            except BaseException as error:  # noqa: BLE001  (the parent's to react to)
                call.fail(error)

    threading.Thread(target=work, daemon=True).start()
    serve_calls(calls.put, wire_fd)


def serve_calls(start: Callable[[Call], object], wire_fd: int) -> None:
    """Hand each call to `start`, which must not block, until stdin ends. Never returns."""
    lock = threading.Lock()
    open_calls: dict[int, Call] = {}

    def send(message: Any) -> None:
        if "event" not in message:
            open_calls.pop(message["id"], None)
        data = json.dumps(message, ensure_ascii=True).encode() + b"\n"
        with lock:
            view = memoryview(data)
            while view:
                view = view[os.write(wire_fd, view) :]

    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "cancel" in message:
            if call := open_calls.get(message["cancel"]):
                call.on_cancel()
            continue
        open_calls[message["id"]] = call = Call(message, send)
        start(call)
    os._exit(0)
