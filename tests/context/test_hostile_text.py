"""Whatever a report, a program or a file holds, reading it takes time linear in its length."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from context.boilerplate import without_boilerplate
from context.checking import n_failed
from context.languages import dialect, language_named
from context.old_forms import old_forms
from context.report import read_report
from context.secrets import find_secrets
from context.suspicion import suspicion

ROOT = Path(__file__).parent.parent.parent
N_CHARS = 100_000  # what is linear takes milliseconds, and what is quadratic minutes
PIECES = (
    *(" ", "\n", "\t", "-", "a", "9", "_", "ab_", "a ", "a.", "A::", ".", "/.", "\\a", "a/", "["),
    *("x[", "(", "x(", "{}", "<", "=", "*", ": ", '"', "'", "`", "#", "^"),
)
# What some pattern wants to see before it looks further.
PRINTED = (
    *("", "FAIL ", "Tests: ", "=== ", 'File "', "File C:", "    at ", "   at f(", "#0 f(", "- a "),
    *("#0 0x1 in f ", "a.rb:1:in '", "panicked at '", "stack traceback:\n\t", "# "),
)
WRITTEN = (
    *("", "def f(", "range(", "f[", "catch", "namespace ", "class a", "&&", "open(", "function ("),
    *('format!("', "token"),
)


def _cpp(text: str) -> None:
    language = language_named("c")
    assert language is not None
    dialect(language, text)


def _old_forms(text: str) -> None:
    for end in ("py", "js", "rs"):
        old_forms(f"a.{end}", text)


READERS: dict[str, tuple[Callable[[str], object], Sequence[str]]] = {
    "report": (lambda text: read_report("word\n" + text), PRINTED),
    "boilerplate": (lambda text: without_boilerplate("word\n" + text), PRINTED),
    "check": (n_failed, PRINTED),
    "suspicion": (suspicion, WRITTEN),
    "secrets": (find_secrets, WRITTEN),
    "cpp": (_cpp, WRITTEN),
    "old forms": (_old_forms, WRITTEN),
}


def _texts(heads: Sequence[str]) -> Iterator[str]:
    """One piece without an end, after some head; the same in lines as long as a reader may take."""
    for piece in PIECES:
        yield piece * (N_CHARS // len(piece)) + "\x01"
    for head in heads:
        for n_chars in (280, 950):
            yield "\n".join(head + piece * (n_chars // len(piece)) for piece in PIECES)
        for piece in (" ", "9"):
            yield head + piece * N_CHARS
        if head:
            yield head * (N_CHARS // len(head))


def read_all(name: str) -> None:
    read, heads = READERS[name]
    for text in _texts(heads):
        read(text)


@pytest.mark.parametrize("name", READERS)
def test_no_text_takes_more_than_linear_time(name: str) -> None:
    """In a process of its own: a pattern that backtracks cannot be stopped from inside."""
    code = f"from tests.context.test_hostile_text import read_all; read_all({name!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
