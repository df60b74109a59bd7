"""Python's own syntax tree with offsets instead of columns, and what its expressions may do."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator

from context.refactoring import Refused
from context.refactoring.python.tokens import Unreadable, parse

Function = ast.FunctionDef | ast.AsyncFunctionDef
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_INERT = (
    ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip


class Module:
    """One file as a tree; its text ends lines with `\\n` alone."""

    def __init__(self, path: str, text: str) -> None:
        """Raises `Refused` where it cannot be parsed."""
        try:
            self.tree = parse(text)
        except Unreadable:
            raise Refused(f"{path} has a syntax error.") from None
        self.path, self.text = path, text
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self.parents = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }

    def offset(self, line: int, column_byte: int) -> int:
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return start + len(self.text[start:end].encode()[:column_byte].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        first = self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        last = self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        return first, last

    def whole_span(self, node: ast.AST) -> tuple[int, int]:
        """With decorators."""
        start, end = self.span(node)
        for decorator in getattr(node, "decorator_list", ()):
            start = min(start, self.text.rfind("@", 0, self.span(decorator)[0]))
        return start, end

    def lines_span(self, node: ast.AST) -> tuple[int, int]:
        """Whole lines. Raises `Refused` when something else stands on them."""
        start, end = self.whole_span(node)
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        last = len(self.text) if last < 0 else last + 1
        rest = self.text[end:last].strip()
        if self.text[first:start].strip() or (rest and not rest.startswith("#")):
            raise Refused("Something else stands on the same line.")
        return first, last

    def source(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes that hold it, the nearest first."""
        while (above := self.parents.get(node)) is not None:
            yield above
            node = above

    def function_around(self, node: ast.AST) -> Function | None:
        for above in self.around(node):
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
                return above
            if isinstance(above, ast.Lambda | ast.ClassDef):
                return None
        return None

    def name_at(self, start: int) -> ast.AST | None:
        """The name, or the attribute whose last word, begins at an offset."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and self.span(node)[0] == start:
                return node
            if isinstance(node, ast.Attribute) and self.span(node)[1] - len(node.attr) == start:
                return node
        return None

    def definition_at(self, start: int) -> Function | None:
        """The function whose name begins at an offset."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                head = self.text.index("def", self.span(node)[0])
                if re.compile(r"def\s+").match(self.text, head) and self.text.startswith(
                    node.name, start
                ):
                    found = re.compile(r"def\s+").match(self.text, head)
                    if found and found.end() == start:
                        return node
        return None


def is_inert(node: ast.AST) -> bool:
    """Evaluating it again, or later, or not at all, makes no difference but for its names.

    Operators of built-in values are taken to be so; calls, attributes and items are not.
    """
    return all(isinstance(n, _INERT) for n in ast.walk(node))


def is_harmless(node: ast.expr) -> bool:
    """Evaluating it once more, or not at all, makes no difference: `is_inert`, or new containers.

    A name with dots is taken to be a constant of a module or class.
    """
    plain = (ast.List, ast.Dict, ast.Set, ast.Attribute, ast.Lambda, ast.arguments, ast.arg)
    return all(isinstance(n, (*_INERT, *plain)) for n in ast.walk(node))


def is_decorated(function: Function, decorator: str) -> bool:
    return any(isinstance(d, ast.Name) and d.id == decorator for d in function.decorator_list)


def own_parameter(function: Function) -> str:
    """The parameter that gets the object of a method, or its class; empty where there is none."""
    first = [*function.args.posonlyargs, *function.args.args][:1]
    return first[0].arg if first and not is_decorated(function, "staticmethod") else ""


def last_word(node: ast.expr) -> str:
    """By what a class, a decorator or a called function is known: `C` of `m.C[int](...)`."""
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ast.unparse(node)[:40]


def names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def stored_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Variables that the code below the nodes sets, by name alone."""
    return {n.id for node in nodes for n in ast.walk(node)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip


def bound_in(function: ast.AST) -> list[str]:
    """Names that the code of a function binds, once for each binding; its parameters among them.

    Those of scopes inside are among them, too.
    """
    return [name for n in ast.walk(function) for name in _bound_by(n) if n is not function]


def bound_here(scope: ast.AST) -> list[str]:
    """As `bound_in`, without what scopes inside bind for themselves."""
    found: list[str] = []
    pending = list(ast.iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        if isinstance(node, COMPREHENSIONS):
            named = [n.target for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
            found += [target.id for target in named]
            continue
        found += _bound_by(node)
        if not isinstance(node, SCOPES):
            pending += ast.iter_child_nodes(node)
    return found


def _bound_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case ast.arg(arg=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.alias(name=name, asname=other):
            return [other or name.partition(".")[0]]
        case ast.ExceptHandler(name=str(name)):
            return [name]
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return [*names, *names]  # bound who knows where
    return []


def is_steady(module: Module, function: Function, name: str) -> bool:
    """Nothing but the code of `function` itself can change what the name holds while it runs.

    Only what stands in this file is looked at: who sets a name of another module is not seen.
    """
    changed = [n.names for n in ast.walk(module.tree) if isinstance(n, ast.Global | ast.Nonlocal)]
    if any(name in names for names in changed):
        return False
    if name in bound_here(function):
        return True
    for above in module.around(function):
        bound = bound_here(above)
        if name in bound and not isinstance(above, ast.ClassDef):
            return bound.count(name) == 1
    return name in BUILTINS


def sees_frame(code: ast.AST) -> str:
    """What in the code can see the names of its function as text; empty where nothing does."""
    apart = {
        id(n.func)
        for n in ast.walk(code)
        if isinstance(n, ast.Call) and (len(n.args) > 1 or n.keywords)  # the names are given, too
    }
    for node in ast.walk(code):
        match node:
            case ast.Name(id="eval" | "exec" as word) if id(node) not in apart:
                return word
            case ast.Name(id="locals" as word):
                return word
            case ast.Call(func=ast.Name(id="vars" | "dir" as word), args=[]):
                return word
            case ast.Attribute(attr="_getframe" | "currentframe" | "f_locals" as word):
                return word
    return ""


def parenthesised(module: Module, node: ast.expr) -> str:
    """Its text as one operand."""
    text = module.source(node)
    atoms = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript, ast.List, ast.Dict)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | complex):
        return f"({text})"  # 1.real is no attribute
    if isinstance(node, ast.Constant) and re.search(r"[\"']\s*[A-Za-z]?[\"']", text):
        return f"({text})"  # several literals beside each other
    if isinstance(node, atoms):
        return text
    return text if isinstance(node, ast.Tuple) and text.startswith("(") else f"({text})"


BUILTINS = frozenset(dir(builtins))
