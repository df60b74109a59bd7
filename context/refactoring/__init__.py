"""Exact refactorings: what is asked, and what comes of it, as plain data.

Each is carried out by the syntax tree, or by rope for Python, over the files that the index knows,
in a process of its own (context/refactoring/process.py); no model takes part. What cannot be done
exactly is refused with the reason: `Refused`. Results are edits of texts with the hash of the text
that each was made for; nothing here writes a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from context.errors import ContextError


class Kind(StrEnum):
    RENAME = "rename"
    INLINE = "inline"
    SIGNATURE = "change signature"
    EXTRACT = "extract function"
    MOVE = "move to a file of its own"


class Change(StrEnum):
    """How a parameter list changes."""

    ADD = "add"
    REMOVE = "remove"
    REORDER = "reorder"


@dataclass(frozen=True, slots=True)
class SignatureChange:
    """One change of a parameter list.

    `names`: the one parameter that is added or removed, or all of them in their new order. `value`:
    what stands for an added one at each call, and its default where the language has them. `type`:
    its type as written; empty where there is none.
    """

    change: Change
    names: tuple[str, ...]
    value: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Refactoring:
    """What is to be done, and where. Offsets are code points of the text as it is open."""

    kind: Kind
    path: str
    start: int  # of the name that is meant, or of what is extracted
    end: int
    name: str = ""  # the new name, of the symbol or of the function that is extracted
    signature: SignatureChange | None = None


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace start..end (code points of the text with `file_hash`) by `new_text`.

    An empty `file_hash` means a file that does not exist yet.
    """

    path: str
    start: int
    end: int
    old_text: str
    new_text: str
    file_hash: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A refactoring as edits, with what a user should know before applying it."""

    edits: tuple[TextEdit, ...]  # none overlap
    what: str  # one line: rename total to sum_of
    by: str  # what did it: rope 1.14, the syntax tree
    looked_at: int  # files that hold the name
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What stands at a place, for who has to think of a name. Lines are 1-based and inclusive."""

    name: str
    what: str  # function, method, class, variable, parameter, ...
    first_line: int  # of what the name is seen in
    last_line: int
    taken: tuple[str, ...]  # names that a new one must not be
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Statements of a function that can be taken out. Offsets are code points, lines 1-based."""

    start: int
    end: int
    first_line: int
    last_line: int


class Refused(ContextError):
    """It cannot be done exactly; the text is one sentence that says why."""
