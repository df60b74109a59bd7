"""What the repository's own past says about words: which words its commits are described with, and
which terms of the code they changed.

Two sparse matrices over one vocabulary, one row a commit: the terms of the message, and the terms
of the changed lines of code (tests left out). Kept packed in the store as one value, because a
query needs all of it at once, and read in chunks, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from context.secrets import blank_secrets
from context.terms import count_terms

MAX_CHANGE_TERMS = 1_000  # distinct terms kept of one commit's changed lines, the most frequent
K1, B = 1.2, 0.75

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CommitRow:
    id: str
    time_s: int
    message: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TermMatrix:
    """Rows of term counts, packed: row i is `ids[starts[i]:starts[i + 1]]` with its `counts`."""

    starts: Ints
    ids: Ints
    counts: Ints

    def row(self, index: int) -> tuple[Ints, Ints]:
        span = slice(self.starts[index], self.starts[index + 1])
        return self.ids[span], self.counts[span]

    def rows(self, chosen: Ints) -> Ints:
        """Term ids of all the chosen rows, one after the other."""
        pieces = [self.ids[self.starts[i] : self.starts[i + 1]] for i in chosen]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)

    @property
    def row_of(self) -> Ints:
        """The row of each entry."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


class History:
    """Commits with the terms of their messages and of their changes, newest first."""

    def __init__(
        self,
        commit_ids: Sequence[str],
        vocabulary: Sequence[str],
        messages: TermMatrix,
        changes: TermMatrix,
        n_read: int,
    ) -> None:
        self.commit_ids = tuple(commit_ids)
        self.vocabulary = tuple(vocabulary)
        self.messages = messages
        self.changes = changes
        self.n_read = n_read  # commits whose changed lines were read
        self._id_of = {term: i for i, term in enumerate(self.vocabulary)}
        n_terms = len(self.vocabulary)
        self._message_frequency = np.bincount(messages.ids, minlength=n_terms)
        self.change_frequency = np.bincount(changes.ids, minlength=n_terms)
        order = np.argsort(messages.ids, kind="stable")
        self._postings = messages.row_of[order]
        self._posting_counts = messages.counts[order]
        self._posting_starts = np.concatenate([[0], np.cumsum(self._message_frequency)])
        lengths = (
            np.add.reduceat(np.append(messages.counts, 0), messages.starts[:-1])
            if len(self.commit_ids)
            else np.zeros(0)
        )
        lengths = np.where(np.diff(messages.starts) > 0, lengths, 0)
        mean = float(lengths.mean()) if len(lengths) else 1.0
        self._norms = K1 * (1 - B + B * lengths / max(mean, 1.0))

    @property
    def is_complete(self) -> bool:
        return self.n_read == len(self.commit_ids)

    def commits_with(self, term: str) -> tuple[Ints, Ints]:
        """Rows of the commits whose message has `term`, and how often."""
        at = self._id_of.get(term)
        if at is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        span = slice(self._posting_starts[at], self._posting_starts[at + 1])
        return self._postings[span], self._posting_counts[span]

    def message_scores(self, weights: Mapping[str, float]) -> Floats:
        """BM25 of each commit's message for weighted query terms."""
        n = len(self.commit_ids)
        scores = np.zeros(n)
        for term, weight in weights.items():
            rows, counts = self.commits_with(term)
            if len(rows):
                idf = math.log(1 + (n - len(rows) + 0.5) / (len(rows) + 0.5))
                scores[rows] += weight * idf * counts * (K1 + 1) / (counts + self._norms[rows])
        return scores


def build(commits: Sequence[CommitRow], changes: Mapping[str, Mapping[str, int]]) -> History:
    """`changes` by commit id; a commit that is not there has not been read yet."""
    id_of: dict[str, int] = {}
    messages = _matrix((count_terms(c.message) for c in commits), id_of)
    changed = _matrix((changes.get(c.id, {}) for c in commits), id_of)
    n_read = sum(c.id in changes for c in commits)
    return History([c.id for c in commits], list(id_of), messages, changed, n_read)


def change_terms(text: str) -> dict[str, int]:
    """Terms of changed lines with their counts, the most frequent first."""
    return dict(count_terms(blank_secrets(text)).most_common(MAX_CHANGE_TERMS))


def known_changes(history: History | None) -> dict[str, dict[str, int]]:
    """The changes that a history holds, to build the next one from."""
    if history is None:
        return {}
    found: dict[str, dict[str, int]] = {}
    for index, commit in enumerate(history.commit_ids[: history.n_read]):
        ids, counts = history.changes.row(index)
        found[commit] = {
            history.vocabulary[i]: c for i, c in zip(ids.tolist(), counts.tolist(), strict=True)
        }
    return found


def _matrix(rows: Iterable[Mapping[str, int]], id_of: dict[str, int]) -> TermMatrix:
    starts, ids, counts = [0], [], []
    for row in rows:
        for term, count in row.items():
            ids.append(id_of.setdefault(term, len(id_of)))
            counts.append(count)
        starts.append(len(ids))
    return TermMatrix(np.array(starts), np.array(ids, np.int64), np.array(counts, np.int64))


def pack(history: History) -> bytes:
    """One value for the store: a line of JSON with the sizes and names, then the arrays."""
    arrays = [
        part.astype("<u4")
        for matrix in (history.messages, history.changes)
        for part in (matrix.starts, matrix.ids, matrix.counts)
    ]
    head = {
        "commits": history.commit_ids,
        "vocabulary": history.vocabulary,
        "n_read": history.n_read,
        "sizes": [len(a) for a in arrays],
    }
    return json.dumps(head).encode() + b"\n" + b"".join(a.tobytes() for a in arrays)


def unpack(packed: bytes) -> History:
    """Raises ValueError when `packed` is not what `pack` made."""
    text, _, body = packed.partition(b"\n")
    head = json.loads(text)
    numbers = np.frombuffer(body, "<u4").astype(np.int64)
    if sum(head["sizes"]) != len(numbers):
        raise ValueError("the packed history is cut")
    parts = np.split(numbers, np.cumsum(head["sizes"])[:-1])
    return History(
        head["commits"], head["vocabulary"], TermMatrix(*parts[:3]), TermMatrix(*parts[3:]),
        head["n_read"],
    )  # fmt: skip
