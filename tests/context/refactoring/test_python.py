"""What Python evaluates when, and who may see a name: done right, or refused with the reason."""

from __future__ import annotations

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
