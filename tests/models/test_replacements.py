"""What may stand in the place of odd code, in the text of its line."""

import re
from collections.abc import Iterable

import pytest

from context.window import Role, Snippet
from models.backends import TokenLog
from models.tasks.replacements import MAX_READ, replacements


def _offered(line: str, odd: str) -> list[str]:
    """What the line may become, where one token was odd, but for the one that was expected."""
    text = f"head\n{line}"
    snippet = Snippet("a.py", 1, text.count("\n") + 1, "f", text, Role.SUSPECT, "named", "")
    logs = list(_logs(text, text.index(odd, len("head"))))
    found = replacements(snippet, logs, [2])
    assert len(found) <= MAX_READ
    changed = [f"{text[: span.start]}{new}{text[span.end :]}" for span, new in found]
    return [one for whole in changed if "zzz" not in (one := whole.split("\n")[1])]


def _logs(text: str, odd_at: int) -> Iterable[TokenLog]:
    for token in re.finditer(r"\s*(?:\w+|\"[^\"]*\"|[^\w\s]+)", text):
        is_odd = token.start() <= odd_at < token.end()
        yield TokenLog(token.start(), -9.0 if is_odd else -0.1, -0.1, 0.2, " zzz")


@pytest.mark.parametrize(
    ("line", "odd", "offered"),
    [
        ("if (a > b) {", ">", ["if (a >= b) {", "if (a < b) {"]),
        ("if (a === b) {", "===", ["if (a !== b) {"]),
        ("x = a and b", "and", ["x = a or b", "x = a and not b"]),
        ("x += y;", "+=", ["x -= y;"]),
        ("return True", "True", ["return False"]),
        ("if a not in b:", "in", ["if a in b:"]),
        ("n = 7", "7", ["n = 6", "n = 8"]),
        ("n = 0", "0", ["n = 1"]),
        ("n = x1", "x1", []),
    ],
)
def test_an_operator_a_truth_value_and_a_number_have_others_of_their_kind(
    line: str, odd: str, offered: list[str]
) -> None:
    assert _offered(line, odd) == offered


@pytest.mark.parametrize(
    ("line", "odd", "offered"),
    [
        ("y = f(a, b)", "a", ["y = f(b, a)"]),
        ("y = f(a, b, c)", "b", ["y = f(b, a, c)", "y = f(a, c, b)"]),
        ("y = f(g(a, 1), b)", "b", ["y = f(b, g(a, 1))"]),
        ('y = f(", (", b)', "b", ['y = f(b, ", (")']),
        ("y = f(a, key=b)", "a", []),
        ("y = f(*a, b)", "a", []),
        ("y = f[a, b]", "a", []),
        ("y = a, b", "a", []),
        ("f(a, b,", "a", ["f(b, a,"]),
        ("async def f(a, b):", "a", []),
        ("pub fn f(a, b) {", "a", []),
    ],
)
def test_the_arguments_of_the_innermost_call_are_exchanged(
    line: str, odd: str, offered: list[str]
) -> None:
    assert _offered(line, odd) == offered


@pytest.mark.parametrize(
    ("line", "odd", "offered"),
    [
        ("if ready(x):", "ready", ["if not ready(x):"]),
        ("if not ready(x):", "ready", ["if ready(x):"]),
        ("while (ready(x)) {", "ready", ["while (!ready(x)) {"]),
        ("if (!ready(x)) return;", "ready", ["if (ready(x)) return;"]),
        ("if a && ready {", "ready", ["if !a && ready {", "if a && !ready {"]),
        ("if (a != b) {", "a", []),
        ("if let Some(x) = y {", "y", []),
        ("if err := f(); ok {", "ok", []),
    ],
)
def test_a_condition_is_turned_where_no_operator_decides_it(
    line: str, odd: str, offered: list[str]
) -> None:
    assert _offered(line, odd) == offered
