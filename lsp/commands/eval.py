"""postil eval: how well locating does on the past fixes of one's own repository."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from context.errors import NothingToMeasure
from context.evidence import Signal
from context.git import export_tree, read_history
from context.measures import MEASURES, measure, summarize
from context.mining import Case, functions_at, mine
from context.parsing import Skipped, read_source
from context.report import EmptyReport
from context.store import SCHEMA_VERSION, index_folder
from context.suspects import WEIGHTS, Located
from context.text import hash_bytes
from context.workspace import Past, Workspace
from lsp import __version__
from lsp.backend import open_backend
from lsp.bad_use import BadUse
from lsp.commands.console import err, out, progress_bar, safe, settings
from lsp.commands.eval_plot import draw
from models.backends import Backend
from models.tasks.rank import reorder

DEPTH = 50  # ranked places looked at
MAX_COMMITS = 5_000  # among which fixes are looked for
AS_SHIPPED = "as shipped"
MIXES = {f"model x {weight}": weight for weight in (0.25, 0.5, 1.0)}  # of the model's own order

Scores = dict[str, dict[str, float]]  # by the name of the setting, then by measure


@dataclass(frozen=True, slots=True)
class Places:
    """Where one repository's measure is kept, in the user's cache."""

    shadow: Path
    tree: Path  # the code before the fix that is being asked about
    done: Path  # one line of JSON a finished case


def run(
    root: Path,
    *,
    limit: int,
    ablate: bool,
    with_model: bool,
    as_json: bool,
    plot: Path | None,
) -> int:
    if plot is not None and plot.suffix.lower() != ".svg":
        err.print(f"postil: {safe(str(plot))} must end in .svg, the one kind of picture drawn.")
        return 2
    if plot is not None and (plot.is_dir() or not plot.parent.is_dir()):
        raise BadUse(f"{plot} cannot be written; name a file in a folder that is there.")
    if not root.is_dir():
        raise BadUse(f"There is no folder {root}; name one inside a repository.")
    root = root.resolve()
    tried: dict[str, frozenset[Signal]] = {AS_SHIPPED: frozenset()}
    if ablate:
        tried |= {f"without {s.value}": frozenset({s}) for s in Signal}
    rows = asyncio.run(_measure_all(root, limit, tried, with_model=with_model))
    names = [*tried, *(MIXES if with_model else ())]
    summaries = {name: summarize([row[name] for row in rows]) for name in names}
    if plot is not None:
        title = f"Locating without a model: {len(rows)} past fixes of {root.name}"
        plot.write_text(draw(title, summaries[AS_SHIPPED]), encoding="utf-8")
    if as_json:
        result = {"cases": len(rows), "version": __version__, "settings": summaries}
        print(json.dumps(result))  # noqa: T201 - the command's result
        return 0
    _show_table(len(rows), summaries)
    return 0


async def _measure_all(
    root: Path, limit: int, tried: Mapping[str, frozenset[Signal]], *, with_model: bool
) -> list[Scores]:
    """Scores of each case; finished cases are taken from the last run."""
    backend = await open_backend(settings()) if with_model else None
    try:
        return await _measure_with(root, limit, tried, backend)
    finally:
        if backend is not None:
            await backend.close()


async def _measure_with(
    root: Path, limit: int, tried: Mapping[str, frozenset[Signal]], backend: Backend | None
) -> list[Scores]:
    model = backend.info.digest or backend.info.name if backend else ""
    places = _places(root, settings().cache_dir, [*tried, model])
    read = await asyncio.to_thread(read_history, root, places.shadow, known=None, limit=MAX_COMMITS)
    if read is None or not read.commits:
        raise NothingToMeasure(
            f"{root} has no git history that can be read; name a folder inside a repository."
        )
    done = _read_done(places.done)
    rows: list[Scores] = []
    with progress_bar("past fixes") as show:
        for case in mine(root, places.shadow, read.commits):
            if len(rows) == limit:
                break
            show(case.commit[:10], len(rows), limit)
            if case.commit not in done:
                done[case.commit] = await _ask(root, places, case, tried, backend)
                with places.done.open("a", encoding="utf-8") as kept:
                    kept.write(json.dumps([case.commit, done[case.commit]]) + "\n")
            if scores := done[case.commit]:
                rows.append(scores)
    if not rows:
        raise NothingToMeasure(
            "No commit was found that says it fixes a bug and changes one to five code files."
        )
    return rows


async def _ask(
    root: Path,
    places: Places,
    case: Case,
    tried: Mapping[str, frozenset[Signal]],
    backend: Backend | None,
) -> Scores:
    """Locate with the code and the history as they were before the fix."""
    await asyncio.to_thread(shutil.rmtree, places.tree, ignore_errors=True)
    try:
        await asyncio.to_thread(export_tree, root, places.shadow, case.parent, places.tree)
    except OSError as error:
        err.print(f"postil: {case.commit[:10]} is left out: {safe(str(error))}")
        return {}
    past = Past(root, case.parent)
    workspace = await Workspace.open(places.tree, settings().cache_dir, past)
    try:
        await workspace.index(lambda _: None)
        functions = await _right_functions(workspace, case)
        scores: Scores = {}
        for name, without in tried.items():
            found = await workspace.locate(case.report, DEPTH, without=without)
            scores[name] = _measured(found, case, functions)
            if name == AS_SHIPPED and backend is not None:
                for mix, weight in MIXES.items():
                    reordered = await reorder(backend, case.report, found, weight)
                    scores[mix] = _measured(reordered, case, functions)
        return scores
    except EmptyReport:
        return {}
    finally:
        await workspace.close()


def _measured(found: Located, case: Case, functions: set[str]) -> dict[str, float]:
    named = [f"{s.path}::{s.symbol}" for s in found.suspects if s.symbol]
    return measure([f.path for f in found.files], named, case.files, functions)


async def _right_functions(workspace: Workspace, case: Case) -> set[str]:
    found: set[str] = set()
    for path, lines in case.old_lines:
        try:
            source = read_source(workspace.root, path)
        except Skipped:
            continue
        names = functions_at(await workspace.outline(path, source), lines)
        found |= {f"{path}::{name}" for name in names}
    return found


def _places(root: Path, cache: Path, tried: Sequence[str]) -> Places:
    folder = cache / "eval" / index_folder(root, cache).name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made_by = [__version__, SCHEMA_VERSION, repr(WEIGHTS)]  # other weights, other answers
    asked = hash_bytes(json.dumps([made_by, sorted(tried)]).encode())[:16]
    return Places(folder / "git", folder / "tree", folder / f"{asked}.jsonl")


def _read_done(file: Path) -> dict[str, Scores]:
    """What an earlier run finished; a line cut short by its end is asked again."""
    done: dict[str, Scores] = {}
    if file.is_file():
        for line in file.read_text(encoding="utf-8").split("\n"):
            try:
                commit, scores = json.loads(line)
            except ValueError:
                continue
            done[commit] = scores
    return done


def _show_table(n_cases: int, summaries: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    shipped = summaries[AS_SHIPPED]
    out.print(
        f"{n_cases} past fixes, each hidden and asked for, as shipped. Percent, with 95 % bounds:"
    )
    for name in MEASURES:
        if name in shipped:
            middle, low, high = (100 * value for value in shipped[name])
            out.print(f"  {name:10} {middle:5.1f}  ({low:.1f} to {high:.1f})")
    if len(summaries) > 1:
        out.print(f"\n{'':22}" + "".join(f"{name:>10}" for name in shipped))
        for setting, row in summaries.items():
            cells = "".join(f"{100 * row[name][0]:10.1f}" for name in shipped)
            out.print(f"{setting:22}{cells}")
