"""The one table of commands: registration, arguments, titles, and what editors are held to.

To add a command: its function in lsp/calls, a row here, and the same name in each editor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lsp.arguments import Argument, NoteAt, Nothing, Report, Target
from lsp.calls import editing, locating, noting, reading, serving
from models.tasks.edit import EditKind


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name on the wire, what a person reads, what it takes, what it does."""

    name: str
    title: str
    argument: type[Argument]
    run: Callable[..., Awaitable[Any]]  # (session, argument, progress token) -> plain data


_ROWS = (
    Command("postil.locate", "Locate the bug of a report", Report, locating.locate),
    Command("postil.findBugs", "Find a bug in lines", Target, reading.find_bugs),
    Command("postil.explain", "Explain lines", Target, reading.explain),
    Command("postil.fix", "Fix what a diagnostic says", Target, editing.edit(EditKind.FIX)),
    Command("postil.simplify", "Simplify", Target, editing.edit(EditKind.SIMPLIFY)),
    Command(
        "postil.extractFunction",
        "Extract a function",
        Target,
        editing.edit(EditKind.EXTRACT_FUNCTION),
    ),
    Command("postil.change", "Change as I say", Target, editing.edit(EditKind.CUSTOM)),
    Command("postil.trace", "Show the full trace", NoteAt, noting.trace),
    Command("postil.clear", "Clear all findings", Nothing, noting.clear),
    Command("postil.status", "Show the status", Nothing, serving.status),
)
COMMANDS: dict[str, Command] = {row.name: row for row in _ROWS}
