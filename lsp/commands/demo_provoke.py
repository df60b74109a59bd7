"""Provoke a published bug of pygls 2.1.1 (its issue 621) and let the traceback end the process.

Run by the demo as a process of its own, with the copied package first on the module path.
`late`: a client's reply arrives after the task that awaited it was cancelled. `ordinary`: it
arrives while the task waits, which must go on working. Uses the package's public surface only.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from pygls.protocol import JsonRPCProtocol, default_converter
from pygls.server import JsonRPCServer


class NullWriter:
    """Takes what the server sends; there is no client in this process."""

    def write(self, data: bytes) -> None:
        del data

    def close(self) -> None:
        return None


async def main(case: str) -> None:
    server: Any = JsonRPCServer(JsonRPCProtocol, default_converter)
    protocol = server.protocol
    protocol.set_writer(NullWriter())
    request = protocol.send_request_async("workspace/configuration", {"items": []}, "request-1")
    waiting = asyncio.ensure_future(request)
    await asyncio.sleep(0)
    if case == "late":
        waiting.cancel()
        await asyncio.sleep(0)  # the loop hands the cancellation on to the request's own future
        await asyncio.sleep(0)
    reply = {"jsonrpc": "2.0", "id": "request-1", "result": [None]}
    protocol.handle_message(protocol.structure_message(reply))
    if case == "ordinary":
        assert await asyncio.wait_for(waiting, 5) == [None]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
