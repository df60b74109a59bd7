"""The local model on this machine: speed beside llama.cpp alone, a cancel, a crash, memory.

    python tests/bench/models.py [--model NAME] [--generations 1000] [--kills 25] [--cancels 100]
                                 [--only edits kills ...]

Prints in one run: writing and reading speed against llama.cpp's own loop on the same prompt, each
in a process of its own; the first token of a second question about the same workspace against the
first; the writing speed beside busy programs; edits with and without prompt look-up, and in how
many of them the text is the same; cancels at many points of prompt and answer (until the asker has
its reply, and until the model has stopped); a person's question in the middle of background work; a
worker that is killed while somebody waits; memory over many short generations.
Weights must be there: `postil models fetch`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from models import hardware, prompts, weights
from models.asking import written
from models.backends import Conversation, Generation, Message, Sampling, in_background
from models.backends.loading import Drafts
from models.backends.turns import PAUSE_S
from models.backends.worker_client import LlamaCppBackend, Options
from models.catalog import CatalogEntry
from models.errors import ModelCrashed
from tests.models.weights import models_folder

ROOT = Path(__file__).resolve().parent.parent.parent
N_WRITTEN = 96  # tokens
REPEATS = 3  # of a timed generation; the median counts
N_CTX = 4_096
# file, first and last line of a function, what is to be changed in it
EDITS = (
    ("context/coverage.py", 60, 95, "a file that is not there should be reported by name"),
    ("context/ignore.py", 35, 70, "a rule that begins with ! is read the wrong way round"),
    ("lsp/documents.py", 30, 66, "a change outside the document should raise an error"),
    ("models/reasoning.py", 60, 100, "the splitter should count the pieces that it was fed"),
    ("context/history.py", 60, 95, "the number of commits should be checked first"),
    ("lsp/progress.py", 20, 55, "a report should be sent at most twice a second"),
)
PARTS = (
    "speed", "second_question", "cancels", "gives_way", "generations", "beside_others", "edits",
    "kills",
)  # fmt: skip
N_INTERRUPTED = 6
PIECES = ("context/window.py", "models/reasoning.py", "context/ignore.py", "lsp/documents.py")


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--generations", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--cancels", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    entry, file = weights.choose(options.model, models_folder(), 1 << 40)
    if options.alone:
        print(json.dumps(llama_cpp_alone(file)))
        return
    print(f"{entry.title}; {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    backend = await LlamaCppBackend.start(entry, file, Options(n_ctx=N_CTX, drafts=Drafts.NONE))
    print(f"{backend.info.device}; sandbox: {', '.join(backend.sandbox) or 'none'}\n", flush=True)
    if "speed" in options.only:
        await speed(backend, file, options.model)
    if "second_question" in options.only:
        await second_question(backend)
    if "cancels" in options.only:
        await cancels(backend, options.cancels)
    if "gives_way" in options.only:
        await gives_way(backend)
    if "generations" in options.only:
        await generations(backend, options.generations)
    await backend.close()
    if "beside_others" in options.only:
        await beside_others(entry, file)
    if "edits" in options.only:
        await edits(entry, file)
    if "kills" in options.only:
        await kills(options.model, options.kills)


def code(name: str, first: int, last: int) -> str:
    return "\n".join((ROOT / name).read_text(encoding="utf-8").split("\n")[first - 1 : last])


def explain(piece: str) -> Generation:
    asked = Conversation((Message("user", f"{code(piece, 1, 90)}\nExplain this code at length."),))
    return Generation(asked, N_WRITTEN)


async def timed(backend: LlamaCppBackend, generation: Generation) -> tuple[float, float, int, str]:
    """(seconds to the first piece, seconds, tokens, text)."""
    started = time.perf_counter()
    first_s, n_tokens, text = 0.0, 0, ""
    async for piece in backend.generate(generation):
        first_s = first_s or time.perf_counter() - started
        n_tokens, text = piece.n_tokens, text + piece.text
    return first_s, time.perf_counter() - started, n_tokens, text


async def speed(backend: LlamaCppBackend, file: Path, name: str) -> None:
    """Ours and llama.cpp's own loop take turns, so that both meet the same machine."""
    ours, theirs = [], []
    reading = []
    for _ in range(REPEATS):
        command = [sys.executable, __file__, "--alone", "--model", name]
        done = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        theirs.append(json.loads((await done.communicate())[0]))
        await timed(backend, explain(PIECES[1]))  # so that nothing of the prompt is in the cache
        first_s, total_s, n_tokens, _ = await timed(backend, explain(PIECES[0]))
        (n_prompt,) = await backend.count_tokens([code(PIECES[0], 1, 90)])
        ours.append((n_tokens - 1) / (total_s - first_s))
        reading.append(n_prompt / first_s)
    writes = statistics.median(ours)
    alone = statistics.median(one["writes"] for one in theirs)
    reads, alone_reads = statistics.median(reading), statistics.median(o["reads"] for o in theirs)
    print(f"writes {writes:.1f} tokens/s; llama.cpp alone {alone:.1f}: {writes / alone:.2f}x")
    print(f"reads {reads:.0f} tokens/s; llama.cpp alone {alone_reads:.0f}: "
          f"{reads / alone_reads:.2f}x")  # fmt: skip


async def beside_others(entry: CatalogEntry, file: Path) -> None:
    """The same while every core has a busy program on it, as beside a build."""
    loops = [await _busy_loop() for _ in range(os.cpu_count() or 1)]
    try:
        await asyncio.sleep(2 * hardware.CORES_S)  # until the load can be seen
        command = [sys.executable, __file__, "--alone", "--model", entry.name]
        done = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        alone = json.loads((await done.communicate())[0])
        backend = await LlamaCppBackend.start(entry, file, Options(n_ctx=N_CTX, drafts=Drafts.NONE))
        first_s, total_s, n_tokens, _ = await timed(backend, explain(PIECES[0]))
        await backend.close()
    finally:
        for loop in loops:
            loop.kill()
            await loop.wait()
    writes = (n_tokens - 1) / (total_s - first_s)
    print(f"beside a busy program on each core: writes {writes:.1f} tokens/s; llama.cpp alone "
          f"{alone['writes']:.1f}: {writes / alone['writes']:.2f}x")  # fmt: skip


async def _busy_loop() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")


def llama_cpp_alone(file: Path) -> dict[str, float]:
    """llama-cpp-python's own loop on the same prompt, greedy, with the same threads."""
    import llama_cpp

    llama = llama_cpp.Llama(
        str(file), n_ctx=N_CTX, n_batch=256, n_threads=hardware.n_threads(),
        n_threads_batch=hardware.n_threads(), use_mmap=False, verbose=False,
    )  # fmt: skip
    asked = explain(PIECES[0]).conversation.messages[0].content
    prompt = f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n"
    tokens = llama.tokenize(prompt.encode(), add_bos=False, special=True)
    started = time.perf_counter()
    first_s, n_tokens = 0.0, 0
    for token in llama.generate(tokens, temp=0.0, top_k=1, repeat_penalty=1.0):
        first_s = first_s or time.perf_counter() - started
        n_tokens += 1
        if n_tokens >= N_WRITTEN or token == llama.token_eos():
            break
    total_s = time.perf_counter() - started
    return {"writes": (n_tokens - 1) / (total_s - first_s), "reads": len(tokens) / first_s}


async def second_question(backend: LlamaCppBackend) -> None:
    """Explain, then look for a bug: the code stands first in both prompts, the question after."""
    shown = f"## F1 {PIECES[2]}\n{code(PIECES[2], 1, 95)}\n{code(PIECES[3], 1, 85)}"
    explained = prompts.explain(shown, "F1", 40, 60, "")
    looked_at = prompts.find_bug(shown, "F1", 20, 30)

    gains, times = [], []
    for n in range(REPEATS):
        await timed(backend, explain(PIECES[n % 2]))
        cold_s, *_ = await timed(backend, Generation(explained, 4))
        again_s, *_ = await timed(backend, Generation(looked_at, 4))
        gains.append(cold_s / again_s)
        times.append((cold_s, again_s))
    cold_s, again_s = times[gains.index(statistics.median_low(gains))]
    print(f"first token of a first question {cold_s:.2f} s, of another about the same code "
          f"{again_s:.2f} s: {statistics.median_low(gains):.1f}x sooner")  # fmt: skip


async def cancels(backend: LlamaCppBackend, count: int) -> None:
    """At random points of prompt and answer: until the reply, and until the model can go on."""
    chance = random.Random(7)
    replies, stops = [], []
    pid = backend.worker_pid
    for n in range(count):
        shown = f"# {n}\n" + code(PIECES[n % len(PIECES)], 1, 80)
        stream = backend.generate(Generation(Conversation((Message("user", shown),)), 400))
        running = asyncio.ensure_future(drain(stream))
        await asyncio.sleep(chance.uniform(0.02, 8.0 if n % 2 else 2.0))
        started = time.perf_counter()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        replies.append(time.perf_counter() - started)
        await backend.count_tokens([""])
        stops.append(time.perf_counter() - started)
    assert backend.worker_pid == pid, "a cancel had to kill the worker"
    print(f"{count} cancels: reply p99 {p99(replies):.0f} ms, the model has stopped p99 "
          f"{p99(stops):.0f} ms (median {statistics.median(stops) * 1000:.0f})")  # fmt: skip


async def gives_way(backend: LlamaCppBackend) -> None:
    """A short question at random points of a long background answer, until its first token.

    Against the same question with nothing else to do, and one that waits until that answer ends.
    """
    chance = random.Random(7)
    alone, beside, behind = list[float](), list[float](), list[float]()
    for n in range(N_INTERRUPTED):
        asked = Generation(Conversation((Message("user", f"{n}: name a colour."),)), 1)
        for seconds in (alone, beside, behind):
            await asyncio.sleep(2 * PAUSE_S)
            # Another beginning each time, else what the model has read of it before is used.
            shown = f"# {chance.random()}\n" + code(PIECES[n % len(PIECES)], 1, 80)
            work = asyncio.ensure_future(_background(backend, shown))
            if seconds is alone:
                await work
            else:
                await asyncio.sleep(chance.uniform(0.1, 10.0))
            started = time.perf_counter()
            if seconds is behind:
                await work
            await timed(backend, asked)
            seconds.append(time.perf_counter() - started)
            await work
    beside_x, behind_x = (
        statistics.median(a / b for a, b in zip(part, alone, strict=True))
        for part in (beside, behind)
    )
    print(f"{N_INTERRUPTED} short questions: {statistics.median(alone):.2f} s alone; while "
          f"background work runs {statistics.median(beside):.2f} (worst {max(beside):.2f}), "
          f"{beside_x:.1f}x; if that were let end {statistics.median(behind):.2f} (worst "
          f"{max(behind):.2f}), {behind_x:.0f}x")  # fmt: skip


async def _background(backend: LlamaCppBackend, shown: str) -> None:
    with in_background():
        await written(backend, Generation(Conversation((Message("user", shown),)), N_WRITTEN))


async def drain(stream) -> None:  # type: ignore[no-untyped-def]
    try:
        async for _ in stream:
            pass
    finally:
        await stream.aclose()


def p99(seconds: list[float]) -> float:
    """In milliseconds."""
    return 1000 * sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * 0.99))]


async def generations(backend: LlamaCppBackend, count: int) -> None:
    assert backend.worker_pid is not None
    worker, front = psutil.Process(backend.worker_pid), psutil.Process()
    seen: list[tuple[float, float]] = []
    for n in range(count):
        asked = Conversation((Message("user", f"{n}: name a colour."),))
        await timed(backend, Generation(asked, 6, sampling=Sampling(temperature=0.6)))
        seen.append((worker.memory_info().rss / 1e6, front.memory_info().rss / 1e6))
    early, late = seen[count // 10], seen[-1]
    print(f"{count} short generations: worker {early[0]:.1f} MB after a tenth, {late[0]:.1f} MB at "
          f"the end; the asking process {early[1]:.1f} and {late[1]:.1f} MB")  # fmt: skip


async def edits(entry: CatalogEntry, file: Path) -> None:
    """Functions written again with a change, as the tasks of models/tasks/edit.py ask for them.

    With and without look-up take turns, so that both meet the same machine, with as many threads.
    """
    n_threads = hardware.n_threads()
    plain, looking = [
        await LlamaCppBackend.start(
            entry, file, Options(n_ctx=N_CTX, n_threads=n_threads, drafts=drafts)
        )
        for drafts in (Drafts.NONE, Drafts.PROMPT)
    ]
    gains: list[float] = []
    same, plain_s, looking_s = 0, 0.0, 0.0  # seconds a token, summed over the edits
    for edit in EDITS:
        generation = rewriting(*edit)  # once: each prompt has a random fence
        texts: list[str] = []
        spent: list[float] = []
        for backend in (plain, looking):
            first_s, total_s, n_tokens, text = await timed(backend, generation)
            spent.append((total_s - first_s) / (n_tokens - 1))
            texts.append(text)
        gains.append(spent[0] / spent[1])
        plain_s, looking_s = plain_s + spent[0], looking_s + spent[1]
        same += texts[0] == texts[1]
    await plain.close()
    await looking.close()
    print(f"{len(gains)} edits with prompt look-up: the same text as without in {same}; "
          f"{len(gains) / looking_s:.1f} tokens/s, without {len(gains) / plain_s:.1f}: "
          f"{statistics.median(gains):.2f}x at the median, from {min(gains):.2f} to "
          f"{max(gains):.2f}", flush=True)  # fmt: skip


def rewriting(name: str, first: int, last: int, problem: str) -> Generation:
    lines = code(name, first, last)
    task = prompts.fix_task(f"lines {first} to {last} of F1", problem)
    conversation = prompts.rewrite(task, f"## F1 {name}\n{code(name, first - 10, last)}", lines)
    prefix = f"```\n{lines.partition(chr(10))[0]}\n"
    return Generation(
        replace(conversation, assistant_prefix=prefix),
        400,
        grammar=prompts.grammar(prompts.Grammar.REWRITE),
    )


async def kills(name: str, count: int) -> None:
    entry, file = weights.choose(name, models_folder(), 1 << 40)
    answered, warm = [], []
    for n in range(count):
        backend = await LlamaCppBackend.start(entry, file, Options(n_ctx=N_CTX))
        stream = backend.generate(explain(PIECES[n % len(PIECES)]))
        if n % 2:
            await anext(stream)  # else it is in the prompt
            running = asyncio.ensure_future(drain(stream))
        else:
            running = asyncio.ensure_future(drain(stream))
            await asyncio.sleep(0.2)
        assert backend.worker_pid is not None
        started = time.perf_counter()
        os.kill(backend.worker_pid, signal.SIGKILL)
        (outcome,) = await asyncio.gather(running, return_exceptions=True)
        assert isinstance(outcome, ModelCrashed), outcome
        answered.append(time.perf_counter() - started)
        await backend.count_tokens(["x"])
        warm.append(time.perf_counter() - started)
        await backend.close()
    print(f"{count} kills: the waiting request is answered after {max(answered) * 1000:.0f} ms at "
          f"worst; the next one works after {statistics.median(warm):.1f} s")  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
