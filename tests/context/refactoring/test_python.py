"""What Python evaluates when, and who may see a name: done right, or refused with the reason."""

from __future__ import annotations

import pytest

from context.refactoring import Kind
from tests.context.refactoring.checking import Files, check, check_refused


def test_files_without_a_last_line_end() -> None:
    files = {"a.py": "def <>f(b): pass\nf(1)", "c.py": "from a import f"}
    check(Kind.RENAME, files, {"a.py": "def g(b): pass\ng(1)", "c.py": "from a import g"}, "g")
    check(Kind.SIGNATURE, files, {"a.py": "def f(): pass\nf()"}, change="remove b")
    check(
        Kind.INLINE,
        {"a.py": "def f(b):\n    <>x = b\n    return x"},
        {"a.py": "def f(b):\n    return b"},
    )
    check(
        Kind.EXTRACT,
        {"a.py": "def f(a):\n    <[a += 1\n    a += 2]>\n    return a"},
        {
            "a.py": "def f(a):\n    a = g(a)\n    return a\n\n\ndef g(a):\n    a += 1\n    a += 2\n    return a"
        },
        "g",
    )


def test_lines_that_rope_cannot_read_are_refused() -> None:
    source = "def f(a):\n    if a:\n        <[b = '''x\n  y'''\n        print(b)]>\n    return a\n"
    check_refused(Kind.EXTRACT, {"a.py": source}, "Rope cannot take", "taken")
