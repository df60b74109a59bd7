"""Words of code and prose are split alike, and counting is the same as listing."""

from __future__ import annotations

from collections import Counter

import pytest

from context.terms import count_terms, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parseHTTPHeader_v2", ["parsehttpheader_v2", "parse", "http", "header", "v2"]),
        ("files class status", ["file", "status"]),  # `class` says nothing in code
        ("the return of self", []),
        ("größe naïve 变量 alte_größe", ["größe", "naïve", "变量", "alte_größe", "alte", "größe"]),
        ("x" * 61, []),
        ("", []),
    ],
)
def test_terms_of_a_text(text: str, expected: list[str]) -> None:
    found = list(terms(text))
    assert found == expected
    assert count_terms(text) == Counter(found)


def test_counting_is_the_same_as_listing_on_mixed_text() -> None:
    text = "readFile(readFile, read_file); Files file FILE fileReader 2 x1 _a __init__\n" * 3
    assert count_terms(text) == Counter(terms(text))
