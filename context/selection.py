"""Snippets for a change at chosen lines: the function around them first, then what it touches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from context.outline import Outline
from context.suspects import Suspect
from context.text import Text, content_hash
from context.window import Role, Snippet

LINES_AROUND = 25  # shown around a selection that lies in no function


class Asked(Protocol):
    """What is asked of a workspace, in this process or another."""

    async def outline(self, path: str, text: str) -> Outline: ...

    async def snippets(self, suspects: Sequence[Suspect], report: str = "") -> list[Snippet]: ...


async def selection_snippets(
    workspace: Asked, path: str, text: Text, first_line: int, last_line: int, problem: str = ""
) -> list[Snippet]:
    """The function around the lines (or the lines around them), its callees, callers and tests.

    `problem` may name the tests that fail.
    """
    outline = await workspace.outline(path, text.content)
    symbol = outline.enclosing(first_line)
    if symbol is not None and symbol.end_line >= last_line:
        start, end, name = symbol.start_line, symbol.end_line, symbol.qualified_name
    else:
        start = max(1, first_line - LINES_AROUND)
        end, name = min(text.n_lines, last_line + LINES_AROUND), None
    lines = text.lines(start, end)
    chosen = Snippet(
        path=path,
        start_line=start,
        end_line=start + len(lines) - 1,
        symbol=name,
        text="\n".join(lines),
        role=Role.SUSPECT,
        reason="the lines to work on, with their function" if name else "the lines to work on",
        file_hash=content_hash(text.content),
    )
    around = await workspace.snippets([Suspect(path, name, start, end, 1.0, ())], problem)
    related = [s for s in around if s.path != path or s.end_line < start or s.start_line > end]
    return [chosen, *related]
