"""One transcript over pipes, TCP, a WebSocket and memory; who may connect; what is said if not."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from lsp.server import Server
from lsp.transports import PipeTransport, StreamTransport, is_own_page
from tests.lsp.client import ROOT, Client, MemoryClient, RawClient, SocketClient, start_server
from tests.lsp.conftest import LOCATE_REPLIES, REPORT

Script = Callable[[list[str]], str]


async def _client(kind: str, **environment: str) -> Any:
    if kind == "memory":
        return MemoryClient(**environment)
    if kind == "pipes":
        return await RawClient.start(**environment)
    return await SocketClient.start(kind, **environment)


async def _transcript(client: Client, shop: Path) -> list[Any]:
    """What a client gets, without what differs from run to run."""
    capabilities = (await client.initialize(shop))["result"]["capabilities"]
    uri = client.open(shop / "shop.py")
    located = (await client.command("postil.locate", {"report": REPORT, "uri": uri}))["result"]
    located["elapsed_s"] = located["run"] = None
    position = {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 8}}
    hover = await client.request("textDocument/hover", position)
    trace = (await client.command("postil.trace", {}))["result"]
    unknown = await client.request("no/such", None)
    wrong = await client.request("textDocument/hover", 3)
    published = await client.diagnostics(uri, "finding")
    kept = (unknown["error"]["code"], wrong["error"]["code"])
    return [capabilities, located, hover["result"], trace["references"], kept, published]


async def test_the_same_transcript_passes_over_every_transport(
    shop: Path, script: Script, tmp_path: Path
) -> None:
    transcripts = []
    for kind in ("memory", "pipes", "tcp", "websocket"):
        environment = {
            "POSTIL_MODEL": script(LOCATE_REPLIES),
            "POSTIL_CACHE_DIR": str(tmp_path / "cache"),
            "POSTIL_DATA_DIR": str(tmp_path / "data"),
        }
        client = await _client(kind, **environment)
        try:
            transcripts.append(await _transcript(client, shop))
            assert await client.exit() == 0, kind
        finally:
            await client.close()
    first, *others = transcripts
    assert first[1]["finding"]["start_line"] == 6
    for other in others:
        assert other == first


@pytest.mark.parametrize(
    "origin",
    [None, "http://localhost", "http://localhost:3000", "http://127.0.0.1:8080",
     "https://localhost:1"],
)  # fmt: skip
def test_programs_and_pages_of_this_machine_may_connect(origin: str | None) -> None:
    assert is_own_page(origin)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "http://localhost.evil.example", "file://",
     "http://localhost:3000.evil.example", "http://127.0.0.1@evil.example"],
)  # fmt: skip
def test_pages_of_other_machines_may_not(origin: str) -> None:
    assert not is_own_page(origin)


async def test_a_page_of_another_machine_is_refused_and_the_next_client_is_served(
    tmp_path: Path,
) -> None:
    client = await SocketClient.listen("websocket", POSTIL_CACHE_DIR=str(tmp_path))
    try:
        url = f"ws://127.0.0.1:{client.port}"
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(url, origin=Origin("https://evil.example"), proxy=None):
                pass
        async with connect(url, origin=Origin("http://localhost:3000"), proxy=None) as own:
            await own.send('{"jsonrpc": "2.0", "id": 1, "method": "textDocument/hover"}')
            assert "-32002" in str(await own.recv())
    finally:
        await client.close()


@pytest.mark.parametrize("path", ["/", "/a:b", "/Content-Length:5"])
async def test_a_page_cannot_speak_to_the_tcp_port_by_http(tmp_path: Path, path: str) -> None:
    """Any page may post to any port here; its body must never be a message."""
    client = await SocketClient.listen("tcp", POSTIL_CACHE_DIR=str(tmp_path))
    try:
        body = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}'
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(head.encode() + body)
        async with asyncio.timeout(30):
            assert await reader.read() == b""
            assert await client.process.wait() == 1
        writer.close()
    finally:
        await client.close()


async def test_the_process_ends_with_its_client(tmp_path: Path) -> None:
    client = await SocketClient.start("tcp", POSTIL_CACHE_DIR=str(tmp_path))
    try:
        await client.initialize(None)
        assert client._writer is not None
        client._writer.close()
        async with asyncio.timeout(30):
            assert await client.process.wait() == 1
    finally:
        await client.close()


async def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await start_server(f"serve --tcp {port}", {}, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
    assert process.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in said.decode()
    assert said.count(b"\n") == 1


async def test_two_kinds_of_socket_are_one_too_many() -> None:
    process = await start_server("serve --tcp 0 --websocket 0", {}, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert (process.returncode, said) == (2, b"postil: choose one of --tcp and --websocket\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no such file system there")
async def test_sockets_listen_on_this_machine_alone(tmp_path: Path) -> None:
    client = await SocketClient.listen("tcp", POSTIL_CACHE_DIR=str(tmp_path))
    try:
        listening = [
            line.split()[1]
            for file in ("/proc/net/tcp", "/proc/net/tcp6")
            for line in Path(file).read_text().split("\n")[1:]
            if line.split()[1:2] and line.split()[1].endswith(f":{client.port:04X}")
            and line.split()[3] == "0A"
        ]  # fmt: skip
        assert listening == [f"0100007F:{client.port:04X}"]
    finally:
        await client.close()


async def test_a_client_in_another_container_has_no_process_here(tmp_path: Path) -> None:
    elsewhere = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await elsewhere.wait()
    client = await RawClient.start(POSTIL_CACHE_DIR=str(tmp_path))
    try:
        await client.request("initialize", {"processId": elsewhere.pid, "capabilities": {}})
        assert (await client.command("postil.status", {}))["result"]
        assert await client.exit() == 0
    finally:
        await client.close()


@pytest.mark.parametrize("odd", [-1, 0, True, 10**30, "7", None])
async def test_what_is_no_process_is_not_looked_for(tmp_path: Path, odd: Any) -> None:
    client = MemoryClient(POSTIL_CACHE_DIR=str(tmp_path))
    await client.request("initialize", {"processId": odd, "capabilities": {}})
    assert (await client.command("postil.status", {}))["result"]
    assert await client.exit() == 0
    await client.close()


async def test_only_on_pipes_is_the_clients_process_one_of_this_machine() -> None:
    for transport, parent in (
        (PipeTransport(0, 1), os.getpid()),
        (StreamTransport(asyncio.StreamReader(), cast(Any, None)), None),
    ):
        server = Server(transport, {})
        await server._initialize({"processId": os.getpid()})
        assert server._opening.parent == parent


BUSY = """
import asyncio, subprocess, sys, threading
from lsp import server
before = server.Server.run
async def run(self):
    loop = asyncio.get_running_loop()
    program = [sys.executable, "-c", "import time; time.sleep(600)"]
    loop.run_in_executor(None, lambda: subprocess.run(program, stdin=subprocess.DEVNULL))
    for _ in range(64):
        loop.run_in_executor(None, threading.Event().wait)
    return await before(self)
server.Server.run = run
server.serve_stdio()
"""


async def test_the_process_ends_though_threads_still_work_and_so_does_what_they_started() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", BUSY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    client = RawClient(process)
    await client.initialize(None)
    children: list[psutil.Process] = []
    while not children:
        await client.command("postil.status", {})
        children = psutil.Process(process.pid).children()
    assert await client.exit() == 0
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 5)
    assert not alive


@pytest.mark.parametrize("level", ["debug", "Info", "", "loud"])
async def test_a_level_of_logging_is_read_in_any_case_and_a_wrong_one_named(level: str) -> None:
    process = await start_server(
        "serve", {"POSTIL_LOG_LEVEL": level}, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate(b"")
    assert process.returncode == 1
    is_named = b"POSTIL_LOG_LEVEL is no level of logging; WARNING is used" in said
    assert is_named is (level == "loud")
    assert b"Traceback" not in said
