"""The order in which Python evaluates the parts of a statement, and what of it may change."""

from __future__ import annotations

import ast
from collections.abc import Callable

from context.refactoring.python.trees import COMPREHENSIONS, is_inert

_OPERATORS = (ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context)


def may_fail(value: ast.expr) -> bool:
    """It divides by what may be zero, or the like: values of the right types can be wrong ones."""
    fails = (ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift)
    for node in ast.walk(value):
        if isinstance(node, ast.BinOp) and isinstance(node.op, fails):
            is_text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
            is_known = isinstance(node.right, ast.Constant) and node.right.value
            if not is_text and not is_known:
                return True
    return False


def comes_first(head: ast.AST, wanted: ast.AST, may_wait: Callable[[ast.AST], bool]) -> bool:
    """All that `head` evaluates before a node in it may as well be evaluated after it."""
    if head is wanted:
        return True
    for part in _evaluated(head):
        if wanted in ast.walk(part):
            return is_evaluated_with(head, part) and comes_first(part, wanted, may_wait)
        if not may_wait(part):
            return False
    return False


def is_evaluated_with(above: ast.AST, inner: ast.AST) -> bool:
    """Whatever evaluates a node evaluates its part `inner`, once, unless something fails before."""
    match above:
        case ast.BoolOp():
            return above.values[0] is inner
        case ast.Compare():
            return inner in (above.left, above.comparators[0])
        case ast.IfExp() | ast.If():
            return above.test is inner
        case ast.For():
            return above.iter is inner
        case ast.Assert():
            return above.test is inner
        case ast.With():
            return inner in above.items[:1]
        case ast.stmt():
            simple = (ast.Return, ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Raise)
            return isinstance(above, simple)
    return not isinstance(above, (*COMPREHENSIONS, ast.Lambda, ast.match_case, ast.ExceptHandler))


def waiting_for(value: ast.expr, steady: Callable[[str], bool]) -> Callable[[ast.AST], bool]:
    """What may be evaluated after `value` instead of before: of a call, nothing it can change."""
    if not acts(value):
        return is_inert

    def may_wait(part: ast.AST) -> bool:
        match part:
            case ast.Name(id=name):
                return steady(name)
            case ast.Tuple() | ast.List():
                return all(map(may_wait, part.elts))
            case ast.keyword():
                return may_wait(part.value)
        return isinstance(part, (ast.Constant, *_OPERATORS))

    return may_wait


def acts(value: ast.expr) -> bool:
    kinds = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, *COMPREHENSIONS)
    return any(isinstance(n, kinds) for n in ast.walk(value))


def _evaluated(node: ast.AST) -> list[ast.AST]:
    """Its parts in the order in which Python evaluates them."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [part for pair in pairs for part in pair if part is not None]
    return list(ast.iter_child_nodes(node))
