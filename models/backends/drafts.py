"""Guesses at what comes next, copied from what was already there: prompt look-up.

Speculative decoding without a second model (prompt lookup decoding, Saxena 2023; in Transformers
and vLLM as n-gram speculation): where the last tokens stood before, what followed them is proposed.
An edit repeats most of the code it was shown, so that many tokens are checked in one pass which
would have taken a pass each. The model's own choice decides about each, so the text is the same
but where two tokens are so close that rounding decides.

llama.cpp's kernels leave no way round that. They compute several tokens in another order than one
(on AVX2 attention from 2 tokens on, packed Q4_K from 4, Q6_K from 8), and however small the
difference, a few layers of quantised activations raise it to one size: how far the best token is
ahead of the second differs by 0.06 on average, 0.3 at most (0.5B). A close call computed again
alone, however wide "close" is, goes wrong as often, since the keys and values of the tokens before
it came from long passes and move it as much. With those computed again, too, the text is the same
and all the time gained is lost. Passes so short that they come out alike cost as much as single
tokens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

NGRAM = 3  # tokens that must have stood there before; 2 guesses too often, 4 too late
MIN_DRAFT, MAX_DRAFT = 4, 24  # tokens a pass; longer ones cost more than they win on a CPU
CANDIDATES = 6  # earlier places that are compared
MAX_MATCH = 64  # tokens looked back on to tell places apart
PATIENCE = 4  # drafts in a row without one right token, after which there is a pause
PAUSE = 24  # tokens without drafts


class PromptLookup:
    """Everything read and written so far, looked up by its last tokens."""

    def __init__(self, tokens: Iterable[int]) -> None:
        self._tokens: list[int] = []
        self._places: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        self._length = MIN_DRAFT
        self._misses = 0
        self._resting = 0
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        self._tokens.append(token)
        self._resting = max(0, self._resting - 1)
        at = len(self._tokens)
        if at > NGRAM:  # the place is where what follows an n-gram begins
            self._places[tuple(self._tokens[at - NGRAM - 1 : at - 1])].append(at - 1)

    def propose(self, room: int) -> list[int]:
        """At most `room` tokens that may follow; none when nothing like it was there before."""
        if self._resting or room < 1:
            return []
        places = self._places.get(tuple(self._tokens[-NGRAM:]), [])
        if not places:
            return []
        best = max(reversed(places[-CANDIDATES:]), key=self._likeness)
        return self._tokens[best : best + min(self._length, room)]

    def learn(self, proposed: int, right: int) -> None:
        """Longer drafts after one that was right, shorter ones after a wrong one, then a pause."""
        if not proposed:
            return
        if right == proposed:
            self._length = min(2 * self._length, MAX_DRAFT)
        elif 2 * right < proposed:
            self._length = max(self._length // 2, MIN_DRAFT)
        self._misses = 0 if right else self._misses + 1
        if self._misses >= PATIENCE:
            self._misses, self._resting = 0, PAUSE

    def _likeness(self, place: int) -> int:
        """How many tokens before `place` are the last ones written."""
        end = len(self._tokens)
        same = 0
        while same < MAX_MATCH and same < place:
            if self._tokens[place - 1 - same] != self._tokens[end - 1 - same]:
                break
            same += 1
        return same
