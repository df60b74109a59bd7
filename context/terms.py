"""Words of code and of reports, split the same way on both sides.

An identifier counts whole and in its parts: `parseHTTPHeader_v2` gives parsehttpheader_v2, parse,
http, header, v2. Everything is lower case; words that carry nothing in code or prose are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_TERM = 60  # a longer word is data, not a name

_WORD = re.compile(r"[^\W\d]\w*")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+|[^\W\d_A-Za-z]+")
STOP_WORDS = frozenset(
    """a about after all also an and any are as at be because been before but by can could
    did do does doing for from get had has have he her here how i if in into is it its just
    like me more my no not now of on one only or other our out over same should since so
    some such than that the their them then there these they this those to too under up us
    use used using very was we were what when where which while who why will with would you
    your def self return import class none true false null var let const func function
    public private static void int string new else elif try except raise""".split()
)


def terms(text: str) -> Iterator[str]:
    """Terms of `text` in order, repeated as often as they occur."""
    for match in _WORD.finditer(text):
        word = match.group()
        if len(word) > MAX_TERM:
            continue
        whole = word.lower()
        parts = [part.lower() for part in _PART.findall(word)]
        if len(parts) > 1:
            yield whole
            yield from (p for p in map(_singular, parts) if len(p) > 1 and p not in STOP_WORDS)
        elif len(whole) > 1 and whole not in STOP_WORDS:
            yield _singular(whole)


def _singular(word: str) -> str:
    """A light plural stem, the same for code and prose: files -> file, but not class -> clas."""
    if len(word) > 3 and word.endswith("s") and word[-2] not in "sui":
        return word[:-1]
    return word
