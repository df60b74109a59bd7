"""Does a model order the best files better than the evidence does?

    python tests/bench/model_ranking.py --bench DIR --work DIR --model NAME [--every N]

--work is that of tests/bench/localization.py after a run: its predictions and instances are read.
For every N-th report the model is shown the report and the ten best files by name, a letter each,
in both orders, and asked for the letter of the file to change; the probabilities of the letters,
averaged over both orders, are its ranking. Printed: the evidence's order, the model's, and mixes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from models import weights
from models.backends import Backend, Conversation, Message
from models.backends.worker_client import LlamaCppBackend
from tests.models.weights import models_folder

LETTERS = "ABCDEFGHIJ"
MAX_REPORT_CHARS = 1_200
MIXES = (0.1, 0.25, 0.5, 1.0)  # of the model's log-probability against the logarithm of the place


async def choose(backend: Backend, report: str, paths: Sequence[str]) -> list[float]:
    """Log-probability of each path as the one to change."""
    listed = "\n".join(f"{letter}. {path}" for letter, path in zip(LETTERS, paths, strict=False))
    question = (
        f"A bug report:\n\n{report[:MAX_REPORT_CHARS]}\n\nFiles of the project:\n{listed}\n\n"
        "Which file must be changed to fix this bug? Answer with its letter alone."
    )
    asked = Conversation((Message("user", question),), "The letter is ")
    scores = await backend.score(asked, list(LETTERS[: len(paths)]))
    total = math.log(sum(math.exp(s - max(scores)) for s in scores)) + max(scores)
    return [s - total for s in scores]


async def run(options: argparse.Namespace) -> None:
    gold = {
        g["id"]: set(g["gold_files"]) for g in json.loads((options.bench / "ids.json").read_text())
    }
    lines = (options.work / "instances.jsonl").read_text().split("\n")
    queries = {i["id"]: i["query"] for i in map(json.loads, filter(None, lines))}
    lines = (options.work / "predictions.jsonl").read_text().split("\n")
    predictions = sorted(map(json.loads, filter(None, lines)), key=lambda p: p["id"])
    entry, file = weights.choose(options.model, models_folder(), 1 << 40)
    backend = await LlamaCppBackend.start(entry, file)
    orders: dict[str, list[tuple[list[str], set[str]]]] = {}
    started = time.perf_counter()
    for prediction in predictions[:: options.every]:
        paths, right = prediction["files"][: len(LETTERS)], gold[prediction["id"]]
        ahead = await choose(backend, queries[prediction["id"]], paths)
        back = await choose(backend, queries[prediction["id"]], paths[::-1])
        says = [(a + b) / 2 for a, b in zip(ahead, back[::-1], strict=True)]
        orders.setdefault("evidence", []).append((paths, right))
        orders.setdefault("model alone", []).append((ordered(paths, says), right))
        for mix in MIXES:
            both = [mix * s - math.log(place) for place, s in enumerate(says, 1)]
            orders.setdefault(f"mix {mix}", []).append((ordered(paths, both), right))
    n = len(orders["evidence"])
    seconds = (time.perf_counter() - started) / n
    print(f"{entry.name}, {n} reports, {seconds:.1f} s each\n{'':14} Acc@1   MRR")
    for name, ranked in orders.items():
        first = sum(paths[0] in right for paths, right in ranked) / n
        mrr = sum(
            next((1 / place for place, p in enumerate(paths, 1) if p in right), 0.0)
            for paths, right in ranked
        )
        print(f"{name:14} {100 * first:5.1f} {100 * mrr / n:5.1f}")
    await backend.close()


def ordered(paths: Sequence[str], scores: Sequence[float]) -> list[str]:
    by_score = sorted(range(len(paths)), key=lambda i: -scores[i])
    return [paths[i] for i in by_score]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--every", type=int, default=1, help="take every N-th report")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
