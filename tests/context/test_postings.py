"""Counting over arrays against counting word by word."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from context.postings import DROPPED, NotPostings, Postings, count_documents, merge
from context.terms import count_terms

WORDS = st.lists(st.sampled_from(["parseHTTP", "the", "a_b", "naïve", "x" * 70, "files", "Ab"]))


def _rows(postings: Postings) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for i, term in enumerate(postings.terms):
        span = slice(int(postings.starts[i]), int(postings.starts[i + 1]))
        docs = postings.docs[span].tolist()
        assert docs == sorted(docs)
        for doc, n in zip(docs, postings.frequencies[span].tolist(), strict=True):
            found[term, doc] = n
    return found


@given(st.lists(WORDS, max_size=5))
def test_documents_are_counted_as_one_by_one(documents: list[list[str]]) -> None:
    also = {0: {"=call": 2}} if documents else {}
    postings, lengths = count_documents(documents, also)
    one_by_one = [count_terms(" ".join(words)) for words in documents]
    expected = {(t, d): n for d, c in enumerate(one_by_one) for t, n in c.items()}
    assert lengths == [c.total() for c in one_by_one]
    assert _rows(postings) == expected | ({("=call", 0): 2} if documents else {})
    assert list(postings.terms) == sorted(postings.terms)
    again = Postings.from_json(json.loads(json.dumps(postings.to_json())), len(documents))
    assert _rows(again) == _rows(postings)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=3), max_size=4), st.data())
def test_pieces_merge_into_what_counting_all_gives(
    pieces: list[list[list[str]]], data: st.DataObject
) -> None:
    numbers: list[list[int]] = []
    kept: Counter[tuple[str, int]] = Counter()
    following = 1
    for documents in pieces:
        new = []
        for words in documents:
            if data.draw(st.booleans()):
                new.append(following)
                kept.update({(t, following): n for t, n in count_terms(" ".join(words)).items()})
                following += 1
            else:
                new.append(int(DROPPED))
        numbers.append(new)
    merged = merge(
        [
            (count_documents(documents, {})[0], np.array(new, np.uint32))
            for documents, new in zip(pieces, numbers, strict=True)
        ]
    )
    assert _rows(merged) == dict(kept)


@pytest.mark.parametrize(
    "change",
    [
        {"starts": "AAAAAA=="},
        {"docs": "////fw=="},
        {"docs": "x"},
        {"terms": None},
        {"terms": ["a", "b", "c", "d"]},
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, object]) -> None:
    good = count_documents([["alpha", "beta"]], {})[0].to_json()
    Postings.from_json(good, 1)
    with pytest.raises(NotPostings):
        Postings.from_json(good | change, 1)
