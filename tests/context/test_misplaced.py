"""Await, break and continue where their language has no use for them."""

from __future__ import annotations

import pytest

from context.languages import language_named
from context.misplaced import misplaced
from context.outline import Problem
from context.syntax import parse

AWAIT = "await in a function that is not async"
BREAK, CONTINUE = "break outside of a loop", "continue outside of a loop"


def _found(language: str, source: str) -> tuple[Problem, ...]:
    known = language_named(language)
    assert known is not None
    tree = parse(source.encode(), known)
    assert not tree.root_node.has_error, "the grammar takes it"
    return misplaced(tree.root_node, language)


@pytest.mark.parametrize(
    ("language", "source", "line", "what"),
    [
        ("javascript", "function f() {\n  await g()\n}", 2, AWAIT),
        ("javascript", "async function f() {\n  return x.map(y =>\n await y)\n}", 3, AWAIT),
        ("javascript", "function f() {\n  for await (const x of y) {}\n}", 2, AWAIT),
        ("typescript", "class A {\n  m(): void {\n    await this.n()\n  }\n}", 3, AWAIT),
        ("tsx", "const A = () => {\n  await b()\n  return <p/>\n}", 2, AWAIT),
        ("rust", "fn f() {\n    g().await;\n}", 2, AWAIT),
        ("rust", "async fn f() {\n    let h = || {\n        g().await\n    };\n}", 3, AWAIT),
        ("javascript", "for (;;) {\n  x.forEach(() => {\n    continue\n  })\n}", 3, CONTINUE),
        ("typescript", "function f() {\n  if (x) break\n}", 2, BREAK),
        ("go", "package a\n\nfunc f() {\n\tcontinue\n}", 4, CONTINUE),
        ("go", "package a\n\nfunc f() {\n\tfor {\n\t\tfunc() { break }()\n\t}\n}", 5, BREAK),
        ("java", "class A {\n  void m() {\n    break;\n  }\n}", 3, BREAK),
        ("rust", "fn f() {\n    if x {\n        continue;\n    }\n}", 3, CONTINUE),
    ],
)
def test_the_first_of_them_is_named(language: str, source: str, line: int, what: str) -> None:
    (problem,) = _found(language, source)
    assert (problem.line, problem.what) == (line, what)


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("javascript", "await g()"),  # a module's top
        ("javascript", "const f = async () => { for await (const x of await y) {} }"),
        ("javascript", "class A { async m() { await 1 } }"),
        ("javascript", "a: { break a }"),
        ("javascript", "switch (x) { case 1: break }"),
        ("javascript", "do { continue } while (x)\nfor (const x in y) break"),
        ("go", "package a\nfunc f() {\n\tselect {\n\tcase <-x:\n\t\tbreak\n\t}\n}"),
        ("go", "package a\nfunc f() {\n\tswitch x.(type) {\n\tcase int:\n\t\tbreak\n\t}\n}"),
        ("java", "class A { { for (int x : y) { break; } } }"),
        ("java", "class A { void m() { switch (x) { default: break; } a: { break a; } } }"),
        ("rust", "async fn f() { g().await; }"),
        ("rust", "fn f() { let a = async move { g().await }; let b = async || { g().await }; }"),
        (
            "rust",
            "fn f() { 'a: { break 'a; } loop { break 5; } while let Some(x) = y { continue; } }",
        ),
        ("c", "void f(void) { EACH(x) { continue; } }"),  # a macro's loop
        ("ruby", "def f\n  break\nend"),
    ],
)
def test_what_may_be_right_is_left_alone(language: str, source: str) -> None:
    assert _found(language, source) == ()


def test_deep_nesting_is_walked_without_recursion() -> None:
    assert _found("javascript", "(" * 20_000 + "1" + ")" * 20_000) == ()
