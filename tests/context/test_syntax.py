"""Outlines of nine languages, from small sources and sources that are broken or hostile.

The other languages are in test_languages.py.
"""

from __future__ import annotations

import pytest

from context.languages import is_test_path, language_named, language_of
from context.outline import Outline, ReferenceRole
from context.syntax import outline, problems
from context.text import Text, encode

SOURCES: dict[str, tuple[str, list[str], set[str], set[str], set[str]]] = {
    # language: source, symbols, calls, bases, imported modules
    "python": (
        "import os.path as p\nfrom a.b import c, d as e\n\n"
        '@deco\nclass A(B, m.C):\n    """Doc."""\n'
        '    async def f(self):\n        def inner(): pass\n        raise X("a long message")\n',
        ["A", "A.f"], {"X"}, {"B", "C"}, {"a.b", "os.path"},
    ),
    "javascript": (
        'import {a} from "x";\nclass A extends B { m() { foo() } }\n'
        "export const f = () => g();\nA.prototype.z = function () {};\n"
        'module.exports.q = function () {};\nconst fs = require("fs");\n',
        ["A", "A.m", "f", "A.z", "q"], {"foo", "g", "require"}, {"B"}, {"x", "fs"},
    ),
    "typescript": (
        'import { a } from "./x";\nexport abstract class A extends B implements C {\n'
        "  private x = () => 1;\n  m(): void { y() }\n}\ninterface I extends J {}\n"
        "export function f<T>(a: T) {}\n",
        ["A", "A.x", "A.m", "I", "f"], {"y"}, {"B", "C", "J"}, {"./x"},
    ),
    "tsx": ("export const C = () => <div>{f()}</div>\n", ["C"], {"f"}, set(), set()),
    "go": (
        'package p\nimport "fmt"\ntype T struct { B; x int }\n// M does it.\n'
        'func (t *T[K]) M() { fmt.Println("hello world") }\nfunc F() {}\n',
        ["T", "T.M", "F"], {"Println"}, {"B"}, {"fmt"},
    ),
    "java": (
        "import a.b.C;\nclass A extends B implements I {\n  A() {}\n"
        '  void m() { new C().f("hello world"); }\n  class In { void k() {} }\n}\n',
        ["A", "A.A", "A.m", "A.In", "A.In.k"], {"C", "f"}, {"B", "I"}, {"a.b.C"},
    ),
    "rust": (
        "use a::b;\nstruct S;\nimpl<T> Tr for S<T> {\n  fn m(&self) { f() }\n}\n"
        "trait Q { fn d() {} }\nmacro_rules! mm { () => {} }\n",
        ["S", "S.m", "Q", "Q.d", "mm"], {"f"}, {"Tr"}, {"a::b"},
    ),
    "c": (
        "#include <stdio.h>\nstatic int *f(int a) { return g(a); }\nstruct s { int a; };\n"
        "#define M(x) x\n",
        ["f", "s", "M"], {"g"}, set(), {"stdio.h"},
    ),
    "cpp": (
        '#include "x.h"\nnamespace n {\nclass A : public B { int m() { return 1; } };\n'
        "template<class T> T A<T>::q(int a) { return f(); }\n}\n",
        ["A", "A.m", "A.q"], {"f"}, {"B"}, {"x.h"},
    ),
}  # fmt: skip


def _outline(language: str, source: str) -> Outline:
    found = language_named(language)
    assert found is not None
    return outline(source.encode(), found)


@pytest.mark.parametrize("language", SOURCES)
def test_a_source_becomes_symbols_references_and_imports(language: str) -> None:
    source, symbols, calls, bases, imports = SOURCES[language]
    found = _outline(language, source)
    assert [s.qualified_name for s in found.symbols] == symbols
    by_role = {role: {r.name for r in found.references if r.role is role} for role in ReferenceRole}
    assert by_role[ReferenceRole.CALL] == calls
    assert by_role[ReferenceRole.BASE] == bases
    assert {i.module for i in found.imports} == imports
    assert found.problems == ()


def test_a_symbol_has_its_decorators_its_signature_and_its_doc() -> None:
    source = '@a\n@b\ndef f(x,\n      y):\n    """Do it.\n\n    Well."""\n'
    (symbol,) = _outline("python", source).symbols
    assert (symbol.start_line, symbol.end_line) == (1, 7)
    assert symbol.signature == "def f(x, y):"
    assert symbol.doc == "Do it. Well."


def test_what_nests_in_a_function_belongs_to_it() -> None:
    found = _outline("python", "def f():\n    class C:\n        def g(self): pass\n    return C\n")
    assert [s.qualified_name for s in found.symbols] == ["f"]


def test_messages_are_literals_and_docstrings_are_not() -> None:
    found = _outline("python", '"""A module about things."""\nraise E("no such thing here")\n')
    assert [(li.text, li.line) for li in found.literals] == [("no such thing here", 2)]


@pytest.mark.parametrize(
    ("source", "what"),
    [("def f(:\n  pass\n", "missing )"), ("x = (1,\n", "unexpected text"), ("", None)],
)
def test_problems_are_data(source: str, what: str | None) -> None:
    language = language_of("a.py")
    assert language is not None
    found = problems(source.encode(), language)
    assert [p.what for p in found][:1] == ([what] if what else [])


def test_positions_hold_with_form_feeds_crlf_and_astral_characters() -> None:
    source = 'x = "😀"\r\n\x0c\r\ndef f():\r\n    return "é"\r\n'
    (symbol,) = _outline("python", source).symbols
    assert (symbol.start_line, symbol.end_line) == (3, 4)
    text = source.encode()[symbol.start_byte : symbol.end_byte].decode()
    assert text == 'def f():\r\n    return "é"'


@pytest.mark.parametrize("opening", ["(", "[", "{", "if x:\n "])
def test_deep_nesting_does_not_end_the_process(opening: str) -> None:
    assert _outline("python", opening * 20_000).language == "python"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/test_a.py", True), ("test/a.go", True), ("a/b_test.go", True),
        ("src/test/java/A.java", True), ("src/a.spec.ts", True), ("pkg/conftest.py", True),
        ("django/test/client.py", False), ("sympy/testing/runtests.py", False),
        ("src/latest.py", False), ("src/contest.py", False),
    ],
)  # fmt: skip
def test_files_that_are_there_to_test_are_known(path: str, expected: bool) -> None:  # noqa: FBT001
    assert is_test_path(path) is expected


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r", "\r\r\n"])
def test_lines_are_those_of_the_protocol_whatever_ends_them(eol: str) -> None:
    source = f'A = "of it"\rB = 1{eol}{eol}def f():{eol}    return g("a message of it"){eol}{eol}'
    text = Text(source + f"def h():{eol}    pass{eol}")
    python = language_named("python")
    assert python is not None
    found = outline(encode(text.content), python)
    starts = [text.lines(s.start_line, s.start_line) for s in found.symbols]
    assert starts == [["def f():"], ["def h():"]]
    assert text.lines(found.references[0].line, found.references[0].line) == [
        '    return g("a message of it")'
    ]
    assert [encode(text.content)[s.start_byte :][:3] for s in found.symbols] == [b"def"] * 2
