"""What a model adds to locating: re-ordering files, re-ordering functions, proposing names.

    python tests/bench/model_ranking.py --bench DIR --work DIR --model NAME [--every N] [--report]

--work is that of tests/bench/localization.py after a run: its predictions and instances are read.
For every N-th report the model ranks the ten best files, and the ten best functions, by the
probability of a letter each; printed are the evidence's order, the model's, and mixes of both, each
with 95 % intervals (bootstrap over reports; what a row adds to the evidence is paired). For reports
that name no path, symbol or frame it proposes identifiers, which are written to names-MODEL.json:
give that to localization.py --more to see what they are worth. What the model says is kept report
by report in --work: a run that was stopped goes on. --report asks nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from context.report import read_report
from models import weights
from models.backends import Backend
from models.backends.worker_client import LlamaCppBackend, Options
from models.tasks.rank import LETTERS, mixed, propose_names, rank
from tests.bench.intervals import bootstrap
from tests.bench.rows import kept_rows
from tests.models.weights import models_folder

PLACES = ("files", "functions")
MIXES = (0.1, 0.25, 0.5, 1.0)  # of the model's log-probability against the logarithm of the place

Orders = dict[str, list[tuple[list[str], set[str]]]]  # by name: ranking and what is right


async def ask(options: argparse.Namespace, asked: Path) -> None:
    """Writes a row for each report that has none yet."""
    done = {row["id"] for row in kept_rows(asked)}
    queries = {i["id"]: i["query"] for i in kept_rows(options.work / "instances.jsonl")}
    gold = gold_of(options)
    predictions = sorted(kept_rows(options.work / "predictions.jsonl"), key=lambda p: p["id"])
    entry, file = weights.choose(options.model, models_folder(), 1 << 40)
    worker = Options(n_threads=options.n_threads or None)
    backend = await LlamaCppBackend.start(entry, file, worker)
    try:
        with asked.open("a") as opened:
            for prediction in predictions[:: options.every]:
                key, started = prediction["id"], time.perf_counter()
                if key in done:
                    continue
                row: dict[str, Any] = {"id": key}
                for what in PLACES:
                    best = prediction[what][: len(LETTERS)]
                    if best and gold[key][f"gold_{what}"]:
                        says = await rank(backend, queries[key], best, what.removesuffix("s"))
                        row[what] = {"best": best, "says": says}
                row["elapsed_s"] = time.perf_counter() - started
                opened.write(json.dumps(row) + "\n")
                opened.flush()
                print(f"{row['elapsed_s']:6.1f} s  {key}", file=sys.stderr, flush=True)
        await propose(options, backend, queries)
    finally:
        await backend.close()


async def propose(
    options: argparse.Namespace, backend: Backend, queries: Mapping[str, str]
) -> None:
    """Names for the reports that name nothing, unless they are there."""
    file = options.work / f"names-{options.model}.json"
    if file.exists():
        return
    nameless = {key: query for key, query in queries.items() if names_nothing(query)}
    names = {key: await propose_names(backend, query) for key, query in nameless.items()}
    file.write_text(json.dumps(names))
    print(f"{len(names)} reports name nothing; proposals are in {file.name}")


def report(options: argparse.Namespace, asked: Path) -> None:
    gold, rows = gold_of(options), kept_rows(asked)
    seconds = statistics.median(row["elapsed_s"] for row in rows)
    print(f"{options.model}, {len(rows)} reports, {seconds:.0f} s a report (median)")
    for what in PLACES:
        orders: Orders = {}
        for row in rows:
            if what in row:
                right = set(gold[row["id"]][f"gold_{what}"])
                add(orders, row[what]["best"], row[what]["says"], right)
        show(what, orders)


def gold_of(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    return {g["id"]: g for g in json.loads((options.bench / "ids.json").read_text())}


def add(orders: Orders, best: list[str], says: list[float], right: set[str]) -> None:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--every", type=int, default=1, help="take every N-th report")
    parser.add_argument("--n-threads", type=int, default=0)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    asked = options.work / f"ranking-{options.model}.jsonl"
    if not options.report:
        asyncio.run(ask(options, asked))
    report(options, asked)


if __name__ == "__main__":
    main()
