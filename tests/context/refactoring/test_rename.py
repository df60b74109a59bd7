"""Rename for meaning: every use in every file, and a refusal wherever one cannot be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from context.refactoring import Kind, Refactoring, Refused
from context.refactoring.carry import carry_out
from context.refactoring.sources import Sources
from tests.context.refactoring.checking import Files, check, check_refused


def rename(files: Files, name: str, expect: Files) -> None:
    check(Kind.RENAME, files, expect, name)


def refuse(files: Files, name: str, reason: str) -> None:
    check_refused(Kind.RENAME, files, reason, name)


def test_python_over_files_with_its_exports_and_format_strings() -> None:
    rename(
        {
            "p/__init__.py": "from p.a import total\n\n__all__ = ['total']\n",
            "p/a.py": "def <>total(xs):\n    s = sum(xs)\n    return f'{s} é😀', s\n",
            "q.py": "import p.a as m\nfrom p import total as t\n\nprint(m.total([1]), t([2]))\n",
        },
        "sum_of",
        {
            "p/__init__.py": "from p.a import sum_of\n\n__all__ = ['sum_of']\n",
            "p/a.py": "def sum_of(xs):\n    s = sum(xs)\n    return f'{s} é😀', s\n",
            "q.py": "import p.a as m\nfrom p import sum_of as t\n\nprint(m.sum_of([1]), t([2]))\n",
        },
    )


def test_python_keeps_crlf_and_what_is_not_ascii() -> None:
    rename(
        {
            "a.py": "'''😀'''\r\ndef f(<>größe):\r\n    x = größe  # größe\r\n    return f'{größe}é'\r\n"
        },
        "size",
        {"a.py": "'''😀'''\r\ndef f(size):\r\n    x = size  # größe\r\n    return f'{size}é'\r\n"},
    )


def test_python_a_method_with_its_calls_on_known_objects() -> None:
    rename(
        {
            "a.py": "class A:\n    def <>run(self):\n        return self.run\n\n\n"
            "class B(A):\n    def run(self):\n        return self.run()\n",
            "b.py": "from a import B\n\nB().run()\n",
        },
        "start",
        {
            "a.py": "class A:\n    def start(self):\n        return self.start\n\n\n"
            "class B(A):\n    def start(self):\n        return self.start()\n",
            "b.py": "from a import B\n\nB().start()\n",
        },
    )


@pytest.mark.parametrize(
    ("source", "name", "reason"),
    [
        ("def f(<>a):\n    b = 1\n    return a + b\n", "b", "in use already at a.py:2"),
        ("def f(<>a):\n    return a\n", "class", "means something of its own"),
        ("def f(<>a):\n    return a\n", "print", "means something of its own"),
        ("def f(<>a):\n    return a\n", "no name", "is no name in python"),
        ("def f(<>a):\n    return a\n", "a", "called a already"),
        ("class A:\n    def <>go(self): pass\n\n\ndef f(x): x.go()\n", "run", "cannot be told"),
        ("def <>go(): pass\n\n\nprint(getattr(m, 'go'))\n", "run", "has “go” in a string"),
        ("import x\n\n\n@x.task\ndef <>go(): pass\n", "run", "decorator task may use the name"),
        ("import x\n\n\nclass A(x.B):\n    def <>go(self): pass\n", "run", "derives from B"),
        (
            "class A:\n    <>k = 1\n    def f(self): return self.k\n\n\nclass B(A):\n    k = 2\n",
            "m",
            "its own k",
        ),
        ("import <>os\n", "system", "no name here whose definition"),
        ("def test_a(<>client): pass\n", "c", "pytest gives arguments"),
        ("def f(<>a): return a\n\n\nf(a=1).g\nh = f\nh(a=2)\nsuper(a=3)\n", "b", "as a keyword"),
        ("class A:\n    def <>__len__(self): return 1\n", "size", "Python itself calls"),
        ("def f(<>a:\n    return a\n", "b", "syntax error"),
    ],
)
def test_python_refuses_with_the_reason(source: str, name: str, reason: str) -> None:
    refuse({"a.py": source}, name, reason)


def test_typescript_over_modules_re_exports_and_shorthands() -> None:
    rename(
        {
            "a.ts": "export function <>total(items: number[]) {\n  return items.length;\n}\n"
            "const shadow = (total: number) => ({ total });\n",
            "i.ts": "export * from './a.js';\n",
            "b.ts": "import { total } from './i';\nimport * as m from './a';\n"
            "console.log({ total }, m.total([1]), 'a total');\n",
            "c.ts": "const total = 1;\nexport default total;\n",
        },
        "sumOf",
        {
            "a.ts": "export function sumOf(items: number[]) {\n  return items.length;\n}\n"
            "const shadow = (total: number) => ({ total });\n",
            "b.ts": "import { sumOf } from './i';\nimport * as m from './a';\n"
            "console.log({ total: sumOf }, m.sumOf([1]), 'a total');\n",
        },
    )


def test_typescript_patterns_blocks_types_and_hoisting() -> None:
    source = (
        "export function f({ rate, ...rest }: Opts) {\n"
        "  use(<>k);\n  var k = rate;\n  { let k = 1; use(k); }\n"
        "  for (const [k] of rest) use(k);\n  return () => k + `${k}`;\n}\n"
    )
    rename(
        {"a.ts": source},
        "factor",
        {
            "a.ts": "export function f({ rate, ...rest }: Opts) {\n"
            "  use(factor);\n  var factor = rate;\n  { let k = 1; use(k); }\n"
            "  for (const [k] of rest) use(k);\n  return () => factor + `${factor}`;\n}\n"
        },
    )
    rename(
        {"a.ts": "export function f({ <>rate }: Opts) {\r\n  return rate * 2; // rate 😀\r\n}\r\n"},
        "factor",
        {
            "a.ts": "export function f({ rate: factor }: Opts) {\r\n  return factor * 2; // rate 😀\r\n}\r\n"
        },
    )


def test_typescript_private_members_that_only_this_is_asked_for() -> None:
    rename(
        {"a.ts": "export class A {\n  private <>n = 0;\n  inc() { this.n++; }\n}\n"},
        "count",
        {"a.ts": "export class A {\n  private count = 0;\n  inc() { this.count++; }\n}\n"},
    )


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.ts": "export const <>k = 1;\n", "b.ts": "const { k } = require('./a');\n"}, "not followed"),
        ({"a.ts": "export const <>k = 1;\n", "b.ts": "import { k } from '@/a';\n"}, "alias of the build"),
        ({"a.ts": "export const <>k = 1;\n", "b.ts": "import * as m from './a';\nf(m, m.k);\n"}, "whole module"),
        ({"a.ts": "export const <>k = 1;\n", "b.ts": "import { k } from './gone';\n"}, "not known"),
        ({"a.ts": "const <>k = 1;\n"}, "is no module"),
        ({"a.ts": "export class A {\n  <>k = 1;\n}\n"}, "objects of unknown type"),
        ({"a.ts": "export const <>k = 1;\nconst o = { 'k': k };\n"}, "stands in a string"),
        ({"a.ts": "export class A {\n  constructor(private <>k: number) {}\n}\n"}, "property, too"),
    ],
)  # fmt: skip
def test_typescript_refuses_with_the_reason(files: Files, reason: str) -> None:
    refuse(files, "renamed", reason)


def test_go_scopes_short_declarations_and_the_packages_own_names() -> None:
    rename(
        {
            "p/a.go": "package p\n\nfunc <>total(xs []int) int {\n\ttotal := 0\n\tfor _, x := range xs {\n"
            "\t\ttotal += x\n\t}\n\treturn total\n}\n",
            "p/b.go": "package p\n\nvar n = total(nil)\n",
            "q/c.go": "package q\n\nfunc total() {}\n",
        },
        "sumOf",
        {
            "p/a.go": "package p\n\nfunc sumOf(xs []int) int {\n\ttotal := 0\n\tfor _, x := range xs {\n"
            "\t\ttotal += x\n\t}\n\treturn total\n}\n",
            "p/b.go": "package p\n\nvar n = sumOf(nil)\n",
        },
    )
    rename(
        {"a.go": "package p\n\nfunc f(x int) {\n\tif <>x := x + 1; x > 2 {\n\t\tg(x, S{x: x})\n\t}\n\tg(x)\n}\n\ntype S struct{ x int }\n"},
        "next",
        {"a.go": "package p\n\nfunc f(x int) {\n\tif next := x + 1; next > 2 {\n\t\tg(next, S{x: next})\n\t}\n\tg(x)\n}\n\ntype S struct{ x int }\n"},
    )  # fmt: skip


def test_rust_what_has_no_name_gets_none() -> None:
    refuse({"src/lib.rs": "fn f(<>_: u32) {}\n"}, "guard", "There is no name here")


def test_go_a_method_that_only_its_package_sees() -> None:
    rename(
        {"a.go": "package p\n\ntype T struct{}\n\nfunc (t *T) <>grow() {}\n\nfunc f(t any) { t.(*T).grow() }\n"},
        "extend",
        {"a.go": "package p\n\ntype T struct{}\n\nfunc (t *T) extend() {}\n\nfunc f(t any) { t.(*T).extend() }\n"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("package p\n\ntype <>t struct{}\n\ntype u struct{ t }\n", "embedded in a struct"),
        ("package p\n\nfunc (a A) <>Close() {}\n", "other packages, whose interfaces"),
        ("package p\n\nfunc (a A) <>run() {}\nfunc (b B) run() {}\n", "2 types of this package"),
        ("package p\n\ntype I interface{ <>run() }\n", "belongs to an interface"),
        ("package p\n\nfunc <>main() {}\n", "called by Go itself"),
        ("package p\n\n//go:linkname k x.k\nfunc <>k()\n", "names it to the compiler"),
        ("package p\n\nfunc f(<>k int) { g(m.T{k: k}) }\n", "may be a field"),
        ("package p\n\nfunc f() {\n\tfor <>_, x := range g() {\n\t\th(x)\n\t}\n}\n", "is no name"),
    ],
)
def test_go_refuses_with_the_reason(source: str, reason: str) -> None:
    refuse({"a.go": source}, "Renamed" if "Close" in source else "renamed", reason)


def test_java_private_members_and_locals() -> None:
    rename(
        {
            "A.java": "class A {\n    private int <>cnt;\n    void f(A other, B b) {\n"
            "        int n = this.cnt + other.cnt + b.cnt;\n        cnt = n;\n    }\n}\n"
        },
        "count",
        {
            "A.java": "class A {\n    private int count;\n    void f(A other, B b) {\n"
            "        int n = this.count + other.count + b.cnt;\n        count = n;\n    }\n}\n"
        },
    )
    rename(  # an argument of a new object is no part of its class
        {
            "A.java": "class A {\n    private int <>cnt;\n    A f() {\n        g(new B(this.cnt) { int cnt;\n"
            "            int h() { return this.cnt; }\n        });\n        return new A(this.cnt);\n    }\n}\n"
        },
        "count",
        {
            "A.java": "class A {\n    private int count;\n    A f() {\n        g(new B(this.count) { int cnt;\n"
            "            int h() { return this.cnt; }\n        });\n        return new A(this.count);\n    }\n}\n"
        },
    )  # fmt: skip
    rename(
        {"A.java": "class A {\n    int n;\n    int f() {\n        int k = n;\n        int <>n = k;\n        return n + this.n + n();\n    }\n    int n() { return 1; }\n}\n"},
        "result",
        {"A.java": "class A {\n    int n;\n    int f() {\n        int k = n;\n        int result = k;\n        return result + this.n + n();\n    }\n    int n() { return 1; }\n}\n"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("class A {\n    int <>k;\n}\n", "is not private"),
        ("class A {\n    private int <>k;\n    int f() { return g().k; }\n}\n", "cannot be told"),
        ("class A {\n    private void <>k() {}\n    private void k(int a) {}\n}\n", "several methods"),
        ("class A {\n    @Inject private int <>k;\n}\n", "may be used by its name"),
        ("class A {\n    private int <>k;\n    class B extends C { int f() { return k; } }\n}\n", "inherited"),
        ("class A {\n    void f(Object o) {\n        if (o instanceof String <>k) g(k);\n    }\n}\n", "by a pattern"),
        ("public class <>K {}\n", "other files may name"),
    ],
)  # fmt: skip
def test_java_refuses_with_the_reason(source: str, reason: str) -> None:
    refuse({"A.java": source}, "Renamed" if "K {" in source else "renamed", reason)


def test_rust_lets_that_replace_each_other_paths_and_macros() -> None:
    rename(
        {"src/lib.rs": "fn f(x: u32) -> u32 {\n    let <>x = x + 1;\n    println!(\"{}\", x);\n    let x = x * 2;\n    x\n}\n"},
        "next",
        {"src/lib.rs": "fn f(x: u32) -> u32 {\n    let next = x + 1;\n    println!(\"{}\", next);\n    let x = next * 2;\n    x\n}\n"},
    )  # fmt: skip
    rename(
        {
            "src/lib.rs": "mod u;\nfn <>area(w: u32) -> u32 { w }\n\nmod tests {\n    use super::*;\n"
            "    fn t() { assert_eq!(area(1), 1); }\n}\n",
            "src/u.rs": "use crate::area;\npub fn f() -> u32 { area(1) + super::area(2) }\n",
        },
        "surface",
        {
            "src/lib.rs": "mod u;\nfn surface(w: u32) -> u32 { w }\n\nmod tests {\n    use super::*;\n"
            "    fn t() { assert_eq!(surface(1), 1); }\n}\n",
            "src/u.rs": "use crate::surface;\npub fn f() -> u32 { surface(1) + super::surface(2) }\n",
        },
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("fn f(<>k: u32) { println!(\"{k}\"); }\n", "format string"),
        ("fn f(<>k: u32) { my_macro!(k); }\n", "is in the macro my_macro"),
        ("fn <>k() {}\nmod n { pub use super::k; }\n", "exports it again"),
        ("struct S { <>k: u32 }\nfn f(s: S) -> u32 { s.k }\n", "cannot be told"),
        ("struct S { pub <>k: u32 }\n", "is public"),
        ("fn <>main() {}\n", "from outside"),
        ("fn f(a: Option<u32>) { match a { Some(<>k) if k > 1 => g(k), _ => m!(k) } }\n", ""),
    ],
)  # fmt: skip
def test_rust_refuses_with_the_reason(source: str, reason: str) -> None:
    if not reason:  # what is outside of the arm is another name
        rename({"src/lib.rs": source}, "renamed", {
            "src/lib.rs": "fn f(a: Option<u32>) { match a { Some(renamed) if renamed > 1 => "
            "g(renamed), _ => m!(k) } }\n"})  # fmt: skip
        return
    refuse({"src/lib.rs": source}, "renamed", reason)


def test_files_without_rules_are_refused() -> None:
    refuse({"a.rb": "def <>f; end\n"}, "g", "does not refactor files like a.rb")


K = "export const <>k = 1;\n"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.ts": K, "b.ts": "import * as m from './a';\nexport { m };\n"}, "whole module"),
        ({"a.ts": K, "b.ts": "import * as m from './a';\nexport const o = { ...m };\n"}, "whole module"),
        ({"a.ts": K, "b.ts": "export const load = () => import('./a');\n"}, "not followed"),
        ({"a.ts": K, "b.ts": "export const load = () => import(`./a`);\n"}, "not followed"),
        ({"a.ts": K, "b.ts": "export const load = (n: string) => import('./' + n);\n"}, "not followed"),
        ({"a.ts": K, "b.ts": "import * as m from '@/a';\nm.k;\n"}, "alias of the build"),
        ({"a.ts": K, "b.ts": "import { 'k' as q } from './a';\nq;\n"}, "by a string"),
        ({"a.ts": K, "b.ts": "export * from './a';\nexport * from './d';\n", "d.ts": "export const renamed = 2;\n"}, "in use already at d.ts:1"),
        ({"a.ts": K, "b.ts": "export * from './a';\nconst renamed = 1;\n"}, "in use already at b.ts:2"),
        ({"a.ts": "export type I<T> = T extends Array<infer <>U> ? U : U;\n"}, "inferred under its name"),
        ({"a.js": "function f() {\n  if (1) { function <>k() {} }\n  return k();\n}\n"}, "in a block of a script"),
        ({"a.ts": "export class A {\n  private <>k = 1;\n  f() { const { k } = this; return k; }\n}\n"}, "taken out of an object"),
        ({"a.ts": "export class A {\n  private <>k = 1;\n  f() { return function (this: any) { return this.k; }; }\n}\n"}, "cannot be told"),
        ({"a.ts": "export class A {\n  private <>k = 1;\n  f(n: string) { return (this as any)['o' + n]; }\n}\n"}, "by their names"),
        ({"a.ts": "export class A {\n  private <>k = 1;\n}\n", "b.ts": "import { A } from './a';\nnew A()['k'];\n"}, "object of any type"),
        ({"a.ts": "export class A {\n  private <>k = 1;\n}\n", "b.ts": "import { A } from './a';\n(new A() as any).k;\n"}, "object of any type"),
        ({"a.ts": "export class A {\n  private <>k = 1;\n}\n", "b.ts": "import { A } from './a';\nexport class B extends A {\n  renamed = 2;\n}\n"}, "above or below"),
    ],
)  # fmt: skip
def test_typescript_refuses_what_reaches_a_name_in_another_way(files: Files, reason: str) -> None:
    refuse(files, "renamed", reason)


def test_typescript_what_a_module_exports_itself_hides_what_it_passes_on() -> None:
    for own in ("export const k = 2;\n", "const z = 2;\nexport { z as k };\n"):
        rename(
            {
                "a.ts": K,
                "b.ts": f"export * from './a';\n{own}",
                "c.ts": "import { k } from './b';\nk;\n",
            },
            "renamed",
            {"a.ts": "export const renamed = 1;\n"},
        )


def test_typescript_types_are_passed_on_by_a_star_of_types() -> None:
    rename(
        {
            "a.ts": "export interface <>Foo { n: number }\n",
            "b.ts": "export type * from './a';\n",
            "c.ts": "import type { Foo } from './b';\nlet x: Foo;\n",
        },
        "Bar",
        {
            "a.ts": "export interface Bar { n: number }\n",
            "c.ts": "import type { Bar } from './b';\nlet x: Bar;\n",
        },
    )


def test_a_hidden_member_keeps_its_sign() -> None:
    source = "export class A {\n  #<>k = 1;\n  f(o: A) { return o.#k; }\n}\n"
    expect = "export class A {\n  #m = 1;\n  f(o: A) { return o.#m; }\n}\n"
    rename({"a.ts": source}, "m", {"a.ts": expect})
    rename({"a.ts": source}, "#m", {"a.ts": expect})


def test_the_case_of_a_first_letter_matters_where_it_says_something() -> None:
    rename(
        {"a.go": "package p\n\nfunc f(<>k int) { g(k) }\n"},
        "N",
        {"a.go": "package p\n\nfunc f(N int) { g(N) }\n"},
    )
    refuse({"a.go": "package p\n\nfunc <>k() {}\n"}, "N", "other case")
    refuse({"src/lib.rs": "fn f(<>k: u32) { g(k) }\n"}, "N", "with a capital")


def test_go_a_type_switch_names_what_it_asks_before_it_declares_it() -> None:
    source = (
        "package p\n\nfunc f({}x any) {{\n\tswitch {}x := x.(type) {{\n"
        "\tcase int:\n\t\tg(x)\n\t}}\n}}\n"
    )
    rename(
        {"a.go": source.format("<>", "")},
        "v",
        {"a.go": source.format("", "").replace("(x any", "(v any").replace(":= x.", ":= v.")},
    )
    rename(
        {"a.go": source.format("", "<>")},
        "v",
        {"a.go": source.format("", "").replace("x :=", "v :=").replace("g(x)", "g(v)")},
    )


AREA = "pub fn <>area() -> u32 { 1 }\n"


@pytest.mark.parametrize(
    ("files", "name", "reason"),
    [
        ({"a.go": "package p\n\ntype <>g[T any] struct{ v T }\n\ntype S struct{ g[int] }\n"}, "renamed", "embedded in a struct"),
        ({"a.go": "package p\n\nfunc <>Total() {}\n", "a_test.go": "package p\n\nfunc ExampleTotal() {}\n"}, "Sum", "An example in a_test.go"),
        ({"a.go": "package p\n\nfunc f(<>k string) m { return m{k: 1} }\n\ntype m map[string]int\n\nfunc g() {\n\ttype m struct{ k int }\n}\n"}, "renamed", "may be a field"),
        ({"A.java": "class A {\n    enum E {\n        X { int f() { return k(); } };\n        private static int <>k() { return 1; }\n    }\n}\n"}, "renamed", "cannot be told"),
        ({"A.java": "class A {\n    void f() {\n        int <>k = 1;\n        new B() { int g() { return k; } };\n    }\n}\nclass B {\n    int k = 2;\n}\n"}, "renamed", "may be inherited"),
        ({"A.java": "class A extends B {\n    private void <>k(int n) {}\n}\n", "B.java": "class B {\n    void k(String n) {}\n}\n"}, "renamed", "may be inherited"),
        ({"A.java": "class A {\n    static class N {\n        private int <>q;\n    }\n    int f(A.N n) { return n.q; }\n}\n"}, "renamed", "cannot be told"),
        ({"src/lib.rs": "fn f(s: S) { let S { mut <>a } = s; }\n"}, "renamed", "with ref or mut"),
        ({"src/lib.rs": "fn f(<>x: u32) { println!(\"{}\", S { x }.x); }\n"}, "renamed", "a field and a variable at once"),
        ({"src/lib.rs": "fn f(<>x: u32) { println!(\"{}\", stringify!(x)); }\n"}, "renamed", "in the macro stringify"),
        ({"src/lib.rs": "fn f(<>w: usize) { println!(\"{:w$}\", 1); }\n"}, "renamed", "format string"),
        ({"src/lib.rs": "const <>k: u32 = 2;\nfn f(n: u32) -> u32 { match n { k => 1, _ => 0 } }\n"}, "renamed", "may be the constant"),
        ({"src/lib.rs": "mod u;\nmod v;\n", "src/u.rs": AREA, "src/v.rs": "pub use crate::u::*;\n"}, "renamed", "by other paths"),
        ({"src/lib.rs": "mod u;\nuse u as w;\nfn f() { w::area(); }\n", "src/u.rs": AREA}, "renamed", "by other paths"),
        ({"src/lib.rs": "mod u;\nuse self::u::{self as q};\nfn f() { q::area(); }\n", "src/u.rs": AREA}, "renamed", "by other paths"),
        ({"src/lib.rs": "#[path = \"u.rs\"]\nmod w;\nfn f() { w::area(); }\n", "src/u.rs": AREA}, "renamed", "by other paths"),
        ({"src/lib.rs": "include!(\"u.rs\");\nfn f() { area(); }\n", "src/u.rs": AREA}, "renamed", "by other paths"),
    ],
)  # fmt: skip
def test_refuses_what_reaches_a_name_in_another_way(files: Files, name: str, reason: str) -> None:
    refuse(files, name, reason)


def test_rust_a_star_of_an_enum_names_it() -> None:
    rename(
        {"src/lib.rs": "enum <>Tee { A, B }\nuse Tee::*;\nfn f() -> Tee { A }\n"},
        "Ewe",
        {"src/lib.rs": "enum Ewe { A, B }\nuse Ewe::*;\nfn f() -> Ewe { A }\n"},
    )


def test_go_a_package_under_two_names_and_a_type_embedded_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module ex.com/m\n")
    texts = {
        "p/a.go": "package p\n\ntype Total struct{ A int }\n",
        "b.go": 'package main\n\nimport (\n\tpp "ex.com/m/p"\n\t"ex.com/m/p"\n)\n\n'
        "var a, b = pp.Total{}, p.Total{}\n",
    }
    asked = Refactoring(Kind.RENAME, "p/a.go", 16, 16, "Sum")
    done = carry_out(Sources(tmp_path, dict.fromkeys(texts, "go"), texts), asked)
    assert [e.path for e in done.edits] == ["b.go", "b.go", "p/a.go"]
    texts["b.go"] = (
        'package main\n\nimport "ex.com/m/p"\n\ntype q struct{ *p.Total }\n\nvar a = q{}.Total\n'
    )
    with pytest.raises(Refused, match=r"embedded in a struct at b\.go:5"):
        carry_out(Sources(tmp_path, dict.fromkeys(texts, "go"), texts), asked)


def test_java_a_variable_of_one_case_is_that_of_the_next() -> None:
    source = (
        "class A {{\n    void f(int n) {{\n        switch (n) {{\n            case 1:\n"
        "                int {0} = 1;\n                break;\n            case 2:\n"
        "                {1} = 2;\n                g({1});\n        }}\n    }}\n}}\n"
    )
    rename({"A.java": source.format("<>k", "k")}, "m", {"A.java": source.format("m", "m")})
