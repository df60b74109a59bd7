"""Which module of this package does which refactoring."""

from __future__ import annotations

import ast

from context.refactoring import Carried, Kind, Refactoring, Refused, Target
from context.refactoring.python.extract import extract
from context.refactoring.python.inline import inline
from context.refactoring.python.move import move
from context.refactoring.python.project import TextProject
from context.refactoring.python.rename import rename, symbol_at
from context.refactoring.python.signature import change_signature
from context.refactoring.python.trees import BUILTINS, bound_in
from context.refactoring.sources import Sources

_DOERS = {
    Kind.RENAME: rename,
    Kind.INLINE: inline,
    Kind.SIGNATURE: change_signature,
    Kind.EXTRACT: extract,
    Kind.MOVE: move,
}


def carry_out(sources: Sources, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    return _DOERS[asked.kind](TextProject(sources), asked)


def target_at(sources: Sources, path: str, offset: int) -> Target:
    """Raises `Refused` where no name is, or none whose definition is known."""
    project = TextProject(sources)
    symbol = symbol_at(project, path, project.normal_offset(path, offset))
    module = project.module(symbol.path)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    around = [
        n
        for n in ast.walk(module.tree)
        if isinstance(n, kinds) and n.lineno <= symbol.line <= (n.end_lineno or n.lineno)
    ]
    if symbol.path != path:
        raise Refused(f"{symbol.name} is defined in {symbol.path}; ask for it there.")
    innermost = max(around, key=lambda n: n.lineno, default=None)
    first = innermost.lineno if innermost else symbol.line
    last = (innermost.end_lineno or first) if innermost else symbol.line
    parameters: tuple[str, ...] = ()
    if isinstance(innermost, ast.FunctionDef | ast.AsyncFunctionDef):
        parameters = tuple(a.arg for a in innermost.args.args)
    taken = {*bound_in(module.tree)} | BUILTINS
    return Target(symbol.name, symbol.what, first, last, tuple(sorted(taken)), parameters)
