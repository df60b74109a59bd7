"""Inline: the value in the place of each use, where it is the same there."""

from __future__ import annotations

import pytest

from context.refactoring import Kind
from tests.context.refactoring.checking import Files, check, check_refused


def inline(files: Files, expect: Files) -> None:
    check(Kind.INLINE, files, expect)


def test_python_variable_with_brackets_where_they_are_needed() -> None:
    inline(
        {
            "a.py": "def f(a, b):\r\n    <>x = a + b\r\n    y = x * 2\r\n    return f'{y}é', y[x]\r\n"
        },
        {"a.py": "def f(a, b):\r\n    y = (a + b) * 2\r\n    return f'{y}é', y[(a + b)]\r\n"},
    )


def test_python_value_that_does_something_moves_one_line_only() -> None:
    inline(
        {"a.py": "def f(a):\n    <>x = g(a)\n    return x.y\n"},
        {"a.py": "def f(a):\n    return g(a).y\n"},
    )


def test_python_function_of_one_expression() -> None:
    inline(
        {
            "a.py": "def <>_area(w, h=2):\n    '''Doc.'''\n    return w * h\n\n\n"
            "def use(q):\n    return _area(q + 1, 3) + _area(4)\n"
        },
        {"a.py": "\n\ndef use(q):\n    return ((q + 1) * 3) + (4 * 2)\n"},
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def f(a):\n    <>x = a\n    a = 2\n    return x\n", "changes in this function"),
        ("def f(a):\n    <>x = 1\n    x = 2\n    return x\n", "assigned 2 times"),
        ("def f(a):\n    <>x = g(a)\n    h()\n    return x\n", "may do something"),
        ("def f(a):\n    <>x = g(a)\n    return h() + x\n", "may do something"),
        ("def f(a):\n    <>x = a + 1\n    g(a)\n    return x\n", "may do something"),
        ("def f(a):\n    if a:\n        <>x = 1\n    return x\n", "in a block"),
        ("def f(a):\n    <>x = a\n    return [x for a in b]\n", "changes in this function"),
        ("def f(a):\n    <>x = 1\n    return 2\n", "never used"),
        ("def f(<>a):\n    return a\n", "is a parameter"),
        ("def <>_f(a):\n    return a\n\n\nprint(_f)\n", "as a value"),
        ("def <>_f(a):\n    return a + a\n\n\nprint(_f(g()))\n", "another number of times"),
        ("def <>_f(a):\n    return a and _f(a)\n\n\nprint(_f(1))\n", "calls itself"),
    ],
)
def test_python_refuses_with_the_reason(source: str, reason: str) -> None:
    check_refused(Kind.INLINE, {"a.py": source}, reason)


def test_typescript_variable_in_a_shorthand_and_a_template() -> None:
    inline(
        {"a.ts": "export function f(n: number) {\n  const <>k = n + 1;\n  return { k, s: `${k}`, t: k * 2, u: g(k) };\n}\n"},
        {"a.ts": "export function f(n: number) {\n  return { k: (n + 1), s: `${n + 1}`, t: (n + 1) * 2, u: g(n + 1) };\n}\n"},
    )  # fmt: skip


def test_typescript_function_of_one_expression() -> None:
    inline(
        {"a.ts": "const <>area = (w: number, h: number) => w * h;\nexport const b = (q: number) => area(q, -2) + 1;\n"},
        {"a.ts": "export const b = (q: number) => (q * (-2)) + 1;\n"},
    )  # fmt: skip


def test_go_java_and_rust_variables() -> None:
    inline(
        {"a.go": "package p\n\nfunc f(n int) int {\n\t<>k := n + 1\n\treturn k * g(k)\n}\n"},
        {"a.go": "package p\n\nfunc f(n int) int {\n\treturn (n + 1) * g(n + 1)\n}\n"},
    )
    inline(
        {
            "A.java": "class A {\n    int f() {\n        int <>k = 3;\n        return g(k) + k;\n    }\n}\n"
        },
        {"A.java": "class A {\n    int f() {\n        return g(3) + (3);\n    }\n}\n"},
    )
    inline(
        {"a.rs": "fn f() -> u32 {\n    let <>k = 3;\n    g(k) + k\n}\n"},
        {"a.rs": "fn f() -> u32 {\n    g(3) + (3)\n}\n"},
    )


def test_a_value_that_does_something_moves_to_the_next_statement() -> None:
    inline(
        {"a.ts": "export function f(n) {\n  const <>k = g(n);\n  return h(k, 1);\n}\n"},
        {"a.ts": "export function f(n) {\n  return h(g(n), 1);\n}\n"},
    )
    inline(
        {"a.go": "package p\n\nfunc f(n int) int {\n\t<>k := g(n)\n\treturn k.x\n}\n"},
        {"a.go": "package p\n\nfunc f(n int) int {\n\treturn g(n).x\n}\n"},
    )


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("a.ts", "export function f(n) {\n  const <>k = g(n);\n  return h() + k;\n}\n", "may do something"),
        ("a.ts", "export function f(n) {\n  const <>k = g(n);\n  return o.h(k);\n}\n", "may do something"),
        ("a.ts", "export function f(n) {\n  const <>k = g(n);\n  return () => k;\n}\n", "may do something"),
        ("a.ts", "export function f(n) {\n  const <>k = g(n);\n  h();\n  return k;\n}\n", "may do something"),
        ("a.ts", "export function f(n) {\n  const <>k = n;\n  n++;\n  return k;\n}\n", "changes"),
        ("a.ts", "const n = 1;\nfunction <>k() {\n  return n;\n}\nexport class A {\n  constructor(private n: number) {\n    g(k() + 1);\n  }\n}\n", "is a property, too"),
        ("a.ts", "export function f(n) {\n  const <>k = n;\n  return (n) => k;\n}\n", "means something else"),
        ("a.ts", "export function f(n) {\n  let <>k = 1;\n  k = 2;\n  return k;\n}\n", "more than once"),
        ("a.ts", "export const <>f = (n) => n;\nf(1);\n", "exported"),
        ("a.go", "package p\n\nfunc f() *int {\n\t<>k := 1\n\treturn &k\n}\n", "address of k"),
        ("a.go", "package p\n\nfunc <>f() int { return 1 }\n", "convert their arguments"),
        ("A.java", "class A {\n    long f() {\n        long <>k = 3;\n        return k;\n    }\n}\n", "convert its value"),
        ("a.rs", "fn f(n: String) {\n    let <>k = n;\n    g(k)\n}\n", "moved or borrowed"),
        ("a.rs", "fn f() {\n    let mut <>k = 1;\n    g(k)\n}\n", "mutable"),
    ],
)  # fmt: skip
def test_refuses_with_the_reason(path: str, source: str, reason: str) -> None:
    check_refused(Kind.INLINE, {path: source}, reason)


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("a.js", "let g = 0;\nexport function f() {\n  const <>k = p();\n  return [g, k];\n}\n", "may do something"),
        ("a.js", "import { n } from './b.js';\nexport function f() {\n  const <>k = n;\n  g();\n  return k;\n}\n", "may change elsewhere"),
        ("a.js", "export function f(o) {\n  const <>k = o + '';\n  o.push(2);\n  return k;\n}\n", "may be an object"),
        ("a.js", "export function f() {\n  let n = 1;\n  const <>k = n;\n  (n) = 5;\n  return k;\n}\n", "n, which k is made of, changes"),
        ("a.js", "export function f(o) {\n  const <>k = o.m;\n  return k();\n}\n", "one of a method"),
        ("a.js", "let n = 1;\nconst <>k = (a) => inc() + a;\nexport const r = () => k(n);\nn = 2;\n", "may change before k reads it"),
        ("a.ts", "export function f() {\n  const <>k: O['m'] = 'a';\n  return [k];\n}\n", "a type of its own"),
        ("a.go", "package p\n\nfunc f() {\n\t<>k := p()\n\tg(h, k)\n}\n\nvar h = 1\n", "may do something"),
        ("a.go", "package p\n\nfunc f(c chan int) {\n\t<>k := <-c\n\tx := <-c\n\tg(k, x)\n}\n", "or received"),
        ("a.go", "package p\n\nvar g = 1\n\nfunc f() {\n\t<>k := g\n\tbump()\n\th(k)\n}\n", "may change elsewhere"),
        ("a.go", "package p\n\nfunc f(t T) {\n\t<>k := t\n\tt.n = 2\n\th(k)\n}\n", "may change elsewhere"),
        ("a.go", "package p\n\nfunc f(t T) {\n\t<>k := t\n\tk.n = 2\n\th(t)\n}\n", "What k holds is changed"),
        ("a.go", "package p\n\nfunc f() {\n\t<>k := 1\n\tk++\n\th(k)\n}\n", "more than once"),
        ("a.go", "package p\n\nfunc f(a [2]int) {\n\t<>k := 1\n\th(a[k])\n}\n", "A constant may mean"),
        ("a.go", "package p\n\nfunc f() {\n\t<>k := 3\n\th(float64(k / 2))\n}\n", "A constant may mean"),
        ("a.go", "package p\n\nfunc f() {\n\t<>k := mk()\n\tx := k.inc()\n\th(x)\n}\n", "may need a variable"),
        ("A.java", "class A {\n    void f(char c) {\n        int <>k = 3;\n        g(true ? c : k);\n    }\n}\n", "A constant may mean"),
        ("a.rs", "fn f() {\n    let <>k = 3;\n    g(k.pow(2));\n}\n", "A constant may mean"),
        ("a.rs", "fn f() {\n    let <>k = 3;\n    println!(\"{:k$}\", 1);\n}\n", "format string"),
    ],
)  # fmt: skip
def test_refuses_a_value_that_would_be_another_there(path: str, source: str, reason: str) -> None:
    check_refused(Kind.INLINE, {path: source}, reason)


def test_a_value_that_does_something_passes_what_it_cannot_change() -> None:
    inline(
        {"a.ts": "export function f(n: number) {\n  const <>k = g();\n  return h(n, k);\n}\n"},
        {"a.ts": "export function f(n: number) {\n  return h(n, g());\n}\n"},
    )
    inline(
        {
            "a.go": "package p\n\nfunc mk() *T { return nil }\n\nfunc f(n int) int {\n\t<>k := mk()\n\treturn k.add(n)\n}\n"
        },
        {
            "a.go": "package p\n\nfunc mk() *T { return nil }\n\nfunc f(n int) int {\n\treturn mk().add(n)\n}\n"
        },
    )
