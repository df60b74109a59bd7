"""What a model adds to locating: re-ordering files, re-ordering functions, proposing names.

    python tests/bench/model_ranking.py --bench DIR --work DIR --model NAME [--every N]

--work is that of tests/bench/localization.py after a run: its predictions and instances are read.
For every N-th report the model ranks the ten best files, and the ten best functions, by the
probability of a letter each; printed are the evidence's order, the model's, and mixes of both, each
with 95 % intervals (bootstrap over reports; what a row adds to the evidence is paired). For reports
that name no path, symbol or frame it proposes identifiers, which are written to names-MODEL.json:
give that to localization.py --more to see what they are worth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from context.report import read_report
from models import weights
from models.backends import Backend
from models.backends.worker_client import LlamaCppBackend
from models.tasks.rank import LETTERS, mixed, propose_names, rank
from tests.bench.intervals import bootstrap
from tests.models.weights import models_folder

MIXES = (0.1, 0.25, 0.5, 1.0)  # of the model's log-probability against the logarithm of the place

Orders = dict[str, list[tuple[list[str], set[str]]]]  # by name: ranking and what is right


async def run(options: argparse.Namespace) -> None:
    gold = {g["id"]: g for g in json.loads((options.bench / "ids.json").read_text())}
    queries = {i["id"]: i["query"] for i in read_lines(options.work / "instances.jsonl")}
    predictions = sorted(read_lines(options.work / "predictions.jsonl"), key=lambda p: p["id"])
    entry, file = weights.choose(options.model, models_folder(), 1 << 40)
    backend = await LlamaCppBackend.start(entry, file)
    files: Orders = {}
    functions: Orders = {}
    names: dict[str, list[str]] = {}
    started = time.perf_counter()
    for number, prediction in enumerate(predictions):
        query, right = queries[prediction["id"]], gold[prediction["id"]]
        if names_nothing(query):
            names[prediction["id"]] = await propose_names(backend, query)
            print(prediction["id"], names[prediction["id"]], file=sys.stderr, flush=True)
        if number % options.every:
            continue
        await add(files, backend, query, prediction["files"], set(right["gold_files"]), "file")
        if right["gold_functions"]:
            wanted = set(right["gold_functions"])
            await add(functions, backend, query, prediction["functions"], wanted, "function")
    seconds = time.perf_counter() - started
    print(f"{entry.name}, {len(files['evidence'])} reports, {seconds:.0f} s")
    show("files", files)
    show("functions", functions)
    (options.work / f"names-{entry.name}.json").write_text(json.dumps(names))
    print(f"{len(names)} reports name nothing; proposals are in names-{entry.name}.json")
    await backend.close()


async def add(
    orders: Orders, backend: Backend, query: str, places: list[str], right: set[str], what: str
) -> None:
    best = places[: len(LETTERS)]
    if not best:
        return
    says = await rank(backend, query, best, what)
    orders.setdefault("evidence", []).append((best, right))
    alone = sorted(range(len(best)), key=lambda i: -says[i])
    orders.setdefault("model alone", []).append(([best[i] for i in alone], right))
    for mix in MIXES:
        both = [best[i] for i in mixed(says, mix)]
        orders.setdefault(f"mix {mix}", []).append((both, right))


def names_nothing(query: str) -> bool:
    report = read_report(query)
    return not (report.paths or report.frames or report.names)


def show(what: str, orders: Orders) -> None:
    """Each row with its 95 % interval, and what it adds to the evidence's, report by report."""
    print(f"{what:14} {'first right':>24} {'MRR':>24} {'MRR added to evidence':>24}")
    evidence = [reciprocal(*one) for one in orders["evidence"]]
    for name, ranked in orders.items():
        first = [float(places[0] in right) for places, right in ranked]
        mrr = [reciprocal(*one) for one in ranked]
        added = [b - a for a, b in zip(evidence, mrr, strict=True)]
        print(f"{name:14} {in_percent(first):>24} {in_percent(mrr):>24} {in_percent(added):>24}")


def reciprocal(places: list[str], right: set[str]) -> float:
    return next((1 / place for place, p in enumerate(places, 1) if p in right), 0.0)


def in_percent(values: list[float]) -> str:
    low, high = bootstrap(values)
    mean = sum(values) / len(values)
    return f"{100 * mean:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().split("\n") if line]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--every", type=int, default=1, help="take every N-th report")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
