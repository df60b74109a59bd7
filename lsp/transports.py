"""How messages come and go: pipes, a TCP socket, a WebSocket. Whole bodies here, no JSON.

Sockets are opened only when the user asked for one on the command line, listen on this machine
unless a host was named, and take one client, with which the process ends, as on pipes. A browser
names the page that connects; pages of other machines are refused.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import queue
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from lsp.framing import MAX_BODY_BYTES, PROTOCOL_FIELDS, Framer, FramingLost, framed

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 16
FLUSH_S = 1.0  # the last answers have so long to leave
LOOPBACK = "127.0.0.1"
_ORIGINS = ("http://localhost", "http://127.0.0.1", "https://localhost", "https://127.0.0.1")

Deliver = Callable[[bytes], None]
Ended = Callable[[], None]


class CannotListen(Exception):
    """One sentence for whoever started the server."""


class Transport(Protocol):
    """One client's connection. `deliver` and `ended` are called on the event loop."""

    def start(self, deliver: Deliver, ended: Ended) -> None: ...

    def send(self, body: bytes) -> None:
        """Never waits: what the client does not take yet is kept."""
        ...

    async def close(self) -> None:
        """After what was sent has left, or `FLUSH_S`."""
        ...


class PipeTransport:
    """Two file descriptors, each with a thread: a client that does not read stops nobody here."""

    def __init__(self, in_fd: int, out_fd: int) -> None:
        self._in_fd, self._out_fd = in_fd, out_fd
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, daemon=True, name="writer")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: Ended = lambda: None

    def start(self, deliver: Deliver, ended: Ended) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = ended
        reader = threading.Thread(target=self._read_all, args=(deliver,), daemon=True)
        reader.start()
        self._writer.start()

    def send(self, body: bytes) -> None:
        self._outgoing.put(framed(body))

    async def close(self) -> None:
        self._outgoing.put(None)
        with suppress(TimeoutError):  # its turn may not come: threads are shared with all work
            await asyncio.wait_for(asyncio.to_thread(self._writer.join, FLUSH_S), FLUSH_S)

    def _read_all(self, deliver: Deliver) -> None:
        framer = Framer()
        try:
            while data := os.read(self._in_fd, CHUNK_BYTES):
                for body in framer.feed(data):
                    self._call(deliver, body)
        except (FramingLost, OSError) as error:
            logger.error("the client's stream cannot be read: %s", error)
        self._call(self._ended)

    def _write_all(self) -> None:
        while (data := self._outgoing.get()) is not None:
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(self._out_fd, view) :]
            except OSError:
                self._call(self._ended)  # the client is gone
                return

    def _call(self, function: Callable[..., None], *arguments: bytes) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: the process is about to end
            self._loop.call_soon_threadsafe(function, *arguments)


class StreamTransport:
    """A TCP connection, framed like pipes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._reading: asyncio.Task[None] | None = None

    def start(self, deliver: Deliver, ended: Ended) -> None:
        self._reading = asyncio.ensure_future(self._read_all(deliver, ended))

    def send(self, body: bytes) -> None:
        self._writer.write(framed(body))

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.drain(), FLUSH_S)
        self._writer.close()

    async def _read_all(self, deliver: Deliver, ended: Ended) -> None:
        framer = Framer(PROTOCOL_FIELDS)
        try:
            while data := await self._reader.read(CHUNK_BYTES):
                for body in framer.feed(data):
                    deliver(body)
        except (FramingLost, OSError) as error:
            logger.error("the client's stream cannot be read: %s", error)
        ended()


class WebSocketTransport:
    """A WebSocket: one message is one body, without headers."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._outgoing: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, deliver: Deliver, ended: Ended) -> None:
        work = (self._read_all(deliver, ended), self._write_all())
        self._tasks = [asyncio.ensure_future(one) for one in work]

    def send(self, body: bytes) -> None:
        self._outgoing.put_nowait(body)

    async def close(self) -> None:
        self._outgoing.put_nowait(None)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._tasks[1]), FLUSH_S)
        for task in self._tasks:
            task.cancel()

    async def _read_all(self, deliver: Deliver, ended: Ended) -> None:
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            async for message in self._connection:
                deliver(message.encode("utf-8") if isinstance(message, str) else message)
        ended()

    async def _write_all(self) -> None:
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            while (body := await self._outgoing.get()) is not None:
                await self._connection.send(body.decode("utf-8"))


@asynccontextmanager
async def tcp_client(host: str, port: int) -> AsyncGenerator[Transport, None]:
    """Listen, and hand over the first client. Raises `CannotListen`."""
    first: asyncio.Future[Transport] = asyncio.get_running_loop().create_future()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first.done():
            writer.close()  # one client, as on pipes
        else:
            first.set_result(StreamTransport(reader, writer))

    try:
        server = await asyncio.start_server(connected, host, port)
    except OSError as error:
        raise CannotListen(_why_not(host, port, error)) from error
    try:
        _say_where("tcp", host, server.sockets[0].getsockname()[1])
        yield await first
    finally:
        server.close()


@asynccontextmanager
async def websocket_client(host: str, port: int) -> AsyncGenerator[Transport, None]:
    """Listen, and hand over the first client. Raises `CannotListen`."""
    if importlib.util.find_spec("websockets") is None:
        raise CannotListen(
            "WebSockets need a library that is not installed by default: "
            "pip install 'postil[websocket]'."
        )
    from websockets.asyncio.server import serve

    first: asyncio.Future[Transport] = asyncio.get_running_loop().create_future()
    is_over = asyncio.Event()

    async def connected(connection: ServerConnection) -> None:
        if first.done():
            await connection.close(1013, "This server has its client.")
            return
        first.set_result(WebSocketTransport(connection))
        await is_over.wait()  # returning would close the connection

    try:
        server = await serve(
            connected, host, port, max_size=MAX_BODY_BYTES, process_request=_refuse_pages
        )
    except OSError as error:
        raise CannotListen(_why_not(host, port, error)) from error
    try:
        _say_where("websocket", host, next(iter(server.sockets)).getsockname()[1])
        yield await first
    finally:
        is_over.set()
        server.close()


def is_own_page(origin: str | None) -> bool:
    """Whether a WebSocket may come from there: no browser at all, or a page of this machine."""
    if origin is None:
        return True
    host, _, port = origin.rpartition(":")
    return origin in _ORIGINS or (host in _ORIGINS and port.isdigit())


def _refuse_pages(connection: ServerConnection, request: Request) -> Response | None:
    """Any page in a browser can connect to this machine; its address tells which it is."""
    if all(is_own_page(origin) for origin in request.headers.get_all("Origin")):
        return None
    return connection.respond(403, "Pages of other machines may not connect.\n")


def _say_where(kind: str, host: str, port: int) -> None:
    """On stderr, for whoever started the server with port 0."""
    sys.stderr.write(f"postil: listening for one client on {kind} {host}:{port}\n")
    sys.stderr.flush()


def _why_not(host: str, port: int, error: OSError) -> str:
    return f"Postil cannot listen on {host}:{port} ({error.strerror}); choose another port."
