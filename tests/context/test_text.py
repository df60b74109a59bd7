"""Positions: lines by the protocol's rule, code points and bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context.terms import terms
from context.text import Span, SpanOutOfRange, Text, encode, shortened, split_lines

PIECES = st.lists(
    st.sampled_from(["a", "é", "😀", "\n", "\r\n", "\r", "\x0c", "\u2028", "\ud800", " "])
)


@given(PIECES)
def test_lines_end_at_three_marks_only(pieces: list[str]) -> None:
    content = "".join(pieces)
    expected = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    text = Text(content)
    assert split_lines(content) == expected
    assert text.lines(1, text.n_lines) == expected


@given(PIECES, st.data())
def test_bytes_of_a_span_are_its_encoding(pieces: list[str], data: st.DataObject) -> None:
    content = "".join(pieces)
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    text = Text(content)
    first, last = text.byte_span(Span(start, end))
    assert encode(content)[first:last] == encode(content[start:end])


@given(PIECES, st.data())
def test_every_offset_lies_in_its_line(pieces: list[str], data: st.DataObject) -> None:
    text = Text("".join(pieces))
    offset = data.draw(st.integers(0, len(text)))
    line = text.full_line_span(text.line_idx_at(offset))
    assert line.start <= offset <= line.end


def test_what_lies_outside_is_refused() -> None:
    with pytest.raises(SpanOutOfRange):
        Text("ab").line_idx_at(3)
    with pytest.raises(SpanOutOfRange):
        Text("ab").slice(Span(1, 9))
    with pytest.raises(SpanOutOfRange):
        Span(2, 1)


def test_terms_are_whole_names_and_their_parts() -> None:
    assert list(terms("parseHTTPHeaders")) == ["parsehttpheaders", "parse", "http", "header"]
    assert list(terms("max_width")) == ["max_width", "max", "width"]
    assert list(terms("files of the classes")) == ["file", "classe"]


@pytest.mark.parametrize(
    ("words", "limit", "short"),
    [
        ("as it is", 8, "as it is"),
        ("first line\nsecond", 20, "first line"),
        ("cut between two words", 14, "cut between…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("a " + "x" * 30, 10, "a xxxxxxx…"),
        ("", 5, ""),
    ],
)
def test_what_is_cut_says_so(words: str, limit: int, short: str) -> None:
    assert shortened(words, limit) == short
    assert len(shortened(words, limit)) <= limit
