"""Move a function or class of a Python module into a module of its own beside it.

The old module imports it from there, at the place where it stood, so that no other file changes.
Only what needs nothing but imports and builtins can move: else the two would import each other.
"""

from __future__ import annotations

import ast
import re

from context.refactoring import Carried, Refactoring, Refused, TextEdit
from context.refactoring.names import check_name
from context.refactoring.python.project import TextProject
from context.refactoring.python.trees import BUILTINS, Module, bound_in
from context.refactoring.sources import edited

BY = "Python's own syntax tree"
_OWN_NAMES = frozenset("__name__ __file__ __doc__ __package__ __spec__ __path__".split())


def move(project: TextProject, asked: Refactoring) -> Carried:
    """`name`: the new module's, without its suffix. Raises `Refused`."""
    module = project.module(asked.path)
    at = project.normal_offset(asked.path, asked.start)
    node = next(
        (
            n
            for n in module.tree.body
            if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and module.whole_span(n)[0] <= at <= module.span(n)[1]
        ),
        None,
    )
    if node is None:
        raise Refused("There is no function or class of the module itself here.")
    name = asked.name or _module_name(node.name)
    if not asked.name and name in bound_in(module.tree):
        name = f"{name}_module"
    check_name(name, "python")
    folder = asked.path.rpartition("/")[0]
    path = f"{folder}/{name}.py".lstrip("/")
    if path in project.sources.languages or name in project.children.get(folder, ()):
        raise Refused(f"{path} is there already.")
    if name in bound_in(module.tree):
        raise Refused(f"“{name}” is in use already in {asked.path}.")
    _refuse_tied(module, node)
    imports = _needed_imports(module, node)
    start, end = module.lines_span(node)
    body = module.text[start:end].rstrip("\n") + "\n"
    head = "\n".join(imports)
    doc = f'"""{node.name}, moved out of {asked.path.rpartition("/")[2]}."""\n\n'
    new_text = doc + (f"{head}\n\n\n" if head else "\n") + body
    is_package = "__init__.py" in project.children.get(folder, ())
    stub = f"from {'.' if is_package else ''}{name} import {node.name}\n"
    edits = (
        project.edit(asked.path, start, end, stub),
        TextEdit(path, 0, 0, "", _like(project.sources.text(asked.path), new_text), ""),
    )
    for own, text in (
        (path, new_text),
        (asked.path, edited(project.sources.text(asked.path), edits[:1])),
    ):
        Module(own, text)  # refuses what cannot be parsed
    what = f"move {node.name} to {path}"
    return Carried(edits, what, BY, 1, ("what replaces names in the old module for tests, or keeps "
                                        "it by its module's name, sees the new one",))  # fmt: skip


def _like(own: str, text: str) -> str:
    found = re.search(r"\r\n|\n|\r", own)
    return text.replace("\n", found.group()) if found else text


def _module_name(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).strip("_").lower()


def _refuse_tied(module: Module, node: ast.AST) -> None:
    name = node.name  # type: ignore[attr-defined]
    if bound_in(module.tree).count(name) - _inner(module, name) > 1:
        raise Refused(f"{name} is bound more than once.")
    for inner in ast.walk(node):
        if isinstance(inner, ast.Global):
            raise Refused(f"{name} changes variables of its module.")
        if isinstance(inner, ast.Name) and inner.id in _OWN_NAMES | {"globals"}:
            raise Refused(f"{name} uses {inner.id}, which is another one elsewhere.")


def _inner(module: Module, name: str) -> int:
    """Bindings of the name that are not the module's own."""
    inner = [n for n in module.tree.body
             if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]  # fmt: skip
    return sum(bound_in(n).count(name) for n in inner)


def _needed_imports(module: Module, node: ast.AST) -> list[str]:
    """Import statements for what the definition takes from its module."""
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    used |= _words_of_strings(node)
    own = {*bound_in(node)}
    lines: list[str] = []
    bound: dict[str, str] = {}
    for statement in module.tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            lines.append(module.source(statement))
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                if alias.name == "*":
                    raise Refused("The module imports everything of another, names unknown.")
                key = alias.asname or alias.name.partition(".")[0]
                bound[key] = _import_of(statement, alias)
        else:
            for other in sorted(_top_bound(statement) & used):
                if other != getattr(node, "name", ""):
                    raise Refused(f"It needs {other} of its module, which would import it back.")
    needed = [line for key, line in bound.items() if key in used]
    lines += [line for line in dict.fromkeys(needed) if line not in lines]
    unknown = used - bound.keys() - own - BUILTINS - {getattr(node, "name", "")}
    unknown -= _words_of_strings(node)
    if unknown:
        raise Refused(f"It uses {min(unknown)}, whose place is not known.")
    return lines


def _import_of(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    rename = f" as {alias.asname}" if alias.asname else ""
    if isinstance(statement, ast.Import):
        return f"import {alias.name}{rename}"
    return f"from {'.' * statement.level}{statement.module or ''} import {alias.name}{rename}"


def _top_bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    return {*bound_in(statement)}


def _words_of_strings(node: ast.AST) -> set[str]:
    """Names in annotations that are written as strings."""
    found = set[str]()
    for inner in ast.walk(node):
        for field in ("annotation", "returns"):
            written = getattr(inner, field, None)
            if written is None:
                continue
            for part in ast.walk(written):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found |= {*re.findall(r"[^\W\d]\w*", part.value)}
    return found
