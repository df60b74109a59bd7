"""What Postil does all day, on a small workspace that it makes: the job that is watched.

Run as `python -P -m lsp.offline.job FOLDER` in a network that leads nowhere. Indexes and locates,
loads the model and lets it write where weights are there, and holds a whole language-server session
over stdio. One JSON object a step on stdout; the last step's name is `done`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from context.workspace import Workspace
from lsp.offline.enter import interfaces
from lsp.settings import read_settings
from models import weights
from models.backends import Conversation, Generation, Message
from models.backends.worker_client import LlamaCppBackend, Options
from models.recommend import CONTEXTS

SHOP = '''\
"""Prices of a shop."""
from rules import discount


def total(prices):
    return sum(prices) / len(prices)


def pay(prices, code):
    return total(prices) - discount(code)
'''
RULES = "def discount(code):\n    return 0 if code == 'none' else int(code)\n"
REPORT = """Traceback (most recent call last):
  File "/srv/app/shop.py", line 10, in pay
    return total(prices) - discount(code)
  File "/srv/app/shop.py", line 6, in total
    return sum(prices) / len(prices)
ZeroDivisionError: division by zero
"""
EXPECTED = "total"
N_TOKENS = 24
SESSION_S = 120.0


def make_workspace(folder: Path) -> Path:
    root = folder / "shop"
    root.mkdir(parents=True, exist_ok=True)
    (root / "shop.py").write_text(SHOP, encoding="utf-8")
    (root / "rules.py").write_text(RULES, encoding="utf-8")
    return root


async def index_and_locate(root: Path, cache: Path) -> str:
    workspace = await Workspace.open(root, cache)
    try:
        summary = await workspace.index(lambda _: None)
        located = await workspace.locate(REPORT, 5)
    finally:
        await workspace.close()
    first = located.suspects[0].symbol if located.suspects else None
    if first != EXPECTED:
        raise RuntimeError(f"the sample's bug was not located (first suspect: {first})")
    return f"{summary.files} files indexed, {len(located.suspects)} suspects, the first is {first}"


async def load_and_write(models_dir: Path) -> str:
    """The smallest weights of this machine, whatever backend is set: all go the same way."""
    here = weights.installed(models_dir)
    if not here:
        return "left out: there are no weights on this machine"
    entry, file = min(here, key=lambda one: one[0].weights_bytes)
    backend = await LlamaCppBackend.start(entry, file, Options(n_ctx=CONTEXTS[0]))
    try:
        asked = Conversation((Message("user", "Why can sum(p) / len(p) fail?"),))
        pieces = [p async for p in backend.generate(Generation(asked, N_TOKENS))]
    finally:
        await backend.close()
    return f"{entry.name} was loaded and wrote {pieces[-1].n_tokens} tokens"


def language_server_session(root: Path, environ: Mapping[str, str]) -> str:
    """initialize, locate, shutdown, over stdio as an editor does it."""
    command = [sys.executable, "-P", "-m", "lsp", "serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(environ)
    ) as server:
        folders = [{"uri": root.as_uri(), "name": root.name}]
        told = _ask(server, 1, "initialize", {"capabilities": {}, "workspaceFolders": folders})
        _send(server, {"method": "initialized", "params": {}})
        params = {"command": "postil.locate", "arguments": [{"report": REPORT}]}
        found = _ask(server, 2, "workspace/executeCommand", params)
        _ask(server, 3, "shutdown", None)
        _send(server, {"method": "exit"})
        code = server.wait(SESSION_S)
    first = found["suspects"][0]["symbol"]
    name = told["serverInfo"]["name"]
    if first != EXPECTED or code != 0:
        raise RuntimeError(f"the session went wrong (first suspect {first}, exit code {code})")
    return f"{name} answered initialize, locate ({first} first) and shutdown, exit code {code}"


def _send(server: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert server.stdin is not None
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    server.stdin.flush()


def _ask(server: subprocess.Popen[bytes], request_id: int, method: str, params: Any) -> Any:
    """The result of one request; requests of the server's own are answered with null."""
    _send(server, {"id": request_id, "method": method, "params": params})
    assert server.stdout is not None
    while True:
        length = 0
        while (line := server.stdout.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise RuntimeError(f"the server ended before it answered {method}")
        message = json.loads(server.stdout.read(length))
        if "method" in message:
            if "id" in message:
                _send(server, {"id": message["id"], "result": None})
        elif message.get("id") == request_id:
            if "error" in message:
                raise RuntimeError(f"{method} failed: {message['error']['message']}")
            return message["result"]


def main() -> None:
    folder = Path(sys.argv[1])
    settings, _ = read_settings(os.environ)
    root = make_workspace(folder)
    environ = {**os.environ, "POSTIL_MODEL": "none", "POSTIL_CACHE_DIR": str(folder / "server")}
    steps: dict[str, Callable[[], str]] = {
        "network interfaces": lambda: ", ".join(interfaces()) or "none",
        "index and locate": lambda: asyncio.run(index_and_locate(root, folder / "cache")),
        "model": lambda: asyncio.run(load_and_write(settings.models_dir)),
        "language server": lambda: language_server_session(root, environ),
        "done": lambda: "",
    }
    for name, step in steps.items():
        try:
            said = step()
        except Exception as error:  # noqa: BLE001 - a step's failure is the result that is told
            _tell({"step": name, "failed": f"{type(error).__name__}: {error}"})
            sys.exit(3)
        _tell({"step": name, "said": said})


def _tell(message: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
