"""A child process of ours that is spoken to in JSON lines: parsers, the indexer, the model worker.

Native code that can abort, hang or print (tree-sitter, llama.cpp) runs only in such a process. This
is the parent's side; the child's is context/serving.py. Guarantees: every call ends with a
result or an exception, also when the process dies; a child ends when its parent does (end of file
on its stdin, and PR_SET_PDEATHSIG on Linux); nothing that native code prints reaches the wire,
because the child moves its stdout away before anything else is imported.

One line is one message. Parent to child: {"id", "method", "params"} or {"cancel": id}. Child to
parent: {"id", "event"} any number of times, then {"id", "result"} or {"id", "error": {kind, text}}.
Uses asyncio's subprocesses and plain pipes, so the same code serves Linux, macOS and Windows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from context.serving import PARENT

logger = logging.getLogger(__name__)

MAX_LINE_BYTES = 256 * 1024 * 1024  # a guess: far above any message we send
EventHandler = Callable[[Any], None]


class ChildError(Exception):
    """A call to a child process failed. `kind` names the class of the error raised in the child."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class ChildDied(ChildError):
    """The process ended (or was killed) before it answered."""

    def __init__(self, name: str, returncode: int | None) -> None:
        super().__init__("ChildDied", f"the {name} process ended unexpectedly ({returncode})")
        self.returncode = returncode


class Child:
    """Parent's handle on one process. Use from one event loop."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self._process = process
        self._name = name
        self._ids = iter(range(1, 2**62))
        self._waiting: dict[int, tuple[asyncio.Future[Any], EventHandler | None]] = {}
        self._reader = asyncio.create_task(self._read(), name=f"{name}-reader")

    @classmethod
    async def start(
        cls, module: str, *, name: str, args: tuple[str, ...] = (), env: Mapping[str, str] = {}
    ) -> Child:
        """Run `python -P -m module args`; -P keeps the user's folder off the module path."""
        extra: dict[str, Any] = {}
        if sys.platform == "win32":
            extra["creationflags"] = 0x08000000  # CREATE_NO_WINDOW
        else:
            extra["start_new_session"] = True  # a Ctrl-C at the terminal is for the parent
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            module,
            *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            env={
                **os.environ,
                "PYTHONPATH": package_root(),
                "PYTHONUTF8": "1",
                PARENT: str(os.getpid()),
                **env,
            },
            **extra,
        )
        return cls(process, name)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self._reader.done()

    async def ended(self) -> None:
        """Wait until the process has ended, for whatever reason."""
        await asyncio.wait([self._reader])

    async def call(
        self, method: str, params: Any = None, *, on_event: EventHandler | None = None
    ) -> Any:
        """Send one request and wait for its result.

        Cancelling the await sends a cancel to the child, which keeps running other calls, and so
        does an error that `on_event` raises, which is raised here. Raises `ChildError` with the
        child's own words, `ChildDied` when the process goes first.
        """
        if not self.alive:
            raise ChildDied(self._name, self._process.returncode)
        call_id = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = (future, on_event)
        try:
            await self._send({"id": call_id, "method": method, "params": params})
            return await future
        except ChildError:
            raise
        except (Exception, asyncio.CancelledError):
            with contextlib.suppress(ChildError):
                await asyncio.shield(self._send({"cancel": call_id}))
            raise
        finally:
            self._waiting.pop(call_id, None)

    async def _send(self, message: Any) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(message, ensure_ascii=True).encode() + b"\n")
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChildDied(self._name, self._process.returncode) from error

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            while line := await stdout.readline():
                self._deliver(json.loads(line))
        except Exception:  # a process that nobody hears any more must not go on
            logger.exception("unreadable message from the %s process", self._name)
            self._kill_now()
        except asyncio.CancelledError:
            self._kill_now()  # the loop ends without close(): waiting for the process would hang it
            raise
        finally:
            returncode = await self._process.wait()
            for future, _ in self._waiting.values():
                if not future.done():
                    future.set_exception(ChildDied(self._name, returncode))

    def _deliver(self, message: dict[str, Any]) -> None:
        future, on_event = self._waiting.get(message["id"], (None, None))
        if future is None or future.done():
            return  # cancelled meanwhile
        if "event" in message:
            if on_event is not None:
                try:
                    on_event(message["event"])
                except Exception as refusal:  # noqa: BLE001  (the caller's own: it gets it)
                    future.set_exception(refusal)
        elif "error" in message:
            error = message["error"]
            future.set_exception(ChildError(error["kind"], error["text"]))
        else:
            future.set_result(message["result"])

    async def stop(
        self, call: asyncio.Future[Any], within_s: float, idle: str, params: Any
    ) -> None:
        """Cancel a call and wait until the child obeyed, or kill it.

        For a child that does one job at a time: an answer to the job `idle`, which costs nothing,
        means that the cancelled one has ended.
        """
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError, ChildError):
            await call
        try:
            async with asyncio.timeout(within_s):
                await asyncio.shield(self.call(idle, params))
        except (TimeoutError, ChildError):
            await self.kill()

    async def close(self, timeout_s: float = 2.0) -> None:
        """Ask the process to end by closing its stdin; kill it when it does not within the time."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(self._reader), timeout_s)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the process at once; every waiting call raises `ChildDied`."""
        self._kill_now()
        await self._reader

    def _kill_now(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()


def package_root() -> str:
    """The folder that holds our packages: `-P` drops it where we run from a checkout."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
