"""The one place for positions: lines, code points and UTF-8 bytes of a text.

Notation used everywhere: an *offset* counts code points from the start of the text, from 0; a
`Span` is a half-open pair of offsets; a *line* is 1-based where its name ends in `_line` (what
people and reports use) and 0-based where it ends in `_idx`; a *byte* counts UTF-8. A line ends at
"\\n", "\\r\\n" or "\\r" and nowhere else, as the Language Server Protocol has it: `str.splitlines`
also splits at form feeds and U+2028 and must not be used.

Does not know client units (UTF-16 and so on): those live in lsp/from_lsp.py and lsp/to_lsp.py.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property

_EOL = re.compile(r"\r\n|\n|\r")
_SURROGATE = re.compile("[\ud800-\udfff]")


class SpanOutOfRange(ValueError):
    """A span or offset that lies outside its text."""


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of code-point offsets, 0 <= start <= end."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise SpanOutOfRange(f"not a span: {self.start}..{self.end}")

    def overlaps(self, other: Span) -> bool:
        """True when the two share a code point, or one is empty and lies inside or at an edge."""
        if self.start == self.end or other.start == other.end:
            return self.start <= other.end and other.start <= self.end
        return self.start < other.end and other.start < self.end

    def contains(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


class Text:
    """An immutable text with its line index, computed on first need."""

    def __init__(self, content: str) -> None:
        self.content = content

    def __len__(self) -> int:
        return len(self.content)

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of each line's first code point; never empty."""
        return (0, *(m.end() for m in _EOL.finditer(self.content)))

    def edited(self, span: Span, new_text: str) -> Text:
        """This text with `span` replaced; a line index known here is known there at once."""
        content = self.content
        text = Text(content[: span.start] + new_text + content[span.end :])
        if "line_starts" in self.__dict__:
            starts, new_end = self.line_starts, span.start + len(new_text)
            # A start stays one when it and the character before it stay; between, look again. The
            # character before the edit is looked at, too: it may be half of an end-of-line.
            head = bisect_left(starts, span.start) if span.start else 1
            tail = bisect_right(starts, span.end)
            eols = _EOL.finditer(text.content, max(span.start - 1, 0), new_end + 1)
            found = [m.end() for m in eols if m.end() <= new_end]
            moved = map((new_end - span.end).__add__, starts[tail:])
            text.__dict__["line_starts"] = (*starts[:head], *found, *moved)
        return text

    @property
    def n_lines(self) -> int:
        return len(self.line_starts)

    def line_idx_at(self, offset: int) -> int:
        """0-based line of an offset. Raises `SpanOutOfRange` past the end."""
        if not 0 <= offset <= len(self.content):
            raise SpanOutOfRange(f"offset {offset} outside 0..{len(self.content)}")
        return bisect_right(self.line_starts, offset) - 1

    def line_span(self, line_idx: int) -> Span:
        """The line without its end-of-line. Raises `SpanOutOfRange` when it is not there."""
        with_eol = self.full_line_span(line_idx)
        end = with_eol.end
        while end > with_eol.start and self.content[end - 1] in "\r\n":
            end -= 1
        return Span(with_eol.start, end)

    def full_line_span(self, line_idx: int) -> Span:
        """The line with its end-of-line."""
        if not 0 <= line_idx < self.n_lines:
            raise SpanOutOfRange(f"line {line_idx + 1} outside 1..{self.n_lines}")
        start = self.line_starts[line_idx]
        last = line_idx + 1 == self.n_lines
        return Span(start, len(self.content) if last else self.line_starts[line_idx + 1])

    def lines_span(self, start_line: int, end_line: int) -> Span:
        """Span of 1-based inclusive lines, clamped to the text, without the last end-of-line."""
        first = min(max(start_line, 1), self.n_lines) - 1
        last = min(max(end_line, start_line, 1), self.n_lines) - 1
        return Span(self.line_starts[first], self.line_span(last).end)

    def slice(self, span: Span) -> str:
        if span.end > len(self.content):
            raise SpanOutOfRange(f"{span} outside 0..{len(self.content)}")
        return self.content[span.start : span.end]

    def lines(self, start_line: int, end_line: int) -> list[str]:
        """1-based inclusive lines, clamped, without their ends-of-line."""
        first = max(start_line, 1) - 1
        return [self.slice(self.line_span(i)) for i in range(first, min(end_line, self.n_lines))]

    def byte_span(self, span: Span) -> tuple[int, int]:
        """`span` as half-open UTF-8 byte offsets, the unit that tree-sitter uses."""
        start = len(encode(self.content[: span.start]))
        return start, start + len(encode(self.slice(span)))

    def eol(self) -> str:
        """The end-of-line this text uses first; a newline when it has none."""
        found = _EOL.search(self.content)
        return found.group() if found else "\n"


def count_lines(content: str) -> int:
    """`Text(content).n_lines`, at the speed of C."""
    return 1 + content.count("\n") + content.count("\r") - content.count("\r\n")


def shortened(words: str, limit: int) -> str:
    """At most `limit` code points of one line, cut between two words and with … where it is cut."""
    line = words.strip().partition("\n")[0]
    if len(line) <= limit:
        return line
    kept = line[: limit - 1]
    at = kept.rfind(" ")
    return f"{kept[:at].rstrip() if at >= limit // 2 else kept}…"


def encode(content: str) -> bytes:
    """UTF-8, with lone surrogates replaced: a client may send them and no parser takes them."""
    return _SURROGATE.sub("\ufffd", content).encode()


def indent_of(line: str) -> str:
    """The white space that a line begins with; all of one that has nothing else."""
    return line[: len(line) - len(line.lstrip())]


def split_lines(content: str) -> list[str]:
    """Lines without their ends, by the protocol's rule; a last end leaves an empty line."""
    return _EOL.split(content)


def content_hash(content: str) -> str:
    """Short content digest (BLAKE2b, 16 bytes, hex) that keys the store and guards edits."""
    return hash_bytes(encode(content))


def hash_bytes(source: bytes) -> str:
    return hashlib.blake2b(source, digest_size=16).hexdigest()
