"""Who may use a Python name where it cannot be seen.

Decorators, base classes and frameworks; what takes names as text; files that are no Python.
"""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rope.base import exceptions, pyobjects

from context.refactoring import Refused
from context.refactoring.python.project import TextProject
from context.refactoring.python.tokens import Around, Place, Unreadable, parse
from context.refactoring.python.trees import SCOPES, last_word, sees_frame
from context.refactoring.sources import line_of

if TYPE_CHECKING:
    from context.refactoring.python.rename import Symbol

# Decorators after which a parameter is still what its caller calls it.
_PLAIN_DECORATORS = frozenset(
    """staticmethod classmethod property abstractmethod overload override final cache lru_cache
    cached_property wraps contextmanager asynccontextmanager setter getter deleter""".split()
)
_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "tox.ini")
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
        odd = [d for d in map(last_word, inner.decorator_list) if d not in _PLAIN_DECORATORS]
        if odd:
            raise Refused(f"The decorator {odd[0]} may use the name {symbol.name}.")
        if symbol.what == "parameter" and inner.name.startswith(("test", "pytest_")):
            raise Refused("pytest gives arguments by the names of parameters.")
        if symbol.what != "parameter" and inner.name.startswith(("test", "pytest_", "visit_")):
            raise Refused(f"What calls {symbol.name} does so by its name.")
    if symbol.is_member:
        _refuse_odd_class(symbol, around)
        _refuse_mangled(project, symbol)
    if symbol.is_local and functions and (word := sees_frame(functions[-1])):
        raise Refused(f"{word} in {functions[-1].name} may see {symbol.name}.")
    if symbol.is_of_module and (word := _sees_module(tree)):
        raise Refused(f"{word} in {symbol.path} may see {symbol.name}.")
    if not symbol.is_local:
        _refuse_built_name(project, symbol.name)
        _refuse_entry_point(project, symbol)


def _sees_module(tree: ast.Module) -> str:
    """What in the module can see its names as text; that of a function alone is seen by others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            is_sight = node.func.id in ("eval", "exec") and sees_frame(node)
            if node.func.id == "globals" or is_sight:
                return node.func.id
    outside = [s for s in tree.body if not isinstance(s, SCOPES)]
    return next(filter(None, map(sees_frame, outside)), "")


def _refuse_mangled(project: TextProject, symbol: Symbol) -> None:
    """Code outside of a class names `__x` of it with the class: `_A__x`."""
    if not symbol.name.startswith("__"):
        return
    pattern = re.compile(rf"(?<!\w)_\w+{re.escape(symbol.name)}(?!\w)")
    for path in project.paths:
        if found := pattern.search(project.normal_text(path)):
            line = line_of(project.normal_text(path), found.start())
            raise Refused(f"{path}:{line} names it {found[0]}.")


def _refuse_built_name(project: TextProject, name: str) -> None:
    """`getattr(self, "do_" + word)` asks for every name that begins so."""
    pattern = re.compile(r"(?:attr|attrgetter|methodcaller)\((?:[^\n]*\n?){2}")
    for path in project.paths:
        text = project.normal_text(path)
        if not any(re.search(r"\+|%|\bf[\"']|\.format", m[0]) for m in pattern.finditer(text)):
            continue
        try:
            tree = parse(text)
        except Unreadable:
            if any(name.startswith(word) for word in re.findall(r"[\"'](\w+)[\"'{%]", text)):
                raise Refused(f"{path} cannot be parsed and may ask for {name}.") from None
            continue
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
            word = last_word(call.func)
            if not word.endswith(("attr", "attrgetter", "methodcaller")):
                continue
            for argument in call.args[word.endswith("attr") :][:1]:
                first, last = _ends_of(argument)
                if first + last and name.startswith(first) and name.endswith(last):
                    raise Refused(f"{path}:{call.lineno} may ask for {name} by a name it builds.")


def _ends_of(text: ast.expr) -> tuple[str, str]:
    """With what a text that is put together begins and ends, as far as that is written."""
    match text:
        case ast.JoinedStr(values=[first, *_, last]):
            return _constant(first), _constant(last)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _ends_of(left)[0] or _constant(left), _ends_of(right)[1] or _constant(right)
        case ast.BinOp(left=ast.Constant(value=str(form)), op=ast.Mod()):
            return _around(r"%\w", form)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(form)), attr="format")):
            return _around(r"\{[^}]*\}", form)
    return "", ""


def _around(gap: str, form: str) -> tuple[str, str]:
    head, *rest = re.split(gap, form)
    return head, rest[-1] if rest else ""


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _refuse_entry_point(project: TextProject, symbol: Symbol) -> None:
    """Projects name functions to installers and tools: `serve = "package.module:main"`."""
    name = re.escape(symbol.name)
    pattern = re.compile(rf"[\"'= ][\w.]+[:.](?:\w+\.)?{name}(?!\w)")
    for folder in PurePosixPath(symbol.path).parents:
        for path in (f"{folder}/{file}".removeprefix("./") for file in _PROJECT_FILES):
            try:
                text = project.sources.text(path)
            except Refused:
                continue  # there is none here
            if found := pattern.search(text):
                raise Refused(f"{path}:{line_of(text, found.start())} may name {symbol.name}.")


@functools.lru_cache(maxsize=1)
def is_passed_on(project: TextProject, module: str) -> bool:
    """Something may be this module under another name: one loads modules, or gives it on."""
    loads = re.compile(r"\bimport_module\b|\b__import__\b|\bsys\.modules\b|\brun_path\b")
    if any(loads.search(project.normal_text(path)) for path in project.paths):
        return True
    for path in project.sources.holding(module, project.paths):
        try:
            own = project.module(path)
        except Refused:
            return True
        names = {module}
        for node in ast.walk(own.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names |= {a.asname for a in node.names if a.asname and a.name.endswith(module)}
        for node in ast.walk(own.tree):
            word = getattr(node, "id", getattr(node, "attr", ""))
            is_read = isinstance(getattr(node, "ctx", None), ast.Load)
            if is_read and word in names and not isinstance(own.parents[node], ast.Attribute):
                return True
    return False


def examples_with(project: TextProject, places: Mapping[str, Sequence[Place]]) -> tuple[str, ...]:
    """A warning where examples in docstrings hold a name, which stay as they are."""
    for path, own in places.items():
        text = project.normal_text(path)
        for place in own:
            line = text[text.rfind("\n", 0, place.start) + 1 : place.start]
            if place.around is Around.STRING and line.lstrip().startswith((">>> ", "... ")):
                where = f"{path}:{line_of(text, place.start)}"
                return (f"an example in a docstring names it ({where})",)
    return ()


def is_of_derived_class(project: TextProject, path: str, place: Place, name: str) -> bool:
    """The word is bound in the body of a class whose bases may have it: an override, perhaps."""
    line = line_of(project.normal_text(path), place.start)
    for node in ast.walk(project.module(path).tree):
        if not isinstance(node, ast.ClassDef):
            continue
        if all(last_word(base) in _PLAIN_BASES for base in node.bases):
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
    is_listed = any(
        (isinstance(n, ast.Attribute) and n.attr == "__dict__") or _is_call_of_vars(n)
        for n in ast.walk(own)
    )
    if symbol.what == "attribute" and is_listed:
        raise Refused(f"{own.name} uses the names of its attributes, {symbol.name} among them.")
    if symbol.what == "attribute" and own.decorator_list:
        raise Refused(f"The decorator of {own.name} may use the name {symbol.name}.")
    for base in own.bases:
        name = last_word(base)
        builtin = getattr(builtins, name, None)
        if isinstance(builtin, type) and not hasattr(builtin, symbol.name):
            continue
        if name not in _PLAIN_BASES and not _is_known_base(symbol, own.name, name):
            raise Refused(f"{own.name} derives from {name}, which may know {symbol.name}.")
    if own.keywords:
        raise Refused(f"{own.name} has a metaclass or options, which may use its names.")


def _is_call_of_vars(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "vars"


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
                last_word(b) in _PLAIN_BASES
                or any(s.get_name() == last_word(b) for s in above.get_superclasses()
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
