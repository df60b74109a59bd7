"""Past fixes of a repository as questions with known answers: a measure on one's own code.

A fix is a commit whose subject speaks of one and that changes a few code files which were there
before. Its message is the report, the tree before it the code, and what it changed the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from context.git import read_fix
from context.history import CommitRow
from context.languages import is_test_path, language_of
from context.outline import Outline, SymbolKind

MAX_FILES = 5  # code files; a wider change is rarely one bug
MIN_WORDS = 5  # of a message that can stand for a report

_FIX = re.compile(
    r"\b(fix(e[sd]|ing)?|bugs?|bugfix|crash(e[sd]|ing)?|regressions?|broken|wrong|incorrect(ly)?"
    r"|fail(s|ed|ure|ures|ing)?|errors?|exceptions?|leaks?|deadlocks?|hangs?|races?)\b",
    re.IGNORECASE,
)
_NOT_A_BUG = re.compile(
    r"^(revert|merge|bump|release|docs?\b|style\b|test|tests\b|ci\b|chore|build)"
    r"|\b(typos?|lint(er|ing)?|flake8|mypy|pylint|changelog|spelling|whitespace|docstrings?|warnings?)\b",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    r"^(signed-off-by|co-authored-by|reviewed-by|acked-by|tested-by|reported-by|cc|change-id"
    r"|git-svn-id|differential revision|reviewed on|pr-url|backport of)\b.*$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\(?(?:\b[Gg][Hh]-)?#\d+\)?|https?://\S+")


@dataclass(frozen=True, slots=True)
class Case:
    """One question with its answer."""

    commit: str
    parent: str  # the commit before the fix, which is what is searched
    report: str
    files: tuple[str, ...]  # code files that the fix changed
    old_lines: tuple[
        tuple[str, tuple[tuple[int, int], ...]], ...
    ]  # changed lines before it, by file


def mine(root: Path, shadow: Path, commits: Sequence[CommitRow]) -> Iterator[Case]:
    """Cases among `commits`, which `context.git.read_history` gave with this `shadow`."""
    for commit in commits:
        subject = commit.message.partition("\n")[0]
        code = [p for p in commit.paths if language_of(p) and not is_test_path(p)]
        if not 0 < len(code) <= MAX_FILES or not speaks_of_fix(subject):
            continue
        report = report_of(commit.message)
        if len(re.findall(r"[^\W\d_]{2,}", report)) < MIN_WORDS:
            continue
        fix = read_fix(root, shadow, commit.id)
        if fix is None:
            continue
        gold = {p: fix.old_lines[p] for p in code if p in fix.old_lines}
        if gold:
            yield Case(commit.id, fix.parent, report, tuple(gold), tuple(gold.items()))


def speaks_of_fix(subject: str) -> bool:
    """Whether a commit's first line speaks of a bug that is gone."""
    return bool(_FIX.search(subject)) and not _NOT_A_BUG.search(subject)


def report_of(message: str) -> str:
    """A commit's message without what points at the fix or at people."""
    lines = [line for line in message.split("\n") if not _TRAILER.match(line.strip())]
    return _REFERENCE.sub("", "\n".join(lines)).strip()


def functions_at(outline: Outline, lines: Sequence[tuple[int, int]]) -> set[str]:
    """Qualified names of the functions that hold some of these lines."""
    return {
        symbol.qualified_name
        for symbol in outline.symbols
        if symbol.kind is SymbolKind.FUNCTION
        and any(symbol.start_line <= last and first <= symbol.end_line for first, last in lines)
    }
