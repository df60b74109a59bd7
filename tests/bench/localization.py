"""Score locating without a model on a set of real bug reports with known answers.

    python tests/bench/localization.py --bench DIR --work DIR [--only REPO ...] [--limit N]

DIR of --bench holds `build.py`, `score.py` and `ids.json`; `build.py` makes each report's checkout
from git snapshots under $MIRROR. Indexes are kept under --work, so a second run only ranks again.
Prints the scorer's table and the query times. Changes nothing outside --work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from context.workspace import Workspace

DEPTH = 50  # ranked files and functions written for each report


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], help="repositories, owner/name")
    parser.add_argument("--limit", type=int, help="at most so many of each repository")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    ids, times = asyncio.run(run(options))
    report(options, ids, times)


async def run(options: argparse.Namespace) -> tuple[list[str], list[float]]:
    predictions = options.work / "predictions.jsonl"
    times: list[float] = []
    ids: list[str] = []
    with predictions.open("w") as out:
        for instance in chosen(options):
            checkout = options.work / "checkouts" / instance["id"]
            if not checkout.exists():
                build(options, "--checkout", instance["id"], str(checkout))
            located, elapsed_s = await locate(checkout, instance, options.work / "cache")
            times.append(elapsed_s)
            ids.append(instance["id"])
            out.write(json.dumps({"id": instance["id"], **located}) + "\n")
            print(f"{len(ids):4} {instance['id']}  {elapsed_s * 1000:.0f} ms", file=sys.stderr)
    return ids, times


def report(options: argparse.Namespace, ids: list[str], times: list[float]) -> None:
    predictions = options.work / "predictions.jsonl"
    (options.work / "ids.txt").write_text("\n".join(ids))
    score = [sys.executable, str(options.bench / "score.py"), str(predictions)]
    subprocess.run([*score, "--ids", str(options.work / "ids.txt")], check=True)
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"query: median {statistics.median(times) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")


def chosen(options: argparse.Namespace) -> list[dict[str, Any]]:
    instances = options.work / "instances.jsonl"
    if not instances.exists():
        raise SystemExit(f"run build.py and put its instances.jsonl at {instances}")
    kept: list[dict[str, Any]] = []
    count: dict[str, int] = {}
    for line in instances.read_text().split("\n"):
        if not line:
            continue
        instance = json.loads(line)
        repo = instance["repo"]
        if options.only and repo not in options.only:
            continue
        count[repo] = count.get(repo, 0) + 1
        if not options.limit or count[repo] <= options.limit:
            kept.append(instance)
    return kept


def build(options: argparse.Namespace, *arguments: str) -> None:
    command = [sys.executable, str(options.bench / "build.py"), "--out", str(options.work)]
    subprocess.run([*command, *arguments], check=True)


async def locate(
    checkout: Path, instance: dict[str, Any], cache: Path
) -> tuple[dict[str, list[str]], float]:
    workspace = await Workspace.open(checkout, cache)
    try:
        await workspace.index(lambda _: None)
        found = await workspace.locate(instance["query"], DEPTH)
    finally:
        await workspace.close()
    functions = [f"{s.path}::{s.symbol}" for s in found.suspects if s.symbol]
    return {"files": [f.path for f in found.files], "functions": functions}, found.elapsed_s


if __name__ == "__main__":
    main()
