"""A raw client: a real server process, bytes in, messages out. Not built on pygls, on purpose."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
            "resolveSupport": {"properties": ["edit"]},
            "tagSupport": {"valueSet": [1]},
        },
        "hover": {"contentFormat": ["markdown"]},
    },
}


class RawClient:
    """One server process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.messages: list[dict[str, Any]] = []
        self._arrived = asyncio.Condition()
        self._ids = iter(range(1, 10_000))
        self.answers: dict[str, Any] = {
            "window/workDoneProgress/create": None,
            "workspace/applyEdit": {"applied": True},
        }
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, **environment: str) -> RawClient:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "lsp", "serve",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 26,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )  # fmt: skip
        return cls(process)

    async def initialize(
        self,
        folder: Path | None,
        capabilities: dict[str, Any] = FULL_CAPABILITIES,
        **options: Any,
    ) -> dict[str, Any]:
        folders = [{"uri": folder.as_uri(), "name": folder.name}] if folder else None
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
        item = {"uri": file.as_uri(), "languageId": "python", "version": version, "text": content}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return file.as_uri()

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

    async def diagnostics(self, uri: str, code: str) -> list[dict[str, Any]]:
        """The first published diagnostics of a document that have one with this code."""

        def wanted(message: dict[str, Any]) -> bool:
            if message.get("method") != "textDocument/publishDiagnostics":
                return False
            params = message["params"]
            return params["uri"] == uri and any(d["code"] == code for d in params["diagnostics"])

        return list((await self.wait_for(wanted))["params"]["diagnostics"])

    def send(self, message: Any) -> None:
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    async def exit(self) -> int:
        """Shut down in order; the exit code."""
        await self.request("shutdown", None)
        self.notify("exit", None)
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
        stdout = self.process.stdout
        while True:
            try:
                header = await stdout.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            length = int(header.split(b":")[1])
            message = json.loads(await stdout.readexactly(length))
            if "method" in message and "id" in message:
                answer = self.answers.get(message["method"])
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": answer})
            async with self._arrived:
                self.messages.append(message)
                self._arrived.notify_all()
