"""Words of code and of reports, split the same way on both sides.

An identifier counts whole and in its parts: `parseHTTPHeader_v2` gives parsehttpheader_v2, parse,
http, header, v2. Words with letters outside ASCII are split at underscores only. Everything is
lower case; words that carry nothing in code or prose are dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

MAX_TERM = 60  # a longer word is data, not a name

_WORD = re.compile(r"[^\W\d]\w*")
_ASCII_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)  # the same where there is nothing else: 2.7x
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")
STOP_WORDS = frozenset(
    """a about after all also an and any are as at be because been before but by can could
    did do does doing for from get had has have he her here how i if in into is it its just
    like me more my no not now of on one only or other our out over same should since so
    some such than that the their them then there these they this those to too under up us
    use used using very was we were what when where which while who why will with would you
    your def self return import class none true false null var let const func function
    public private static void int string new else elif try except raise""".split()
)


def words(text: str) -> list[str]:
    """Words of `text` as written, in order; `terms_of_word` says what each counts as."""
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def terms(text: str) -> Iterator[str]:
    """Terms of `text` in order, repeated as often as they occur."""
    for word in words(text):
        yield from terms_of_word(word)


def count_terms(text: str) -> Counter[str]:
    """How often each term occurs: the same as counting `terms`, with each word split once."""
    counts: Counter[str] = Counter()
    for word, count in Counter(words(text)).items():
        for term in terms_of_word(word):
            counts[term] += count
    return counts


@lru_cache(maxsize=50_000)
def terms_of_word(word: str) -> tuple[str, ...]:
    """The whole word and its parts, in lower case; nothing for a word that carries nothing."""
    if len(word) > MAX_TERM:
        return ()
    whole = word.lower()
    pieces = _PART.findall(word) if word.isascii() else word.split("_")
    parts = [part.lower() for part in pieces]
    if len(parts) > 1:
        kept = (p for p in map(_singular, parts) if len(p) > 1 and p not in STOP_WORDS)
        return (whole, *kept)
    return (_singular(whole),) if len(whole) > 1 and whole not in STOP_WORDS else ()


def _singular(word: str) -> str:
    """A light plural stem, the same for code and prose: files -> file, but not class -> clas."""
    if len(word) > 3 and word.endswith("s") and word[-2] not in "sui":
        return word[:-1]
    return word
