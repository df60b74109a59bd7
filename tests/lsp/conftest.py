"""A workspace with one bug, and a server that is ended whatever happens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.lsp.client import Client, MemoryClient, RawClient

SHOP = '''\
"""Prices of a shop. 😀"""
from rules import discount


def total(prices):
    emoji = "😀"; result = sum(prices) / len(prices)
    return result


def pay(prices, code):
    return total(prices) - discount(code)
'''
RULES = """\
def discount(code):
    if code == "none":
        return 0
    return int(code)
"""
REPORT = """Traceback (most recent call last):
  File "/srv/app/shop.py", line 11, in pay
    return total(prices) - discount(code)
  File "/srv/app/shop.py", line 6, in total
    emoji = "😀"; result = sum(prices) / len(prices)
ZeroDivisionError: division by zero
"""
LOCATE_REPLIES = [
    "An empty list has length 0, so the division in `total` fails, not `mean_price`.\n</think>",
    '{"file": "F1", "first_line": 6, "last_line": 6, '
    '"cause": "The list may be empty: see ![x](http://evil.example/x.png) and <b>."}',
]
FIX_REPLIES = [
    "Ask for the length first.\n</think>",
    '    if not prices:\n        return 0\n    emoji = "😀"; result = sum(prices) / len(prices)\n'
    "    return result\n```\nREASON: An empty list has no mean, so it is answered with 0.\n",
]

Start = Callable[..., Awaitable[RawClient]]
StartAny = Callable[..., Awaitable[Client]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_bytes(SHOP.encode())
    (folder / "rules.py").write_bytes(RULES.encode())
    return folder


@pytest.fixture
def script(tmp_path: Path) -> Callable[[list[str]], str]:
    """The `model` setting for a scripted model with these replies."""

    def write(replies: list[str]) -> str:
        file = tmp_path / "replies.json"
        file.write_text(json.dumps(replies))
        return f"scripted:{file}"

    return write


def _folders(tmp_path: Path) -> dict[str, str]:
    """A cache and a data folder of a test's own: what one dismisses is not dismissed in another."""
    return {
        "POSTIL_CACHE_DIR": str(tmp_path / "cache"),
        "POSTIL_DATA_DIR": str(tmp_path / "data"),
    }


def progress_of(client: Client, token: str) -> list[str]:
    """What a client was told with this token: begin, end, and nothing between, in their order."""
    told = [p["value"]["kind"] for p in client.notified("$/progress") if p["token"] == token]
    return [kind for kind in told if kind != "report"]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    clients: list[RawClient] = []

    async def run(**environment: str) -> RawClient:
        client = await RawClient.start(**{**_folders(tmp_path), **environment})
        clients.append(client)
        return client

    yield run
    for client in clients:
        await client.close()


@pytest.fixture
async def start_here(tmp_path: Path) -> AsyncIterator[StartAny]:
    """The server in this process."""
    clients: list[Client] = []

    async def run(**environment: str) -> Client:
        client = MemoryClient(**{**_folders(tmp_path), **environment})
        clients.append(client)
        return client

    yield run
    for client in clients:
        await client.close()


@pytest.fixture(params=["here", "process"])
async def start_both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StartAny]:
    """Once in this process, once as a process."""
    clients: list[Client] = []

    async def run(**environment: str) -> Client:
        environment = {**_folders(tmp_path), **environment}
        client: Client
        if request.param == "here":
            client = MemoryClient(**environment)
        else:
            client = await RawClient.start(**environment)
        clients.append(client)
        return client

    yield run
    for client in clients:
        await client.close()
