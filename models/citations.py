"""What a trace refers to, looked up in what the model was shown.

A trace reads convincingly whether or not it speaks of code that exists. Files, lines and names
that it cites are found by their form and looked up in the window and the report; what is not there
is marked, what is there becomes a place to go to, and a figure says how much is supported. That a
citation is supported says that it exists, not that what is said about it is right.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from context.languages import code_extensions
from context.text import Span
from context.window import ContextWindow, ShownPiece

NEAR_CHARS = 240  # a line belongs to the file that was named at most so far before it
MIN_FOREIGN_LETTERS = 2  # a single Greek letter is mathematics

_QUOTED = re.compile(r"`([^`\n]{1,120})`")
_FILE_ID = re.compile(r"\bF([1-9]\d?)\b")
_PATH = re.compile(r"[\w./\\-]*\w\.([A-Za-z][A-Za-z0-9+]{0,7})\b(?!\s*\()")
_LINES = re.compile(
    r"\b(?:[Ll]ines?|L)\s?(\d{1,6})(?:\s*(?:-|–|to|through|and|,)\s*(?:line\s+)?(\d{1,6}))?\b"
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->|#)[A-Za-z_$][\w$]*)*")
_WHOLE_NAME = re.compile(rf"{_NAME.pattern}(?:\(\))?")
_PARTS = re.compile(r"\.|::|->|#")
_LIKE_CODE = re.compile(r"\w_\w|[a-z0-9][A-Z]|^_\w|[A-Z][a-z]+[A-Z]|[a-z]\w*(?:::|->)\w")
# Names that every program has: whether they were shown says nothing.
_COMMON = frozenset(
    {*dir(builtins), *keyword.kwlist}
    | set(
        """self this null nil undefined true false int str bool float string void char double long
        console log println printf fmt err ok Some Ok Err Result Option List Map Set Array Object
        Promise Error Exception JSON Math String Number Boolean eof EOF JavaScript TypeScript
        GitHub""".split()
    )
)


class Cited(StrEnum):
    FILE = "file"
    LINES = "lines"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Citation:
    """One reference in a trace. `path` and `line` (1-based) say where it leads, if it was code."""

    kind: Cited
    span: Span  # code points of the trace
    written: str
    is_shown: bool
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Citations:
    """All of a trace, in its order, and passages in a script that neither report nor code use."""

    found: tuple[Citation, ...] = ()
    foreign: tuple[Span, ...] = ()

    @property
    def n_shown(self) -> int:
        return sum(citation.is_shown for citation in self.found)

    @property
    def not_shown(self) -> tuple[str, ...]:
        """As written, each once."""
        return tuple(dict.fromkeys(c.written for c in self.found if not c.is_shown))


def check_citations(trace: str, window: ContextWindow, report: str) -> Citations:
    """Look up what `trace` refers to. `report`: whatever else the model was told."""
    shown = _Shown(window, report)
    taken: list[Citation] = []

    def is_free(start: int, end: int) -> bool:
        return all(end <= c.span.start or c.span.end <= start for c in taken)

    for citations in (_quoted(trace, shown), _files(trace, shown), _names(trace, shown)):
        taken += [c for c in citations if is_free(c.span.start, c.span.end)]
    taken += [c for c in _lines(trace, shown, taken) if is_free(c.span.start, c.span.end)]
    taken.sort(key=lambda c: c.span.start)
    return Citations(tuple(taken), tuple(_foreign(trace, shown)))


def marked(trace: str, citations: Citations) -> str:
    """The trace with a word behind each reference that was not shown, and around other scripts."""
    marks = [(c.span.end, " [not shown]") for c in citations.found if not c.is_shown]
    marks += [(span.end, " [in another script]") for span in citations.foreign]
    for at, mark in sorted(marks, reverse=True):
        if trace[at : at + 1] == "`":
            at += 1  # behind the quote
        trace = trace[:at] + mark + trace[at:]
    return trace


class _Shown:
    """The window and the report, as they are looked up in."""

    def __init__(self, window: ContextWindow, report: str) -> None:
        self.window = window
        self.report = report
        heads = [f"{p.snippet.path} {p.snippet.symbol or ''}" for p in window.pieces]
        self.text = "\n".join([report, *heads, *(p.snippet.text for p in window.pieces)])
        self.plain = " ".join(self.text.split())
        self._places: dict[str, tuple[bool, str | None, int | None]] = {}

    def path_like(self, written: str) -> str | None:
        """The shown path that ends as written."""
        wanted = written.replace("\\", "/").lstrip("./")
        for piece in self.window.pieces:
            path = piece.snippet.path
            if path == wanted or path.endswith(f"/{wanted}"):
                return path
        return None

    def place_of(self, name: str) -> tuple[bool, str | None, int | None]:
        """(whether a name was shown, path and line of its definition or first use)."""
        if name not in self._places:
            self._places[name] = self._find(name)
        return self._places[name]

    def _find(self, name: str) -> tuple[bool, str | None, int | None]:
        parts = [part for part in _PARTS.split(name) if part not in _COMMON]
        if not parts:
            return True, None, None
        if not all(re.search(rf"(?<![\w$]){re.escape(p)}(?![\w$])", self.text) for p in parts):
            return False, None, None
        last = parts[-1]
        for piece in self.window.pieces:
            symbol = piece.snippet.symbol or ""
            if symbol == name or _PARTS.split(symbol)[-1] == last:
                return True, piece.snippet.path, piece.snippet.start_line
        word = re.compile(rf"(?<![\w$]){re.escape(last)}(?![\w$])")
        for piece in self.window.pieces:
            if hit := word.search(piece.snippet.text):
                line = piece.snippet.start_line + piece.snippet.text.count("\n", 0, hit.start())
                return True, piece.snippet.path, line
        return True, None, None  # in the report only


def _quoted(trace: str, shown: _Shown) -> Iterator[Citation]:
    """Names between back-ticks, and code that was shown. Other code there may be a proposal."""
    for hit in _QUOTED.finditer(trace):
        written, span = hit[1].strip(), Span(hit.start(1), hit.end(1))
        if _WHOLE_NAME.fullmatch(written):
            name = written.removesuffix("()")
            if path := shown.path_like(name):
                yield Citation(Cited.FILE, span, written, is_shown=True, path=path)
            elif name not in _COMMON and not _FILE_ID.fullmatch(name):
                is_shown, path, line = shown.place_of(name)
                yield Citation(Cited.NAME, span, written, is_shown, path, line)
        elif " ".join(written.split()) in shown.plain:
            yield Citation(Cited.NAME, span, written, is_shown=True)


def _files(trace: str, shown: _Shown) -> Iterator[Citation]:
    for hit in _FILE_ID.finditer(trace):
        path = shown.window.path_of(hit[0])
        yield Citation(Cited.FILE, Span(*hit.span()), hit[0], path is not None, path)
    extensions = code_extensions()
    for hit in _PATH.finditer(trace):
        path = shown.path_like(hit[0])
        is_path = f".{hit[1].lower()}" in extensions and ("/" in hit[0] or len(hit[1]) > 1)
        if path is not None or is_path:
            in_report = hit[0] in shown.report
            yield Citation(
                Cited.FILE, Span(*hit.span()), hit[0], path is not None or in_report, path
            )


def _names(trace: str, shown: _Shown) -> Iterator[Citation]:
    """Words that only code writes so: snake_case, camelCase, called ones."""
    for hit in _NAME.finditer(trace):
        name = hit[0]
        is_called = trace[hit.end() : hit.end() + 1] == "(" and len(name) > 1
        if name in _COMMON or not (is_called or _LIKE_CODE.search(name)):
            continue
        is_shown, path, line = shown.place_of(name)
        yield Citation(Cited.NAME, Span(*hit.span()), name, is_shown, path, line)


def _lines(trace: str, shown: _Shown, others: Sequence[Citation]) -> Iterator[Citation]:
    files = sorted(
        (c for c in others if c.kind is Cited.FILE and c.path), key=lambda c: c.span.start
    )
    for hit in _LINES.finditer(trace):
        first = int(hit[1])
        last = max(first, int(hit[2] or first))
        before = [c for c in files if hit.start() - NEAR_CHARS < c.span.start < hit.start()]
        pieces: Sequence[ShownPiece] = shown.window.pieces
        if before:
            pieces = [p for p in pieces if p.snippet.path == before[-1].path]
        piece = next(
            (p for p in pieces if p.snippet.start_line <= first and last <= p.snippet.end_line),
            None,
        )
        in_report = re.search(rf"\bline\s+{first}\b|:{first}\b", shown.report) is not None
        yield Citation(
            Cited.LINES,
            Span(*hit.span()),
            hit[0],
            piece is not None or in_report,
            piece.snippet.path if piece else None,
            first if piece else None,
        )


def _foreign(trace: str, shown: _Shown) -> Iterator[Span]:
    """Runs of letters in scripts that nothing of what was shown is written in."""
    known = {_script(char) for char in shown.text if not char.isascii()} | {"LATIN"}
    start = end = letters = 0
    for at, char in enumerate(f"{trace}\n"):
        if char.isascii() and char != "\n":
            is_foreign = False
            goes_on = not char.isalnum()  # spaces and marks do not end a passage
        else:
            is_foreign = char.isalpha() and _script(char) not in known
            goes_on = not char.isalpha() and char != "\n"
        if is_foreign:
            if not letters:
                start = at
            letters, end = letters + 1, at + 1
        elif not goes_on:
            if letters >= MIN_FOREIGN_LETTERS:
                yield Span(start, end)
            letters = 0


def _script(char: str) -> str:
    """The first word of a letter's name is its script's: CJK, CYRILLIC, HANGUL, ..."""
    script = unicodedata.name(char, "UNKNOWN").partition(" ")[0]
    return "CJK" if script in ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA") else script
