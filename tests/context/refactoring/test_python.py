"""What Python evaluates when, and who may see a name: done right, or refused with the reason."""

from __future__ import annotations

import sys

import pytest

from context.refactoring import Kind
from tests.context.refactoring.checking import check, check_refused


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


def test_lines_of_a_class_method_are_called_on_its_class() -> None:
    check(
        Kind.EXTRACT,
        {
            "a.py": "class A:\n    @classmethod\n    def f(cls, k):\n        <[y = cls.g(k)\n"
            "        y += 1]>\n        return y\n"
        },
        {
            "a.py": "class A:\n    @classmethod\n    def f(cls, k):\n        y = cls.taken(k)\n"
            "        return y\n\n    @classmethod\n    def taken(cls, k):\n        y = cls.g(k)\n"
            "        y += 1\n        return y\n"
        },
        "taken",
    )


METHOD = "    def f(self, q):\n        <[b = self.n\n        b += 1]>\n        return b\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("class A:\n" + METHOD.replace("<[", "self = q\n        <["), "another object later"),
        ("import p\n\n\nclass A(p.Protocol):\n" + METHOD, "which methods other classes have"),
        ("@register\nclass A:\n" + METHOD, "The decorator of A"),
        ("class A:\n    def __getattribute__(self, k): pass\n\n" + METHOD, "way of its own"),
        (
            "class A:\n    @staticmethod\n"
            + METHOD.replace("self.n", "self")
            + "\n\nB = A\nA = 1\n",
            "A is bound more than once",
        ),
    ],
)
def test_a_method_taken_out_must_be_found_on_the_object(source: str, reason: str) -> None:
    check_refused(Kind.EXTRACT, {"a.py": source}, reason, "taken")


@pytest.mark.parametrize(
    "source",
    [
        "try:\n        <[x = 1\n        g()]>\n    except ValueError:\n        pass\n    return x",
        "try:\n        <[x = 1\n        g()]>\n    finally:\n        print(x)",
        "try:\n        <[x = 1\n        return g()]>\n    finally:\n        print(x)",
        "with suppress(ValueError):\n        <[x = 1\n        g()]>\n    return x",
        "for y in z:\n        try:\n            g(x)\n            <[x = y\n            g()]>\n"
        "        except ValueError:\n            pass",
    ],
)
def test_what_is_set_when_an_error_comes_is_not_given_back(source: str) -> None:
    files = {"a.py": f"def f(z):\n    x = 0\n    {source}\n"}
    check_refused(Kind.EXTRACT, files, "x is used after an error", "taken")


def test_what_is_set_last_is_set_by_no_error() -> None:
    source = (
        "def f(z):\n    try:\n        {}\n    except ValueError:\n        return 2\n    return x\n"
    )
    check(
        Kind.EXTRACT,
        {"a.py": source.format("<[y = g(z)\n        x = y + 1]>")},
        {
            "a.py": source.format("x = taken(z)")
            + "\n\ndef taken(z):\n    y = g(z)\n    x = y + 1\n    return x\n"
        },
        "taken",
    )
    source = "def f(z):\n    with open(z) as file:\n        {}\n    return x\n"
    check(
        Kind.EXTRACT,
        {"a.py": source.format("<[x = file.read()\n        g(x)]>")},
        {
            "a.py": source.format("x = taken(file)")
            + "\n\ndef taken(file):\n    x = file.read()\n    g(x)\n    return x\n"
        },
        "taken",
    )


GLOBALS = "g = 1\n\n\ndef p():\n    global g\n    g = 2\n    return 1\n\n\ndef h(v): return v\n\n\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<>x = p()\n    return g + x", "may do something"),
        ("<>x = p()\n    print(g, x)", "may do something"),
        ("<>x = p()\n    return g(x)", "may do something"),
        ("<>x = a.pop()\n    return f'{a}{x}'", "may do something"),
        ("<>x = a.pop()\n    return a + a + x", "may do something"),
        ("<>x = a.pop()\n    return 1 < 2 < x", "may do something"),
        ("<>x = a.pop()\n    return b and x", "may do something"),
        ("<>x = g\n    p()\n    return x", "or change"),
        ("<>x = g\n    for b in a:\n        pass\n    return x", "or change"),
        ("<>x = 1 / a\n    if b:\n        return x", "An error in the value of x"),
        ("<>x = 1 / a\n    return b and x", "An error in the value of x"),
        ("<>x = 1 / a\n    try:\n        return x\n    finally:\n        b()", "An error in the"),
        ("<>x = a\n    return eval('x'), x", "eval in f may see x"),
    ],
)
def test_a_value_stays_where_something_may_come_before_it(source: str, reason: str) -> None:
    check_refused(Kind.INLINE, {"a.py": f"{GLOBALS}def f(a, b):\n    {source}\n"}, reason)


@pytest.mark.parametrize(
    ("source", "expect"),
    [
        ("<>x = p()\n    return h(x)", "return h(p())"),
        ("<>x = p()\n    return [a, 1, x, b]", "return [a, 1, p(), b]"),
        ("<>x = a.n\n    return a + x", "return a + a.n"),
        ("<>x = h\n    p()\n    return x(1)", "p()\n    return h(1)"),
        ("<>x = 1 / a\n    y = x\n    return b and y", "y = (1 / a)\n    return b and y"),
        ("<>x = a / 2\n    return b and x", "return b and (a / 2)"),
        ("<>x = p()\n    if x or b:\n        return 1", "if p() or b:\n        return 1"),
    ],
)
def test_a_value_goes_where_nothing_comes_before_it(source: str, expect: str) -> None:
    head = f"{GLOBALS}def f(a, b):\n    "
    check(Kind.INLINE, {"a.py": f"{head}{source}\n"}, {"a.py": f"{head}{expect}\n"})


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="strings in f-strings take any quotes there"
)
def test_a_value_that_cannot_be_written_in_an_f_string() -> None:
    source = "def f():\n    <>x = 'k'\n    return f'{x}'\n"
    check_refused(Kind.INLINE, {"a.py": source}, "cannot be written where it is used")


def test_a_variable_of_the_function_outside_may_change() -> None:
    source = (
        "def o():\n    n = 1\n\n    def h():\n        nonlocal n\n        n = 2\n\n"
        "    def f():\n        <>x = n\n        h()\n        return x\n\n    return f\n"
    )
    check_refused(Kind.INLINE, {"a.py": source}, "or change")


@pytest.mark.parametrize(
    ("function", "call", "reason"),
    [
        ("a, b=g: b", "_f(1)", "default of b is evaluated once"),
        ("a=p(): a", "_f()", "default of a is evaluated once"),
        ("a: g + a", "_f(p())", "in another order"),
        ("a, b, c: a < b < c", "_f(p(), p(), p())", "in another order"),
        ("a, b, c: a + b + c", "_f(1, 2, p())", "in another order"),
        ("a: p() + a", "_f(g)", "in another order"),
        ("a: a.__x", "_f(1)", "__x means something else"),
        ("a: a._getframe()", "_f(1)", "_getframe would see"),
    ],
)
def test_a_function_is_not_put_in_where_it_differs(function: str, call: str, reason: str) -> None:
    head, _, value = function.partition(": ")
    source = f"def <>_f({head}):\n    return {value}\n\n\ndef u():\n    return {call}\n"
    check_refused(Kind.INLINE, {"a.py": GLOBALS + source}, reason)


def test_a_function_is_put_in_around_what_its_call_evaluates() -> None:
    source = "def p(): return 1\n\n\ndef u():\n    return {}\n"
    check(
        Kind.INLINE,
        {"a.py": "def <>_f(a, b):\n    return [a, b]\n\n\n" + source.format("_f(p(), p())")},
        {"a.py": "\n\n" + source.format("([p(), p()])")},
    )
