"""Inline a Python variable, or a function that is one expression.

The new text must parse into the tree that the old one becomes when the value is put in place of
each use: that is compared before anything is called exact.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from functools import partial

from context.refactoring import Carried, Refactoring, Refused, TextEdit
from context.refactoring.python.order import (
    acts,
    comes_first,
    is_evaluated_with,
    may_fail,
    waiting_for,
)
from context.refactoring.python.project import TextProject
from context.refactoring.python.rename import Symbol, symbol_at, uses_of
from context.refactoring.python.tokens import Unreadable, parse
from context.refactoring.python.trees import (
    BUILTINS,
    COMPREHENSIONS,
    SCOPES,
    Function,
    Module,
    bound_in,
    is_inert,
    is_steady,
    names_in,
    parenthesised,
    sees_frame,
)
from context.refactoring.python.unseen import examples_with
from context.refactoring.sources import edited

BY = "rope and Python's own syntax tree"


def inline(project: TextProject, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    offset = project.normal_offset(asked.path, asked.start)
    symbol = symbol_at(project, asked.path, offset)
    match symbol.what:
        case "variable":
            return _inline_variable(project, symbol)
        case "function":
            return _inline_function(project, symbol)
    raise Refused(f"{symbol.name} is a {symbol.what}; only variables and functions are inlined.")


def _inline_variable(project: TextProject, symbol: Symbol) -> Carried:
    module = project.module(symbol.path)
    everywhere, found = uses_of(project, symbol)
    uses = sorted(found[symbol.path])
    nodes = [module.name_at(start) for start, _ in uses]
    if any(not isinstance(node, ast.Name) for node in nodes):
        raise Refused(f"{symbol.name} is used in a string or bound in another way.")
    names = [node for node in nodes if isinstance(node, ast.Name)]
    stores = [n for n in names if not isinstance(n.ctx, ast.Load)]
    if len(stores) != 1:
        raise Refused(f"{symbol.name} is assigned {len(stores)} times; that it is once is needed.")
    statement = module.parents[stores[0]]
    if isinstance(statement, ast.AnnAssign):
        is_plain, value = statement.value is not None, statement.value
    else:
        is_plain = isinstance(statement, ast.Assign) and len(statement.targets) == 1
        value = statement.value if isinstance(statement, ast.Assign) else None
    function = module.function_around(stores[0])
    if not is_plain or value is None or function is None:
        raise Refused(f"{symbol.name} is not assigned by itself in a function.")
    loads = [n for n in names if isinstance(n.ctx, ast.Load)]
    if not loads:
        raise Refused(f"{symbol.name} is never used.")
    _refuse_moved(module, function, statement, value, loads, symbol.name)
    text = parenthesised(module, value)
    edits = [project.edit(symbol.path, *module.span(load), text) for load in loads]
    edits.append(project.edit(symbol.path, *_statement_span(module, statement)))
    _compare(project, symbol.path, edits, _substituted(module, {id(n): value for n in loads},
                                                       statement))  # fmt: skip
    return Carried(tuple(edits), f"inline variable {symbol.name}", BY, len(everywhere))


def _statement_span(module: Module, statement: ast.AST) -> tuple[int, int, str]:
    """The lines of a statement and what stands there instead."""
    start, end = module.lines_span(statement)
    block = _block_of(module, statement)
    if len(block) > 1:
        return start, end, ""
    return *module.span(statement), "pass"


def _block_of(module: Module, statement: ast.AST) -> Sequence[ast.AST]:
    parent = module.parents[statement]
    for field in ("body", "orelse", "finalbody"):
        block = getattr(parent, field, None)
        if isinstance(block, list) and statement in block:
            return block
    raise Refused("What is around the assignment is not known.")


def _refuse_moved(
    module: Module,
    function: Function,
    statement: ast.AST,
    value: ast.expr,
    loads: Sequence[ast.Name],
    name: str,
) -> None:
    """The value must be the same at each use as it was at the assignment."""
    bound = bound_in(function)
    changing = sorted(n for n in names_in(value) if bound.count(n) > 1)
    if changing:
        raise Refused(f"{changing[0]}, which {name} is made of, changes in this function.")
    if word := sees_frame(function):
        raise Refused(f"{word} in {function.name} may see {name}.")
    if any(_scope_binds(module, load, function, names_in(value)) for load in loads):
        raise Refused(f"A name that {name} is made of means something else at a use.")
    if any(module.span(load)[0] < module.span(statement)[0] for load in loads):
        raise Refused(f"{name} is used before it is assigned.")
    holder = module.parents[statement]
    if holder is not function and any(holder not in list(module.around(load)) for load in loads):
        raise Refused(f"{name} is assigned in a block that not every use is in.")
    if may_fail(value) and not any(_is_always_reached(module, n, statement) for n in loads[:1]):
        raise Refused(
            f"An error in the value of {name} would come at another place, or not at all."
        )
    if is_inert(value) and not any(isinstance(n, ast.Tuple) for n in ast.walk(value)):
        is_steady_name = isinstance(value, ast.Name) and is_steady(module, function, value.id)
        if is_steady_name or not names_in(value):
            return
        if not _may_change_between(module, function, statement, loads):
            return
    block = _block_of(module, statement)
    following = block[block.index(statement) + 1 :][:1]
    steady = partial(is_steady, module, function)
    if len(loads) != 1 or not following or not _is_first_in(following[0], loads[0], value, steady):
        raise Refused(f"The value of {name} may do something, or change, before its uses.")


def _is_always_reached(module: Module, load: ast.Name, statement: ast.AST) -> bool:
    """The use is evaluated whenever the statement was, and its errors are caught in one place."""
    block = module.parents[statement]
    inner: ast.AST = load
    for above in module.around(load):
        if above is block:
            return True
        if not is_evaluated_with(above, inner):
            return False
        inner = above
    return False


def _may_change_between(
    module: Module, function: Function, statement: ast.AST, loads: Sequence[ast.Name]
) -> bool:
    """Something between the assignment and a use may change what the value's names hold."""
    effects = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.AugAssign, ast.Delete, ast.With,
               ast.For, ast.AsyncFor, *COMPREHENSIONS)  # fmt: skip
    start, end = module.span(statement)[1], max(module.span(load)[0] for load in loads)
    for load in loads:
        for above in module.around(load):
            if above is function or statement in list(ast.walk(above)):
                break
            if isinstance(above, ast.For | ast.While | ast.comprehension | ast.FunctionDef
                          | ast.Lambda | ast.AsyncFunctionDef | ast.AsyncFor):  # fmt: skip
                return True  # the use comes again, or at another time
    for node in ast.walk(function):
        is_store = isinstance(node, ast.Attribute | ast.Subscript) and isinstance(
            node.ctx, ast.Store
        )
        is_effect = (isinstance(node, effects) or is_store) and start <= module.span(node)[0]
        if is_effect and (is_store or module.span(node)[1] <= end):
            return True
    return False


def _scope_binds(module: Module, load: ast.Name, function: Function, names: set[str]) -> bool:
    """A nested function, lambda or comprehension between use and function binds one of them."""
    for above in module.around(load):
        if above is function:
            return False
        if isinstance(above, (*SCOPES, *COMPREHENSIONS)) and names & {*bound_in(above)}:
            return True
    return False


def _is_first_in(
    statement: ast.AST, load: ast.Name, value: ast.expr, steady: Callable[[str], bool]
) -> bool:
    """The next statement evaluates the use before anything that can do or see something."""
    simple = (ast.Return, ast.Expr, ast.Assign, ast.AnnAssign, ast.If, ast.Assert, ast.Raise)
    if not isinstance(statement, simple):
        return False
    head: ast.AST = statement
    if isinstance(statement, ast.If | ast.Assert):
        head = statement.test
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        head = statement.value or statement
    return comes_first(head, load, waiting_for(value, steady))


def _substituted(module: Module, values: dict[int, ast.expr], gone: ast.AST | None) -> ast.Module:
    """A copy of the tree with expressions in place of nodes (by id) and one statement taken out."""

    class Put(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST | None:
            if node is gone:
                return None
            if id(node) in values:
                return copy.deepcopy(values[id(node)])
            return self.generic_visit(copy.copy(node))

        def generic_visit(self, node: ast.AST) -> ast.AST:
            for field, old in ast.iter_fields(node):
                if isinstance(old, list):
                    new = [self.visit(v) if isinstance(v, ast.AST) else v for v in old]
                    kept = [v for v in new if v is not None]
                    if field == "body" and old and not kept and isinstance(node, ast.stmt):
                        kept = [ast.Pass()]
                    setattr(node, field, kept)
                elif isinstance(old, ast.AST):
                    setattr(node, field, self.visit(old))
            return node

    result = Put().visit(module.tree)
    assert isinstance(result, ast.Module)
    return result


def _compare(
    project: TextProject, path: str, edits: Sequence[TextEdit], expected: ast.Module
) -> None:
    after = edited(project.sources.text(path), edits).replace("\r\n", "\n")
    try:
        tree = parse(after)
    except Unreadable:
        raise Refused("The value cannot be written where it is used, as in an f-string.") from None
    if ast.dump(tree) != ast.dump(expected):
        raise Refused(f"{path} would not mean the same afterwards.")


def _inline_function(project: TextProject, symbol: Symbol) -> Carried:
    module = project.module(symbol.path)
    everywhere, found = uses_of(project, symbol)
    others = [path for path, uses in found.items() if uses and path != symbol.path]
    if others:
        raise Refused(f"{symbol.name} is used in {others[0]}, too; it is inlined in one file only.")
    function, result = _one_expression(module, symbol)
    calls: dict[int, ast.expr] = {}
    edits: list[TextEdit] = []
    for start, _ in sorted(found[symbol.path]):
        node = module.name_at(start)
        if node is None and module.definition_at(start) is function:
            continue
        call = module.parents.get(node) if node is not None else None
        if not isinstance(call, ast.Call) or call.func is not node:
            raise Refused(f"{symbol.name} is used as a value, not only called.")
        if call in ast.walk(function):
            raise Refused(f"{symbol.name} calls itself.")
        values = _arguments(module, function, result, call)
        calls[id(call)] = value = _with(result, values)
        edits.append(project.edit(symbol.path, *module.span(call), f"({ast.unparse(value)})"))
    if not edits:
        raise Refused(f"{symbol.name} is never called here.")
    if any(a is not b and a.start <= b.start and b.end <= a.end for a in edits for b in edits):
        raise Refused(f"A call of {symbol.name} stands in another one's arguments.")
    edits.append(project.edit(symbol.path, *module.lines_span(function), ""))
    _compare(project, symbol.path, edits, _substituted(module, calls, function))
    public = ("users outside this workspace are not seen",) * (not symbol.name.startswith("_"))
    public += examples_with(project, everywhere)
    return Carried(tuple(edits), f"inline function {symbol.name}", BY, len(everywhere), public)


def _one_expression(module: Module, symbol: Symbol) -> tuple[Function, ast.expr]:
    function = next(
        (n for n in module.tree.body if isinstance(n, ast.FunctionDef) and n.name == symbol.name),
        None,
    )
    if function is None or function.decorator_list:
        raise Refused(f"{symbol.name} is no plain function of this module.")
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        raise Refused(f"{symbol.name} is more than one expression.")
    arguments = function.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        raise Refused(f"{symbol.name} takes more than plain arguments.")
    result = body[0].value
    scopes = (*COMPREHENSIONS, ast.Lambda, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await,
              ast.JoinedStr)  # fmt: skip
    if any(isinstance(n, scopes) for n in ast.walk(result)):
        raise Refused(f"{symbol.name} has a scope of its own in its expression.")
    if word := sees_frame(result):
        raise Refused(f"{word} would see another function.")
    names = [getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(result)]
    if mangled := [n for n in names if n.startswith("__") and not n.endswith("__")]:
        raise Refused(f"{mangled[0]} means something else in a class.")
    return function, result


def _arguments(
    module: Module, function: Function, result: ast.expr, call: ast.Call
) -> dict[str, ast.expr]:
    """What each parameter is at a call. Raises `Refused`."""
    names = [a.arg for a in function.args.args]
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    if any(isinstance(a, ast.Starred) for a in call.args) or any(
        k.arg is None for k in call.keywords
    ):
        raise Refused("A call spreads its arguments.")
    if len(call.args) > len(names):
        raise Refused("A call has more arguments than the function.")
    values = dict(zip(names, call.args, strict=False))
    values |= {k.arg: k.value for k in call.keywords if k.arg is not None}
    for name in names:
        if name in values:
            continue
        if name not in defaults:
            raise Refused("A call has fewer arguments than the function.")
        if not isinstance(defaults[name], ast.Constant):
            raise Refused(f"The default of {name} is evaluated once, not at each call.")
        values[name] = defaults[name]
    _refuse_order(module, function, result, call, values)
    free = names_in(result) - {*names}
    around = [a for a in module.around(call) if not isinstance(a, ast.Module)]
    if any(free & {*bound_in(above)} for above in around):
        raise Refused("A name that the function uses means something else at a call.")
    if not free <= BUILTINS | {*bound_in(module.tree)}:
        raise Refused("The function uses a name that this module does not bind.")
    return values


def _refuse_order(
    module: Module,
    function: Function,
    result: ast.expr,
    call: ast.Call,
    values: dict[str, ast.expr],
) -> None:
    """Arguments are evaluated before anything of the function; in its expression, where they stand.

    Raises `Refused` where that can make a difference.
    """
    around = module.function_around(call)

    def steady(name: str) -> bool:
        return name in values or is_steady(module, function, name)

    def is_fixed(value: ast.expr) -> bool:
        if not isinstance(value, ast.Name):
            return isinstance(value, ast.Constant)
        return not acts(result) or (around is not None and is_steady(module, around, value.id))

    names = list(values)
    uses = [n for n in _in_order(result) if isinstance(n, ast.Name) and n.id in names]
    others = [n for n in uses if not is_fixed(values[n.id])]
    if all(map(is_fixed, values.values())):
        return
    if [n.id for n in uses] != names or not all(
        comes_first(result, use, waiting_for(values[use.id], steady)) for use in others
    ):
        raise Refused(
            "An argument would be evaluated another number of times, or in another order."
        )


def _in_order(node: ast.AST) -> list[ast.AST]:
    """Its nodes in the order of the text."""
    found = [n for n in ast.walk(node) if hasattr(n, "lineno")]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))  # type: ignore[attr-defined]


def _with(result: ast.expr, values: dict[str, ast.expr]) -> ast.expr:
    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return copy.deepcopy(values.get(node.id, node))

    put = Put().visit(copy.deepcopy(result))
    assert isinstance(put, ast.expr)
    return put
