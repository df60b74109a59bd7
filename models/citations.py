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
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from context.languages import code_extensions
from context.text import Span
from context.window import ContextWindow, ShownPiece

NEAR_CHARS = 240  # a line belongs to the file that was named at most so far before it
MIN_FOREIGN_LETTERS = 2  # a single Greek letter is mathematics

# A trace may be one word of a hundred thousand letters: no pattern may look at a run of them from
# each of its letters anew. Hence the bounds, and the looks behind that let only its head begin one.
_QUOTED = re.compile(r"`([^`\n]{1,120})`")
# What stands behind an F2 or L2 that is no file and no line: a score, a norm, a cache.
_NO_PLACE = (
    r"(?![\s-]{1,4}(?:scores?|measures?|norms?|loss|distances?|regulari\w{0,10}|penalt\w{0,5}"
    r"|caches?|keys?)\b)"
)
_FILE_ID = re.compile(rf"\bF([1-9]\d?)\b{_NO_PLACE}")
_AS_FILE = re.compile(r"\b(?:files?|in|of|from) `?$")  # before an id that no file has
_PATH = re.compile(r"(?<![\w./\\-])[\w./\\-]{0,200}\w\.([A-Za-z][A-Za-z0-9+]{0,7})\b(?!\s{0,4}\()")
_RANGE = r"(\d{1,6})(?:\s{0,4}(?:-|–|to|through)\s{0,4}(?:line\s{1,4})?(\d{1,6}))?\b"
_LINES = re.compile(rf"\b(?:(?P<word>[Ll]ines?)\s?|(?P<short>L)){_RANGE}{_NO_PLACE}")
_MORE_LINES = re.compile(rf"(?:\s{{0,4}},|\s{{1,4}}(?:and|or)|\s{{0,4}}, and)\s{{1,4}}{_RANGE}")
_LINE_OF_FILE = re.compile(r":(\d{1,6})\b")  # right behind a file
_FILE_BEHIND = re.compile(r"[\s,]{0,4}(?:of|in|\()\s{0,4}(?:files?\s{1,4})?`?")
_LINE_OF_REPORT = re.compile(r"\bline\s{1,4}(\d{1,9})\b|:(\d{1,9})\b")
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->|#)[A-Za-z_$][\w$]*)*")
_WHOLE_NAME = re.compile(rf"{_NAME.pattern}(?:\(\))?")
_PRODUCT = re.compile(r"(?:Node|Vue|React|Next|Nuxt|Express|Three|Angular|Ember|D3)\.js")
_PLURAL = re.compile(r"\((?:e?s|ies)\)")  # of a word, not a call of it
_PARTS = re.compile(r"\.|::|->|#")
_WORD = re.compile(r"[\w$]+")
_LIKE_CODE = re.compile(r"\w_\w|[a-z0-9][A-Z]|^_\w|[a-z]\w{0,60}(?:::|->)\w")
# Names that every program has: whether they were shown says nothing.
_COMMON = frozenset(
    {*dir(builtins), *keyword.kwlist}
    | set(
        """self this null nil undefined true false int str bool float string void char double long
        console log println printf fmt err ok Some Ok Err Result Option List Map Set Array Object
        Promise Error Exception JSON Math String Number Boolean eof EOF JavaScript TypeScript
        GitHub NaN Infinity RangeError ReferenceError NullPointerException MySQL PostgreSQL SQLite
        IllegalArgumentException IllegalStateException IndexOutOfBoundsException iOS""".split()
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
    taken = _Taken()
    for citations in (_quoted(trace, shown), _files(trace, shown), _names(trace, shown)):
        taken.add(citations)
    taken.add([*_lines(trace, shown, taken.in_order)])
    return Citations(tuple(taken.in_order), tuple(_foreign(trace, shown)))


def marked(trace: str, citations: Citations) -> str:
    """The trace with a word behind each reference that was not shown, and behind other scripts."""
    pieces, start = [], 0
    for at, mark in marks(trace, citations):
        pieces += [trace[start:at], mark]
        start = at
    return "".join((*pieces, trace[start:]))


def marks(trace: str, citations: Citations) -> list[tuple[int, str]]:
    """(offset in the trace, words to put there), in order: behind a reference and its quote."""
    ends = [(c.span.end, " [not shown]") for c in citations.found if not c.is_shown]
    ends += [(span.end, " [in another script]") for span in citations.foreign]
    return sorted((at + (trace[at : at + 1] == "`"), mark) for at, mark in ends)


class _Taken:
    """Citations that do not overlap, in the order of the trace; those that come first stay."""

    def __init__(self) -> None:
        self.in_order: list[Citation] = []

    def add(self, citations: Iterable[Citation]) -> None:
        for citation in citations:
            at = bisect_left(self.in_order, citation.span.start, key=_start)
            beside = self.in_order[max(at - 1, 0) : at + 1]
            if not any(citation.span.overlaps(other.span) for other in beside):
                self.in_order.insert(at, citation)


def _start(citation: Citation) -> int:
    return citation.span.start


class _Shown:
    """The window and the report, as they are looked up in."""

    def __init__(self, window: ContextWindow, report: str) -> None:
        self.window = window
        self.report = report
        heads = [f"{p.snippet.path} {p.snippet.symbol or ''}" for p in window.pieces]
        self.text = "\n".join([report, *heads, *(p.snippet.text for p in window.pieces)])
        self.plain = " ".join(self.text.split())
        self.words = frozenset(_WORD.findall(self.text))
        numbers = _LINE_OF_REPORT.findall(report)
        self.lines_of_report = {int(number) for pair in numbers for number in pair if number}
        self.first_uses: dict[str, tuple[str, int]] = {}  # word to path and line
        for piece in window.pieces:
            lines = piece.snippet.text.split("\n")
            for number, line in enumerate(lines, piece.snippet.start_line):
                for word in _WORD.findall(line):
                    self.first_uses.setdefault(word, (piece.snippet.path, number))
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
        if not self.words.issuperset(parts):
            return False, None, None
        last = parts[-1]
        for piece in self.window.pieces:
            symbol = piece.snippet.symbol or ""
            if symbol == name or _PARTS.split(symbol)[-1] == last:
                return True, piece.snippet.path, piece.snippet.start_line
        if last in self.first_uses:
            return True, *self.first_uses[last]
        return True, None, None  # in the report only


def _quoted(trace: str, shown: _Shown) -> Iterator[Citation]:
    """Names between back-ticks, and code that was shown. Other code there may be a proposal."""
    for hit in _QUOTED.finditer(trace):
        written, span = hit[1].strip(), Span(hit.start(1), hit.end(1))
        if "." in written and (path := shown.path_like(written)):
            yield Citation(Cited.FILE, span, written, is_shown=True, path=path)
        elif _WHOLE_NAME.fullmatch(written):
            name = written.removesuffix("()")
            if name not in _COMMON and not _FILE_ID.fullmatch(name):
                is_shown, path, line = shown.place_of(name)
                yield Citation(Cited.NAME, span, written, is_shown, path, line)
        elif " ".join(written.split()) in shown.plain:
            yield Citation(Cited.NAME, span, written, is_shown=True)


def _files(trace: str, shown: _Shown) -> Iterator[Citation]:
    for hit in _FILE_ID.finditer(trace):
        path = shown.window.path_of(hit[0])
        if path is None and not _AS_FILE.search(trace[max(0, hit.start() - 10) : hit.start()]):
            continue  # a key of the keyboard, a car
        yield Citation(Cited.FILE, Span(*hit.span()), hit[0], path is not None, path)
    extensions = code_extensions()
    for hit in _PATH.finditer(trace):
        path = shown.path_like(hit[0])
        if path is None and _PRODUCT.fullmatch(hit[0]):
            continue
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
        is_called = (
            trace[hit.end() : hit.end() + 1] == "("
            and len(name) > 1
            and not _PLURAL.match(trace, hit.end())
        )
        if name in _COMMON or not (is_called or _LIKE_CODE.search(name)):
            continue
        is_shown, path, line = shown.place_of(name)
        yield Citation(Cited.NAME, Span(*hit.span()), name, is_shown, path, line)


def _lines(trace: str, shown: _Shown, others: Sequence[Citation]) -> Iterator[Citation]:
    """A short L12 is one only where such a line was shown: else it may be anything.

    Lines are of the file that is named right behind them, else of the one named before.
    """
    files = [c for c in others if c.kind is Cited.FILE and c.path]
    for file in files:
        end = file.span.end + (trace[file.span.end : file.span.end + 1] == "`")
        if hit := _LINE_OF_FILE.match(trace, end):
            yield _line(shown, Span(*hit.span(1)), hit[1], _bounds(hit[1], None), file.path)
    for hit in _LINES.finditer(trace):
        more = list(_more_lines(trace, hit.end()))
        path = _file_of(trace, Span(hit.start(), more[-1].end() if more else hit.end()), files)
        cited = _line(shown, Span(*hit.span()), hit[0], _bounds(hit[3], hit[4]), path)
        if not cited.is_shown and hit["short"]:
            continue
        yield cited
        for further in more if hit["word"] in ("lines", "Lines") else ():
            span = Span(further.start(1), further.end())
            bounds = _bounds(further[1], further[2])
            yield _line(shown, span, trace[span.start : span.end], bounds, path)


def _more_lines(trace: str, at: int) -> Iterator[re.Match[str]]:
    while more := _MORE_LINES.match(trace, at):
        yield more
        at = more.end()


def _bounds(first: str, last: str | None) -> tuple[int, int]:
    return int(first), max(int(first), int(last or first))


def _file_of(trace: str, lines: Span, files: Sequence[Citation]) -> str | None:
    """The path of the file whose lines these are; None where none was named near them."""
    at = bisect_left(files, lines.start, key=_start)
    behind = _FILE_BEHIND.match(trace, lines.end)
    if behind and at < len(files) and files[at].span.start == behind.end():
        return files[at].path
    if at and files[at - 1].span.start > lines.start - NEAR_CHARS:
        return files[at - 1].path
    return None


def _line(
    shown: _Shown, span: Span, written: str, lines: tuple[int, int], path: str | None
) -> Citation:
    """Lines looked up in a file, in all where none is named."""
    first, last = lines
    pieces: Sequence[ShownPiece] = shown.window.pieces
    if path is not None:
        pieces = [p for p in pieces if p.snippet.path == path]
    piece = next(
        (p for p in pieces if p.snippet.start_line <= first and last <= p.snippet.end_line),
        None,
    )
    is_shown = piece is not None or first in shown.lines_of_report
    place = (piece.snippet.path, first) if piece else (None, None)
    return Citation(Cited.LINES, span, written, is_shown, *place)


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
