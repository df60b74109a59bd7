"""Parameters given by name: whether a keyword that rope does not follow may be the one meant.

A function that is only called by its own name gets its arguments there alone; one that is handed
on, called with a dictionary, or one of several implementations may get them anywhere.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rope.base import pynames

from context.refactoring import Refused
from context.refactoring.python.project import TextProject
from context.refactoring.python.tokens import Around, Place
from context.refactoring.sources import line_of

if TYPE_CHECKING:
    from context.refactoring.python.rename import Symbol

_PASS_ON = frozenset({"super", "partial", "replace"})


def refuse_other_keywords(
    project: TextProject,
    symbol: Symbol,
    everywhere: Mapping[str, Sequence[Place]],
    found: Mapping[str, set[tuple[int, int]]],
) -> None:
    """Raises `Refused` for the first place that may give the parameter by its name after all."""
    owner = _owner(symbol)
    given = [
        (path, place, (place.start, place.end) in found[path])
        for path, own in everywhere.items()
        for place in own
        if place.around is Around.KEYWORD
    ]
    others = [(path, place) for path, place, is_found in given if not is_found]
    why = ""
    if others and owner.startswith("__"):
        why = f"which may be an argument of {owner}"
    elif others and (uses := _other_uses(project, owner)):
        why = f"and {owner} {uses}"
    for path, place in others:
        if why or place.callee in _PASS_ON | {owner}:
            raise Refused(
                f"{_where(project, path, place)} gives {symbol.name} as a keyword"
                f"{', ' + why if why else ' to what may be the same function'}."
            )
    to_owner = [(path, place) for path, place, _ in given if place.callee == owner]
    if to_owner and _is_one_of_several(project, owner):
        where = _where(project, *to_owner[0])
        raise Refused(f"{where} gives {symbol.name} as a keyword to one of several {owner}.")


def _owner(symbol: Symbol) -> str:
    """The name of the function whose parameter it is; empty for a lambda."""
    if not isinstance(symbol.pyname, pynames.ParameterName):
        return ""
    return str(symbol.pyname.pyfunction.get_name())


def _where(project: TextProject, path: str, place: Place) -> str:
    return f"{path}:{line_of(project.normal_text(path), place.start)}"


def _other_uses(project: TextProject, owner: str) -> str:
    """What is done with the function beside calling it with arguments that are written there."""
    for path in project.sources.holding(owner, project.paths) if owner else ():
        module = project.module(path)
        decorators = {
            id(d) for n in ast.walk(module.tree) for d in getattr(n, "decorator_list", ())
        }
        for node in ast.walk(module.tree):
            is_read = isinstance(getattr(node, "ctx", None), ast.Load)
            if not is_read or owner != getattr(node, "id", getattr(node, "attr", "")):
                continue
            call = module.parents[node]
            if not isinstance(call, ast.Call) or call.func is not node:
                if id(node) not in decorators:
                    return f"is handed on in {path}"
            elif any(k.arg is None for k in call.keywords):
                return f"is called with a dictionary in {path}"
    return ""


def _is_one_of_several(project: TextProject, owner: str) -> bool:
    """Several classes have a method of the name, so that an object may be of any of them."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    n_methods = 0
    for path in project.sources.holding(owner, project.paths):
        for node in ast.walk(project.module(path).tree):
            body = node.body if isinstance(node, ast.ClassDef) else ()
            n_methods += any(isinstance(s, kinds) and s.name == owner for s in body)
    return n_methods > 1
