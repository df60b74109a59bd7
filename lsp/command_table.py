"""The one table of commands: registration, titles, and what editors and their help are held to.

To add a command: its function in lsp/calls, a row here, and the same name in each editor. What a
command takes is the type of its function's second parameter (lsp/arguments.py). Functions are
named, not imported: the names are part of the answer to `initialize`, which does not wait for all
that they import.
"""

from __future__ import annotations

import importlib
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name on the wire, what a person reads, `module.function` in lsp/calls."""

    name: str
    title: str
    call: str


@dataclass(frozen=True, slots=True)
class Call:
    """What a command takes (an `Argument`), and what it does with it."""

    argument: Any
    run: Callable[..., Awaitable[Any]]  # (session, argument, progress token) -> plain data


_ROWS = (
    Command("postil.locate", "Locate the bug of a report", "locating.locate"),
    Command("postil.rerun", "Locate the last report again", "locating.rerun"),
    Command("postil.findBugs", "Find bugs in lines or a file", "reading.find_bugs"),
    Command("postil.review", "Review what changed", "reading.review"),
    Command("postil.explain", "Explain lines", "reading.explain"),
    Command("postil.fix", "Fix what a diagnostic says", "editing.fix"),
    Command("postil.fixTest", "Fix a failing test", "editing.fix_test"),
    Command("postil.simplify", "Simplify", "editing.simplify"),
    Command("postil.extractFunction", "Extract a function", "refactoring.extract_function"),
    Command("postil.rename", "Rename for meaning", "refactoring.rename"),
    Command("postil.inline", "Inline", "refactoring.inline"),
    Command("postil.changeSignature", "Change a signature", "refactoring.change_signature"),
    Command("postil.split", "Split", "refactoring.split"),
    Command("postil.change", "Change as I say", "editing.change"),
    Command("postil.modernise", "Modernise", "editing.modernise"),
    Command("postil.addTypes", "Add types", "editing.add_types"),
    Command("postil.document", "Document", "editing.document"),
    Command("postil.writeTest", "Write a test", "editing.write_test"),
    Command("postil.trace", "Show the full trace", "noting.trace"),
    Command("postil.receipt", "Show why these files were read", "noting.receipt"),
    Command("postil.dismiss", "Dismiss a finding for good", "noting.dismiss"),
    Command("postil.clear", "Clear all findings", "noting.clear"),
    Command("postil.stop", "Stop what is running", "serving.stop"),
    Command("postil.status", "Show the status", "serving.status"),
    Command("postil.doctor", "Look at this machine", "serving.doctor"),
    Command("postil.log", "Show what the model was asked", "serving.log"),
)
COMMANDS: dict[str, Command] = {row.name: row for row in _ROWS}


@cache
def call_of(command: Command) -> Call:
    module, _, function = command.call.partition(".")
    run = getattr(importlib.import_module(f"lsp.calls.{module}"), function)
    _, argument, *_ = typing.get_type_hints(run).values()
    return Call(argument, run)
