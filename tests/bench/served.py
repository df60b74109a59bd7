"""A server process and a workspace to measure it with."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsp.framing import Framer, framed

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWER_S = 300.0
CAPABILITIES = {
    "experimental": {"postil": {"status": True}},
    "textDocument": {"hover": {"contentFormat": ["markdown"]}, "publishDiagnostics": {}},
}


class Server:
    """A server process, and when each of its messages came."""

    def __init__(self, cache: Path, **environment: str) -> None:
        self.started_s = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lsp", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), "POSTIL_CACHE_DIR": str(cache),
                 "POSTIL_DATA_DIR": str(cache / "data"), **environment},
        )  # fmt: skip
        self._ids = iter(range(1, 1 << 40))
        self._answers: dict[int, queue.SimpleQueue[tuple[float, Any]]] = {}
        self.status: dict[str, Any] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, method: str, params: Any) -> queue.SimpleQueue[tuple[float, Any]]:
        """Where (time of arrival, answer) will come."""
        number = next(self._ids)
        answer: queue.SimpleQueue[tuple[float, Any]] = queue.SimpleQueue()
        self._answers[number] = answer
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return answer

    def timed_ms(self, method: str, params: Any) -> float:
        began_s = time.perf_counter()
        arrived_s, message = self.ask(method, params).get(timeout=ANSWER_S)
        assert "error" not in message, message
        return 1_000 * (arrived_s - began_s)

    def notify(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def initialize(self, folder: Path | None) -> float:
        """Seconds from the start of the process to the answer."""
        folders = [{"uri": folder.as_uri(), "name": folder.name}] if folder else None
        params = {"processId": None, "capabilities": CAPABILITIES, "workspaceFolders": folders}
        arrived_s, _ = self.ask("initialize", params).get(timeout=ANSWER_S)
        return arrived_s - self.started_s

    def open(self, uri: str, text: str) -> None:
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def end(self) -> None:
        self.ask("shutdown", None).get(timeout=ANSWER_S)
        self.notify("exit", None)
        self.process.wait(timeout=30)

    def _send(self, message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(framed(json.dumps(message).encode()))
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        framer = Framer()
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            arrived_s = time.perf_counter()
            for body in framer.feed(data):
                message = json.loads(body)
                if "method" not in message:
                    self._answers.pop(message["id"]).put((arrived_s, message))
                elif message["method"] == "postil/status":
                    self.status = message["params"]


def workspace_of(folder: Path, n_bytes: int) -> Path:
    """Python files of this environment, as many as make `n_bytes`."""
    left = n_bytes
    for file in _python_files(Path(sysconfig.get_paths()["purelib"])):
        size = file.stat().st_size
        if size > left:
            continue
        inside = file.parts.index("site-packages") + 1  # a hidden folder above would be left out
        target = folder.joinpath(*file.parts[inside:])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        left -= size
        if left < 10_000:
            break
    return folder


def _python_files(own: Path) -> Iterator[Path]:
    """Of every folder of packages that this interpreter uses, its own first."""
    for place in dict.fromkeys([own, *map(Path, sys.path)]):
        if place.name == "site-packages":
            yield from sorted(place.rglob("*.py"))
