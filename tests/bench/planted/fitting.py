"""What speaks for a line, weighed so that lines with a bug are the likeliest (lines.py WEIGHTS).

    python -m tests.bench.planted.fitting DIR/MODEL.jsonl DIR/MODEL.jsonl

The first are planted bugs, the second real fixes of one line (planted_bugs.py, stage `score`, of
one model). A softmax over the lines of each function is fitted to both by gradient ascent, the
planted ones counting half; each fifth is scored with weights from the other four.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.backends import TokenLog
from models.tasks.lines import WEIGHTS, Traits, line_traits
from tests.bench.planted.planting import Case, kept_cases
from tests.bench.planted.tables import print_places
from tests.bench.rows import kept_rows

FOLDS = 5
STEPS, RATE, DECAY = 600, 0.1, 1.0
PLANTED_WEIGHT = 0.5
Function = tuple[np.ndarray, int]  # traits of its lines, and which of them is the one


def main() -> None:
    planted, real = (_functions(Path(file)) for file in sys.argv[1:3])
    print(f"{len(planted)} planted, {len(real)} real; as shipped, then each fifth by the others")
    ways: dict[str, list[int]] = {}
    for name, given in (("planted", planted), ("real", real)):
        ways[f"{name}, odd tokens alone"] = _places(given, np.eye(len(WEIGHTS))[0])
        ways[f"{name}, as shipped"] = _places(given, np.array(WEIGHTS))
    for fold in range(FOLDS):
        fitted = _fitted(_without(planted, fold), _without(real, fold))
        for name, given in (("planted", planted), ("real", real)):
            way = ways.setdefault(f"{name}, each fifth by the others", [])
            way += _places(given[fold::FOLDS], fitted)
    print_places(ways)
    print(Traits(*(round(float(weight), 2) for weight in _fitted(planted, real))))


def _functions(results: Path) -> list[Function]:
    rows = {row["id"]: row for row in kept_rows(results) if row["stage"] == "score"}
    cases = [case for case in kept_cases(results.parent / "cases.jsonl") if case.id in rows]
    functions = [f for case in cases if (f := _function(case, rows[case.id]["logs"]))]
    random.Random(1).shuffle(functions)
    return functions


def _function(case: Case, logs: Sequence[Sequence[float]]) -> Function | None:
    traits = line_traits(case.snippet, [TokenLog(*log) for log in logs])  # type: ignore[arg-type]
    lines = list(traits)
    if case.line not in lines:
        return None
    return np.array(list(traits.values())), lines.index(case.line)


def _without(functions: Sequence[Function], fold: int) -> list[Function]:
    return [one for at, one in enumerate(functions) if at % FOLDS != fold]


def _fitted(planted: Sequence[Function], real: Sequence[Function]) -> np.ndarray:
    weights = np.zeros(len(WEIGHTS))
    n_functions = len(planted) + len(real)
    for _ in range(STEPS):
        slope = PLANTED_WEIGHT * _slope(planted, weights) + _slope(real, weights)
        weights += RATE * (slope - DECAY * weights / n_functions) * len(real) / n_functions
    return weights


def _slope(functions: Sequence[Function], weights: np.ndarray) -> np.ndarray:
    total = np.zeros(len(weights))
    for traits, right in functions:
        logs = traits @ weights
        shares = np.exp(logs - logs.max())
        total += traits[right] - (shares / shares.sum()) @ traits
    return total / len(functions)


def _places(functions: Sequence[Function], weights: np.ndarray) -> list[int]:
    """Of the right line, from 0; of lines that score the same half come before it."""
    found = []
    for traits, right in functions:
        scores = traits @ weights
        same = int((np.abs(scores - scores[right]) < 1e-9).sum()) - 1
        found.append(int((scores > scores[right] + 1e-9).sum()) + (same + 1) // 2)
    return found


if __name__ == "__main__":
    main()
