"""A real vLLM on this machine, for the team benchmark: start, read its counters, kill."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

import httpx2

NAME = "qwen2.5-coder-0.5b"
START_S = 400.0


class Vllm:
    """One server process with its engine, in a process group of its own. Linux and macOS."""

    def __init__(self, python: Path, folder: Path, port: int, log: Path) -> None:
        self._python = python
        self._folder = folder
        self._port = port
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"http://127.0.0.1:{port}"

    async def start(self) -> float:
        """Seconds until it answers."""
        started = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(self._python), "-m", "vllm.entrypoints.openai.api_server",
                "--model", str(self._folder), "--served-model-name", NAME,
                "--host", "127.0.0.1", "--port", str(self._port), "--max-model-len", "4096",
                "--dtype", "bfloat16", "--enforce-eager",
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={
                    **os.environ,
                    "VLLM_CPU_KVCACHE_SPACE": "2",
                    "HF_HUB_OFFLINE": "1",
                    "VLLM_NO_USAGE_STATS": "1",
                },
            )  # fmt: skip
        async with asyncio.timeout(START_S), httpx2.AsyncClient(trust_env=False) as client:
            while True:
                assert self._process.returncode is None, f"vLLM ended: see {self._log}"
                with suppress(httpx2.HTTPError):
                    if (await client.get(f"{self.url}/health")).status_code == 200:
                        return time.perf_counter() - started
                await asyncio.sleep(0.5)

    async def running(self) -> tuple[int, int]:
        """(requests that are being worked on, requests that wait), by its own counters."""
        async with httpx2.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"{self.url}/metrics")).text
        return _gauge(text, "vllm:num_requests_running"), _gauge(text, "vllm:num_requests_waiting")

    async def kill(self) -> None:
        """SIGKILL to the server and its engine at once."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


def _gauge(text: str, name: str) -> int:
    found = re.findall(rf"^{name}\{{[^}}]*\}} ([0-9.e+]+)$", text, re.MULTILINE)
    return int(sum(float(value) for value in found))
