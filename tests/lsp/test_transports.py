"""One transcript over pipes, TCP, a WebSocket and memory; who may connect; what is said if not."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from lsp.transports import is_own_page
from tests.lsp.client import Client, MemoryClient, RawClient, SocketClient, start_server
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
