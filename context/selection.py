"""Snippets for a change at chosen lines: the function around them first, then what it touches.

Of a type that is to be described: its own lines, and the heads of its functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from context.anatomy import Anatomy, Definition, Function
from context.errors import NoSuchPlace
from context.outline import Outline
from context.suspects import Suspect
from context.text import Text, content_hash
from context.window import Role, Snippet

LINES_AROUND = 25  # shown around a selection that lies in no function
MAX_WHOLE_TYPE_LINES = 60  # a longer type is shown without the bodies of its functions; a guess


class Asked(Protocol):
    """What is asked of a workspace, in this process or another."""

    async def outline(self, path: str, text: str) -> Outline: ...

    async def snippets(self, suspects: Sequence[Suspect], report: str = "") -> list[Snippet]: ...


async def selection_snippets(
    workspace: Asked, path: str, text: Text, first_line: int, last_line: int, problem: str = ""
) -> list[Snippet]:
    """The function around the lines (or the lines around them), its callees, callers and tests.

    `problem` may name the tests that fail. Raises `NoSuchPlace` for lines past the end.
    """
    if first_line > text.n_lines:
        raise NoSuchPlace(f"{path} has only {text.n_lines} lines; name others.")
    outline = await workspace.outline(path, text.content)
    symbol = outline.enclosing(first_line)
    if symbol is not None and symbol.end_line >= last_line:
        start, end, name = symbol.start_line, symbol.end_line, symbol.qualified_name
        reason = "the lines to work on, with their function"
    else:
        start = max(1, first_line - LINES_AROUND)
        end, name = min(text.n_lines, last_line + LINES_AROUND), None
        reason = "the lines to work on"
    asked = min(first_line, text.n_lines), min(last_line, text.n_lines)
    chosen = _lines_of(path, text, start, end, name, Role.SUSPECT, reason)
    chosen = replace(chosen, asked=asked)
    around = await workspace.snippets([Suspect(path, name, start, end, 1.0, ())], problem)
    related = [s for s in around if s.path != path or s.end_line < start or s.start_line > end]
    return [chosen, *related]


def type_snippets(
    path: str, text: Text, type_: Definition, anatomy: Anatomy, around: Sequence[Snippet]
) -> list[Snippet]:
    """The lines of a type, then the heads of its functions that stand elsewhere (Go, Rust, C++).

    Of a long type the bodies of its functions are left out. `around` is what else there is to show;
    no line comes twice.
    """
    prefix = f"{type_.qualified_name}."
    members = [f for f in anatomy.functions if f.qualified_name.startswith(prefix)]
    inside = [f for f in members if type_.start_line <= f.start_line <= type_.end_line]
    runs, reason = [(type_.start_line, type_.end_line)], "the type to work on"
    if type_.end_line - type_.start_line >= MAX_WHOLE_TYPE_LINES:
        runs = list(_runs_without_bodies(type_, inside, text))
        reason = "the type to work on, without the bodies of its functions"
    own = [
        _lines_of(path, text, first, last, type_.qualified_name, Role.SUSPECT, reason)
        for first, last in runs
    ]
    own += [
        _lines_of(path, text, f.start_line, _last_line_of_head(f, text), f.qualified_name,
                  Role.RELATED, f"head only: a function of {type_.name}")
        for f in members
        if f not in inside
    ]  # fmt: skip
    return [*own, *(s for s in around if not any(_overlap(s, other) for other in own))]


def _runs_without_bodies(
    type_: Definition, functions: Sequence[Function], text: Text
) -> Iterator[tuple[int, int]]:
    """(first, last) of the lines that are in the body of none of these functions of the type."""
    at = type_.start_line
    for function in functions:
        last = _last_line_of_head(function, text)
        if at <= last < function.end_line:
            yield at, last
            at = function.end_line + 1
    if at <= type_.end_line:
        yield at, type_.end_line


def _last_line_of_head(function: Function, text: Text) -> int:
    """With the docstring that stands in the body."""
    end = function.head.start + len(text.slice(function.head).rstrip())
    if function.doc is not None and function.body.contains(function.doc):
        end = function.doc.end
    return text.line_idx_at(end) + 1


def _overlap(one: Snippet, other: Snippet) -> bool:
    return (
        one.path == other.path
        and one.start_line <= other.end_line
        and other.start_line <= one.end_line
    )


def _lines_of(
    path: str,
    text: Text,
    first: int,
    last: int,
    symbol: str | None,
    role: Role,
    reason: str,
) -> Snippet:
    lines = text.lines(first, last)
    return Snippet(
        path=path,
        start_line=first,
        end_line=first + len(lines) - 1,
        symbol=symbol,
        text="\n".join(lines),
        role=role,
        reason=reason,
        file_hash=content_hash(text.content),
    )
