"""Servers on loopback for tests: llama-cpp-python's real one, and one that fails as it is told.

The scripted one is for what a real server does not do on demand: cut a stream, send rubbish, be
busy, say nothing. Whatever a real server does is tested with the real one.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.models.weights import SMALL, small_model

START_S = 90.0


@dataclass(slots=True)
class LlamaServer:
    """A process of `python -m llama_cpp.server` with the real small model."""

    process: asyncio.subprocess.Process
    url: str
    log: list[str] = field(default_factory=list)
    _said: asyncio.Condition = field(default_factory=asyncio.Condition)
    _reader: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, *, scores: bool, n_ctx: int = 2_048) -> LlamaServer:
        """`scores`: keep the probabilities of all tokens, which takes a gigabyte."""
        _, file = small_model()
        port = await free_port()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "llama_cpp.server",
            "--model", str(file), "--model_alias", SMALL, "--host", "127.0.0.1",
            "--port", str(port), "--n_ctx", str(n_ctx), "--logits_all", str(scores).lower(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        server = cls(process, f"http://127.0.0.1:{port}")
        server._reader = asyncio.create_task(server._read())
        await server.says("Uvicorn running")
        return server

    async def says(self, words: str, times: int = 1) -> None:
        """Wait until its log holds these words so often."""
        async with asyncio.timeout(START_S), self._said:
            await self._said.wait_for(
                lambda: (
                    sum(words in line for line in self.log) >= times
                    or self.process.returncode is not None
                )
            )
        assert self.process.returncode is None, "\n".join(self.log[-20:])

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            async with self._said:
                self.log.append(line.decode("utf-8", "replace").rstrip())
                self._said.notify_all()
        async with self._said:
            self._said.notify_all()

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self._reader is not None:
            await self._reader


async def free_port() -> int:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class ScriptedServer:
    """Answers each path as told; `asked` holds what came, `closed` is set when a client went."""

    url: str
    answers: dict[str, Answer]
    asked: list[Request] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self.serve(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Request(method, path, headers, json.loads(body) if body else None)
            self.asked.append(request)
            answer = self.answers.get(path)
            if answer is None:
                await reply(404, {"detail": "Not Found"})(request, writer)
            else:
                await answer(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went: what a test of cancelling waits for
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.closed.set()


@asynccontextmanager
async def scripted(
    tls: ssl.SSLContext | None = None, **answers: Answer
) -> AsyncIterator[ScriptedServer]:
    """A server whose paths are the names, with / for __; one model named `m` unless told."""
    server = ScriptedServer("", {f"/{name.replace('__', '/')}": a for name, a in answers.items()})
    server.answers.setdefault("/v1/models", reply(200, {"data": [{"id": "m"}]}))
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=tls)
    scheme = "http" if tls is None else "https"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)


def reply(status: int, body: object, headers: Mapping[str, str] = {}) -> Answer:
    """A whole answer. `body`: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(data)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        await writer.drain()

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One after the other, the last one again and again."""
    left = list(answers)

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, writer)

    return answer


def stream(*chunks: bytes | asyncio.Event, ended: bool = True) -> Answer:
    """A chunked stream: bytes are sent, an event is waited for; cut unless `ended`."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        head = "HTTP/1.1 200 x\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"
        writer.write(f"{head}\r\n\r\n".encode())
        for chunk in chunks:
            if isinstance(chunk, asyncio.Event):
                await chunk.wait()
            else:
                writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                await writer.drain()
        if ended:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    return answer


def sse(*events: object) -> bytes:
    """Server-sent events, one each; text as it is, the rest as JSON."""
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def recorded(name: str) -> Any:
    """A recorded exchange from tests/models/exchanges."""
    file = Path(__file__).parent / "exchanges" / name
    return json.loads(file.read_text(encoding="utf-8"))
