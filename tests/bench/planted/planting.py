"""Cases for planted_bugs.py: functions of 8 to 45 lines from real code, each with one bug in it.

The choice is fixed by a seed and by the sources: languages get the same share, kinds of bugs are
taken in turn, and at most a few functions come from one file. Nothing of it is kept in this
repository: the code is other people's.
"""

from __future__ import annotations

import importlib.util
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node

from context.languages import Language, is_test_path, language_of
from context.outline import Symbol, SymbolKind
from context.syntax import outline, parse
from context.text import content_hash
from context.window import Role, Snippet
from tests.bench.planted.mutations import Kind, Mutation, mutations

SEED = 20_261_127
MIN_LINES, MAX_LINES = 8, 45
MAX_BYTES = 100_000  # of a file: larger ones are often generated
MAX_OF_FILE = 3  # cases
LANGUAGES = ("python", "javascript", "typescript", "go", "java", "rust", "c")
PACKAGES = ("rich", "click", "pathspec", "starlette", "networkx", "jinja2", "markdown_it")


@dataclass(frozen=True, slots=True)
class Case:
    """One planted bug. `text` is the whole file with it; lines are 1-based and inclusive."""

    id: str
    language: str
    kind: Kind
    path: str
    symbol: str
    first_line: int
    last_line: int
    line: int  # where the bug is
    text: str
    right: str  # that line as it was

    @property
    def function(self) -> str:
        lines = self.text.split("\n")
        return "\n".join(lines[self.first_line - 1 : self.last_line])

    @property
    def right_function(self) -> str:
        lines = self.text.split("\n")
        lines[self.line - 1] = self.right
        return "\n".join(lines[self.first_line - 1 : self.last_line])

    @property
    def snippet(self) -> Snippet:
        return Snippet(
            path=self.path,
            start_line=self.first_line,
            end_line=self.last_line,
            symbol=self.symbol,
            text=self.function,
            role=Role.SUSPECT,
            reason="the lines to work on, with their function",
            file_hash=content_hash(self.text),
        )


def python_packages() -> list[Path]:
    """Folders of pure Python packages that the development environment has."""
    found = [importlib.util.find_spec(name) for name in PACKAGES]
    return [Path(spec.origin).parent for spec in found if spec is not None and spec.origin]


def kept_cases(file: Path) -> list[Case]:
    """Cases that were written down, one JSON object a line."""
    lines = [json.loads(line) for line in file.read_text().split("\n") if line]
    return [Case(**(line | {"kind": Kind(line["kind"])})) for line in lines]


def plant(sources: Sequence[Path], n_cases: int) -> list[Case]:
    """`n_cases` cases from the folders, fewer where there is too little code, in mixed order."""
    chance = random.Random(SEED)
    by_language: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for folder in sources:
        for path in code_files(folder):
            language = language_of(path)
            if language is not None and language.name in LANGUAGES:
                by_language[language.name].append((folder, path))
    cases: list[Case] = []
    for number, name in enumerate(LANGUAGES):
        wanted = n_cases // len(LANGUAGES) + (number < n_cases % len(LANGUAGES))
        files = sorted(by_language[name], key=lambda file: (file[0].name, file[1]))
        chance.shuffle(files)
        cases += _of_language(files, wanted, chance)
    chance.shuffle(cases)
    return cases


def code_files(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        is_made = any(part in path for part in (".min.", ".d.ts", ".pb.go", "node_modules/"))
        is_ours = file.is_file() and not is_made and not is_test_path(path)
        if is_ours and file.stat().st_size <= MAX_BYTES:
            yield path


def _of_language(
    files: Iterable[tuple[Path, str]], wanted: int, chance: random.Random
) -> list[Case]:
    """The kind that was planted least so far is taken wherever a function has a place for it."""
    planted: Counter[Kind] = Counter()
    cases: list[Case] = []
    for folder, path in files:
        try:
            text = (folder / path).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        language = language_of(path)
        if language is None or "\r" in text:
            continue
        n_here = 0
        for symbol, possible in _functions(text, language, chance):
            rarest = min(planted[m.kind] for m in possible)
            mutation = chance.choice([m for m in possible if planted[m.kind] == rarest])
            case = _planted(text, f"{folder.name}/{path}", language, symbol, mutation)
            if case is not None and len(cases) < wanted and n_here < MAX_OF_FILE:
                planted[mutation.kind] += 1
                cases.append(case)
                n_here += 1
        if len(cases) >= wanted:
            break
    return cases


def _functions(
    text: str, language: Language, chance: random.Random
) -> Iterator[tuple[Symbol, list[Mutation]]]:
    data = text.encode()
    found = outline(data, language)
    if found.problems:
        return
    root = parse(data, language).root_node
    symbols = [s for s in found.symbols if s.kind is SymbolKind.FUNCTION]
    chance.shuffle(symbols)
    lines = text.split("\n")
    for symbol in symbols:
        above = lines[max(symbol.start_line - 3, 0) : symbol.start_line]
        is_test = any("#[test]" in line for line in above)  # Rust has its tests beside the code
        n_lines = symbol.end_line - symbol.start_line + 1
        if MIN_LINES <= n_lines <= MAX_LINES and not is_test:
            node = root.descendant_for_byte_range(symbol.start_byte, symbol.end_byte - 1)
            if node is not None and (possible := _in_lines(node, language, symbol)):
                yield symbol, possible


def _in_lines(node: Node, language: Language, symbol: Symbol) -> list[Mutation]:
    return [
        m
        for m in mutations(_head(node), language.name)
        if symbol.start_line < m.line <= symbol.end_line
        and symbol.start_byte <= m.start_byte < symbol.end_byte
    ]


def _head(node: Node) -> Node:
    """The definition itself: what stands in a decorator is no body."""
    inner = node.child_by_field_name("definition")
    return node if inner is None else inner


def _planted(
    text: str, path: str, language: Language, symbol: Symbol, mutation: Mutation
) -> Case | None:
    """None where the result does not parse, or no line was changed."""
    data = text.encode()
    changed = data[: mutation.start_byte] + mutation.new.encode() + data[mutation.end_byte :]
    mutant = changed.decode()
    before, after = text.split("\n"), mutant.split("\n")
    if outline(changed, language).problems or len(before) != len(after):
        return None
    lines = [n for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b]
    if lines != [mutation.line]:
        return None
    return Case(
        id=f"{path}:{mutation.line} {mutation.kind.value}",
        language=language.name,
        kind=mutation.kind,
        path=path,
        symbol=symbol.qualified_name,
        first_line=symbol.start_line,
        last_line=symbol.end_line,
        line=mutation.line,
        text=mutant,
        right=before[mutation.line - 1],
    )
