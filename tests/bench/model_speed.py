"""Speed of the local models on this machine: reading, writing, a second question, a cancel.

python tests/bench/model_speed.py [NAME ...]     # weights must be there: postil models fetch
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from models import weights
from models.backends import Conversation, Generation, Message
from models.backends.worker_client import LlamaCppBackend
from tests.models.weights import models_folder

CODE = "\n".join(f"def function_{n}(a, b):\n    return a * {n} + b\n" for n in range(60))
N_WRITTEN, N_CANCELS = 96, 10


async def measure(name: str) -> None:
    entry, file = weights.choose(name, models_folder(), 1 << 40)
    started = time.perf_counter()
    backend = await LlamaCppBackend.start(entry, file)
    load_s = time.perf_counter() - started
    asked = Conversation((Message("user", f"{CODE}\nExplain this code at length."),))
    (n_prompt,) = await backend.count_tokens([CODE])
    first_s, total_s, n_tokens = await timed(backend, Generation(asked, N_WRITTEN))
    again_s, _, _ = await timed(backend, Generation(asked, 1))
    cancels = [await cancelled_after(backend, n) for n in range(N_CANCELS)]
    writes = (n_tokens - 1) / (total_s - first_s)
    print(f"{entry.name}: load {load_s:.1f} s, reads {n_prompt / first_s:.0f} tokens/s,")
    print(f"  writes {writes:.0f} tokens/s, first token again {first_s / again_s:.0f}x sooner,")
    middle, worst = statistics.median(cancels) * 1000, max(cancels) * 1000
    print(f"  cancel in a prompt {middle:.0f} ms (worst of {N_CANCELS}: {worst:.0f} ms)")
    await backend.close()


async def timed(backend: LlamaCppBackend, generation: Generation) -> tuple[float, float, int]:
    started = time.perf_counter()
    first_s, n_tokens = 0.0, 0
    async for piece in backend.generate(generation):
        first_s = first_s or time.perf_counter() - started
        n_tokens = piece.n_tokens
    return first_s, time.perf_counter() - started, n_tokens


async def cancelled_after(backend: LlamaCppBackend, number: int) -> float:
    """Seconds from a cancel, at different points of an unseen prompt, until the worker is idle."""
    asked = Conversation((Message("user", f"{number}\n{CODE[::-1]}"),))
    stream = backend.generate(Generation(asked, 8))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.15 * (number + 1))
    started = time.perf_counter()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    return time.perf_counter() - started


async def main(names: list[str]) -> None:
    for name in names or [entry.name for entry, _ in weights.installed(models_folder())]:
        await measure(name)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
