"""How indexing and asking hold up in a workspace of very many small files.

    python tests/bench/many_files.py --work DIR [--files 1000000]

Makes the files under DIR (100 in a folder), indexes them while a question is asked every two
seconds, opens the index again unchanged, and prints times and the peak memory of the indexer with
its parsers. DIR is not removed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from context.workspace import Workspace
from tests.bench.index_speed import watch_memory

A_FOLDER = 100  # files
PAUSE_S = 2.0
WORDS = "ledger invoice carrier parcel tariff cargo manifest customs depot freight".split()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(asyncio.run(index(options.work))))
        return
    started = time.perf_counter()
    make(options.work / "tree", options.files)
    print(f"{options.files} files made in {time.perf_counter() - started:.0f} s", flush=True)
    for name in ("cold", "opened again"):
        command = [sys.executable, __file__, "--work", str(options.work), "--step", name]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        peak = [0]
        watcher = threading.Thread(target=watch_memory, args=(process.pid, peak), daemon=True)
        watcher.start()
        output, _ = process.communicate()
        found = json.loads(output)
        asked = sorted(found["asked_ms"])
        print(
            f"{name}: {found['seconds']:.0f} s, {found['files']} files, "
            f"{found['files'] / found['seconds']:.0f} a second; peak memory {peak[0] / 1e6:.0f} MB "
            f"(indexer alone before any question {found['own_mb']:.0f} MB), index "
            f"{found['index_mb']:.0f} MB; {len(asked)} questions meanwhile: median "
            f"{statistics.median(asked):.0f}, worst {asked[-1]:.0f} ms",
            flush=True,
        )


def make(root: Path, n_files: int) -> None:
    for number in range(n_files):
        folder = root / f"m{number // (A_FOLDER * 100)}" / f"p{number // A_FOLDER % 100}"
        if number % A_FOLDER == 0:
            folder.mkdir(parents=True, exist_ok=True)
        name = f"{WORDS[number % 10]}_{number}"
        (folder / f"{name}.py").write_text(
            f"def {name}(value):\n    return {WORDS[number // 10 % 10]}(value, {number % 97})\n"
        )


async def index(work: Path) -> dict[str, object]:
    workspace = await Workspace.open(work / "tree", work / "cache")
    started = time.perf_counter()
    indexing = asyncio.ensure_future(workspace.index(lambda _: None))
    own, asked = 0, []
    while not indexing.done():
        if not asked:
            own = psutil.Process().memory_info().rss
        await asyncio.wait({indexing}, timeout=PAUSE_S)
        begun = time.perf_counter()
        await workspace.locate("the tariff in invoice_4711 is wrong")
        asked.append((time.perf_counter() - begun) * 1000)
    summary = await indexing
    seconds = time.perf_counter() - started
    await workspace.close()
    size = sum(f.stat().st_size for f in (work / "cache").rglob("*") if f.is_file())
    return {
        "seconds": seconds,
        "files": summary.files,
        "asked_ms": asked,
        "own_mb": own / 1e6,
        "index_mb": size / 1e6,
    }


if __name__ == "__main__":
    os.nice(5)
    main()
