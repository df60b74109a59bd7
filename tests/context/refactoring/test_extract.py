"""Extract a function, and move one to a module of its own: what flows in, what comes back."""

from __future__ import annotations

import pytest

from context.refactoring import Kind
from tests.context.refactoring.checking import Files, carried, check, check_refused


def extract(path: str, source: str, expect: str) -> None:
    check(Kind.EXTRACT, {path: source}, {path: expect}, "taken")


def test_python() -> None:
    extract(
        "a.py",
        "def f(a):\n    b = 1\n    <[c = a + b\n    print('é😀', c)]>\n    return c\n",
        "def f(a):\n    b = 1\n    c = taken(a, b)\n    return c\n\n\n"
        "def taken(a, b):\n    c = a + b\n    print('é😀', c)\n    return c\n",
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "def f(a):\n    x = 1\n    <[if a:\n        x = 2]>\n    return x\n",
            "not set on every way",
        ),
        ("def f(a):\n    <[if a:\n        return 1]>\n    return 2\n", "A return cannot go"),
        ("def f(a):\n    for x in a:\n        <[print(x)\n        break]>\n", "leave its loop"),
        ("async def f(a):\n    <[await a]>\n    return 2\n", "await cannot go"),
        ("def f(a):\n    <[yield a]>\n    return 2\n", "yield cannot go"),
        ("def f(a):\n    <[print(locals())]>\n    return 2\n", "see another function"),
        ("def f(a):\n    b = <[a + 1]>\n    return b\n", "not whole statements"),
        ("<[x = 1]>\n", "not whole statements"),
        ("def f(a):\n\t<[b = 1]>\n\treturn b\n", "indented with tabs"),
        ("def f(a):\n    <[b = 1]>\n    return lambda: b\n", "shared with a function"),
        (
            "class A:\n    def f(self):\n        <[b = 1]>\n        return b\n\n\n"
            "class B:\n    def g(self):\n        return A.f(self)\n",
            "an object of another class",
        ),
        ("def taken(): pass\n\n\ndef f(a):\n    <[b = 1]>\n    return b\n", "in use already"),
    ],
)
def test_python_refuses_with_the_reason(source: str, reason: str) -> None:
    check_refused(Kind.EXTRACT, {"a.py": source}, reason, "taken")


def test_typescript_go_java_and_rust() -> None:
    extract(
        "a.ts",
        "export function f(n: number) {\r\n  let sum = 0;\r\n  for (let i = 0; i < n; i++) {\r\n"
        "    <[sum += i * n;\r\n    console.log('é😀', sum);]>\r\n  }\r\n  return sum;\r\n}\r\n",
        "export function f(n: number) {\r\n  let sum = 0;\r\n  for (let i = 0; i < n; i++) {\r\n"
        "    sum = taken(i, n, sum);\r\n  }\r\n  return sum;\r\n}\r\n\r\n"
        "function taken(i: number, n: number, sum: number) {\r\n  sum += i * n;\r\n"
        "  console.log('é😀', sum);\r\n  return sum;\r\n}\r\n",
    )
    check_refused(
        Kind.EXTRACT,
        {
            "a.go": "package p\n\nfunc f(n int) int {\n\t<[a := n * 2\n\tprintln(a)]>\n\treturn a\n}\n"
        },
        "type of a is not written",
        "taken",
    )
    extract(
        "a.go",
        "package p\n\nfunc f(n int) int {\n\ttotal := 0\n\t<[total += n\n\tprintln(total)]>\n\treturn total\n}\n",
        "package p\n\nfunc f(n int) int {\n\ttotal := 0\n\ttotal = taken(n, total)\n\treturn total\n}\n\n"
        "func taken(n int, total int) int {\n\ttotal += n\n\tprintln(total)\n\treturn total\n}\n",
    )
    extract(
        "A.java",
        "class A {\n    static int f(int n) throws E {\n        <[int r = n * 2;\n        g(r);]>\n        return r;\n    }\n}\n",
        "class A {\n    static int f(int n) throws E {\n        int r = taken(n);\n        return r;\n    }\n\n"
        "    private static int taken(int n) throws E {\n        int r = n * 2;\n        g(r);\n        return r;\n    }\n}\n",
    )
    extract(
        "a.rs",
        "fn f(n: u32) -> u32 {\n    let mut t: u32 = 0;\n    <[t += n;\n    g(t);]>\n    t\n}\n",
        "fn f(n: u32) -> u32 {\n    let mut t: u32 = 0;\n    t = taken(n, t);\n    t\n}\n\n"
        "fn taken(n: u32, mut t: u32) -> u32 {\n    t += n;\n    g(t);\n    t\n}\n",
    )


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("a.ts", "export function f(n: number) {\n  <[if (n) return 1;]>\n  return 2;\n}\n", "return statement"),
        ("a.ts", "export function f(n: number) {\n  <[const a = 1;\n  const b = 2;]>\n  return a + b;\n}\n", "Several results"),
        ("a.ts", "export function f(n) {\n  <[g(n);]>\n  return 2;\n}\n", "not written"),
        ("a.ts", "export class A {\n  f() {\n    <[this.g();]>\n    return 2;\n  }\n}\n", "this"),
        ("a.ts", "class A {\n  constructor(public n: number) {\n    <[g(n);]>\n    h();\n  }\n}\n", "is a property, too"),
        ("a.ts", "export function f<K extends string>(n: K[]) {\n  <[g(n);]>\n  h();\n}\n", "K is a type"),
        ("a.ts", "export class A<T> {\n  f(n: T) {\n    <[g(n);]>\n    h();\n  }\n}\n", "T is a type"),
        ("a.ts", "export function f() {\n  type X = number;\n  const n: X = 1;\n  <[g(n);]>\n  h();\n}\n", "X is a type"),
        ("a.go", "package p\n\nfunc f[K any](n K) {\n\t<[g(n)]>\n\th()\n}\n", "K is a type"),
        ("a.go", "package p\n\nfunc (s *S[T]) f(n T) {\n\t<[g(n)]>\n\th()\n}\n", "T is a type"),
        ("A.java", "class A<T> {\n    <E> void f(E n) {\n        <[g(n);]>\n        h();\n    }\n}\n", "type parameters"),
        ("a.go", "package p\n\nfunc f(n int) {\n\t<[defer g(n)]>\n\th()\n}\n", "defer statement"),
        ("A.java", "class A {\n    void f() {\n        g(new B() {\n            void h(int n) {\n                <[g(n);]>\n                k();\n            }\n        });\n    }\n}\n", "inside a method"),
        ("A.java", "class A {\n    A(int n) {\n        <[g(n);]>\n        h();\n    }\n}\n", "constructor"),
        ("a.rs", "fn f(n: String) {\n    <[g(n);]>\n    h();\n}\n", "not written"),
        ("a.rs", "fn f(n: u32) -> R {\n    <[g(n)?;]>\n    h()\n}\n", "try expression"),
    ],
)  # fmt: skip
def test_refuses_with_the_reason(path: str, source: str, reason: str) -> None:
    check_refused(Kind.EXTRACT, {path: source}, reason, "taken")


def test_java_declares_what_was_caught_around_the_lines() -> None:
    extract(
        "A.java",
        "class A {\n    void f(int n) throws E {\n        try (R r = r()) {\n            <[g(n);\n            h();]>\n"
        "        } catch (X | Y x) {\n            k(x);\n        } catch (final Z z) {\n            throw new E(z);\n        }\n    }\n}\n",
        "class A {\n    void f(int n) throws E {\n        try (R r = r()) {\n            taken(n);\n"
        "        } catch (X | Y x) {\n            k(x);\n        } catch (final Z z) {\n            throw new E(z);\n        }\n    }\n\n"
        "    private void taken(int n) throws E, X, Y, Z {\n        g(n);\n        h();\n    }\n}\n",
    )
    extract(  # what is caught beside the lines is not thrown by them
        "A.java",
        "class A {\n    void f(int n) {\n        try {\n            h();\n        } catch (X x) {\n            <[g(n);\n            k();]>\n"
        "        }\n    }\n}\n",
        "class A {\n    void f(int n) {\n        try {\n            h();\n        } catch (X x) {\n            taken(n);\n"
        "        }\n    }\n\n    private void taken(int n) {\n        g(n);\n        k();\n    }\n}\n",
    )
    source = (
        "class A {\n    void f(int n) {\n        try {\n            <[g(n);]>\n"
        "        } catch (Exception e) {\n            throw e;\n        }\n    }\n}\n"
    )
    reason = "What is caught around these lines as e is thrown on."
    check_refused(Kind.EXTRACT, {"A.java": source}, reason, "taken")


def test_a_class_moves_to_a_module_of_its_own() -> None:
    files: Files = {
        "p/__init__.py": "",
        "p/a.py": "import os\nfrom x import Y\n\n\n<>class AbleBody(Y):\n    def f(self):\n        "
        "return os.sep\n\n\nz = AbleBody()\n",
    }
    done, after = carried(Kind.MOVE, files)
    assert after["p/a.py"] == (
        "import os\nfrom x import Y\n\n\nfrom .able_body import AbleBody\n\n\nz = AbleBody()\n"
    )
    assert after["p/able_body.py"].endswith(
        "import os\nfrom x import Y\n\n\nclass AbleBody(Y):\n    def f(self):\n        return os.sep\n"
    )
    assert [edit.path for edit in done.edits if not edit.file_hash] == ["p/able_body.py"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x = 1\n\n\n<>def f():\n    return x\n", "would import it back"),
        ("<>def f():\n    return nowhere\n", "place is not known"),
        ("<>def f():\n    global y\n", "changes variables"),
        ("<>def f():\n    return __file__\n", "is another one elsewhere"),
        ("from x import *\n\n\n<>def f():\n    return 1\n", "names unknown"),
        ("def g():\n    <>x = 1\n    return f\n\n\ndef f(): pass\n", "would import it back"),
    ],
)
def test_what_is_tied_to_its_module_stays(source: str, reason: str) -> None:
    check_refused(Kind.MOVE, {"a.py": source}, reason)


@pytest.mark.parametrize("end", ["", "\n"])
def test_python_at_the_end_of_a_file_with_and_without_a_last_line_end(end: str) -> None:
    source = f"def f(a):\n    b = 1\n    <[print(a)\n    print(b)]>\n    return b{end}"
    _, after = carried(Kind.EXTRACT, {"a.py": source}, "taken")
    lines = [line for line in after["a.py"].split("\n") if line]
    assert lines == [
        "def f(a):", "    b = 1", "    taken(a, b)", "    return b",
        "def taken(a, b):", "    print(a)", "    print(b)",
    ]  # fmt: skip


def test_lines_that_end_in_a_return_become_a_returned_call() -> None:
    extract(
        "a.py",
        "def f(a):\n    b = 1\n    <[c = a + b\n    return c]>\n",
        "def f(a):\n    b = 1\n    return taken(a, b)\n\n\ndef taken(a, b):\n    c = a + b\n    return c\n",
    )
    extract(
        "a.ts",
        "export function f(n: number) {\n  g();\n  <[const c = n * 2;\n  return c;]>\n}\n",
        "export function f(n: number) {\n  g();\n  return taken(n);\n}\n\n"
        "function taken(n: number) {\n  const c = n * 2;\n  return c;\n}\n",
    )
    extract(
        "a.go",
        "package p\n\nfunc f(n int) (int, error) {\n\tg()\n\t<[c := n * 2\n\treturn c, nil]>\n}\n",
        "package p\n\nfunc f(n int) (int, error) {\n\tg()\n\treturn taken(n)\n}\n\n"
        "func taken(n int) (int, error) {\n\tc := n * 2\n\treturn c, nil\n}\n",
    )
    extract(
        "A.java",
        "class A {\n    int f(int n) {\n        g();\n        <[int c = n * 2;\n        return c;]>\n    }\n}\n",
        "class A {\n    int f(int n) {\n        g();\n        return taken(n);\n    }\n\n"
        "    private int taken(int n) {\n        int c = n * 2;\n        return c;\n    }\n}\n",
    )


def go(body: str, *, before: str = "") -> Files:
    return {"a.go": f"package p\n\n{before}{body}"}


def test_go_what_the_lines_change_comes_back() -> None:
    """A variable of Go holds its fields and elements itself, and `n++` is an assignment."""
    extract(
        "a.go",
        "package p\n\nfunc f(n int) int {\n\t<[n++\n\tg(n)]>\n\treturn n\n}\n",
        "package p\n\nfunc f(n int) int {\n\tn = taken(n)\n\treturn n\n}\n\n"
        "func taken(n int) int {\n\tn++\n\tg(n)\n\treturn n\n}\n",
    )
    extract(
        "a.go",
        "package p\n\nfunc f(t T) int {\n\t<[t.n = 5\n\tg(t.n)]>\n\treturn t.n\n}\n",
        "package p\n\nfunc f(t T) int {\n\tt = taken(t)\n\treturn t.n\n}\n\n"
        "func taken(t T) T {\n\tt.n = 5\n\tg(t.n)\n\treturn t\n}\n",
    )
    extract(  # what a pointer leads to is the same in both functions
        "a.go",
        "package p\n\nfunc f(t *T, xs []int) int {\n\t<[t.n = 5\n\txs[0]++\n\tt.grow()]>\n\treturn t.n + xs[0]\n}\n",
        "package p\n\nfunc f(t *T, xs []int) int {\n\ttaken(t, xs)\n\treturn t.n + xs[0]\n}\n\n"
        "func taken(t *T, xs []int) {\n\tt.n = 5\n\txs[0]++\n\tt.grow()\n}\n",
    )
    extract(  # a bare return gives the named result back
        "a.go",
        "package p\n\nfunc f(x int) (r int) {\n\t<[r = x * 2\n\tg(r)]>\n\treturn\n}\n",
        "package p\n\nfunc f(x int) (r int) {\n\tr = taken(r, x)\n\treturn\n}\n\n"
        "func taken(r int, x int) int {\n\tr = x * 2\n\tg(r)\n\treturn r\n}\n",
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("func f(t T) int {\n\t<[t.grow()\n\tg()]>\n\treturn t.n\n}\n", "A method may change t"),
        ("func f(t [2]int) int {\n\t<[s := t[:]\n\tg(s)]>\n\treturn t[0]\n}\n", "The address of t"),
        ("func f(x int) int {\n\t<[g(&x)\n\tg(x)]>\n\treturn x\n}\n", "The address of x"),
        ("func f(x int) {\n\tg := func() { x = 2 }\n\t<[g()\n\th(x)]>\n\tk()\n}\n", "shared with a function"),
        ("func f(x int) {\n\t<[g(recover())]>\n\tk()\n}\n", "recover works in its own"),
        ("func f(x int) int {\n\tg()\n\t<[h(x)\n\tpanic(x)]>\n}\n", "do not come to their end"),
        ("func f(x int) {\n\tg()\n\t<[h(x)\n\treturn]>\n}\n", "without a value"),
    ],
)  # fmt: skip
def test_go_refuses_what_a_copy_would_lose(source: str, reason: str) -> None:
    check_refused(Kind.EXTRACT, go(source), reason, "taken")


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("a.js", "export function f(n) {\n  let x = 0;\n  try {\n    <[x = 1;\n    g(n);]>\n  } catch {}\n  return x;\n}\n", "where the lines throw"),
        ("a.js", "export function f(n) {\n  let x = 0;\n  for (const i of n) {\n    try {\n      <[x = x + i;\n      g(n);]>\n    } catch {}\n  }\n}\n", "where the lines throw"),
        ("A.java", "class A {\n    int f(int n) {\n        int x = 0;\n        try {\n            <[x = 1;\n            g(n);]>\n        } finally {\n            h(x);\n        }\n        return 1;\n    }\n}\n", "where the lines throw"),
        ("a.js", "export function f(n) {\n  <[g(arguments[1]);]>\n  h(n);\n}\n", "arguments as a list"),
        ("a.js", "export class A {\n  #x = 1;\n  f(o) {\n    <[g(o.#x);]>\n    h(o);\n  }\n}\n", "private property identifier"),
        ("a.js", "export function f(n) {\n  let x = 1;\n  <[const k = () => x;\n  g(k);]>\n  x = 2;\n  h(n);\n}\n", "shared with a function"),
        ("a.js", "export function f(n) {\n  let x = 1;\n  const k = () => { x = 2; };\n  <[k();\n  g(x);]>\n  h(n);\n}\n", "shared with a function"),
        ("a.js", "if (g) {\n  const x = 1;\n  function f(n) {\n    <[h(x);]>\n    h(n);\n  }\n}\n", "only known in the block"),
        ("a.ts", "export function f(x: string | null) {\n  if (!x) return;\n  <[g(x.length);]>\n  h();\n}\n", "known better here"),
        ("a.ts", "export function f(x: unknown) {\n  if (typeof x === 'string') {\n    <[g(x.length);]>\n    h();\n  }\n}\n", "known better here"),
        ("a.ts", "export function f(x: unknown) {\n  <[assertString(x);\n  g();]>\n  h(x);\n}\n", "may say something of x"),
        ("a.ts", "export function f() {\n  let x: string;\n  <[x = 'a';\n  g();]>\n  h(x);\n}\n", "has no value yet"),
        ("a.ts", "export function f(n: number): number {\n  g();\n  <[h(n);\n  throw e;]>\n}\n", "do not come to their end"),
        ("a.ts", "export namespace N {\n  const k = 1;\n  export function f(n: number) {\n    <[h(n);]>\n    g();\n  }\n}\n", "in a namespace"),
        ("a.ts", "export class A {\n  private k = 1;\n  f(o: A) {\n    <[h(o.k);]>\n    g();\n  }\n}\n", "only its class sees"),
        ("a.ts", "use((n: number) => {\n  g();\n  <[h();\n  return { kind: 'a' };]>\n});\n", "the place of the function expects"),
        ("a.rs", "fn f(s: &str) {\n    <[println!(\"{s}\");]>\n    h();\n}\n", "format string"),
        ("a.rs", "fn f(w: usize) {\n    <[println!(\"{:w$}\", 1);]>\n    h();\n}\n", "format string"),
        ("a.rs", "impl S {\n    fn f(&self) {\n        <[g(self);]>\n        h();\n    }\n}\n", "A self"),
        ("a.rs", "unsafe fn f(n: u32) {\n    <[g(n);]>\n    h();\n}\n", "unsafe or const"),
        ("a.rs", "fn f(n: u32) -> u32 {\n    <[bail!(n);]>\n    h()\n}\n", "may return"),
        ("a.rs", "fn f(n: u32) -> u32 {\n    <[g!(return n);]>\n    h()\n}\n", "return in a macro"),
        ("a.rs", "fn f(n: u32) -> u32 {\n    h();\n    <[if n > 1 { 1 } else { 2 }]>\n}\n", "what the block gives back"),
        ("a.rs", "fn f(n: u32) -> ! {\n    h();\n    <[g(n);\n    panic!();]>\n}\n", "do not come to their end"),
        ("a.rs", "fn f(n: u32) {\n    <[let _guard = lock(n);\n    g(n);]>\n    h();\n}\n", "dropped earlier"),
        ("a.rs", "fn f(a: u32) -> u32 {\n    let mut n: u32 = a;\n    <[n.inc();\n    g(n);]>\n    n\n}\n", "A method may change n"),
    ],
)  # fmt: skip
def test_refuses_what_would_mean_something_else_there(path: str, source: str, reason: str) -> None:
    check_refused(Kind.EXTRACT, {path: source}, reason, "taken")


def test_what_is_written_behind_brackets_and_in_a_macro_comes_back() -> None:
    extract(
        "a.ts",
        "export function f(a: number) {\n  <[(a)++;\n  a! += 4;]>\n  return a;\n}\n",
        "export function f(a: number) {\n  a = taken(a);\n  return a;\n}\n\n"
        "function taken(a: number) {\n  (a)++;\n  a! += 4;\n  return a;\n}\n",
    )
    extract(
        "a.rs",
        "fn f(a: u32) -> u32 {\n    let mut s: u32 = a;\n    <[assert!({ s += 1; true });]>\n    s\n}\n",
        "fn f(a: u32) -> u32 {\n    let mut s: u32 = a;\n    s = taken(s);\n    s\n}\n\n"
        "fn taken(mut s: u32) -> u32 {\n    assert!({ s += 1; true });\n    s\n}\n",
    )


def test_rust_lends_what_goes_in() -> None:
    extract(
        "a.rs",
        "fn f(n: u32) -> u32 {\n    <[g(&n);\n    h(n);]>\n    n\n}\n",
        "fn f(n: u32) -> u32 {\n    taken(n);\n    n\n}\n\nfn taken(n: u32) {\n    g(&n);\n    h(n);\n}\n",
    )


def test_a_module_inside_a_rust_file_gets_its_own_function() -> None:
    extract(
        "a.rs",
        "mod m {\n    fn g(n: u32) {}\n    fn f(n: u32) {\n        <[g(n);]>\n        g(2);\n    }\n}\n",
        "mod m {\n    fn g(n: u32) {}\n    fn f(n: u32) {\n        taken(n);\n        g(2);\n    }\n\n"
        "    fn taken(n: u32) {\n        g(n);\n    }\n}\n",
    )


def test_typescript_keeps_what_is_written_and_what_is_a_literal() -> None:
    extract(
        "a.ts",
        "export function f(n: number) {\n  <[let o: number | string = n;\n  g(o);]>\n  return o;\n}\n",
        "export function f(n: number) {\n  let o: number | string = taken(n);\n  return o;\n}\n\n"
        "function taken(n: number) {\n  let o: number | string = n;\n  g(o);\n  return o;\n}\n",
    )
    extract(
        "a.ts",
        "export function f(n: number) {\n  const k = 'a';\n  <[g(k);\n  g(n);]>\n  return k;\n}\n",
        "export function f(n: number) {\n  const k = 'a';\n  taken(k, n);\n  return k;\n}\n\n"
        "function taken(k: 'a', n: number) {\n  g(k);\n  g(n);\n}\n",
    )


def test_lines_of_a_switch_are_indented_as_the_file_is() -> None:
    extract(
        "a.ts",
        "export function f(n: number) {\n  switch (n) {\n    case 1: {\n      <[g(n);\n      h();]>\n      break;\n    }\n  }\n}\n",
        "export function f(n: number) {\n  switch (n) {\n    case 1: {\n      taken(n);\n      break;\n    }\n  }\n}\n\n"
        "function taken(n: number) {\n  g(n);\n  h();\n}\n",
    )
