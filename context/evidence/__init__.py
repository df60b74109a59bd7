"""Signals that point from a bug report to places in the code, one module a signal.

Each signal reads the report and the store and returns `Evidence`: a place, a strength, and a
reason that a person can read. `context/suspects.py` fuses them; no signal knows another's weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Signal(StrEnum):
    FRAME = "frame"  # a stack frame of the report
    PATH = "path"  # a path, module or file stem named in the report
    NAME = "name"  # a symbol named in the report
    LITERAL = "literal"  # a quoted message found as a string literal
    LEXICAL = "lexical"  # words of the report in the code (BM25)
    HISTORY = "history"  # past commits whose message is like the report
    FEEDBACK = "feedback"  # words of the changes that such commits made
    TRANSLATION = "translation"  # words that this history changes when it says the report's words
    RECENCY = "recency"  # changed lately
    CALLEE = "callee"  # called by a symbol that the report names
    CALLER = "caller"  # calls a symbol that the report names
    MEMBER = "member"  # method of a type that the report names
    BASE = "base"  # base or derived type of one that the report names
    IMPORT = "import"  # imported by a file that the report points to
    TEST = "test"  # called by a test that the report says fails
    COVERAGE = "coverage"  # ran under the failing tests
    DIAGNOSTIC = "diagnostic"  # another language server complains there
    COMPANION = "companion"  # changed together with a suspect file
    TITLE = "title"  # words of the title in a function's name


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to suspect a file, or one symbol in it."""

    signal: Signal
    path: str  # relative to the workspace, with /
    symbol: str | None  # qualified name; None speaks for the whole file
    line: int | None  # 1-based, where the evidence points at a line
    strength: float  # 0..1 within its signal
    detail: str  # one sentence for a person, e.g. "frame 3 of the traceback: file.py, line 41"
