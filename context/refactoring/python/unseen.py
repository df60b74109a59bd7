"""Who may use a Python name where it cannot be seen: decorators, base classes, frameworks."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rope.base import exceptions, pyobjects

from context.refactoring import Refused
from context.refactoring.python.project import TextProject
from context.refactoring.python.tokens import Place, Unreadable, parse
from context.refactoring.sources import line_of

if TYPE_CHECKING:
    from context.refactoring.python.rename import Symbol

# Decorators after which a parameter is still what its caller calls it.
_PLAIN_DECORATORS = frozenset(
    """staticmethod classmethod property abstractmethod overload override final cache lru_cache
    cached_property wraps contextmanager asynccontextmanager setter getter deleter""".split()
)
_PLAIN_BASES = frozenset("object ABC Generic Enum IntEnum StrEnum Flag IntFlag".split())


def refuse_unknown_users(project: TextProject, symbol: Symbol) -> None:
    """Frameworks that look at names, and classes that others' classes are the base of."""
    try:
        tree = parse(project.normal_text(symbol.path))
    except Unreadable:
        raise Refused(f"{symbol.path} cannot be parsed.") from None
    around = _enclosing(tree, symbol.line)
    functions = [n for n in around if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    if symbol.what in ("parameter", "function", "method") and functions:
        inner = functions[-1]
        odd = [d for d in map(_decorator, inner.decorator_list) if d not in _PLAIN_DECORATORS]
        if odd:
            raise Refused(f"The decorator {odd[0]} may use the name {symbol.name}.")
        if symbol.what == "parameter" and inner.name.startswith(("test", "pytest_")):
            raise Refused("pytest gives arguments by the names of parameters.")
        if symbol.what != "parameter" and inner.name.startswith(("test", "pytest_", "visit_")):
            raise Refused(f"What calls {symbol.name} does so by its name.")
    if symbol.what in ("method", "attribute"):
        _refuse_odd_class(symbol, around)


def is_of_derived_class(project: TextProject, path: str, place: Place, name: str) -> bool:
    """The word is bound in the body of a class whose bases may have it: an override, perhaps."""
    text = project.normal_text(path)
    line = line_of(text, place.start)
    for node in ast.walk(parse(text)):
        if not isinstance(node, ast.ClassDef):
            continue
        if all(_last_word(base) in _PLAIN_BASES for base in node.bases):
            continue
        for statement in node.body:
            is_here = statement.lineno <= line <= (statement.end_lineno or line)
            if is_here and name in _bound_by(statement):
                return True
    return False


def _bound_by(statement: ast.stmt) -> set[str]:
    """Names that a statement of a class body binds itself."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    return {
        n.id
        for n in ast.walk(statement)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _refuse_odd_class(symbol: Symbol, around: Sequence[ast.AST]) -> None:
    classes = [n for n in around if isinstance(n, ast.ClassDef)]
    if not classes:
        return
    own = classes[-1]
    if symbol.what == "attribute" and own.decorator_list:
        raise Refused(f"The decorator of {own.name} may use the name {symbol.name}.")
    for base in own.bases:
        name = _last_word(base)
        builtin = getattr(builtins, name, None)
        if isinstance(builtin, type) and not hasattr(builtin, symbol.name):
            continue
        if name not in _PLAIN_BASES and not _is_known_base(symbol, own.name, name):
            raise Refused(f"{own.name} derives from {name}, which may know {symbol.name}.")
    if own.keywords:
        raise Refused(f"{own.name} has a metaclass or options, which may use its names.")


def _is_known_base(symbol: Symbol, owner: str, base: str) -> bool:
    """A base class of this workspace, whose bases are known too."""
    module, _ = symbol.pyname.get_definition_location()
    try:
        pyclass = module[owner].get_object()
    except (exceptions.AttributeNotFoundError, KeyError):
        return False
    for above in pyclass.get_superclasses():
        if isinstance(above, pyobjects.PyClass) and above.get_name() == base:
            written = above.get_ast().bases
            return all(
                _last_word(b) in _PLAIN_BASES
                or any(s.get_name() == _last_word(b) for s in above.get_superclasses()
                       if isinstance(s, pyobjects.PyClass))
                for b in written
            ) and not above.get_ast().keywords  # fmt: skip
    return False


def _enclosing(tree: ast.Module, line: int) -> list[ast.AST]:
    """Definitions around a line, the outermost first."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [
        n
        for n in ast.walk(tree)
        if isinstance(n, kinds)
        and min([n.lineno, *(d.lineno for d in n.decorator_list)]) <= line <= (n.end_lineno or 0)
    ]
    return sorted(found, key=lambda n: getattr(n, "lineno", 0))


def _decorator(node: ast.expr) -> str:
    return _last_word(node.func if isinstance(node, ast.Call) else node)


def _last_word(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ast.unparse(node)[:40]
