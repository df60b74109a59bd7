"""Cases that nobody planted: real fixes of one line in a function, from repositories' histories.

A fix is a commit whose subject speaks of one and that changes exactly one line of code (of a
function of 8 to 45 lines, in one file; its tests and words may change, too). The case has the
function before the fix; the line after it is what would be right. What such commits call a fix may
be taste, and another line may fix it as well: read what comes of them as a lower bound.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tree_sitter import Node

from context.languages import Language, is_test_path, language_of
from context.mining import speaks_of_fix
from context.outline import SymbolKind
from context.refactoring.scopes import walk, written
from context.syntax import outline, parse
from tests.bench.planted.mutations import Kind
from tests.bench.planted.planting import (
    LANGUAGES,
    MAX_BYTES,
    MAX_LINES,
    MIN_LINES,
    SEED,
    Case,
)

MAX_COMMITS = 3_000  # of a repository, the newest that are no merges
MAX_OF_REPOSITORY = 12  # cases
_SILENT = ("comment", "string", "char_literal", "text")  # nodes that decide nothing, mostly


def one_line_fixes(repositories: Sequence[Path], n_cases: int) -> list[Case]:
    """`n_cases` cases, fewer where there are not so many, in mixed order."""
    chance = random.Random(SEED)
    cases: list[Case] = []
    for repository in repositories:
        found: list[Case] = []
        for commit, path, line in _one_line_changes(repository):
            case = _case(repository, commit, path, line)
            if case is not None and all(one.path != case.path for one in found):
                found.append(case)
            if len(found) == MAX_OF_REPOSITORY:
                break
        cases += found
    chance.shuffle(cases)
    return cases[:n_cases]


def _one_line_changes(repository: Path) -> Iterator[tuple[str, str, int]]:
    """(commit, path, line) where one line of one code file was written otherwise."""
    log = _git(
        repository, "log", f"--max-count={MAX_COMMITS}", "--no-merges", "--diff-filter=M",
        "--unified=0", "--patch", "--no-ext-diff", "--no-textconv", "--no-renames",
        "--format=%x00%H%x01%s",
    )  # fmt: skip
    for entry in log.split("\0")[1:]:
        head, _, patch = entry.partition("\n")
        commit, _, subject = head.partition("\1")
        if not speaks_of_fix(subject):
            continue
        files = re.split(r"^diff --git ", patch, flags=re.MULTILINE)[1:]
        code = [(name, file) for file in files if (name := _code_path(file))]
        if len(code) != 1:
            continue
        hunks = re.findall(r"^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@", code[0][1], re.MULTILINE)
        if len(hunks) == 1 and hunks[0][1] == hunks[0][3] == "" and hunks[0][0] == hunks[0][2]:
            yield commit, code[0][0], int(hunks[0][0])


def _code_path(patch: str) -> str:
    found = re.search(r"^\+\+\+ b/(.+)$", patch, re.MULTILINE)
    path = found[1].rstrip("\t") if found else ""
    language = language_of(path)
    is_code = language is not None and language.name in LANGUAGES and not is_test_path(path)
    return path if is_code else ""


def _case(repository: Path, commit: str, path: str, line: int) -> Case | None:
    language = language_of(path)
    try:
        before = _git(repository, "show", f"{commit}^:{path}")
        after = _git(repository, "show", f"{commit}:{path}")
    except subprocess.CalledProcessError:
        return None
    if language is None or "\r" in before or len(before) > MAX_BYTES:
        return None
    if _deciding(before, language, line) == _deciding(after, language, line):
        return None
    found = outline(before.encode(), language)
    if found.problems or outline(after.encode(), language).problems:
        return None
    symbol = found.enclosing(line)
    if symbol is None or symbol.kind is not SymbolKind.FUNCTION or symbol.start_line == line:
        return None
    if not MIN_LINES <= symbol.end_line - symbol.start_line + 1 <= MAX_LINES:
        return None
    name = f"{repository.parent.name}/{path}"
    return Case(
        id=f"{name}:{line} {commit[:12]}",
        language=language.name,
        kind=Kind.REAL,
        path=name,
        symbol=symbol.qualified_name,
        first_line=symbol.start_line,
        last_line=symbol.end_line,
        line=line,
        text=before,
        right=after.split("\n")[line - 1],
    )


def _deciding(text: str, language: Language, line: int) -> list[str]:
    """The tokens of a line that are no comment and no text."""
    root = parse(text.encode(), language).root_node
    return [written(leaf) for leaf in walk(root) if _is_token(leaf, line)]


def _is_token(node: Node, line: int) -> bool:
    if node.child_count or node.start_point[0] + 1 != line:
        return False
    around: Node | None = node
    while around is not None:
        if any(silent in around.type for silent in _SILENT):
            return False
        around = around.parent
    return True


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), "--no-pager", *arguments]
    done = subprocess.run(command, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "replace")
