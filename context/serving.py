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
    """Linux: have the kernel kill this process when its parent goes. Elsewhere EOF has to do."""
    if sys.platform != "linux":
        return
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() == 1:
        os._exit(1)  # the parent went before the call above


def serve(methods: Mapping[str, Method], wire_fd: int, *, threads: int = 1) -> None:
    """Answer calls until stdin ends, `threads` at a time. Never returns: exits the process.

    A method gets its parameters, a function that sends an event, and an event that is set when the
    call is cancelled; what it returns must be JSON. Calls wait in the order in which they came.
    """
    import queue

    lock = threading.Lock()
    jobs: queue.Queue[tuple[int, str, Any, threading.Event]] = queue.Queue()
    tokens: dict[int, threading.Event] = {}

    def send(message: Any) -> None:
        data = json.dumps(message, ensure_ascii=True).encode() + b"\n"
        with lock:
            view = memoryview(data)
            while view:
                view = view[os.write(wire_fd, view) :]

    def work() -> None:
        while True:
            call_id, method, params, token = jobs.get()
            try:
                if token.is_set():
                    raise Cancelled
                emit = lambda event, call_id=call_id: send({"id": call_id, "event": event})  # noqa: E731
                result = methods[method](params, emit, token)
                send({"id": call_id, "result": result})
            except BaseException as error:
                if not isinstance(error, Cancelled):
                    logger.debug("%s failed", method, exc_info=True)
                text = str(error) or type(error).__name__
                send({"id": call_id, "error": {"kind": type(error).__name__, "text": text}})
            finally:
                tokens.pop(call_id, None)

    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "cancel" in message:
            if token := tokens.get(message["cancel"]):
                token.set()
            continue
        token = threading.Event()
        tokens[message["id"]] = token
        jobs.put((message["id"], message["method"], message["params"], token))
    os._exit(0)
