"""Exact refactorings on real projects: how many are carried out, refused and why, and broken.

    python tests/bench/refactorings.py --language python --folder DIR \
        --check 'python -m pytest -q' [--cases 100] [--seed 11]

The folder is copied; cases are drawn with a fixed seed from its names, functions and statements.
Each is planned against the text as it is by then, and applied. After every tenth the check runs in
the copy; where it fails, the ten are applied again with a check after each: the first that fails is
broken, and those after it are taken back.
Without a check only the grammar looks at the result. Nothing is fetched; the folder stays as it is.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from context.languages import dialect, is_test_path, language_named, language_of
from context.refactoring import Carried, Change, Kind, Refactoring, Refused, SignatureChange
from context.refactoring.carry import carry_out
from context.refactoring.names import family
from context.refactoring.scopes import walk
from context.refactoring.sources import Sources, by_path, edited
from context.scan import scan
from context.syntax import Node, parse, problems
from context.text import encode

KINDS = (Kind.RENAME, Kind.RENAME, Kind.INLINE, Kind.SIGNATURE, Kind.EXTRACT)
NAMES = re.compile(r"identifier$|^(?:property|field|type)_identifier$")
TYPES = {"go": "int", "java": "int", "rust": "i32"}
BLOCKS = frozenset({"block", "statement_block", "statement_list", "constructor_body"})
FUNCTIONS = re.compile(r"function_(definition|declaration|item)|method_(definition|declaration)")


@dataclass
class Outcome:
    carried: list[tuple[Refactoring, Carried]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)
    taken_back: int = 0  # carried out after a broken one of the same ten, and not checked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--check", default="", help="run by a shell in the copy; 0 is right")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3_600, help="draw no more cases after")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        copy = Path(temporary) / options.folder.name
        left_out = shutil.ignore_patterns("node_modules", ".git", "target", "__pycache__")
        shutil.copytree(options.folder, copy, symlinks=True, ignore=left_out)
        if (modules := options.folder / "node_modules").exists():
            (copy / "node_modules").symlink_to(modules.resolve())
        if options.check and not check(copy, options.check):
            raise SystemExit("The check fails before anything is changed.")
        outcome = run(copy, options)
    print_table(options, outcome)


def run(copy: Path, options: argparse.Namespace) -> Outcome:
    rng, outcome = random.Random(options.seed), Outcome()
    done, started = 0, time.monotonic()
    while done < options.cases and time.monotonic() - started < options.seconds:
        before = snapshot(copy, options.language)
        cases: list[tuple[Refactoring, Carried]] = []
        for _ in range(min(options.batch, options.cases - done)):
            done += 1
            asked = draw(copy, options.language, rng)
            if carried := attempt(copy, asked, outcome):
                cases.append((asked, carried))
                apply(copy, carried)
        if not cases or not options.check or check(copy, options.check):
            continue
        restore(copy, options.language, before)
        one_by_one(copy, cases, options, outcome, before)
    return outcome


def one_by_one(
    copy: Path,
    cases: list[tuple[Refactoring, Carried]],
    options: argparse.Namespace,
    outcome: Outcome,
    before: dict[str, str],
) -> None:
    """Again, a case after the other on the same texts, to the one after which the check fails.

    That one is broken; it and those after it, whose places it moved, are taken back.
    """
    for number, (asked, carried) in enumerate(cases):
        earlier = snapshot(copy, options.language)
        apply(copy, carried)
        if not check(copy, options.check):
            outcome.broken.append(f"{asked}\n{shown(earlier, carried)}")
            restore(copy, options.language, earlier)
            outcome.taken_back += len(cases) - number - 1
            return
    outcome.broken.append("(the check failed once for these ten and not when they were repeated)")


def restore(copy: Path, language: str, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        write(copy, path, text)
    for path in snapshot(copy, language).keys() - texts.keys():
        (copy / path).unlink()


def attempt(copy: Path, asked: Refactoring | None, outcome: Outcome) -> Carried | None:
    if asked is None:
        outcome.refused["(nothing to draw)"] += 1
        return None
    own = sources(copy)
    try:
        carried = carry_out(own, asked)
    except Refused as refusal:
        outcome.refused[f"{asked.kind.value}: {general(str(refusal))}"] += 1
        outcome.by_kind[asked.kind.value, "refused"] += 1
        return None
    outcome.by_kind[asked.kind.value, "carried out"] += 1
    outcome.carried.append((asked, carried))
    for path, edits in by_path(carried.edits):
        language = language_of(path)
        assert language is not None
        old = own.text(path) if edits[0].file_hash else ""
        new = edited(old, edits)
        n_before = len(problems(encode(old), dialect(language, old)))
        if len(problems(encode(new), dialect(language, new))) > n_before:
            outcome.broken.append(f"{asked}: {path} does not parse")
    return carried


def general(reason: str) -> str:
    """A reason without the names and places of the case."""
    reason = re.sub(r"“[^”]*”|\S+:\d+|\S+\.(?:py|tsx?|m?js|go|java|rs)\b|line \d+", "…", reason)
    words = [w for w in reason.split() if not re.search(r"[_.(\[]|[a-z][A-Z]", w.strip(",.;:"))]
    return " ".join(words)[:90]


def sources(copy: Path) -> Sources:
    return Sources(copy, {found.path: found.language for found in scan(copy, Counter())})


def snapshot(copy: Path, language: str) -> dict[str, str]:
    own = sources(copy)
    return {path: own.text(path) for path in own.of_family(language)}


def apply(copy: Path, carried: Carried) -> None:
    own = sources(copy)
    for path, edits in by_path(carried.edits):
        write(copy, path, edited(own.text(path) if edits[0].file_hash else "", edits))


def write(copy: Path, path: str, text: str) -> None:
    (copy / path).write_bytes(encode(text))


def check(copy: Path, command: str) -> bool:
    done = subprocess.run(command, shell=True, cwd=copy, capture_output=True, text=True)
    if done.returncode:
        print(f"    check: {(done.stdout + done.stderr)[-1500:]}", flush=True)
    return done.returncode == 0


def shown(before: dict[str, str], carried: Carried) -> str:
    pieces = [carried.what]
    for path, edits in by_path(carried.edits):
        for edit in edits[:8]:
            line = before.get(path, "")[: edit.start].count("\n") + 1
            pieces.append(f"  {path}:{line} {edit.old_text[:60]!r} -> {edit.new_text[:60]!r}")
    return "\n".join(pieces)


def draw(copy: Path, language: str, rng: random.Random) -> Refactoring | None:
    own = sources(copy)
    paths = [p for p in own.of_family(language) if not is_test_path(p) and own.text(p).strip()]
    kind = rng.choice(KINDS)
    for _ in range(60):
        path = rng.choices(paths, [len(own.text(p)) ** 0.5 for p in paths])[0]
        text = own.text(path)
        known = language_named(own.language(path))
        assert known is not None
        root = parse(encode(text), dialect(known, text)).root_node
        if asked := draw_in(path, text, root, kind, language, rng):
            return asked
    return None


def draw_in(
    path: str, text: str, root: Node, kind: Kind, language: str, rng: random.Random
) -> Refactoring | None:
    def offset(node: Node) -> int:
        return len(encode(text)[: node.start_byte].decode())

    def place(node: Node, name: str = "", change: SignatureChange | None = None) -> Refactoring:
        return Refactoring(kind, path, offset(node), offset(node), name, change)

    nodes = list(walk(root))
    match kind:
        case Kind.RENAME:
            names = [n for n in nodes if NAMES.search(n.type) and is_declared(n)]
            chosen = rng.choice(names) if names else None
            return place(chosen, fresh((chosen.text or b"").decode())) if chosen else None
        case Kind.INLINE:
            places = [n for n in nodes if is_variable(n)] or [None]
            chosen = rng.choice(places)
            return place(chosen) if chosen else None
        case Kind.SIGNATURE:
            functions = [n for n in nodes if FUNCTIONS.match(n.type) and b"def __" not in (
                n.text or b"")[:40]]  # fmt: skip
            chosen = rng.choice(functions) if functions else None
            name = chosen.child_by_field_name("name") if chosen else None
            change = draw_change(chosen, language, rng) if chosen else None
            return place(name, "", change) if name is not None and change else None
        case Kind.EXTRACT:
            return draw_lines(path, text, nodes, language, rng)
    return None


def is_declared(node: Node) -> bool:
    """A name that stands where something is defined: what a person would rename."""
    parent = node.parent
    if parent is None or node.children or (node.text or b"").startswith(b"__"):
        return False
    named = parent.child_by_field_name("name") or parent.child_by_field_name("pattern")
    in_head = parent.type in ("parameters", "formal_parameters") and node.type == "identifier"
    return in_head or (named == node and "import" not in parent.type) or is_variable(node)


def in_function(node: Node) -> bool:
    above = node.parent
    while above is not None and not FUNCTIONS.match(above.type):
        above = above.parent
    return above is not None


def is_variable(node: Node) -> bool:
    parent = node.parent
    if node.type != "identifier" or parent is None:
        return False
    if parent.type == "expression_list" and parent.parent is not None:
        return parent.parent.type == "short_var_declaration"
    named = parent.child_by_field_name("name") or parent.child_by_field_name("pattern")
    left = parent.child_by_field_name("left")
    declares = parent.type in ("variable_declarator", "let_declaration")
    return (declares and named == node) or (parent.type == "assignment" and left == node)


def draw_change(function: Node, language: str, rng: random.Random) -> SignatureChange | None:
    brackets = function.child_by_field_name("parameters")
    names = [
        (n.text or b"").decode()
        for p in (brackets.named_children if brackets else ())
        for n in [p.child_by_field_name("name") or p.child_by_field_name("pattern") or p]
        if n.type == "identifier" and (n.text or b"") not in (b"self", b"cls")
    ]
    change = rng.choice((Change.ADD, Change.REMOVE, Change.REORDER))
    if change is Change.ADD:
        kind = TYPES.get(family(language), "")
        return SignatureChange(
            change, ("addedOne" if language != "python" else "added",), "1", kind
        )
    if change is Change.REMOVE and names:
        return SignatureChange(change, (rng.choice(names),))
    if len(names) > 1:
        return SignatureChange(Change.REORDER, (*names[1:], names[0]))
    return None


def draw_lines(
    path: str, text: str, nodes: list[Node], language: str, rng: random.Random
) -> Refactoring | None:
    blocks = [n for n in nodes if n.type in BLOCKS and n.named_child_count > 2 and in_function(n)]
    if not blocks:
        return None
    statements = [c for c in rng.choice(blocks).named_children if "comment" not in c.type]
    if len(statements) < 2:
        return None
    first = rng.randrange(len(statements) - 1)
    last = min(first + rng.randrange(1, 4), len(statements) - 1)
    source = encode(text)
    start = len(source[: statements[first].start_byte].decode())
    end = len(source[: statements[last].end_byte].decode())
    snake = language in ("python", "rust")
    name = "taken_out" if snake else "takenOut"
    return Refactoring(Kind.EXTRACT, path, start, end, f"{name}{rng.randrange(10_000)}")


def fresh(name: str) -> str:
    bare = name.lstrip("#@$")
    return f"{bare}_zq" if "_" in bare or bare.islower() else f"{bare}Zq"


def print_table(options: argparse.Namespace, outcome: Outcome) -> None:
    carried, refused = len(outcome.carried), sum(outcome.refused.values())
    print(f"\n{options.language} {options.folder.name}: {carried} carried out, {refused} refused, "
          f"{len(outcome.broken)} broken; check: {options.check or 'the grammar'}")  # fmt: skip
    if outcome.taken_back:
        print(f"  {outcome.taken_back} carried out after a broken one, and not checked")
    for kind in dict.fromkeys(KINDS):
        done, not_done = (outcome.by_kind[kind.value, w] for w in ("carried out", "refused"))
        print(f"  {kind.value:18} {done:4} carried out {not_done:4} refused")
    for reason, count in outcome.refused.most_common(25):
        print(f"  {count:4}  {reason}")
    for case in outcome.broken:
        print(f"  BROKEN {case}")


if __name__ == "__main__":
    main()
