"""A raw client: bytes out, messages in. Not built on pygls, on purpose.

`RawClient` has a real server process on pipes, `SocketClient` one on a socket; `MemoryClient` has
the server in this process and the same bytes between them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed

from lsp.framing import Framer, FramingLost, framed
from lsp.server import Server

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 60.0

FULL_CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "workspaceEdit": {
            "documentChanges": True,
            "changeAnnotationSupport": {"groupsOnLabel": True},
        }
    },
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix"]}},
            "resolveSupport": {"properties": ["edit"]},
            "tagSupport": {"valueSet": [1]},
        },
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {},
    },
}


class Client:
    """What all clients do with messages. A subclass brings bytes to the server and back."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._arrived = asyncio.Condition()
        self._ids = iter(range(1, 10_000_000))
        self.answers: dict[str, Any] = {
            "window/workDoneProgress/create": None,
            "workspace/applyEdit": {"applied": True},
        }
        self.is_silent_to: set[str] = set()  # methods of the server's that get no answer

    async def initialize(
        self,
        folder: Path | None,
        capabilities: dict[str, Any] = FULL_CAPABILITIES,
        also: Sequence[Path] = (),
        **options: Any,
    ) -> dict[str, Any]:
        """`also`: further workspace folders."""
        all_folders = [folder, *also] if folder else []
        folders = [{"uri": one.as_uri(), "name": one.name} for one in all_folders] or None
        reply = await self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "capabilities": capabilities,
                "workspaceFolders": folders,
                "rootUri": None,
                "initializationOptions": options,
            },
        )
        self.notify("initialized", {})
        return reply

    def open(self, file: Path, text: str | None = None, version: int = 1) -> str:
        content = file.read_bytes().decode() if text is None else text
        self.open_as(file.as_uri(), content, version)
        return file.as_uri()

    def open_as(self, uri: str, text: str, version: int = 1) -> None:
        """By a URI of any spelling or scheme."""
        item = {"uri": uri, "languageId": "python", "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, version: int, range_: Any, text: str) -> None:
        identifier = {"uri": uri, "version": version}
        changes = [{"range": range_, "text": text}]
        params = {"textDocument": identifier, "contentChanges": changes}
        self.notify("textDocument/didChange", params)

    def notify(self, method: str, params: Any) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def post(self, method: str, params: Any) -> int:
        """Send a request without waiting; its id."""
        request_id = next(self._ids)
        self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
        return request_id

    async def request(self, method: str, params: Any) -> dict[str, Any]:
        """The whole reply, with result or error."""
        return await self.reply_to(self.post(method, params))

    async def command(self, command: str, argument: Any) -> dict[str, Any]:
        params = {"command": command, "arguments": [argument]}
        return await self.request("workspace/executeCommand", params)

    async def reply_to(self, request_id: Any) -> dict[str, Any]:
        return await self.wait_for(lambda m: "method" not in m and m.get("id") == request_id)

    async def wait_for(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_S):
            async with self._arrived:
                while True:
                    for message in self.messages:
                        if wanted(message):
                            return message
                    await self._arrived.wait()

    def notified(self, method: str) -> list[Any]:
        """Parameters of what has come with this method so far."""
        return [m["params"] for m in self.messages if m.get("method") == method]

    async def diagnostics(self, uri: str, code: str) -> list[dict[str, Any]]:
        """The first published diagnostics of a document that have one with this code."""

        def wanted(message: dict[str, Any]) -> bool:
            if message.get("method") != "textDocument/publishDiagnostics":
                return False
            params = message["params"]
            return params["uri"] == uri and any(d["code"] == code for d in params["diagnostics"])

        return list((await self.wait_for(wanted))["params"]["diagnostics"])

    def send(self, message: Any) -> None:
        self.send_bytes(framed(json.dumps(message).encode()))

    def send_bytes(self, data: bytes) -> None:
        raise NotImplementedError

    async def shut_down(self) -> None:
        await self.request("shutdown", None)
        self.notify("exit", None)

    async def close(self) -> None:
        """End it, whatever state it is in."""
        raise NotImplementedError

    async def deliver(self, message: dict[str, Any]) -> None:
        """Keep a message, and answer it where the server asks."""
        is_asked = "method" in message and "id" in message
        if is_asked and message["method"] not in self.is_silent_to:
            answer = self.answers.get(message["method"])
            if callable(answer):
                answer = answer(message["params"])
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": answer})
        async with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()


class RawClient(Client):
    """One server process on pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self.process = process
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, **environment: str) -> RawClient:
        return cls(await start_server("serve", environment))

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    async def exit(self) -> int:
        """Shut down in order; the exit code."""
        await self.shut_down()
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(TIMEOUT_S):
            code = await self.process.wait()
            await self._reader
        return code

    async def close(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self.process.stdout is not None
        framer = Framer()
        while data := await self.process.stdout.read(1 << 16):
            for body in framer.feed(data):
                await self.deliver(json.loads(body))


class SocketClient(Client):
    """One server process on a TCP socket or a WebSocket, whose port it says on stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self.process = process
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None
        self._connection: ClientConnection | None = None
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def listen(cls, kind: str, **environment: str) -> SocketClient:
        """A server that listens, with nobody connected."""
        process = await start_server(
            f"serve --{kind} 0", environment, stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        client = cls(process)
        async with asyncio.timeout(TIMEOUT_S):
            said = (await process.stderr.readline()).decode()
        assert f"listening for one client on {kind} 127.0.0.1:" in said, said
        client.port = int(said.rpartition(":")[2])
        client._tasks.append(asyncio.create_task(_drain(process.stderr)))
        return client

    @classmethod
    async def start(cls, kind: str, **environment: str) -> SocketClient:
        client = await cls.listen(kind, **environment)
        if kind == "tcp":
            await client._connect_tcp()
        else:
            await client._connect_websocket()
        return client

    async def _connect_tcp(self) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)

        async def read() -> None:
            framer = Framer()
            while data := await reader.read(1 << 16):
                for body in framer.feed(data):
                    await self.deliver(json.loads(body))

        self._tasks.append(asyncio.create_task(read()))

    async def _connect_websocket(self) -> None:
        self._connection = connection = await connect_websocket(
            f"ws://127.0.0.1:{self.port}", max_size=None, proxy=None
        )

        async def read() -> None:
            async for message in connection:
                await self.deliver(json.loads(message))

        async def write() -> None:
            try:
                while True:
                    await connection.send((await self._outgoing.get()).decode())
            except ConnectionClosed:
                return

        self._tasks += [asyncio.create_task(read()), asyncio.create_task(write())]

    def send_bytes(self, data: bytes) -> None:
        if self._writer is not None:
            self._writer.write(data)
        else:
            for body in Framer().feed(data):
                self._outgoing.put_nowait(body)

    async def exit(self) -> int:
        await self.shut_down()
        async with asyncio.timeout(TIMEOUT_S):
            return await self.process.wait()

    async def close(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        if self._writer is not None:
            self._writer.close()
        if self._connection is not None:
            await self._connection.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class MemoryTransport:
    """The server's end: bytes go over as they would on a pipe."""

    def __init__(self) -> None:
        self.to_client: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._framer = Framer()
        self._deliver: Callable[[bytes], None] | None = None
        self._ended: Callable[[], None] | None = None
        self._is_over = False

    def start(self, deliver: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._deliver, self._ended = deliver, ended
        self.take(b"")

    def send(self, body: bytes) -> None:
        self.to_client.put_nowait(framed(body))

    async def close(self) -> None:
        self.to_client.put_nowait(None)

    def take(self, data: bytes) -> None:
        """What a reader of the pipe does; bytes that come before it reads are kept."""
        if self._is_over:
            return
        try:
            bodies = self._framer.feed(data) if self._deliver else []
            if self._deliver is None:
                self._framer._buffer += data
            for body in bodies:
                assert self._deliver is not None
                self._deliver(body)
        except FramingLost:
            self.end()

    def end(self) -> None:
        self._is_over = True
        if self._ended is not None:
            self._ended()


class MemoryClient(Client):
    """The server in this process, with the same bytes between."""

    def __init__(self, **environment: str) -> None:
        super().__init__()
        self.transport = MemoryTransport()
        self.server = Server(self.transport, {**os.environ, **environment})
        self._reader = asyncio.create_task(self._read())
        self.running = asyncio.create_task(self.server.run())

    def send_bytes(self, data: bytes) -> None:
        self.transport.take(data)

    async def exit(self) -> int:
        await self.shut_down()
        return await self.running

    async def close(self) -> None:
        self.transport.end()
        await self.running
        await self._reader

    async def _read(self) -> None:
        framer = Framer()
        while (data := await self.transport.to_client.get()) is not None:
            for body in framer.feed(data):
                await self.deliver(json.loads(body))


async def start_server(
    arguments: str, environment: dict[str, str], stderr: int = asyncio.subprocess.DEVNULL
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "lsp", *arguments.split(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass
