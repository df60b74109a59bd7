"""Whether a model finds one planted bug in a real function, and whether its fix takes it out again.

    python tests/bench/planted_bugs.py --work DIR --model NAME (--sources | --history) DIR ...
        [--cases 200]
        [--every N] [--stage score|lines|think|write|fix|repair|named] [--thinking-tokens 320]
        [--report] [--again LABEL] [--keep FILE]

--sources are folders of code, one a project (other than Python's, which is taken from the installed
packages). With --history the cases are real fixes of one line instead, from the histories of these
repositories. The cases made of them are written to DIR/cases.jsonl once and used from then on,
since they hold other people's code. What a model says goes to DIR/MODEL.jsonl case by case: a run
that was stopped goes on, and a later one may take more (--every 4 first, then --every 1).

Stages: `score` reads each function and keeps how probable each of its tokens was; `lines` asks
which line is wrong and which is right, by number, in both orders, without text being generated;
`think` lets the model think and answer; `fix` does so as Postil does, with the likeliest lines
in the question, and has what was found fixed; `write` has it fixed as what somebody else
says is, where a small model writes first; `repair` takes what reads likelier, with nothing thought
or written, in the function with the bug and in the right one; `named` does so in the lines that
`fix` named, or in the line that a real fix changed.
--again (with `fix` or `write`) keeps what was found and has it fixed once more, where that was not
done under this label: for a change in how fixes are made. --report asks nothing and prints what is
there; --keep also writes its rows to FILE, without texts, since these quote other people's code.
Such a file is a DIR/MODEL.jsonl to go on from: those of the README are in planted/results.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from models import prompts, weights
from models.backends.worker_client import LlamaCppBackend, Options
from tests.bench.planted.history import one_line_fixes
from tests.bench.planted.mutations import Kind
from tests.bench.planted.numbers import ask_numbers
from tests.bench.planted.planting import Case, kept_cases, plant, python_packages
from tests.bench.planted.repairing import repair
from tests.bench.planted.tables import report
from tests.bench.planted.thinking import fix_found, think, think_and_fix
from tests.bench.rows import kept_rows
from tests.models.weights import models_folder

N_CTX = 4_096
STAGES = ("score", "lines", "think", "write", "fix", "repair", "named")
QUOTING = ("cause", "reason", "error", "fix_error")  # what a model said of the code
Rows = dict[str, dict[str, Any]]  # by case


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--sources", type=Path, nargs="*", default=[])
    parser.add_argument("--history", type=Path, nargs="*", default=[])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--every", type=int, default=1, help="take every N-th case")
    parser.add_argument("--stage", choices=STAGES, default="score")
    parser.add_argument("--thinking-tokens", type=int, default=320)
    parser.add_argument("--n-threads", type=int, default=0)
    parser.add_argument("--again", metavar="LABEL", default="")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    options = parser.parse_args()
    cases = _cases(options)
    results = options.work / f"{options.model}.jsonl"
    if not options.report:
        asyncio.run(_ask(options, cases[:: options.every], results))
    _print_machine()
    by_stage = {stage: _rows(results, stage) for stage in STAGES}
    if options.keep:
        _keep(by_stage, options.keep)
    report(cases, by_stage)


def _cases(options: argparse.Namespace) -> list[Case]:
    file = options.work / "cases.jsonl"
    if not file.exists():
        options.work.mkdir(parents=True, exist_ok=True)
        made = (
            one_line_fixes(options.history, options.cases)
            if options.history
            else plant([*python_packages(), *options.sources], options.cases)
        )
        file.write_text("".join(json.dumps(asdict(case)) + "\n" for case in made))
    return kept_cases(file)


def _rows(results: Path, stage: str) -> Rows:
    """What is there of a stage; the last row of a case counts."""
    return {row["id"]: row for row in kept_rows(results) if row["stage"] == stage}


def _keep(by_stage: Mapping[str, Rows], file: Path) -> None:
    """What a score was made of is left out, too: it is long, and quick to be had again."""
    rows = [row for stage in STAGES if stage != "score" for row in by_stage[stage].values()]
    kept = [{key: said for key, said in row.items() if key not in QUOTING} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")


async def _ask(options: argparse.Namespace, cases: Sequence[Case], results: Path) -> None:
    done = _rows(results, options.stage)
    found = _rows(results, "fix") if options.stage == "named" else done
    entry, file = weights.choose(options.model, models_folder(), 1 << 40)
    threads = options.n_threads or None
    backend = await LlamaCppBackend.start(entry, file, Options(n_ctx=N_CTX, n_threads=threads))
    try:
        with results.open("a") as opened:
            for case in _left(options, cases, done, found):
                started = time.perf_counter()
                row = await _row(options, backend, case, found.get(case.id))
                seconds = time.perf_counter() - started
                row = {"id": case.id, "stage": options.stage, "elapsed_s": seconds} | row
                opened.write(json.dumps(row) + "\n")
                opened.flush()
                print(f"{seconds:6.1f} s  {case.id}", file=sys.stderr, flush=True)
    finally:
        await backend.close()


def _left(
    options: argparse.Namespace, cases: Sequence[Case], done: Rows, found: Rows
) -> list[Case]:
    def is_named(case: Case) -> bool:
        return bool(found.get(case.id, {}).get("found"))

    if options.again:
        named = [case for case in cases if is_named(case)]
        return [case for case in named if done[case.id].get("again") != options.again]
    left = [case for case in cases if case.id not in done]
    if options.stage == "named":
        left = [case for case in left if is_named(case) or case.kind is Kind.REAL]
    return left


async def _row(
    options: argparse.Namespace, backend: LlamaCppBackend, case: Case, before: dict[str, Any] | None
) -> dict[str, Any]:
    """`before`: what was found, where that is only to be fixed again, or its lines are named."""
    match options.stage:
        case "score":
            recited = prompts.recite(case.path, case.symbol)
            logs = await backend.token_logs(recited, case.function)
            return {"logs": [astuple(log) for log in logs]}
        case "lines":
            return await ask_numbers(backend, case)
        case "repair":
            return await repair(backend, case, [])
        case "named":
            first, last = before["found"] if before else (case.line, case.line)
            return await repair(backend, case, range(first, last + 1))
        case "think":
            return await think(backend, case, options.thinking_tokens)
        case stage:
            is_own, tokens = stage == "fix", options.thinking_tokens
            if before is not None:
                before = before | {"again": options.again}
                return await fix_found(backend, case, before, tokens, is_own=is_own)
            return await think_and_fix(backend, case, tokens, is_own=is_own)


def _print_machine() -> None:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, load {load:.1f}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
