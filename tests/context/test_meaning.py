"""What languages do not allow although their grammars do."""

from __future__ import annotations

import pytest

from context.languages import language_named
from context.meaning import checked_outline, meaning_problems
from context.outline import Problem


@pytest.mark.parametrize(
    ("source", "line", "what"),
    [
        ("def f():\n    await g()\n", 2, "'await' outside async function"),
        ("x = 1\nreturn x\n", 2, "'return' outside function"),
        ("if x:\n    break\n", 2, "'break' outside loop"),
        ("def f(a, a):\n    pass\n", 1, "duplicate argument 'a' in function definition"),
    ],
)
def test_the_first_of_them_is_named(source: str, line: int, what: str) -> None:
    (problem,) = meaning_problems(source.encode())
    assert (problem.line, problem.what) == (line, what)


@pytest.mark.parametrize(
    "source",
    [
        "async def f():\n    await g()\n",
        "print 'of Python 2'\n",  # the grammar's matter
        "x = '\0'\n",
        "-" * 100_000 + "1\n",  # deeper than a compiler goes
        "# coding: no-such\nx = 1\n",
        "x = 1 is 1\n",  # a warning, which nobody is told
    ],
)
def test_of_what_it_cannot_judge_it_says_nothing(source: str) -> None:
    assert meaning_problems(source.encode()) == ()


def test_it_is_part_of_what_an_edit_is_held_to() -> None:
    python, script = language_named("python"), language_named("javascript")
    assert python is not None
    assert script is not None
    source = b"def f():\n    await g()\n"
    assert checked_outline(source, python).problems == (
        Problem(2, 4, "'await' outside async function"),
    )
    assert "missing" in checked_outline(b"def f(:\n    await g()\n", python).problems[0].what
    assert checked_outline(b"function f() { await g() }", script).problems == (
        Problem(1, 15, "await in a function that is not async"),
    )
