"""Faults around the server: handlers that fail, edits while a model writes, killed processes,
prints from native code, secrets in logs, memory. The server is a process where that matters.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from lsp.wire import Method
from tests.lsp.client import ROOT, MemoryClient, RawClient, start_server
from tests.lsp.conftest import FIX_REPLIES, LOCATE_REPLIES, REPORT, SHOP, Start, StartAny

Script = Callable[[list[str]], str]
FAILURES: tuple[Exception, ...] = (
    ValueError("canary"), KeyError("canary"), RecursionError("canary"), MemoryError("canary"),
    UnicodeDecodeError("utf-8", b"canary", 0, 1, "x"), AssertionError("canary"), OSError("canary"),
)  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_handler_that_fails_is_one_answer_and_the_server_goes_on(
    start_here: StartAny, failure: Exception
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    assert isinstance(client, MemoryClient)
    await client.initialize(None)
    wire = client.server.wire
    wire.load_now()

    async def fails(params: Any) -> None:
        raise failure

    names = [name for name in wire._requests if name not in ("initialize", "shutdown")]
    for name in names:
        wire.on_request(name, Method(fails))
        error = (await client.request(name, {}))["error"]
        assert error == {"code": -32603, "message": "Postil has failed here; its log says where."}
    for name in list(wire._notifications):
        wire.on_notification(name, Method(fails))
        client.notify(name, {})
    assert (await client.request("no/such", {}))["error"]["code"] == -32601
    assert len(names) > 8


async def test_no_edit_is_returned_for_a_version_that_is_not_the_current_one(
    start_here: StartAny, shop: Path, tmp_path: Path
) -> None:
    """Edits at random instants while the model writes; an answer is for the newest text."""
    file = tmp_path / "slow.json"
    file.write_text(json.dumps({"replies": [*FIX_REPLIES * 40], "piece_delay_s": 0.0005}))
    client = await start_here(POSTIL_MODEL=f"scripted:{file}")
    assert isinstance(client, MemoryClient)
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    session = await _session(client)
    versions: dict[int, int] = {}  # of the document when the server sent its answer
    send = client.transport.send

    def recording(body: bytes) -> None:
        message = json.loads(body)
        if "method" not in message:
            document = session.documents.get(uri)
            versions[message["id"]] = document.version if document else -1
        send(body)

    client.transport.send = recording  # type: ignore[method-assign]
    chance, version, outcomes = random.Random(5), 1, []
    at = {"line": 0, "character": 0}
    for _ in range(40):
        data = {"uri": uri, "version": version, "first_line": 6, "last_line": 6, "edit": "fix",
                "detail": "division by zero"}  # fmt: skip
        request_id = client.post("codeAction/resolve", {"title": "x", "data": data})
        instant = chance.randrange(60)
        for turn in range(60):
            if turn == instant:
                version += 1
                client.change(uri, version, {"start": at, "end": at}, chance.choice(["# a\n", ""]))
            await asyncio.sleep(0.0005 if turn % 2 else 0)
        reply = await client.reply_to(request_id)
        if "result" in reply:
            (change,) = reply["result"]["edit"]["documentChanges"]
            assert change["textDocument"]["version"] == versions[request_id]
            outcomes.append("edit")
        else:
            outcomes.append(str(reply["error"]["code"]))
        version += 1
        whole = [{"text": SHOP}]
        client.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": whole},
        )
    assert "-32801" in outcomes
    assert set(outcomes) <= {"edit", "-32801", "-32803"}


async def test_a_killed_indexer_costs_no_more_than_one_question(start: Start, shop: Path) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    before = (await client.command("postil.locate", {"report": REPORT}))["result"]
    for child in psutil.Process(client.process.pid).children(recursive=True):
        child.kill()
    reply = await client.command("postil.locate", {"report": REPORT})
    if "error" in reply:  # it was asked before its end was noticed
        assert reply["error"]["message"].count("\n") == 0
        assert "ended unexpectedly" in reply["error"]["message"]
        reply = await client.command("postil.locate", {"report": REPORT})
    assert reply["result"]["suspects"] == before["suspects"]
    assert (await client.command("postil.status", {}))["result"]["effort"] == "normal"
    assert await client.exit() == 0


async def test_shutdown_while_the_model_writes_ends_everything(
    start: Start, shop: Path, tmp_path: Path
) -> None:
    file = tmp_path / "slow.json"
    thought = " ".join(f"thought{number}" for number in range(3_000))
    file.write_text(json.dumps({"replies": [thought], "piece_delay_s": 0.05}))
    client = await start(POSTIL_MODEL=f"scripted:{file}")
    await client.initialize(shop)
    params = {"command": "postil.locate", "arguments": [{"report": REPORT}]}
    ids = [client.post("workspace/executeCommand", params) for _ in range(3)]
    await client.wait_for(lambda m: "thinking: " in str(m))
    children = psutil.Process(client.process.pid).children(recursive=True)
    assert await client.exit() == 0
    answers = [m for m in client.messages if "method" not in m and m.get("id") in ids]
    assert [m["error"]["code"] for m in answers] == [-32800] * 3
    gone, alive = await asyncio.to_thread(psutil.wait_procs, children, 5)
    assert len(gone) == len(children), alive


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
async def test_a_killed_front_leaves_no_process(start: Start, shop: Path) -> None:
    client = await start(POSTIL_MODEL="none")
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    children = psutil.Process(client.process.pid).children(recursive=True)
    assert children
    client.process.send_signal(signal.SIGKILL)
    gone, alive = await asyncio.to_thread(psutil.wait_procs, children, 5)
    assert len(gone) == len(children), alive


async def test_the_server_ends_when_its_clients_process_is_gone_and_the_pipe_is_not(
    start: Start, shop: Path
) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    client = await start(POSTIL_MODEL="none")
    params = {"processId": parent.pid, "capabilities": {}, "rootUri": shop.as_uri()}
    await client.request("initialize", params)
    await client.command("postil.status", {})  # by now the process was looked for
    parent.kill()
    await parent.wait()
    assert await client.ended() == 1


PRINTS = """
import ctypes, os, sys, threading
from lsp import server
def pollute():
    libc = ctypes.CDLL(None)
    while True:
        print("from Python", flush=True)
        os.write(1, b"from a descriptor\\n")
        libc.puts(b"from C")
        libc.fflush(None)
before = server.Server.run
async def run(self):
    threading.Thread(target=pollute, daemon=True).start()
    return await before(self)
server.Server.run = run
server.serve_stdio()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="its C library has another name")
async def test_prints_from_anywhere_do_not_reach_the_wire() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", PRINTS,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "POSTIL_MODEL": "none"},
    )  # fmt: skip
    client = RawClient(process)
    try:
        await client.initialize(None)
        for _ in range(50):
            reply = await client.command("postil.status", {})
            assert reply["result"]["effort"] == "normal"
        assert await client.exit() == 0
    finally:
        await client.close()


async def test_no_secret_of_a_workspace_is_logged_or_recorded(
    shop: Path, script: Script, tmp_path: Path
) -> None:
    """50 canaries in code, keys and names, everything at DEBUG."""
    canaries = [f"cAnArY{number:02}x{number * 7919:08x}" for number in range(50)]
    lines = [f'password_{n} = "{canary}"' for n, canary in enumerate(canaries)]
    text = SHOP + "\n" + "\n".join(lines) + "\n"
    (shop / "shop.py").write_bytes(text.encode())
    (shop / ".env").write_text("\n".join(f"KEY_{n}={c}" for n, c in enumerate(canaries)))
    data = tmp_path / "data"
    environment = {
        "POSTIL_MODEL": script([*LOCATE_REPLIES, *FIX_REPLIES]),
        "POSTIL_CACHE_DIR": str(tmp_path / "cache"),
        "POSTIL_DATA_DIR": str(data),
        "POSTIL_LOG_LEVEL": "DEBUG",
    }
    process = await start_server("serve", environment, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    logged = asyncio.create_task(process.stderr.read())
    client = RawClient(process)
    await client.initialize(shop)
    uri = client.open(shop / "shop.py", text)
    await client.command("postil.locate", {"report": REPORT, "uri": uri})
    target = {"uri": uri, "version": 1, "first_line": 5, "last_line": 8, "detail": canaries[0]}
    await client.command("postil.fix", target)
    await client.command("postil.explain", {**target, "uri": (shop / ".env").as_uri()})
    await client.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": 3})
    client.send_bytes(b"Content-Length: 30\r\n\r\n" + f"{{{canaries[1]}".encode().ljust(30))
    await client.exit()
    log = (await logged).decode(errors="replace")
    record = "".join(file.read_text() for file in data.rglob("*") if file.is_file())
    assert record, "something was recorded"
    files = (file for file in (tmp_path / "cache").rglob("*") if file.is_file())
    index = b"".join(file.read_bytes() for file in files).lower()
    assert b"shop.py" in index
    for canary in canaries:
        assert canary.lower().encode() not in index
        assert canary not in log
        assert canary not in record


async def test_edits_hovers_and_findings_leave_no_memory_behind(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    version = 1
    at = {"line": 0, "character": 0}
    after = {"line": 0, "character": 1}

    async def work(rounds: int) -> int:
        nonlocal version
        for _ in range(rounds):
            uri = client.open(shop / "shop.py", version=version)
            for range_, text in (
                ({"start": at, "end": at}, "x"),
                ({"start": at, "end": after}, ""),
            ):
                version += 1
                client.change(uri, version, range_, text)
            place = {"textDocument": {"uri": uri}, "position": at}
            await client.request("textDocument/hover", place)
            client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
            version += 1
            client.messages.clear()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = await work(200)
        grown = await work(600) - before
    finally:
        tracemalloc.stop()
    assert grown < 300_000, "bytes after 600 more rounds"


async def _session(client: MemoryClient) -> Any:
    await client.command("postil.status", {})
    session = client.server.session
    assert session is not None
    return session
