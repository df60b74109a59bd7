"""How often a model's docs, types and tests can be used, on real functions of Python's own library.

    python tests/bench/writing_tasks.py --model qwen2.5-coder-1.5b --limit 30

For each task: answers that could be read, proposals that passed the gate (at once, and after one
refusal), seconds. A written test is then run on a copy against the code that it is for: it counts
as right when it passes. Functions are chosen by a fixed seed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from context.checking import Status, run_check
from context.dissecting import dissect
from context.languages import language_named
from context.shadow_copy import make_copy
from context.text import content_hash, split_lines
from context.window import Role, Snippet
from models.asking import Asking
from models.backends.worker_client import LlamaCppBackend, Options
from models.catalog import entry_named
from models.errors import ReplyUnusable
from models.findings import Proposal
from models.tasks.add_types import propose_types
from models.tasks.document import propose_doc
from models.tasks.edit import EditKind, EditTask, propose_edit
from models.tasks.write_test import propose_test
from tests.code import ParsedHere
from tests.models.weights import models_folder

MODULES = ("bisect", "colorsys", "fnmatch", "heapq", "posixpath", "shlex", "statistics", "textwrap",
           "genericpath", "keyword", "string", "calendar", "difflib", "ipaddress")  # fmt: skip
MIN_LINES, MAX_LINES = 4, 28
SEED = 20
KINDS = (EditKind.DOCUMENT, EditKind.ADD_TYPES, EditKind.WRITE_TEST, EditKind.MODERNISE,
         EditKind.SIMPLIFY)  # fmt: skip


@dataclass(frozen=True)
class Case:
    path: str
    source: str
    name: str
    first_line: int
    last_line: int


@dataclass
class Tally:
    n: int = 0
    readable: int = 0
    passed: int = 0
    mended: int = 0
    right: int = 0
    seconds: list[float] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


def cases(limit: int) -> list[Case]:
    """Top-level functions of moderate length, whose module can be copied and imported."""
    language = language_named("python")
    assert language is not None
    library = Path(statistics.__file__).parent
    found: list[Case] = []
    for module in MODULES:
        file = library / f"{module}.py"
        if not file.is_file():
            continue
        source = file.read_text(encoding="utf-8")
        for function in dissect(source, language).functions:
            n_lines = function.end_line - function.start_line + 1
            plain = "." not in function.qualified_name and not function.name.startswith("_")
            if plain and MIN_LINES <= n_lines <= MAX_LINES:
                found.append(
                    Case(f"its_{module}.py", source, function.name, function.start_line,
                         function.end_line)
                )  # fmt: skip
    random.Random(SEED).shuffle(found)
    return found[:limit]


async def _propose(kind: EditKind, case: Case, backend: LlamaCppBackend) -> Proposal:
    lines = split_lines(case.source)[case.first_line - 1 : case.last_line]
    snippet = Snippet(
        case.path, case.first_line, case.last_line, case.name, "\n".join(lines), Role.SUSPECT,
        "chosen", content_hash(case.source),
    )  # fmt: skip
    task = EditTask(kind, case.path, case.first_line, case.first_line)
    asking = Asking(backend, 0, 900, lambda _: None)
    sources, code = {case.path: case.source}, ParsedHere()
    if kind is EditKind.WRITE_TEST:
        return await propose_test(task, [snippet], sources, [case.path], code, asking)
    writers = {EditKind.DOCUMENT: propose_doc, EditKind.ADD_TYPES: propose_types}
    write = writers.get(kind, propose_edit)
    return await write(task, [snippet], sources, code, asking)


async def _is_right(case: Case, proposal: Proposal) -> bool:
    """Whether a written test passes against the code it is for."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "p"
        root.mkdir()
        (root / case.path).write_text(case.source, encoding="utf-8")
        texts = {new.path: new.text for new in proposal.new_files}
        copy = make_copy(root, Path(place) / "copy", texts)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        run = await run_check(command, copy.folder, Path(place) / "temporary", 60.0)
        return run.status is Status.PASSES


async def _measure(kind: EditKind, found: list[Case], backend: LlamaCppBackend) -> Tally:
    tally = Tally()
    for case in found:
        started = time.perf_counter()
        try:
            proposal = await _propose(kind, case, backend)
        except ReplyUnusable as unusable:
            if "asked" in str(unusable) or "did not end" in str(unusable):
                tally.n += 1
                tally.refusals.append("form")
            continue  # else nothing was asked: all types are there, a body on one line ...
        tally.n += 1
        tally.readable += 1
        tally.seconds.append(time.perf_counter() - started)
        tally.mended += proposal.n_mended
        if proposal.edits or proposal.new_files:
            tally.passed += 1
            if kind is EditKind.WRITE_TEST:
                tally.right += await _is_right(case, proposal)
        else:
            tally.refusals.append(proposal.refusals[-1].check)
    return tally


async def main() -> None:
    parser = argparse.ArgumentParser(description="Docs, types and tests that a model writes.")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--only", choices=[kind.value for kind in KINDS])
    given = parser.parse_args()
    entry = entry_named(given.model)
    backend = await LlamaCppBackend.start(entry, models_folder() / entry.file, Options(n_ctx=4_096))
    found = cases(given.limit)
    print("| task | asked | readable | passed | after a refusal | test passes | median s |")
    print("|---|---|---|---|---|---|---|")
    for kind in KINDS:
        if given.only not in (None, kind.value):
            continue
        t = await _measure(kind, found, backend)
        median = f"{statistics.median(t.seconds):.1f}" if t.seconds else "-"
        right = str(t.right) if kind is EditKind.WRITE_TEST else "-"
        row = (kind.value, t.n, t.readable, t.passed, t.mended, right, median)
        print(f"| {' | '.join(map(str, row))} |")
        print(f"  refused by: {sorted(t.refusals)}", file=sys.stderr)
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main())
