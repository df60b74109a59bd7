"""How well a model plans exact refactorings: names for what has lost its own, and parameters.

    python tests/bench/refactoring_plans.py --model qwen2.5-coder-0.5b [--sources DIR ...]
        [--limit 60] [--thinking-tokens 320] [--show]

Names: in real functions of 6 to 30 lines one name is replaced by a letter wherever it stands, and
the model is asked for a better one, as *rename for meaning* does. It counts as the same when its
words are those of the author's name, and as near when it has one of them; authors' names are not
the only good ones, so read both as lower bounds. Parameters: of real Python functions, a wish in
plain words whose meaning is known; the plan counts when it is that and nothing else.
Sources are chosen as in planted_bugs.py, with the same seed; --show prints each answer.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import random
import re
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from context.languages import Language, language_of
from context.outline import Symbol, SymbolKind
from context.refactoring import Change, SignatureChange, Target
from context.refactoring.names import is_reserved, taken_in
from context.refactoring.scopes import walk, written
from context.syntax import outline, parse
from context.text import content_hash
from context.window import Role, Snippet
from models import weights
from models.asking import Asking
from models.backends.worker_client import LlamaCppBackend, Options
from models.errors import ModelError
from models.tasks.refactor import Planning, name_parts, propose_name, propose_signature
from tests.bench.intervals import share
from tests.bench.planted.planting import SEED, code_files, python_packages
from tests.models.weights import models_folder

N_CTX = 4_096
CONTEXT_TOKENS = 3_000
MIN_LINES, MAX_LINES = 6, 30
MIN_NAME = 4  # letters of a name that says something
LANGUAGES = ("python", "typescript", "javascript", "go", "java", "rust")  # with refactorings
MAX_OF_FILE = 2


@dataclass(frozen=True, slots=True)
class NameCase:
    """A function in which a letter stands for one name; `right` is what its author wrote."""

    path: str
    language: str
    function: str
    target: Target
    right: str


@dataclass(frozen=True, slots=True)
class WishCase:
    """A function, what is wished in plain words, and what that means."""

    path: str
    function: str
    target: Target
    wish: str
    right: SignatureChange


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--sources", type=Path, nargs="*", default=[])
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--thinking-tokens", type=int, default=320)
    parser.add_argument("--n-threads", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    functions = list(_functions([*python_packages(), *options.sources]))
    names = _spread([case for one in functions for case in _name_cases(*one)], options.limit)
    wishes = _spread([case for one in functions for case in _wish_cases(*one)], options.limit)
    asyncio.run(_run(options, names, wishes))


Case = TypeVar("Case", NameCase, WishCase)


def _spread(cases: Sequence[Case], limit: int) -> list[Case]:
    """At most a few of a file, languages in turn."""
    chance = random.Random(SEED)
    mixed = chance.sample(cases, len(cases))
    by_language: dict[str, list[Case]] = {}
    n_of_file: dict[str, int] = {}
    for case in mixed:
        n_of_file[case.path] = n_of_file.get(case.path, 0) + 1
        if n_of_file[case.path] <= MAX_OF_FILE:
            language = language_of(case.path)
            by_language.setdefault(language.name if language else "", []).append(case)
    rounds = max(map(len, by_language.values()), default=0)
    turns = [cases[n] for n in range(rounds) for cases in by_language.values() if n < len(cases)]
    return turns[:limit]


def _functions(sources: Sequence[Path]) -> Iterator[tuple[str, Language, Symbol, str]]:
    """(path, language, symbol, its text) of the functions that are neither long nor short."""
    for folder in sources:
        for path in code_files(folder):
            language = language_of(path)
            if language is None or language.name not in LANGUAGES:
                continue
            data = (folder / path).read_bytes()
            found = outline(data, language)
            if found.problems or b"\r" in data:
                continue
            lines = data.decode("utf-8", "replace").split("\n")
            for symbol in found.symbols:
                n_lines = symbol.end_line - symbol.start_line + 1
                is_function = symbol.kind is SymbolKind.FUNCTION
                if is_function and MIN_LINES <= n_lines <= MAX_LINES:
                    text = "\n".join(lines[symbol.start_line - 1 : symbol.end_line])
                    yield f"{folder.name}/{path}", language, symbol, text


def _name_cases(path: str, language: Language, symbol: Symbol, text: str) -> list[NameCase]:
    """One with a variable's name gone and one with the function's own, where there are such."""
    root = parse(text.encode(), language).root_node
    leaves = [written(leaf) for leaf in walk(root) if leaf.type == "identifier"]
    own = symbol.qualified_name.rpartition(".")[2]
    free = next((letter for letter in "dkvqwz" if letter not in taken_in(text)), None)
    if free is None:
        return []
    cases = []
    for name in dict.fromkeys([own, *leaves]):
        word = rf"{re.escape(name)}(?![\w$])"
        is_member = re.search(rf"\.{word}", text) is not None
        is_local = name != own and leaves.count(name) >= 3 and _is_bound(name, text)
        says = len(name) >= MIN_NAME and not is_reserved(name, language.name) and name.islower()
        if is_member or not says or not (name == own or is_local):
            continue
        hidden = re.sub(rf"(?<![\w$]){word}", free, text)
        what = "function" if name == own else "variable"
        taken = tuple(sorted(taken_in(hidden)))
        n_lines = hidden.count("\n") + 1
        cases.append(
            NameCase(path, language.name, hidden, Target(free, what, 1, n_lines, taken), name)
        )
    functions = [case for case in cases if case.target.what == "function"][:1]
    variables = [case for case in cases if case.target.what == "variable"][:1]
    return functions + variables


def _is_bound(name: str, text: str) -> bool:
    """Whether it gets a value here: `name = `, `name :=`, `for name in`, ..."""
    word = re.escape(name)
    bound = rf"(?:let|const|var|for|mut)\s+\(?{word}\b|(?<![\w$.]){word}\s*(?::=|=(?!=)|:\s*\w)"
    return re.search(bound, text) is not None


def _wish_cases(path: str, language: Language, symbol: Symbol, text: str) -> list[WishCase]:
    """One wish for a Python function with two parameters or more."""
    if language.name != "python" or text[:1] == " ":
        return []
    try:
        tree = ast.parse(text).body[0]
    except SyntaxError:
        return []
    if not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    names = tuple(arg.arg for arg in tree.args.args)
    if len(names) < 2 or tree.args.posonlyargs or tree.args.vararg or "self" in names:
        return []
    chance = random.Random(f"{SEED} {path} {tree.name}")
    n_lines = text.count("\n") + 1
    target = Target(tree.name, "function", 1, n_lines, tuple(taken_in(text)), names)
    wish, right = chance.choice(_wishes(names, chance))
    return [WishCase(path, text, target, wish, right)]


def _wishes(names: tuple[str, ...], chance: random.Random) -> list[tuple[str, SignatureChange]]:
    """One of each kind, in words of several ways."""
    one = chance.choice(names)
    rest = tuple(name for name in names if name != one)
    gone = SignatureChange(Change.REMOVE, (one,))
    removes = (
        f"{one} is not needed any more", f"take out {one}", f"drop the parameter {one}",
        f"callers should not have to pass {one}",
    )  # fmt: skip
    is_first = one == names[0]
    moved = SignatureChange(Change.REORDER, (*rest, one) if is_first else (one, *rest))
    reorders = (
        (f"{one} should come last", f"move {one} to the end")
        if is_first
        else (f"put {one} first", f"{one} should be the first parameter")
    )
    adds = (
        ("add a parameter limit, 10 by default", "limit", "10"),
        ("callers should be able to pass verbose, which is False by default", "verbose", "False"),
        ("a new parameter timeout with the value 30", "timeout", "30"),
        ("add encoding, \"utf-8\" if nothing is said", "encoding", '"utf-8"'),
    )  # fmt: skip
    words, name, value = chance.choice(adds)
    added = SignatureChange(Change.ADD, (name,), value)
    return [
        (chance.choice(removes), gone),
        (chance.choice(reorders), moved),
        (words, added),
    ]


def _planning(case: NameCase | WishCase, asking: Asking, language: str) -> Planning:
    n_lines = case.function.count("\n") + 1
    snippet = Snippet(
        case.path, 1, n_lines, case.target.name, case.function, Role.SUSPECT, "to be changed",
        content_hash(case.function),
    )  # fmt: skip
    return Planning([snippet], language, asking)


def _words(name: str) -> list[str]:
    return [part.lower() for part in name_parts(name)]


async def _run(
    options: argparse.Namespace, names: Sequence[NameCase], wishes: Sequence[WishCase]
) -> None:
    entry, file = weights.choose(options.model, models_folder(), 1 << 40)
    threads = options.n_threads or None
    backend = await LlamaCppBackend.start(entry, file, Options(n_ctx=N_CTX, n_threads=threads))
    asking = Asking(backend, options.thinking_tokens, CONTEXT_TOKENS, lambda _: None)
    try:
        for what in ("variable", "function"):
            await _names(
                [case for case in names if case.target.what == what], asking, is_shown=options.show
            )
        for change in Change:
            of_kind = [case for case in wishes if case.right.change is change]
            await _wished(of_kind, change, asking, is_shown=options.show)
    finally:
        await backend.close()


async def _names(cases: Sequence[NameCase], asking: Asking, *, is_shown: bool) -> None:
    fit, same, near, seconds = [], [], [], []
    for case in cases:
        started = time.perf_counter()
        try:
            name = (await propose_name(case.target, _planning(case, asking, case.language)))[0]
        except ModelError:
            name = ""
        seconds.append(time.perf_counter() - started)
        fit.append(bool(name))
        same.append(_words(name) == _words(case.right))
        near.append(bool({*_words(name)} & {*_words(case.right)}))
        if is_shown:
            print(f"  {case.right} -> {name or '(none)'}  {seconds[-1]:.1f} s  {case.path}")
    print(f"names of {cases[0].target.what}s: {len(cases)} cases" if cases else "no names")
    if cases:
        print(f"  a name came out: {share(fit)}; the author's: {share(same)}")
        print(f"  one of its words: {share(near)}; seconds {statistics.median(seconds):.1f}")


async def _wished(
    cases: Sequence[WishCase], change: Change, asking: Asking, *, is_shown: bool
) -> None:
    came, right, seconds = [], [], []
    for case in cases:
        started = time.perf_counter()
        planning = _planning(case, asking, "python")
        try:
            plan = (await propose_signature(case.target, case.wish, planning))[0]
        except ModelError:
            plan = None
        seconds.append(time.perf_counter() - started)
        came.append(plan is not None)
        right.append(
            plan is not None
            and (plan.change, plan.names) == (case.right.change, case.right.names)
            and plan.value.strip("\"'") == case.right.value.strip("\"'")
        )
        if is_shown:
            print(f"  {case.wish} ({', '.join(case.target.parameters)}) -> {plan}")
    print(f"parameters, {change.value}: {len(cases)} cases")
    if cases:
        print(f"  a plan came out: {share(came)}; the one meant: {share(right)}")
        print(f"  seconds {statistics.median(seconds):.1f}")


if __name__ == "__main__":
    main()
