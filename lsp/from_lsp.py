"""From the client's terms into ours: URIs to paths, positions to offsets."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from context.text import Span, Text

if TYPE_CHECKING:
    from lsprotocol import types


class Encoding(StrEnum):
    """The unit in which a client counts columns."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


def path(uri: str) -> Path | None:
    """The file that a `file:` URI names; None for any other scheme, and for what names none.

    The bytes of a name that is not UTF-8 are kept as Python keeps them in paths.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:  # of a host such as "[x"
        return None
    if parts.scheme.lower() != "file":
        return None
    name = unquote(parts.path, errors="surrogateescape")
    if "\0" in name:
        return None
    if re.match(r"^/[A-Za-z]:", name):  # /C:/... is a Windows drive
        name = name[1:]
    if parts.netloc and parts.netloc.lower() != "localhost":
        name = f"//{parts.netloc}{name}"
    return Path(name)


def offset(text: Text, position: types.Position, encoding: Encoding) -> int:
    """Code-point offset of a position; past a line's end is its end, as the protocol has it."""
    if position.line >= text.n_lines:
        return len(text)
    line = text.line_span(position.line)
    return line.start + _code_points(text.slice(line), position.character, encoding)


def span(text: Text, range_: types.Range, encoding: Encoding) -> Span:
    """Raises `SpanOutOfRange` when the end lies before the start."""
    return Span(offset(text, range_.start, encoding), offset(text, range_.end, encoding))


def _code_points(line: str, units: int, encoding: Encoding) -> int:
    """How many code points of `line` the first `units` units are; never half of one."""
    if encoding is Encoding.UTF32 or line.isascii():
        return min(units, len(line))
    left = units
    for index, char in enumerate(line):
        left -= width(char, encoding)
        if left < 0:
            return index
    return len(line)


def width(char: str, encoding: Encoding) -> int:
    """Units that one code point takes. A lone surrogate is one UTF-16 unit and three bytes."""
    point = ord(char)
    match encoding:
        case Encoding.UTF8:
            return 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
        case Encoding.UTF16:
            return 2 if point > 0xFFFF else 1
        case Encoding.UTF32:
            return 1
