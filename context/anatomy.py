"""What functions, types and calls of a file are made of, as plain data: for exact edits.

An `Outline` says what is where; this says where a parameter's type would go, what a function's doc
is, how many arguments a call passes, and, as one digest, what the code is without its comments.
Made by context/dissecting.py in a parser process; knows no tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from pydantic import TypeAdapter

from context.text import Span


class ParameterKind(StrEnum):
    PLAIN = "plain"
    REST = "rest"  # takes all further arguments (*args, ...rest, args ...T)
    KEYWORDS = "keywords"  # takes all further keywords (**kwargs)
    MARKER = "marker"  # no parameter: Python's bare * and /


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as written. `type` and `default` are "" where there is none."""

    name: str  # without stars; a pattern as written
    kind: ParameterKind
    type: str
    default: str
    end: int  # offset just after the name, where a type would be put


@dataclass(frozen=True, slots=True)
class Definition:
    """What has a name and can have a doc. Lines are 1-based and inclusive, with decorators."""

    qualified_name: str
    top_line: int  # with export, decorators and attributes: a comment about it goes above this line
    start_line: int
    end_line: int
    head: Span  # from its first keyword up to its body
    body: Span  # empty, at its end, where a type has none (an alias, a type in Go)
    doc: Span | None  # the docstring, or the comments right above, without what is around them

    @property
    def name(self) -> str:
        return self.qualified_name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Function(Definition):
    """A named function with a body."""

    parameters: tuple[Parameter, ...] | None  # None: a form that is not understood
    parameters_start: int  # offset of the opening parenthesis
    parameters_end: int  # offset just after the closing parenthesis, where a return type would go
    returns: str
    has_receiver: bool  # the first parameter is what stands before the dot of a call


@dataclass(frozen=True, slots=True)
class Call:
    """A call by name: `f(a, b)` or `x.f(a, b)`."""

    name: str
    line: int
    n_plain: int  # arguments by position
    keywords: tuple[str, ...]
    spreads: bool  # passes a number of arguments that cannot be counted
    on_object: bool  # something stands before the name


@dataclass(frozen=True, slots=True)
class Anatomy:
    """`skeleton` is a digest of the syntax tree without comments and docstrings."""

    functions: tuple[Function, ...]
    calls: tuple[Call, ...]
    skeleton: str
    types: tuple[Definition, ...] = ()  # classes, structs, interfaces, enums, traits, aliases

    def function(self, qualified_name: str) -> Function | None:
        """The only function of that name; None when there is none or more than one."""
        found = [f for f in self.functions if f.qualified_name == qualified_name]
        return found[0] if len(found) == 1 else None

    def around(self, line: int) -> Function | None:
        """The innermost function around a 1-based line."""
        return _innermost(self.functions, line)

    def definition_around(self, line: int) -> Definition | None:
        """The innermost function or type around a 1-based line; the function of two on a line."""
        return _innermost((*self.functions, *self.types), line)


@dataclass(frozen=True, slots=True)
class CallAt:
    path: str
    call: Call


_D = TypeVar("_D", bound=Definition)


def _innermost(definitions: Sequence[_D], line: int) -> _D | None:
    found = [d for d in definitions if d.start_line <= line <= d.end_line]
    return min(found, key=lambda d: d.end_line - d.start_line, default=None)


ANATOMY = TypeAdapter(Anatomy)
CALLS = TypeAdapter(list[CallAt])


def fits(function: Function, call: Call) -> bool:
    """Whether a call passes what the function takes; True where that cannot be told."""
    if function.parameters is None or call.spreads:
        return True
    named = [p for p in function.parameters if p.kind is not ParameterKind.MARKER]
    if not function.has_receiver:
        return _takes(named, function, call)
    # Through an object the receiver is given; through its type it is the first argument.
    return _takes(named[1:], function, call) or _takes(named, function, call)


def _takes(named: list[Parameter], function: Function, call: Call) -> bool:
    assert function.parameters is not None
    rest = any(p.kind is ParameterKind.REST for p in named)
    any_keyword = any(p.kind is ParameterKind.KEYWORDS for p in named)
    only_by_name = _only_by_name(function.parameters)
    by_place = [p for p in named if p.kind is ParameterKind.PLAIN and p.name not in only_by_name]
    known = {p.name for p in named if p.kind is ParameterKind.PLAIN}
    if call.n_plain > len(by_place) and not rest:
        return False
    if not any_keyword and any(word not in known for word in call.keywords):
        return False
    given = {p.name for p in by_place[: call.n_plain]} | {*call.keywords}
    return all(p.default or p.name in given for p in named if p.kind is ParameterKind.PLAIN)


def _only_by_name(parameters: tuple[Parameter, ...]) -> set[str]:
    """Those after a bare * or *args; / is no bar to counting."""
    found: set[str] = set()
    after = False
    for parameter in parameters:
        if parameter.kind is ParameterKind.PLAIN and after:
            found.add(parameter.name)
        after = (
            after
            or parameter.kind is ParameterKind.REST
            or (parameter.kind is ParameterKind.MARKER and parameter.name == "*")
        )
    return found
