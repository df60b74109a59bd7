"""Measure locating, without a model, on real bug reports: checkout, index, locate, score.

Not a test: it needs a folder with a benchmark's build.py and score.py (whose formats it follows),
and the git snapshots that build.py reads, named by the MIRROR variable. Run it as

    MIRROR=SNAPSHOTS python tests/bench/localization.py --bench DIR --work DIR [--only TEXT]

Each instance is checked out, indexed once into WORK and its checkout dropped; a second run only
asks again, so that a change of the ranking is measured in seconds. Predictions go to
WORK/predictions.jsonl and the names of the instances measured to WORK/measured.txt.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from context.store import Reader, index_folder
from context.suspects import Located, locate
from context.workspace import Workspace

DEPTH = 100  # files and functions predicted for each report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bench", type=Path, required=True, help="folder of build.py and score.py")
    parser.add_argument("--work", type=Path, required=True, help="folder for indexes and results")
    parser.add_argument("--data", type=Path, help="folder of instances.jsonl; default: WORK")
    parser.add_argument("--only", default="", help="instances whose name holds this text")
    given = parser.parse_args()
    work: Path = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    instances = _instances(given.bench, given.data or work, given.only)
    if not instances:
        print("No instance to measure: is MIRROR set, and are its snapshots there?")
        return 1
    _measure(instances, given.bench, given.data or work, work)
    command = [sys.executable, given.bench / "score.py", work / "predictions.jsonl"]
    gold = (given.data or work) / "ids.json"
    return subprocess.run(
        [*command, "--gold", gold, "--ids", work / "measured.txt"], check=False
    ).returncode


def _instances(bench: Path, data: Path, only: str) -> list[dict[str, Any]]:
    if not (data / "instances.jsonl").exists():
        subprocess.run([sys.executable, bench / "build.py", "--out", data], check=True)
    with (data / "instances.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [instance for instance in found if only in instance["id"]]


def _measure(instances: list[dict[str, Any]], bench: Path, data: Path, work: Path) -> None:
    elapsed: list[float] = []
    with (work / "predictions.jsonl").open("w", encoding="utf-8") as out:
        for number, instance in enumerate(instances, 1):
            name = instance["id"]
            reader = Reader(_index(name, bench, data, work))
            located = locate(reader, instance["query"], limit=DEPTH)
            reader.close()
            elapsed.append(located.elapsed_s)
            out.write(json.dumps({"id": name, **_prediction(located)}) + "\n")
            print(f"{number}/{len(instances)} {name}: {located.elapsed_s:.2f} s", file=sys.stderr)
    (work / "measured.txt").write_text("\n".join(i["id"] for i in instances) + "\n")
    worst, median = max(elapsed), statistics.median(elapsed)
    print(f"{len(elapsed)} reports, a query {median:.2f} s in the median, {worst:.2f} s at most")


def _index(name: str, bench: Path, data: Path, work: Path) -> Path:
    """The index of one instance's workspace, made on the first call."""
    tree = work / "trees" / name
    done = work / "done" / name
    if not done.exists():
        shutil.rmtree(tree, ignore_errors=True)
        tree.parent.mkdir(parents=True, exist_ok=True)
        build = [sys.executable, bench / "build.py", "--out", data, "--checkout", name, tree]
        subprocess.run(build, check=True)
        asyncio.run(_fill(tree, work / "cache"))
        shutil.rmtree(tree)
        done.parent.mkdir(exist_ok=True)
        done.touch()
    return index_folder(tree, work / "cache") / "index.sqlite"


async def _fill(tree: Path, cache_dir: Path) -> None:
    workspace = await Workspace.open(tree, cache_dir)
    try:
        summary = await workspace.index(lambda _: None)
    finally:
        await workspace.close()
    print(f"{tree.name}: {summary.files} files in {summary.elapsed_s:.1f} s", file=sys.stderr)


def _prediction(located: Located) -> dict[str, list[str]]:
    functions = [f"{s.path}::{s.symbol}" for s in located.suspects if s.symbol]
    return {"files": [file.path for file in located.files], "functions": functions}


if __name__ == "__main__":
    sys.exit(main())
