"""Hints on older ways of writing, by language."""

from __future__ import annotations

import pytest

from context.old_forms import MAX_HINTS, old_forms


@pytest.mark.parametrize(
    ("path", "code", "expect"),
    [
        ("a.py", "x = '%s' % name", ["text put together with %: write an f-string"]),
        ("a.py", "x = f'{name}'\nreturn [a for a in b]", []),
        ("a.py", "x = 7 % 3", []),
        ("a.py", "class A(object):\n    pass", ["a class that names object: leave it out"]),
        ("a.ts", "var a = 1", ["var: write const or let"]),
        ("a.ts", "const a = `x${b}`", []),
        ("a.go", "func f(x interface{}) {}", ["interface{}: write any"]),
        ("a.cpp", "char* p = NULL;", ["NULL: write nullptr"]),
        ("a.sql", "select 1", []),
    ],
)
def test_what_is_old_is_named(path: str, code: str, expect: list[str]) -> None:
    assert old_forms(path, code) == expect


def test_only_some_are_named() -> None:
    code = (
        "class A(object):\n  super(A, self)\n  x = 'a' % b\n  y = 'a'.format(1)\n  os.path.join(a)"
    )
    assert len(old_forms("a.py", code)) == MAX_HINTS
