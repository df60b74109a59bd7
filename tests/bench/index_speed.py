"""How long indexing and asking take on one workspace, beside what others take for less.

    python tests/bench/index_speed.py FOLDER --work DIR [--reports FILE] [--aider PYTHON]

Measured in one run, each in a process of its own: tree-sitter alone parsing every file with a
grammar on one core; universal-ctags where it is installed; the map of Aider, where PYTHON is an
interpreter that has aider-chat, cold and for a second request; Postil cold, opened again unchanged,
and after one saved edit; queries in one open workspace for the reports of FILE (one JSON object
with "query" a line). FOLDER is copied into --work first, with its history, and not changed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from context.languages import language_named
from context.parsing import Skipped, read_source
from context.scan import scan
from context.workspace import Workspace

SAMPLE_S = 0.25  # between two looks at the memory of a process and its children


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--reports", type=Path)
    parser.add_argument("--aider", type=Path, help="an interpreter that has aider-chat")
    parser.add_argument("--step", help=argparse.SUPPRESS)  # runs one measurement in this process
    options = parser.parse_args()
    if options.step:
        print(json.dumps(STEPS[options.step](options)))
        return
    shutil.rmtree(options.work, ignore_errors=True)
    shutil.copytree(options.folder, options.work / "copy", symlinks=True)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
          f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    alone = step(options, "tree-sitter")
    base = alone["seconds"]
    print(f"{alone['files']} files, {alone['bytes'] / 1e6:.1f} MB with a grammar\n")
    row("tree-sitter alone, one core", alone, base)
    if shutil.which("ctags"):
        row("universal-ctags", step(options, "ctags"), base)
    if options.aider:
        found = step(options, "aider")
        row("aider's map, cold", {**found, "seconds": found["cold"]}, base)
        row("aider's map, a second request", {"seconds": found["again"]}, base)
    row("postil, cold, with history", step(options, "cold"), base)
    row("postil, opened again", step(options, "again"), base)
    found = step(options, "edit")
    row("postil, one open buffer edited", {"seconds": found["overlay"]}, base)
    row("postil, one file saved", {"seconds": found["saved"]}, base)
    if options.reports:
        asked = step(options, "queries")
        print(f"\n{asked['n']} queries: median {asked['median']:.0f}, p95 {asked['p95']:.0f} ms")
        print(f"without history: {asked['bare_median']:.0f} and {asked['bare_p95']:.0f} ms")


def row(name: str, found: dict[str, Any], base: float) -> None:
    memory = f"{found['peak_mb']:8.0f} MB" if "peak_mb" in found else ""
    print(f"{name:32}{found['seconds']:9.3f} s {found['seconds'] / base:8.2f}x{memory}", flush=True)


def step(options: argparse.Namespace, name: str) -> dict[str, Any]:
    """One measurement in a fresh process, with the peak memory of it and its children together."""
    command = [sys.executable, __file__, str(options.folder), "--work", str(options.work),
               "--step", name]  # fmt: skip
    if options.reports:
        command += ["--reports", str(options.reports)]
    if options.aider:
        command += ["--aider", str(options.aider)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = [0]
    watcher = threading.Thread(target=watch_memory, args=(process.pid, peak), daemon=True)
    watcher.start()
    output, _ = process.communicate()
    found: dict[str, Any] = json.loads(output)
    return {"peak_mb": peak[0] / 1e6, **found}


def watch_memory(pid: int, peak: list[int]) -> None:
    try:
        process = psutil.Process(pid)
        while process.is_running():
            family = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], sum(p.memory_info().rss for p in family))
            time.sleep(SAMPLE_S)
    except psutil.Error:
        return


def parse_alone(options: argparse.Namespace) -> dict[str, Any]:
    from tree_sitter import Parser

    from context.syntax import _grammar

    sources = []
    for file in scan(options.work / "copy", Counter()):
        language = language_named(file.language)
        try:
            if language:
                sources.append((read_source(options.work / "copy", file.path).encode(), language))
        except Skipped:
            continue
    parsers = {language: Parser(_grammar(language)) for _, language in sources}
    started = time.perf_counter()
    for source, language in sources:
        parsers[language].parse(source)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "files": len(sources), "bytes": sum(len(s) for s, _ in sources)}


def run_ctags(options: argparse.Namespace) -> dict[str, Any]:
    started = time.perf_counter()
    out = str(options.work / "tags")
    command = ["ctags", "-R", "-f", out, str(options.work / "copy")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - started}


_AIDER = """
import sys, time
from pathlib import Path
from aider.io import InputOutput
from aider.repomap import RepoMap

class Counts:
    def token_count(self, text):
        return len(text) / 4

root, files = sys.argv[1], Path(sys.argv[2]).read_text().split("\\n")
for _ in range(2):
    started = time.perf_counter()
    made = RepoMap(map_tokens=1024, root=root, main_model=Counts(), io=InputOutput())
    assert made.get_repo_map([], [str(Path(root) / file) for file in files])
    print(time.perf_counter() - started)
"""


def run_aider(options: argparse.Namespace) -> dict[str, Any]:
    files = [f.path for f in scan(options.work / "copy", Counter()) if language_named(f.language)]
    listed = options.work / "files.txt"
    listed.write_text("\n".join(files))
    command = [str(options.aider), "-c", _AIDER, str(options.work / "copy"), str(listed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    cold, again = map(float, done.stdout.split()[-2:])
    return {"cold": cold, "again": again}


def index(options: argparse.Namespace) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        started = time.perf_counter()
        workspace = await Workspace.open(options.work / "copy", options.work / "cache")
        await workspace.index(lambda _: None)
        seconds = time.perf_counter() - started
        await workspace.close()
        return {"seconds": seconds}

    return asyncio.run(run())


def edit(options: argparse.Namespace) -> dict[str, Any]:
    """From an edit of a middling file to the end of the call after which a search sees it."""

    async def run() -> dict[str, Any]:
        root = options.work / "copy"
        workspace = await Workspace.open(root, options.work / "cache")
        found = [f for f in scan(root, Counter()) if language_named(f.language)]
        file = sorted(found, key=lambda f: f.stamp.size_bytes)[len(found) // 2].path
        await workspace.set_overlay(file, "warm = 1\n")
        await workspace.locate("warm")
        text = read_source(root, file)
        started = time.perf_counter()
        await workspace.set_overlay(file, text + "\nzyxwvutsr = 1\n")
        overlay = time.perf_counter() - started
        assert (await workspace.locate("zyxwvutsr")).files[0].path == file
        await workspace.set_overlay(file, None)
        (root / file).write_text(text + "\nrstuvwxyz = 1\n")
        started = time.perf_counter()
        await workspace.refresh([file])
        saved = time.perf_counter() - started
        assert (await workspace.locate("rstuvwxyz")).files[0].path == file
        await workspace.close()
        return {"overlay": overlay, "saved": saved}

    return asyncio.run(run())


def queries(options: argparse.Namespace) -> dict[str, Any]:
    from context.evidence import Signal

    past = frozenset({Signal.HISTORY, Signal.FEEDBACK, Signal.TRANSLATION, Signal.RECENCY})
    texts = [json.loads(line)["query"] for line in options.reports.read_text().split("\n") if line]

    async def run() -> dict[str, Any]:
        workspace = await Workspace.open(options.work / "copy", options.work / "cache")
        await workspace.locate(texts[0])
        with_past = sorted([(await workspace.locate(t)).elapsed_s * 1000 for t in texts])
        bare = sorted([(await workspace.locate(t, without=past)).elapsed_s * 1000 for t in texts])
        await workspace.close()
        last = int(0.95 * len(texts))
        return {
            "n": len(texts), "median": statistics.median(with_past), "p95": with_past[last],
            "bare_median": statistics.median(bare), "bare_p95": bare[last],
        }  # fmt: skip

    return asyncio.run(run())


STEPS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "tree-sitter": parse_alone,
    "ctags": run_ctags,
    "aider": run_aider,
    "cold": index,
    "again": index,
    "edit": edit,
    "queries": queries,
}

if __name__ == "__main__":
    main()
