"""What functions, types and calls are made of, in each language whose forms are understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from context.anatomy import Anatomy, Call, fits
from context.dissecting import dissect
from context.languages import language_of
from context.workspace import Workspace


def _dissect(path: str, source: str) -> Anatomy:
    language = language_of(path)
    assert language is not None
    return dissect(source, language)


@pytest.mark.parametrize(
    ("path", "source", "expect"),
    [
        (
            "a.py",
            "class A:\n    async def m(self, a, b: int = 3, *args, c=None, **kw) -> int: pass\n",
            "A.m(self, a, b: int = 3, rest args, c = None, keywords kw) int",
        ),
        ("a.py", "def f(é, /, x, *, k): pass\n", "f(é, marker /, x, marker *, k) "),
        (
            "a.ts",
            "class A { m(a, b?: number, ...c: string[]): void {} }",
            "A.m(a, b: number = undefined, rest c: string[]) void",
        ),
        ("a.ts", "export const f = async (a = 1, {b}) => a", "f(a = 1, {b}) "),
        ("a.js", "const g = x => x", "g(x = undefined) "),
        ("a.go", "func (s *S) Add(a, b int, c ...string) (int, error) { return 1, nil }",
         "S.Add(a: int, b: int, rest c: string) (int, error)"),
        ("a.rs", "pub fn f(&self, a: i32) -> i32 { 1 }", "f(self, a: i32) i32"),
        ("A.java", "class A { int f(int a, String... b) { return 1; } }", "A.f(a: int, rest b) "),
        ("a.c", "int h(void) { return 1; }", "h() "),
    ],
)  # fmt: skip
def test_parameters(path: str, source: str, expect: str) -> None:
    (function,) = _dissect(path, source).functions
    assert function.parameters is not None
    shown = ", ".join(
        ("" if p.kind == "plain" else f"{p.kind.value} ")
        + p.name
        + (f": {p.type}" if p.type else "")
        + (f" = {p.default}" if p.default else "")
        for p in function.parameters
    )
    assert f"{function.qualified_name}({shown}) {function.returns}" == expect


def test_offsets_count_code_points() -> None:
    source = 'x = "😀é"\n\n\ndef f(a😀, b): return a\n'.replace("a😀", "aé")
    (function,) = _dissect("a.py", source).functions
    assert source[function.head.start : function.head.end] == "def f(aé, b): "
    assert source[function.body.start : function.body.end] == "return a"
    assert function.parameters is not None
    assert source[: function.parameters[0].end].endswith("(aé")
    assert source[: function.parameters_end].endswith("(aé, b)")


@pytest.mark.parametrize(
    ("path", "source", "doc", "top_line"),
    [
        ("a.py", 'def f():\n    """D.\n\n    E."""\n    return 1\n', '"""D.\n\n    E."""', 1),
        ("a.py", "# no doc\ndef f():\n    return 1\n", None, 2),
        ("a.rs", "/// D\n/// E\n#[inline]\nfn f() {}\n", "/// D\n/// E", 3),
        ("a.ts", "/** D */\nexport const f = () => 1\n", "/** D */", 2),
        ("a.ts", "class A {\n  /** D */\n  @dec\n  m() {}\n}\n", "/** D */", 3),
        ("a.go", "// D\n// E\nfunc F() {}\n", "// D\n// E", 3),
        ("A.java", "class A {\n  /** D */\n  @Override\n  void f() {}\n}\n", "/** D */", 3),
        ("a.rb", "# D\ndef f\n  1\nend\n", "# D", 2),
    ],
)
def test_docs_are_found_with_the_line_that_a_new_one_goes_above(
    path: str, source: str, doc: str | None, top_line: int
) -> None:
    (function,) = _dissect(path, source).functions
    found = source[function.doc.start : function.doc.end] if function.doc else None
    assert (found, function.top_line) == (doc, top_line)


@pytest.mark.parametrize(
    ("path", "source", "doc", "top_line"),
    [
        ("a.py", '@dec\nclass A(B):\n    """D."""\n\n    x = 1\n', '"""D."""', 1),
        ("a.py", "# no doc\nclass A:\n    pass\n", None, 2),
        ("a.ts", "/** D */\n@dec\nexport class A {}\n", "/** D */", 2),
        ("a.ts", "/** D */\nexport type A = { b: number }\n", "/** D */", 2),
        ("a.go", "// D\ntype A struct {\n\tB int\n}\n", "// D", 2),
        ("a.go", "// No\ntype (\n\t// D\n\tA struct{}\n)\n", "// D", 4),
        ("a.rs", "/// D\n#[derive(Debug)]\npub enum A { B }\n", "/// D", 2),
        ("a.rs", "/// D\npub struct A;\n", "/// D", 2),
        ("A.java", "/** D */\n@B\nrecord A(int b) {}\n", "/** D */", 2),
        ("a.c", "/* D */\ntypedef struct A { int b; } A;\n", "/* D */", 2),
        ("a.cpp", "/** D */\ntemplate <class T>\nclass A : B {};\n", "/** D */", 2),
        ("a.kt", "/** D */\nenum class A { C }\n", "/** D */", 2),
        ("a.rb", "# D\nmodule A\nend\n", "# D", 2),
        ("a.lua", "--- D\nlocal A = {}\n", "--- D", 2),
    ],
)
def test_types_have_docs_as_functions_have(
    path: str, source: str, doc: str | None, top_line: int
) -> None:
    (type_,) = _dissect(path, source).types
    found = source[type_.doc.start : type_.doc.end] if type_.doc else None
    assert (type_.name, found, type_.top_line) == ("A", doc, top_line)


def test_around_a_line_is_the_innermost_definition() -> None:
    source = "class A:\n    x = 1\n\n    class B:\n        def m(self):\n            return 1\n"
    found = _dissect("a.py", source)
    names = [d and d.qualified_name for d in map(found.definition_around, range(1, 7))]
    assert names == ["A", "A", "A", "A.B", "A.B.m", "A.B.m"]
    assert found.around(2) is None
    (one_line,) = _dissect("A.java", "class A { int f() { return 1; } }").functions
    assert _dissect("A.java", "class A { int f() { return 1; } }").definition_around(1) == one_line


@pytest.mark.parametrize(
    ("path", "before", "after", "is_same"),
    [
        ("a.py", "def f():\n    return 1\n", 'def f():\n    "D"\n    # c\n    return 1\n', True),
        ("a.py", "def f():\n    return 1\n", "def f():\n    return 2\n", False),
        ("a.py", "def f():\n    return 1\n", "def f():\n    x\n    'D'\n    return 1\n", False),
        ("a.py", "if a:\n    b\n    c\n", "if a:\n    b\nc\n", False),
        ("a.py", "x = 'a'\n", "x = 'b'\n", False),
        ("a.ts", "f()\n", "/** D */\nf() // e\n", True),
        ("a.ts", "f()\n", "/** D */ g()\nf()\n", False),
        ("a.rs", "fn f() {}\n", "/// D\nfn f() {}\n", True),
        ("a.go", "package a\n", "// D\npackage a\n", True),
    ],
)
def test_the_skeleton_tells_comments_from_code(
    path: str, before: str, after: str, *, is_same: bool
) -> None:
    assert (_dissect(path, before).skeleton == _dissect(path, after).skeleton) is is_same


@pytest.mark.parametrize(
    ("head", "call", "expect"),
    [
        ("def f(a, b)", "f(1, 2)", True),
        ("def f(a, b)", "f(1)", False),
        ("def f(a, b)", "f(1, 2, 3)", False),
        ("def f(a, b=1)", "f(1)", True),
        ("def f(a, *, b)", "f(1, 2)", False),
        ("def f(a, *, b)", "f(1, b=2)", True),
        ("def f(a, *, b)", "f(1)", False),
        ("def f(a, *rest)", "f(1, 2, 3)", True),
        ("def f(a, **kw)", "f(1, z=3)", True),
        ("def f(a)", "f(1, z=3)", False),
        ("def f(a)", "f(*x)", True),
        ("def f(a)", "f(**x)", True),
        ("def f()", "f(g())", False),
    ],
)
def test_whether_a_call_fits(head: str, call: str, *, expect: bool) -> None:
    found = _dissect("a.py", f"{head}: pass\n\n{call}\n")
    calls = [c for c in found.calls if c.name == "f"]
    assert fits(found.functions[0], calls[0]) is expect


def test_a_methods_receiver_is_given_by_the_object() -> None:
    found = _dissect("a.py", "class A:\n    def m(self, a): pass\n")
    method = found.functions[0]
    assert fits(method, Call("m", 1, 1, (), spreads=False, on_object=True))
    assert fits(method, Call("m", 1, 2, (), spreads=False, on_object=True))  # A.m(a, 1)
    assert not fits(method, Call("m", 1, 3, (), spreads=False, on_object=True))


async def test_calls_elsewhere_are_those_that_mean_this_file(tmp_path: Path) -> None:
    root = tmp_path / "p"
    root.mkdir()
    (root / "shop.py").write_text("def total(a, b):\n    return a\n\ndef get(x):\n    return x\n")
    (root / "uses.py").write_text("from shop import total\n\nprint(total(1, 2))\nd.get(1)\n")
    (root / "other.py").write_text("def total(x):\n    return x\n\ntotal(1)\n")
    workspace = await Workspace.open(root, tmp_path / "cache")
    try:
        await workspace.index(lambda _: None)
        found = await workspace.calls_to("shop.py", ["total", "get"])
        assert [(c.path, c.call.name, c.call.line) for c in found] == [("uses.py", "total", 3)]
        assert await workspace.files() == ["other.py", "shop.py", "uses.py"]
    finally:
        await workspace.close()


def test_in_go_one_call_may_stand_for_several_arguments() -> None:
    source = "package a\nfunc F(a, b int) {}\nfunc G() { F(h()); F(1) }\n"
    found = _dissect("a.go", source)
    calls = [c for c in found.calls if c.name == "F"]
    assert [fits(found.functions[0], c) for c in calls] == [True, False]


def test_calls_in_rusts_macros_are_calls_whose_arguments_are_not_counted() -> None:
    source = "fn t() {\n    assert_eq!(\n        mean(&[1]),\n        s.pop(vec![x]));\n}\n"
    calls = _dissect("a.rs", source).calls
    assert [(c.name, c.line, c.spreads, c.on_object) for c in calls] == [
        ("mean", 3, True, False),
        ("pop", 4, True, True),
    ]
