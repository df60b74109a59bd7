"""Change a signature: the head and every call, or a refusal."""

from __future__ import annotations

import pytest

from context.refactoring import Kind
from models.tasks.parameters import read_signature
from tests.context.refactoring.checking import Files, check, check_refused


def change(files: Files, how: str, expect: Files) -> None:
    check(Kind.SIGNATURE, files, expect, change=how)


def test_python_adds_with_a_default_and_calls_stay() -> None:
    change(
        {"a.py": "def <>f(a, b=(1)):\r\n    return a\r\n", "b.py": "from a import f\nf(1)\n"},
        "add limit: int = 10",
        {"a.py": "def f(a, b=(1), limit: int = 10):\r\n    return a\r\n"},
    )
    change(
        {"a.py": "def <>f(*a, **k):\n    return a\n"},
        "add limit=None",
        {"a.py": "def f(*a, limit=None, **k):\n    return a\n"},
    )


def test_python_removes_and_reorders_with_every_call() -> None:
    files = {"a.py": "def <>f(a, b, c):\n    return a, c\n", "b.py": "import a\na.f(1, 2, 3)\n"}
    change(
        {**files, "c.py": "from a import f\nf(1, c=2, b=3)\n"},
        "remove b",
        {
            "a.py": "def f(a, c):\n    return a, c\n",
            "b.py": "import a\na.f(1, 3)\n",
            "c.py": "from a import f\nf(1, c=2)\n",
        },
    )
    aliased = {**files, "c.py": "from a import f as g\ng(1, c=2, b=3)\n"}
    check_refused(Kind.SIGNATURE, aliased, "under another name", change="remove b")
    change(
        files,
        "reorder c, a, b",
        {"a.py": "def f(c, a, b):\n    return a, c\n", "b.py": "import a\na.f(3, 1, 2)\n"},
    )


@pytest.mark.parametrize(
    ("source", "how", "reason"),
    [
        ("def <>f(a):\n    return a\n", "remove a", "uses a"),
        ("def <>f(a):\n    return 1\n\n\nf(g())\n", "remove a", "may do something"),
        ("def <>f(a, b):\n    return 1\n\n\nf(*x)\n", "remove a", "spreads its arguments"),
        ("def <>f(a, b):\n    return 1\n\n\nh(f)\n", "remove a", "as a value"),
        ("def <>f(a, b):\n    return 1\n\n\nf(g(), 1)\n", "reorder b, a", "in another order"),
        ("def <>f(a, b=1):\n    return 1\n", "reorder b, a", "without a default"),
        ("def <>f(a):\n    return 1\n", "add b", "A default is needed"),
        ("def <>f(a):\n    return 1\n", "add b=os.sep", "uses os"),
        ("def <>f(a):\n    b = 1\n", "add b=1", "in use already"),
        ("def <>f(a):\n    return 1\n", "remove z", "has no parameter z"),
    ],
)
def test_python_refuses_with_the_reason(source: str, how: str, reason: str) -> None:
    check_refused(Kind.SIGNATURE, {"a.py": source}, reason, change=how)


def test_typescript_go_java_and_rust() -> None:
    change(
        {
            "a.ts": "export function <>f(a: number, b: string) {\n  return a;\n}\n",
            "b.ts": "import { f } from './a';\nf(1, 'é');\n",
        },
        "remove b",
        {
            "a.ts": "export function f(a: number) {\n  return a;\n}\n",
            "b.ts": "import { f } from './a';\nf(1);\n",
        },
    )
    change(
        {"a.ts": "export const <>f = (a: number) => a;\nf(1);\n"},
        "add unit: string = 'm'",
        {"a.ts": "export const f = (a: number, unit: string = 'm') => a;\nf(1);\n"},
    )
    change(
        {"a.go": "package p\n\nfunc <>f(a int) {}\n\nfunc g() { f(1) }\n"},
        "add deep: bool = true",
        {"a.go": "package p\n\nfunc f(a int, deep bool) {}\n\nfunc g() { f(1, true) }\n"},
    )
    change(
        {"A.java": "class A {\n    private int <>f(int a, int b) { return a; }\n    int g() { return f(1, 2) + this.f(3, 4); }\n}\n"},
        "reorder b, a",
        {"A.java": "class A {\n    private int f(int b, int a) { return a; }\n    int g() { return f(2, 1) + this.f(4, 3); }\n}\n"},
    )  # fmt: skip
    change(
        {"src/lib.rs": "fn <>f(a: u32) -> u32 { a }\nfn g() -> u32 { f(1) }\n"},
        "add deep: bool = false",
        {"src/lib.rs": "fn f(a: u32, deep: bool) -> u32 { a }\nfn g() -> u32 { f(1, false) }\n"},
    )


@pytest.mark.parametrize(
    ("path", "source", "how", "reason"),
    [
        ("a.ts", "export function <>f(a) {}\nxs.map(f);\n", "remove a", "as a value"),
        ("a.ts", "export function <>f(a) {}\nf(...xs);\n", "remove a", "spreads"),
        ("a.ts", "export function <>f(a, b = 1) {}\n", "reorder b, a", "may be left out"),
        ("a.ts", "export default function <>f(a) {}\n", "remove a", "default of its module"),
        ("a.go", "package p\n\nfunc <>f(a int) {}\n", "add b = 1", "A type is needed"),
        ("a.go", "package p\n\nfunc <>f(a int) {}\n", "add b: int = g()", "need a literal"),
        ("A.java", "class A {\n    int <>f(int a) { return 1; }\n}\n", "remove a", "not private"),
        ("a.rs", "fn <>f(a: u32) {}\nfn g() { m!(f(1)); }\n", "remove a", "in the macro m"),
        (
            "a.go",
            "package p\n\nfunc (t T) <>f(a int, b int) int { return a }\n\nvar x = T.f(T{}, 1, 2)\n",
            "remove b",
            "has other arguments",
        ),
        (
            "a.rs",
            "struct S;\nimpl S {\n    fn <>f(&self, a: u32, b: u32) -> u32 { a }\n    fn g(&self) { S::f(self, 1, 2); }\n}\n",
            "remove b",
            "has other arguments",
        ),
        (
            "a.go",
            "package p\n\nfunc <>f(a int, b int) int { return a }\n\nfunc g() {\n\tx := 3\n\tf(1, x)\n}\n",
            "remove b",
            "not be used any more",
        ),
        (
            "a.go",
            'package p\n\nimport "os"\n\nfunc <>f(a int, b *os.File) int { return a }\n',
            "remove b",
            "import of os",
        ),
        ("a.rs", "fn <>f(a: u32) {}\n", 'add b: String = "x"', "no value of type String"),
        (
            "a.rs",
            "fn <>f(a: u32, b: D) {}\nfn g() { let d = D; f(1, d); }\n",
            "remove b",
            "dropped later",
        ),
    ],
)
def test_refuses_with_the_reason(path: str, source: str, how: str, reason: str) -> None:
    check_refused(Kind.SIGNATURE, {path: source}, reason, change=how)


def test_what_a_user_writes_is_one_of_three_forms_or_none() -> None:
    assert read_signature("add a") is not None
    for words in ("make it async", "add", "add 1x=2 and more", "reorder a", "remove a, b", ""):
        assert read_signature(words) is None


def test_an_import_under_another_name_is_not_followed_by_calls() -> None:
    files = {
        "a.ts": "export function <>f(a: number, b: string) {\n  return a;\n}\n",
        "b.ts": "import { f as g } from './a';\ng(1, 'x');\n",
    }
    check_refused(Kind.SIGNATURE, files, "under another name", change="remove b")
