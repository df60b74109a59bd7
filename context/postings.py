"""Pieces of an inverted index: which documents hold a term, and how often.

Built in the parser processes from the words of each document, sent as JSON, merged by the store.
Counting runs over arrays, because a workspace of 17 MB has a million pairs of document and term.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from context.terms import terms_of_word

Numbers = NDArray[np.uint32]
FILE_DOC = -1  # ordinal of the document that stands for a whole file
DROPPED = np.uint32(0xFFFFFFFF)  # in a renumbering: this document is left out


class NotPostings(ValueError):
    """The data is not what `Postings.to_json` wrote."""


@dataclass(frozen=True, slots=True)
class Postings:
    """Term i occurs `frequencies[j]` times in document `docs[j]`, starts[i] <= j < starts[i + 1].

    Terms are sorted, and so are the documents of each.
    """

    terms: tuple[str, ...]
    starts: Numbers  # one more than there are terms
    docs: Numbers
    frequencies: Numbers

    def to_json(self) -> dict[str, Any]:
        arrays = {"starts": self.starts, "docs": self.docs, "frequencies": self.frequencies}
        packed = {k: base64.b64encode(v.tobytes()).decode("ascii") for k, v in arrays.items()}
        return {"terms": self.terms, **packed}

    @classmethod
    def from_json(cls, data: Any, n_docs: int) -> Postings:
        """`n_docs`: how many documents they may speak of. Raises `NotPostings`."""
        try:
            terms = tuple(map(str, data["terms"]))
            starts, docs, frequencies = (
                np.frombuffer(base64.b64decode(data[name]), np.uint32)
                for name in ("starts", "docs", "frequencies")
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NotPostings(str(error)) from error
        fits = (
            len(starts) == len(terms) + 1
            and starts[0] == 0
            and starts[-1] == len(docs) == len(frequencies)
            and bool(np.all(starts[1:] >= starts[:-1]))
            and bool(np.all(docs < n_docs))
        )
        if not fits:
            raise NotPostings("the arrays do not fit each other")
        return cls(terms, starts, docs, frequencies)


def count_documents(
    documents: Sequence[Sequence[str]], also: Mapping[int, Mapping[str, int]]
) -> tuple[Postings, list[int]]:
    """Postings of documents given as their words, and how many terms each has.

    `also`: terms by document that are found like others and do not count for its length.
    """
    word_ids: defaultdict[str, int] = defaultdict(count().__next__)
    words: list[int] = []
    times: list[int] = []
    sizes: list[int] = []
    for document in documents:
        counted = Counter(document)
        words.extend(map(word_ids.__getitem__, counted))
        times.extend(counted.values())
        sizes.append(len(counted))
    term_ids: defaultdict[str, int] = defaultdict(count().__next__)
    terms_of = [terms_of_word(word) for word in word_ids]
    n_terms = np.fromiter(map(len, terms_of), np.int64, len(terms_of))
    first = np.cumsum(n_terms) - n_terms
    flat = np.fromiter(map(term_ids.__getitem__, chain.from_iterable(terms_of)), np.int64)
    word = np.array(words, np.int64)
    repeats = n_terms[word]
    within = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    term = flat[np.repeat(first[word], repeats) + within]
    doc = np.repeat(np.repeat(np.arange(len(documents)), sizes), repeats)
    frequency = np.repeat(np.array(times, np.int64), repeats)
    lengths = np.bincount(doc, frequency, len(documents)).astype(np.int64)
    more = [(term_ids[t], d, n) for d, counted in also.items() for t, n in counted.items()]
    extra = np.array(more, np.int64).reshape(-1, 3)
    term, doc, frequency = (
        np.concatenate(pair) for pair in zip((term, doc, frequency), extra.T, strict=True)
    )
    ordered = sorted(term_ids)
    rank = np.empty(len(ordered), np.int64)
    rank[np.fromiter(map(term_ids.__getitem__, ordered), np.int64, len(ordered))] = np.arange(
        len(ordered)
    )
    key = rank[term] * max(len(documents), 1) + doc
    keys, inverse = np.unique(key, return_inverse=True)
    sums = np.bincount(inverse, frequency, len(keys)).astype(np.uint32)
    return _of_rows(ordered, keys // max(len(documents), 1), keys % max(len(documents), 1), sums), (
        lengths.tolist()
    )


def merge(pieces: Sequence[tuple[Postings, Numbers]]) -> Postings:
    """One piece out of many, each with the new numbers of its documents, which must ascend."""
    ordered = sorted(set(chain.from_iterable(piece.terms for piece, _ in pieces)))
    rank = {term: i for i, term in enumerate(ordered)}
    rows: list[tuple[NDArray[np.int64], Numbers, Numbers]] = []
    for piece, numbers in pieces:
        term = np.fromiter(map(rank.__getitem__, piece.terms), np.int64, len(piece.terms))
        docs = numbers[piece.docs]
        keep = docs != DROPPED
        spread = np.repeat(term, np.diff(piece.starts))
        rows.append((spread[keep], docs[keep], piece.frequencies[keep]))
    if not rows:
        return _of_rows((), *(np.zeros(0, np.int64) for _ in range(3)))
    term, docs, frequencies = (np.concatenate(column) for column in zip(*rows, strict=True))
    order = np.argsort(term, kind="stable")
    return _of_rows(ordered, term[order], docs[order], frequencies[order])


def _of_rows(
    terms: Sequence[str],
    term: NDArray[Any],
    docs: NDArray[Any],
    frequencies: NDArray[Any],
) -> Postings:
    """`term`: sorted places in `terms`."""
    starts = np.searchsorted(term, np.arange(len(terms) + 1))
    return Postings(
        tuple(terms),
        starts.astype(np.uint32),
        docs.astype(np.uint32),
        frequencies.astype(np.uint32),
    )
