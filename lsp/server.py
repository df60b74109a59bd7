"""Starts the server on a transport and answers `initialize`. No feature's code stands here.

What the features import takes longer than a client should wait for that answer, so lsp/methods.py
is imported right after it was given.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from context.serving import guard_stdout
from lsp import __version__, from_lsp
from lsp.capabilities import (
    ClientCapabilities,
    Extras,
    read_capabilities,
    read_extras,
    server_capabilities,
)
from lsp.command_table import COMMANDS
from lsp.transports import (
    CannotListen,
    PipeTransport,
    Transport,
    tcp_client,
    websocket_client,
)
from lsp.wire import CANCEL_S, Method, Wire

if TYPE_CHECKING:
    from lsp.session import Session

logger = logging.getLogger(__name__)

LOAD_AFTER_S = 0.005  # the answer to `initialize` leaves first; a guess
MAX_PID = 2**31  # what psutil takes everywhere
CLOSE_S = 1.5  # editors kill a server after 2 s
_LISTENERS: dict[str, Callable[[str, int], AbstractAsyncContextManager[Transport]]] = {
    "tcp": tcp_client,
    "websocket": websocket_client,
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What `initialize` said, for the session that is made afterwards."""

    client: ClientCapabilities = field(default_factory=lambda: read_capabilities({}))
    extras: Extras = field(default_factory=Extras)
    options: Mapping[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    parent: int | None = None  # the client's process, as it says
    is_trusted: bool = True


class Server:
    """One client's server. `environ` holds the settings of the user's environment."""

    def __init__(self, transport: Transport, environ: Mapping[str, str]) -> None:
        self.wire = Wire(transport, self._load)
        self.session: Session | None = None
        self._environ = environ
        self._is_piped = isinstance(transport, PipeTransport)
        self._opening = Opening()
        self.wire.on_request("initialize", Method(self._initialize))

    async def run(self) -> int:
        """Serve until the client ends; the exit code."""
        code = await self.wire.run()
        if self.session is not None:
            try:
                await asyncio.wait_for(self.session.close(), CLOSE_S)
            except TimeoutError:
                logger.warning("some work did not end in time")
        return code

    async def _initialize(self, params: Any) -> dict[str, Any]:
        opening = _read_opening(params, self._environ)
        if not self._is_piped:
            opening = replace(opening, parent=None)  # a socket's client may be anywhere
        answer = {
            "capabilities": server_capabilities(opening.client, tuple(COMMANDS), opening.extras),
            "serverInfo": {"name": "postil", "version": __version__},
        }
        self._opening = opening
        asyncio.get_running_loop().call_later(LOAD_AFTER_S, self.wire.load_now)
        return answer

    def _load(self) -> None:
        from lsp.methods import open_session

        self.session = open_session(self.wire, self._opening, self._environ)
        gc.freeze()  # what was imported stays: no need to look through it again and again


def _read_opening(params: Any, environ: Mapping[str, str]) -> Opening:
    """Takes whatever a client sends: what is not as it should be counts as not sent."""
    given = params if isinstance(params, dict) else {}
    capabilities = given.get("capabilities")
    client = read_capabilities(capabilities if isinstance(capabilities, dict) else {})
    options = given.get("initializationOptions")
    options = dict(options) if isinstance(options, dict) else {}
    is_trusted = options.pop("trusted", True) is not False
    folders = given.get("workspaceFolders")
    listed = folders if isinstance(folders, list) else []
    uris = [folder.get("uri") for folder in listed if isinstance(folder, dict)]
    uris = uris or [given.get("rootUri")]
    paths = [path for uri in uris if isinstance(uri, str) and (path := from_lsp.path(uri))]
    parent = given.get("processId")
    return Opening(
        client,
        read_extras(options, environ),
        options,
        tuple(dict.fromkeys(paths)),
        parent if isinstance(parent, int) and 1 < parent < MAX_PID else None,
        is_trusted,
    )


def serve_stdio() -> NoReturn:
    """Serve on stdin and stdout until the client ends, then end the process with the right code.

    Does not return: at an ordinary exit the interpreter aborts on the reader's hold of stdin.
    """
    wire_fd = guard_stdout()
    _log_to_stderr()
    _run(Server(PipeTransport(sys.stdin.fileno(), wire_fd), os.environ).run)


def serve_socket(kind: str, host: str, port: int) -> NoReturn:
    """Serve the first client that connects to `port` (0: any free one). Kinds: tcp, websocket.

    Exit code 3 and a sentence on stderr where that port cannot be had.
    """
    _log_to_stderr()

    async def serve() -> int:
        async with _LISTENERS[kind](host, port) as transport:
            return await Server(transport, os.environ).run()

    _run(serve)


def _run(serve: Callable[[], Awaitable[int]]) -> NoReturn:
    """The process ends within the loop: after it, `asyncio.run` would wait for every thread."""

    async def run() -> NoReturn:
        try:
            code = await serve()
        except CannotListen as error:
            sys.stderr.write(f"postil: {error}\n")
            code = 3
        await _end_work()
        sys.stderr.flush()
        os._exit(code)

    asyncio.run(run())
    raise AssertionError("unreachable")


async def _end_work() -> None:
    """What still goes on, and the programs that were started for it."""
    import psutil

    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=CANCEL_S)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


def _log_to_stderr() -> None:
    wanted = os.environ.get("POSTIL_LOG_LEVEL") or "WARNING"
    level = logging.getLevelNamesMapping().get(wanted.upper())
    logging.basicConfig(
        level=logging.WARNING if level is None else level,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if level is None:
        logger.warning("POSTIL_LOG_LEVEL is no level of logging; WARNING is used")
