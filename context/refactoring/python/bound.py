"""Names that surely have a value where a statement of a function begins.

Told by the shape of the code alone: what only its values decide (a loop that runs at least once, a
test that is true) counts for nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from context.refactoring.python.trees import Function, Module, stored_in

_LEAVES = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def bound_before(module: Module, function: Function, statement: ast.stmt) -> set[str]:
    """Parameters and variables of `function` that are set on every way to the statement."""
    known = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
    blocks: list[set[str]] = []
    inner: ast.AST = statement
    for above in module.around(statement):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(above, field, None)
            if isinstance(block, list) and inner in block:
                before = _after_all(block[: block.index(inner)]) or set()
                blocks.append(_by_head(above, field) | before)
        if above is function:
            break
        inner = above
    return known.union(*blocks)


def _by_head(node: ast.AST, field: str) -> set[str]:
    """What the head of a compound statement sets before the block in `field` begins."""
    match node, field:
        case ast.For() | ast.AsyncFor(), "body":
            return stored_in([node.target])
        case ast.With() | ast.AsyncWith(), "body":
            return stored_in(i.optional_vars for i in node.items if i.optional_vars is not None)
        case ast.If() | ast.While(), "body" | "orelse":
            return _by_test(node.test)
        case ast.Try() | ast.TryStar(), "orelse":
            return _after_all(node.body) or set()
        case ast.ExceptHandler(name=str(name)), "body":
            return {name}
        case ast.match_case(), "body":
            names = [getattr(n, "name", getattr(n, "rest", None)) for n in ast.walk(node.pattern)]
            return {name for name in names if name}
    return set()


def _after_all(block: Sequence[ast.AST]) -> set[str] | None:
    """What is set when all the statements are through; None where they never are."""
    known = set[str]()
    for statement in block:
        added = _after(statement)
        if added is None:
            return None
        known |= added
        if isinstance(statement, ast.Delete):
            known -= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    return known


def _after(node: ast.AST) -> set[str] | None:
    if isinstance(node, _LEAVES):
        return None
    match node:
        case ast.Assign():
            return stored_in(node.targets)
        case ast.AnnAssign():
            return stored_in([node.target]) if node.value else set()
        case ast.AugAssign():
            return stored_in([node.target])
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import() | ast.ImportFrom():
            return {a.asname or a.name.partition(".")[0] for a in node.names}
        case ast.If():
            either = _either(_after_all(node.body), _after_all(node.orelse))
            return None if either is None else either | _by_test(node.test)
        case ast.Try() | ast.TryStar():
            ways = [_after_all([*node.body, *node.orelse])]
            ways += [_after_all(handler.body) for handler in node.handlers]
            last = _after_all(node.finalbody)
            either = _either(*ways)
            return None if either is None or last is None else either | last
        case ast.Match():
            is_whole = any(isinstance(c.pattern, ast.MatchAs) and c.pattern.pattern is None
                           and c.guard is None for c in node.cases)  # fmt: skip
            return _either(*(_after_all(c.body) for c in node.cases)) if is_whole else set()
        case ast.With() | ast.AsyncWith():
            return _by_head(node, "body")  # it may swallow an error of its block
    return set()


def _either(*ways: set[str] | None) -> set[str] | None:
    """What all ways that go on have set."""
    known = [way for way in ways if way is not None]
    return set.intersection(*known) if known else None


def _by_test(test: ast.expr) -> set[str]:
    """What a test sets by `:=` whatever comes of it."""
    match test:
        case ast.NamedExpr():
            return stored_in([test.target])
        case ast.UnaryOp():
            return _by_test(test.operand)
        case ast.Compare():
            return _by_test(test.left)
        case ast.BoolOp():
            return _by_test(test.values[0])
    return set()
