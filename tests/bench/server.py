"""How long a person waits for the server: its first answer, a keystroke, a hover, a menu.

    python -m tests.bench.server [--workspace DIR] [--megabytes 17] [--runs 20] [--keystrokes 400]

`initialize`: from the start of the process to the answer, less what the interpreter takes for
nothing. Keystrokes: a change and a hover after it, in a file of 5 MB. Hovers and menus: while a
workspace is indexed for the first time (Python files of this environment, or DIR) and the real
small model explains lines. Run it on an idle machine; it prints one table.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.served import ANSWER_S, Server, workspace_of

TARGETS_MS = {"initialize": 300.0, "keystroke": 10.0, "hover": 20.0, "menu": 20.0}
BIG_FILE_BYTES = 5_000_000
PAUSE_S = 0.02  # between two questions: a quick person asks far less often
MIN_SAMPLES = 300


def first_answers(runs: int, cache: Path) -> list[float]:
    """Milliseconds to the answer to `initialize`, less the interpreter's own."""
    bare = []
    for _ in range(runs):
        began_s = time.perf_counter()
        subprocess.run([sys.executable, "-P", "-c", "pass"], check=True)
        bare.append(time.perf_counter() - began_s)
    own_s = statistics.median(bare)
    found = []
    for _ in range(runs):
        server = Server(cache, POSTIL_MODEL="none")
        found.append(1_000 * (server.initialize(None) - own_s))
        server.notify("initialized", {})
        server.end()
    return found


def keystrokes(count: int, folder: Path, cache: Path) -> list[float]:
    """Milliseconds from a change in the middle of a file of 5 MB to the answer of a hover there."""
    line = "def f():  # a line of some length, as there are many in a large file\n"
    n_lines = BIG_FILE_BYTES // len(line)
    uri = (folder / "big.py").as_uri()
    server = Server(cache, POSTIL_MODEL="none")
    server.initialize(folder)
    server.notify("initialized", {})
    server.open(uri, line * n_lines)
    found = []
    for version in range(2, count + 2):
        at = {"line": n_lines // 2 + version % 3, "character": 4}
        change = {"range": {"start": at, "end": at}, "text": "x"}
        identifier = {"uri": uri, "version": version}
        params = {"textDocument": identifier, "contentChanges": [change]}
        began_s = time.perf_counter()
        server.notify("textDocument/didChange", params)
        hover = server.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": at})
        found.append(1_000 * (hover.get(timeout=ANSWER_S)[0] - began_s))
        time.sleep(PAUSE_S)
    server.end()
    return found[5:]  # the first wait for what the server imports


def while_busy(folder: Path, cache: Path) -> tuple[dict[str, list[float]], str]:
    """Hovers and menus while the folder is indexed and the model writes; and what was going on."""
    file = next(iter(sorted(folder.rglob("*.py"), key=lambda f: -f.stat().st_size)))
    text = file.read_text(encoding="utf-8", errors="replace")
    uri = file.as_uri()
    server = Server(cache)
    server.initialize(folder)
    server.notify("initialized", {})
    server.open(uri, text)
    target = {"uri": uri, "version": 1, "first_line": 1, "last_line": 12}
    explain = {"command": "postil.explain", "arguments": [target]}
    asked = server.ask("workspace/executeCommand", explain)
    place = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 0}}
    range_ = {"start": {"line": 0, "character": 0}, "end": {"line": 12, "character": 0}}
    menu = {"textDocument": {"uri": uri}, "range": range_, "context": {"diagnostics": []}}
    found: dict[str, list[float]] = {"hover": [], "menu": []}
    n_explained, n_indexing, began_s = 0, 0, time.perf_counter()
    while len(found["hover"]) < MIN_SAMPLES or _is_indexing(server, folder):
        found["hover"].append(server.timed_ms("textDocument/hover", place))
        found["menu"].append(server.timed_ms("textDocument/codeAction", menu))
        n_indexing += _is_indexing(server, folder)
        if not asked.empty():
            n_explained += 1
            asked = server.ask("workspace/executeCommand", explain)
        time.sleep(PAUSE_S)
    elapsed_s = time.perf_counter() - began_s
    server.notify("exit", None)
    share = 100 * n_indexing // len(found["hover"])
    return found, f"{elapsed_s:.0f} s, indexing in {share} % of it, {n_explained} explanations done"


def _is_indexing(server: Server, folder: Path) -> bool:
    return server.status.get("folders", {}).get(str(folder)) != "indexed"


def _row(what: str, samples: Sequence[float]) -> str:
    ordered = sorted(samples)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    target = TARGETS_MS[what]
    verdict = "within" if p99 < target else "OVER"
    return (
        f"| {what} | {len(ordered)} | {statistics.median(ordered):.1f} | {p99:.1f} "
        f"| {ordered[-1]:.1f} | {target:.0f} | {verdict} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--megabytes", type=float, default=17.0)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--keystrokes", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        (base / "small").mkdir()
        folder = options.workspace or workspace_of(base / "work", int(options.megabytes * 1e6))
        first = first_answers(options.runs, base / "cache")
        typed = keystrokes(options.keystrokes, base / "small", base / "cache")
        busy, said = while_busy(folder.resolve(), base / "cold")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; busy part: {said}\n")
    print("| milliseconds | samples | median | p99 | worst | target for p99 | |")
    print("|---|---|---|---|---|---|---|")
    print(_row("initialize", first))
    print(_row("keystroke", typed))
    print(_row("hover", busy["hover"]))
    print(_row("menu", busy["menu"]))


if __name__ == "__main__":
    main()
