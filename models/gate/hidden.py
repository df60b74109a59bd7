"""Secrets in what a model writes: each stays where it stood, and none is written by another name.

A model sees names in place of secrets (context/secrets.py); its answer gets the secrets back before
it is checked. A small model miscounts the names, so that one secret lands in the place of another,
or a name that stands for none in the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from context.secrets import GONE, NAME, Hidden
from context.text import split_lines
from models.findings import Edit, NewFile, Refusal

_MARK = re.compile(rf"{NAME.pattern}|{re.escape(GONE)}")
_BEFORE_CHARS = 60  # of a line, which say what is given a secret


def hidden_refusal(
    edits: Sequence[Edit], new_files: Sequence[NewFile], hidden: Sequence[Hidden]
) -> Refusal | None:
    """Why the edits and new files of one answer do not leave secrets where they were.

    Their texts have the secrets; `hidden` are those that the model knew by a name.
    """
    changed = [(e.path, e.old_text, e.new_text) for e in edits]
    changed += [(new.path, "", new.text) for new in new_files]
    for path in dict.fromkeys(path for path, _, _ in changed):
        old = "\n".join(old for own, old, _ in changed if own == path)
        new = "\n".join(new for own, _, new in changed if own == path)
        if Counter(_MARK.findall(new)) - Counter(_MARK.findall(old)):
            return Refusal("hidden", "The edit would write a name that stands for a secret.")
        for one in hidden:
            if new.count(one.secret) > old.count(one.secret):
                return Refusal("hidden", f"The edit would write a secret once more into {path}.")
        if _swapped(old, new, hidden):
            return Refusal("hidden", f"The edit would exchange secrets of {path}.")
    return None


def _swapped(old: str, new: str, hidden: Sequence[Hidden]) -> bool:
    """Whether what was given one secret is given another."""
    before = set(_given(old, hidden))
    places = {place for place, _ in before}
    return any(
        place in places and (place, name) not in before for place, name in _given(new, hidden)
    )


def _given(text: str, hidden: Sequence[Hidden]) -> Iterator[tuple[str, str]]:
    """(what stands before a secret on its line, the secret's name)."""
    for line in split_lines(text):
        for one in hidden:
            at = line.find(one.secret)
            if at >= 0:
                yield " ".join(line[max(0, at - _BEFORE_CHARS) : at].split()), one.placeholder
