"""Members of Python classes: what reads one in the body of its class, and what they are asked of.

Rope leaves the first out where it stands in the head of a method, and of the second it takes the
first class that it thinks of.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Collection, Iterator

from rope.base import evaluate, exceptions, pyobjects

from context.refactoring.python.project import KnownFile, TextProject
from context.refactoring.python.trees import (
    COMPREHENSIONS,
    Function,
    Module,
    bound_here,
    is_decorated,
    own_parameter,
)

Span = tuple[int, int]
_BUILTIN = (str, bytes, bytearray, int, float, list, tuple, dict, set, frozenset, type, object)
_EVALUATION_FAILS = (
    exceptions.RopeError, AttributeError, KeyError, IndexError, TypeError, ValueError,
    RecursionError, AssertionError,
)  # fmt: skip


def read_in_body(module: Module, name: str, found: Collection[Span]) -> Iterator[Span]:
    """Uses in the body of a class, beside those that were found, that can be nothing but its own.

    The class binds the name before, whatever happens, by a place that is among `found`.
    """
    for owner in (n for n in ast.walk(module.tree) if isinstance(n, ast.ClassDef)):
        bound = [s for s in owner.body if _binding(module, s, name) in found]
        names = [n for n in _of_body(owner) if isinstance(n, ast.Name) and n.id == name]
        if not bound or any(isinstance(n.ctx, ast.Del) for n in names):
            continue
        since = module.span(bound[0])[1]
        for node in names:
            if isinstance(node.ctx, ast.Load) and module.span(node)[0] > since:
                yield module.span(node)


def left_in_body(module: Module, name: str, found: Collection[Span]) -> Span | None:
    """A place in the body of a class that was left out, while others of that body were found.

    Or one that was found where the class has not bound the name yet, so that it is another one.
    """
    for owner in (n for n in ast.walk(module.tree) if isinstance(n, ast.ClassDef)):
        places = {*_places_in_body(module, owner, name)}
        left = places - {*found}
        if left and left != places:
            return min(left)
        if not left and places and (early := _read_early(module, owner, name)):
            return early
    return None


def _read_early(module: Module, owner: ast.ClassDef, name: str) -> Span | None:
    """A read of the name in the body before the first statement that binds it is through."""
    nodes = list(_of_body(owner))
    names = [n for n in nodes if isinstance(n, ast.Name) and n.id == name]
    whole = [n for n in nodes if _binding(module, n, name)]
    whole += [n for n in names if not isinstance(n.ctx, ast.Load)]
    reads = [module.span(n) for n in names if isinstance(n.ctx, ast.Load)]
    bound = sorted((module.span(n) for n in whole), key=lambda span: (span[0], -span[1]))
    return next((read for read in sorted(reads) if bound and read[0] < bound[0][1]), None)


def places_in_bodies(module: Module, name: str) -> set[Span]:
    """Where the body of any class evaluates or binds the name."""
    return {
        span
        for owner in ast.walk(module.tree)
        if isinstance(owner, ast.ClassDef)
        for span in _places_in_body(module, owner, name)
    }


def has_builtin(name: str) -> bool:
    """Objects of Python's own classes have such a member, too."""
    return any(hasattr(kind, name) for kind in _BUILTIN)


def _places_in_body(module: Module, owner: ast.ClassDef, name: str) -> Iterator[Span]:
    for node in _of_body(owner):
        if isinstance(node, ast.Name) and node.id == name:
            yield module.span(node)
        elif span := _binding(module, node, name):
            yield span


def _binding(module: Module, node: ast.AST, name: str) -> Span | None:
    """Where a statement binds the name by itself."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            head = re.compile(r"(?:async\s+)?(?:def|class)\s+").match(
                module.text, module.span(node)[0]
            )
            return (head.end(), head.end() + len(name)) if head and node.name == name else None
        case ast.Assign(targets=[ast.Name(id=word) as target]) if word == name:
            return module.span(target)
        case ast.AnnAssign(target=ast.Name(id=word) as target) if word == name and node.value:
            return module.span(target)
    return None


def _of_body(owner: ast.ClassDef) -> Iterator[ast.AST]:
    """What the body of a class itself binds and evaluates: no code of its methods."""
    pending: list[ast.AST] = [*owner.body]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                annotations = [n.annotation for n in ast.walk(node.args) if isinstance(n, ast.arg)]
                parts = [*node.decorator_list, *_defaults(node.args), *annotations, node.returns]
                pending += [part for part in parts if part is not None]
            case ast.Lambda():
                pending += _defaults(node.args)
            case ast.ClassDef():
                pending += [*node.decorator_list, *node.bases, *node.keywords]
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pending.append(node.generators[0].iter)
            case _:
                pending += ast.iter_child_nodes(node)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *filter(None, arguments.kw_defaults)]


def is_certain(project: TextProject, module: Module, receiver: ast.expr) -> bool:
    """What a member is asked of can be of one class only, or of those that derive from it."""
    match receiver:
        case ast.Call(func=ast.Name(id="super")):
            return True
        case ast.Call(func=called):
            return _is_class(project, module, called)
        case ast.Attribute(attr=name):
            return _is_class(project, module, receiver) or _is_set_once(project, name)
        case ast.Name(id=name):
            return _is_certain_name(project, module, receiver, name)
    return False


def _is_certain_name(project: TextProject, module: Module, node: ast.Name, name: str) -> bool:
    scope = _scope_of(module, node, name)
    if scope is None or bound_here(scope).count(name) != 1:
        return False
    if isinstance(scope, Function) and own_parameter(scope) == name:
        return isinstance(module.parents.get(scope), ast.ClassDef)
    if _is_class(project, module, node):
        return True
    for inner in ast.walk(scope):
        match inner:
            case ast.Assign(targets=[ast.Name(id=target)], value=ast.Call(func=called)):
                if target == name:
                    return _is_class(project, module, called)
    return False


@functools.lru_cache(maxsize=16)  # it looks through the workspace, and names come again and again
def _is_set_once(project: TextProject, name: str) -> bool:
    """One place of the workspace sets an attribute of this name, to a new object of a class."""
    stores: list[tuple[Module, ast.Attribute]] = []
    for path in project.sources.holding(name, project.paths):
        module = project.module(path)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and name in bound_here(node):
                return False
            match node:
                case ast.Attribute(attr=word, ctx=ast.Store() | ast.Del()) if word == name:
                    stores.append((module, node))
    if len(stores) != 1:
        return False
    module, store = stores[0]
    match module.parents[store]:
        case ast.Assign(targets=[_], value=ast.Call(func=called)):
            return _is_class(project, module, called)
        case ast.AnnAssign(value=ast.Call(func=called)):
            return _is_class(project, module, called)
    return False


def _scope_of(module: Module, node: ast.AST, name: str) -> ast.AST | None:
    """The innermost function, comprehension or module around it that binds the name."""
    scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Module)
    for above in module.around(node):
        if isinstance(above, COMPREHENSIONS):
            targets = [n for g in above.generators for n in ast.walk(g.target)]
            if any(isinstance(n, ast.Name) and n.id == name for n in targets):
                return above
        elif isinstance(above, scopes) and name in bound_here(above):
            return above
    return None


def is_instance(project: TextProject, module: Module, receiver: ast.expr) -> bool:
    """As far as rope knows, a method asked of it gets it as its first argument."""
    match receiver:
        case ast.Name(id=name):
            scope = _scope_of(module, receiver, name)
            if isinstance(scope, Function) and own_parameter(scope) == name:
                is_method = isinstance(module.parents.get(scope), ast.ClassDef)
                return is_method and not is_decorated(scope, "classmethod")
        case ast.Call(func=ast.Name(id="super")):
            function = module.function_around(receiver)
            return function is not None and not is_decorated(function, "classmethod")
    found = _evaluated(project, module, receiver)
    is_class = isinstance(found, pyobjects.AbstractClass)
    return found is not None and not is_class and isinstance(found.get_type(), pyobjects.PyClass)


def _is_class(project: TextProject, module: Module, node: ast.expr) -> bool:
    return isinstance(_evaluated(project, module, node), pyobjects.PyClass)


def _evaluated(project: TextProject, module: Module, node: ast.expr) -> pyobjects.PyObject | None:
    """What rope takes an expression for; None where it does not know."""
    try:
        whole = project.get_pymodule(KnownFile(project, module.path))
        scope = whole.get_scope().get_inner_scope_for_line(node.lineno)
        pyname = evaluate.eval_node(scope, node)
        return pyname.get_object() if pyname is not None else None
    except _EVALUATION_FAILS:
        return None
