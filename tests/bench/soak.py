"""Whether a server that is worked with for hours grows: memory, files and threads by process.

    python -m tests.bench.soak [--minutes 60] [--megabytes 3] [--pause 0.05]

A person's day, quicker: a file is opened, typed into, hovered over, asked about and saved, a bug
report is answered with suspects, the findings are cleared, and the text is put back. The workspace
is as large at the end as at the start, so what still grows is a leak. Memory is private anonymous
memory (`RssAnon`, Linux). The first quarter is warm-up; the slope is that of a line through the
rest, with what two halves of it say apart, since a plateau has a slope, too, while it is reached.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.served import ANSWER_S, Server, workspace_of

SAMPLE_S = 5.0
SEED = 20261128
EDITS_A_ROUND = 20


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    anon_mb: float
    n_files: int
    n_threads: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--megabytes", type=float, default=3.0)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two messages")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name).resolve()
        folder = workspace_of(base / "work", int(options.megabytes * 1e6))
        server = Server(base / "cache", POSTIL_MODEL="none")
        server.initialize(folder)
        server.notify("initialized", {})
        while server.status.get("folders", {}).get(str(folder)) != "indexed":
            time.sleep(0.2)
        index_mb = _size_mb(base / "cache")
        samples, rounds = work(server, folder, 60 * options.minutes, options.pause)
        grown_mb = _size_mb(base / "cache") - index_mb
        server.end()
    print(f"Python {sys.version.split()[0]}; {options.minutes:.0f} minutes, {rounds} rounds of "
          f"{EDITS_A_ROUND} edits, a save and a report; {options.megabytes:.0f} MB of code; cache "
          f"{index_mb:.1f} MB at first, {grown_mb:+.1f} MB at the end\n")  # fmt: skip
    print(
        "| process | MB after warm-up | MB at the end | MB an hour | by halves | files | threads |"
    )
    print("|---|---|---|---|---|---|---|")
    for process, taken in sorted(samples.items()):
        print(_row(process, taken, 60 * options.minutes))


def work(
    server: Server, folder: Path, seconds: float, pause_s: float
) -> tuple[dict[str, list[Sample]], int]:
    """Rounds until the time is over; what each process took meanwhile, and how many they were."""
    rng = random.Random(SEED)
    files = sorted(folder.rglob("*.py"))
    samples: dict[str, list[Sample]] = defaultdict(list)
    began_s = next_s = time.monotonic()
    rounds = 0
    while (now_s := time.monotonic()) - began_s < seconds:
        _round(server, rng, rng.choice(files), pause_s)
        rounds += 1
        if now_s >= next_s:
            next_s = now_s + SAMPLE_S
            for process, sample in _samples(server, now_s - began_s):
                samples[process].append(sample)
    return samples, rounds


def _round(server: Server, rng: random.Random, file: Path, pause_s: float) -> None:
    content = file.read_bytes()
    text = content.decode(errors="replace")
    uri, version = file.as_uri(), 1
    server.open(uri, text)
    n_lines = text.count("\n") + 1
    for _ in range(EDITS_A_ROUND):
        version += 1
        at = {"line": rng.randrange(n_lines), "character": 0}
        change = {"range": {"start": at, "end": at}, "text": rng.choice(["x", "# y\n", "\n"])}
        identifier = {"uri": uri, "version": version}
        params = {"textDocument": identifier, "contentChanges": [change]}
        server.notify("textDocument/didChange", params)
        time.sleep(pause_s)
    place = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
    server.timed_ms("textDocument/hover", place)
    lines = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
    menu = {"textDocument": {"uri": uri}, "range": lines, "context": {"diagnostics": []}}
    server.timed_ms("textDocument/codeAction", menu)
    for saved in (b"# saved\n" + content, content):
        file.write_bytes(saved)
        event = {"changes": [{"uri": uri, "type": 2}]}
        server.notify("workspace/didChangeWatchedFiles", event)
        server.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        time.sleep(pause_s)
    report = {"report": f"{_name_in(rng, text)} raises ValueError when it is empty", "uri": uri}
    for command in ({"command": "postil.locate", "arguments": [report]},
                    {"command": "postil.clear", "arguments": [{}]}):  # fmt: skip
        server.ask("workspace/executeCommand", command).get(timeout=ANSWER_S)
    server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def _name_in(rng: random.Random, text: str) -> str:
    return rng.choice(re.findall(r"def (\w+)", text) or ["main"])


def _samples(server: Server, at_s: float) -> list[tuple[str, Sample]]:
    """The front and what it has started, by what it is."""
    front = psutil.Process(server.process.pid)
    found = []
    for process in (front, *front.children(recursive=True)):
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            anon = re.search(r"RssAnon:\s+(\d+)", status)
            name = "front" if process == front else _kind(process.cmdline())
            sample = Sample(
                at_s,
                int(anon[1]) / 1024 if anon else 0.0,
                process.num_fds(),
                process.num_threads(),
            )
        except (OSError, psutil.Error):  # it has just ended
            continue
        found.append((name, sample))
    return found


def _kind(command: list[str]) -> str:
    """The module that a child runs."""
    return command[command.index("-m") + 1] if "-m" in command else " ".join(command)[-40:]


def _row(process: str, samples: list[Sample], seconds: float) -> str:
    worked = [s for s in samples if s.at_s >= seconds / 4] or samples
    half = len(worked) // 2
    halves = " and ".join(f"{_slope(part):+.1f}" for part in (worked[:half], worked[half:]))
    first, last = worked[0], worked[-1]
    return (
        f"| {process} | {first.anon_mb:.1f} | {last.anon_mb:.1f} "
        f"| {_slope(worked):+.1f} | {halves} "
        f"| {first.n_files} to {last.n_files} | {first.n_threads} to {last.n_threads} |"
    )


def _slope(samples: list[Sample]) -> float:
    """MB an hour."""
    if len({s.at_s for s in samples}) < 2:
        return 0.0
    line = statistics.linear_regression([s.at_s for s in samples], [s.anon_mb for s in samples])
    return 3_600 * line.slope


def _size_mb(folder: Path) -> float:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


if __name__ == "__main__":
    main()
