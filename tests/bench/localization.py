"""Score locating without a model on a set of real bug reports with known answers.

    python tests/bench/localization.py --bench DIR --work DIR [--only REPO ...] [--limit N]
                                       [--ablate] [--weights] [--more NAMES.json]

DIR of --bench holds `build.py`, `score.py` and `ids.json`; `build.py` names the git snapshots under
$MIRROR and writes `instances.jsonl`, which belongs into --work. Each repository gets one folder,
which is moved from commit to commit, so that only what changed is parsed again; the history that
locating sees ends at the commit that is checked out.

--ablate prints a row for each signal that is left out. --weights makes each weight half and double,
and says what choosing among those changes is worth when a repository's change is chosen on all the
other repositories. Changes nothing outside --work.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from context.evidence import Signal
from context.suspects import WEIGHTS, Located, Weights
from context.workspace import Workspace

DEPTH = 50  # ranked files and functions that are scored
COLUMNS = ("Acc@1", "Acc@5", "R@5", "R@10", "fnAcc@5", "fnAcc@10", "fnR@10")
CHOSEN_BY = ("Acc@1", "Acc@5", "R@5", "R@10", "fnAcc@10", "fnR@10")  # by their mean

Row = Mapping[str, float]


@dataclass(frozen=True)
class Setting:
    name: str
    without: frozenset[Signal] = frozenset()
    weights: Weights = WEIGHTS
    with_names: bool = False  # the report with the names that a model proposed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], help="repositories, owner/name")
    parser.add_argument("--limit", type=int, help="at most so many of each repository")
    parser.add_argument("--ablate", action="store_true", help="a row without each signal")
    parser.add_argument("--more", type=Path, help="names by report, from model_ranking.py")
    parser.add_argument("--weights", action="store_true", help="each weight halved and doubled")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.bench)
    rows, times = asyncio.run(run(options, bench, settings(options)))
    report(options, bench, rows, times)


class Bench:
    """The set's own scripts, loaded from its folder."""

    def __init__(self, folder: Path) -> None:
        self._build = _load(folder / "build.py")
        self._score = _load(folder / "score.py")
        gold = json.loads((folder / "ids.json").read_text())
        self.gold: dict[str, dict[str, Any]] = {g["id"]: g for g in gold}
        self.git_dir: Callable[[str], str] = self._build.git_dir

    def score(self, instance: str, prediction: Mapping[str, Any]) -> Row:
        row: Row = self._score.score_one(self.gold[instance], prediction)
        return row


def _load(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings(options: argparse.Namespace) -> list[Setting]:
    chosen = [Setting("as shipped")]
    if options.more:
        chosen.append(Setting("with proposed names", with_names=True))
    if options.ablate:
        chosen += [Setting(f"without {s.value}", without=frozenset({s})) for s in Signal]
    if options.weights:
        known = [s for s in Signal if s in WEIGHTS.file or s in WEIGHTS.function]
        chosen += [
            Setting(f"{s.value} x {factor}", weights=WEIGHTS.scaled(s, factor))
            for s in known
            for factor in (0.5, 2.0)
        ]
    return chosen


async def run(
    options: argparse.Namespace, bench: Bench, tried: Sequence[Setting]
) -> tuple[dict[str, dict[str, Row]], list[float]]:
    """Scores by setting and instance, and the times of the queries as shipped."""
    rows: dict[str, dict[str, Row]] = defaultdict(dict)
    times: list[float] = []
    proposed = json.loads(options.more.read_text()) if options.more else {}
    by_repo: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for instance in chosen(options):
        by_repo[instance["repo"]].append(instance)
    with (options.work / "predictions.jsonl").open("w") as out:
        for repo, instances in by_repo.items():
            folder = options.work / "folders" / repo.replace("/", "+")
            for instance in in_order(bench, repo, instances):
                check_out(bench, repo, folder, instance["base"])
                more = proposed.get(instance["id"], [])
                found = await locate(folder, options.work / "cache", instance["query"], tried, more)
                for setting, located in zip(tried, found, strict=True):
                    rows[setting.name][instance["id"]] = bench.score(
                        instance["id"], prediction(located)
                    )
                times.append(found[0].elapsed_s)
                out.write(json.dumps({"id": instance["id"], **prediction(found[0])}) + "\n")
                print(f"{len(times):4} {instance['id']}", file=sys.stderr, flush=True)
    return rows, times


def prediction(located: Located) -> dict[str, list[str]]:
    functions = [f"{s.path}::{s.symbol}" for s in located.suspects if s.symbol]
    return {"files": [f.path for f in located.files], "functions": functions}


def report(
    options: argparse.Namespace,
    bench: Bench,
    rows: Mapping[str, Mapping[str, Row]],
    times: Sequence[float],
) -> None:
    ids = options.work / "ids.txt"
    ids.write_text("\n".join(rows["as shipped"]))
    score = [sys.executable, str(options.bench / "score.py")]
    predictions = str(options.work / "predictions.jsonl")
    subprocess.run([*score, predictions, "--ids", str(ids)], check=True)
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"query: median {statistics.median(times) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms\n")
    if len(rows) == 1:
        return
    print(f"{'':24}" + "".join(f"{c:>9}" for c in COLUMNS))
    for name, scored in rows.items():
        print_row(name, list(scored.values()))
    if options.weights:
        print_row("chosen on the others", left_one_out(bench, rows))


def print_row(name: str, scored: Sequence[Row]) -> None:
    print(f"{name:24}" + "".join(f"{100 * mean(scored, c):9.1f}" for c in COLUMNS))


def left_one_out(bench: Bench, rows: Mapping[str, Mapping[str, Row]]) -> list[Row]:
    """For each repository, the rows of the setting that is best on all the others."""
    kept: list[Row] = []
    repo_of = {i: bench.gold[i]["repo"] for i in rows["as shipped"]}
    for held_out in sorted(set(repo_of.values())):
        others = [i for i, repo in repo_of.items() if repo != held_out]

        def value(name: str, ids: Sequence[str] = others) -> float:
            return sum(mean([rows[name][i] for i in ids], c) for c in CHOSEN_BY)

        best = max((name for name in rows if not name.startswith("without")), key=value)
        kept += [rows[best][i] for i, repo in repo_of.items() if repo == held_out]
    return kept


def mean(scored: Sequence[Row], column: str) -> float:
    values = [row[column] for row in scored if column in row]
    return sum(values) / len(values) if values else 0.0


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


def in_order(bench: Bench, repo: str, instances: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Oldest commit first: neighbours in time share most of their files."""

    def time_s(instance: dict[str, Any]) -> int:
        shown = _git(
            "--git-dir", bench.git_dir(repo), "show", "-s", "--format=%ct", instance["base"]
        )
        return int(shown)

    return sorted(instances, key=time_s)


def check_out(bench: Bench, repo: str, folder: Path, commit: str) -> None:
    if not folder.exists():
        _git("clone", "-q", "--shared", "--no-checkout", bench.git_dir(repo), str(folder))
    # A snapshot may lack objects of large files; git then says so and checks out the rest.
    subprocess.run(
        ["git", "-C", str(folder), "checkout", "-q", "-f", "--detach", commit],
        check=False,
        stderr=subprocess.DEVNULL,
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def locate(
    folder: Path, cache: Path, query: str, tried: Sequence[Setting], more: Sequence[str]
) -> list[Located]:
    workspace = await Workspace.open(folder, cache)
    try:
        await workspace.index(lambda _: None)
        await workspace.locate(query, DEPTH)  # the first query of a process loads the index
        return [
            await workspace.locate(
                f"{query}\n{' '.join(more)}" if s.with_names else query,
                DEPTH,
                without=s.without,
                weights=s.weights,
            )
            for s in tried
        ]
    finally:
        await workspace.close()


if __name__ == "__main__":
    main()
