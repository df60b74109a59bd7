"""What parsing one file yields, as plain data: no tree, no grammar, no file access."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class SymbolKind(StrEnum):
    FUNCTION = "function"  # the outermost named function or method; what nests inside belongs to it
    TYPE = "type"  # class, struct, interface, trait, enum, type alias
    MACRO = "macro"


class ReferenceRole(StrEnum):
    CALL = "call"
    BASE = "base"  # named as a base type, implemented interface or embedded struct
    NAME = "name"  # any other use


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. Lines are 1-based and inclusive, with decorators; bytes are half-open UTF-8."""

    qualified_name: str  # Outer.name, joined by dots in every language
    kind: SymbolKind
    start_line: int
    end_line: int
    start_byte: int
    end_byte: int
    signature: str  # the head as written, up to the body, on one line
    doc: str  # docstring or the comment just above; empty when there is none

    @property
    def name(self) -> str:
        return self.qualified_name.rpartition(".")[2]


class Reference(NamedTuple):
    """A use of a name. A tuple, because a file has thousands: a frozen dataclass costs thrice."""

    name: str  # unqualified
    line: int
    role: ReferenceRole


@dataclass(frozen=True, slots=True)
class Import:
    module: str  # as written: dotted, slashed or quoted path, without quotes
    names: tuple[str, ...]  # what is bound from it; empty for a plain import
    line: int


class Literal(NamedTuple):
    """A string literal long enough to be a message (8 code points and more). A tuple likewise."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A place that the grammar could not read: an ERROR or a MISSING node."""

    line: int
    column_byte: int
    what: str  # e.g. "missing )" or "unexpected text"


@dataclass(frozen=True, slots=True)
class Outline:
    language: str
    symbols: tuple[Symbol, ...]  # in file order; types and the functions inside them both
    references: tuple[Reference, ...]
    imports: tuple[Import, ...]
    literals: tuple[Literal, ...]
    problems: tuple[Problem, ...]

    def enclosing(self, line: int) -> Symbol | None:
        """The innermost symbol around a 1-based line: a function before its type."""
        around = [s for s in self.symbols if s.start_line <= line <= s.end_line]
        return min(around, key=lambda s: s.end_line - s.start_line, default=None)
