"""Fill in code at a place: what is most probable between what stands before and after it.

No thinking, no reply to be parsed: a model that was trained to fill gaps writes what is missing.
Nothing is said about whether it is right; an editor shows it greyed, and the user takes it or not.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import aclosing
from enum import StrEnum

from context.secrets import Hider, reveal
from models.backends import Backend, Conversation, Gap, Generation, Sampling
from models.errors import CannotFillGaps
from models.gate import INVISIBLE
from models.reasoning import CLOSE_TAG, OPEN_TAG

MAX_BEFORE_CHARS, MAX_AFTER_CHARS = 2_400, 800  # about 1,000 tokens: 2 to 4 s of prompt on a CPU
MAX_NEW_TOKENS = 48


class Extent(StrEnum):
    """How far to write."""

    LINE = "line"  # to the end of the line
    BLOCK = "block"  # up to an empty line


_PAIRS = {")": "(", "]": "[", "}": "{"}
_CLOSING = re.compile(r"[)\]}\"'`]+")
_STOPS = {Extent.LINE: ("\n",), Extent.BLOCK: ("\n\n",)}


async def complete(
    before: str, after: str, extent: Extent, backend: Backend, path: str = ""
) -> str:
    """What to insert; empty for nothing. Raises `CannotFillGaps`, `ModelError`.

    `before` and `after` are the whole file's; what is far away is cut. Secrets in them stand under
    other names for the model; `path` is that of the file.
    """
    if not backend.info.fills_gaps:
        raise CannotFillGaps("This model was not trained to fill in code.")
    hider = Hider()
    near = hider.hide(_from_a_line(before[-MAX_BEFORE_CHARS:], is_whole=before), path)
    # The line that is being written counts as the first words of the gap: the small models that
    # were then trained to chat go on after the end of the code where a gap begins inside a line.
    # Tokens begin with a space, so one that is there already is left to the model.
    head, newline, begun = near.rpartition("\n")
    gap = Gap(head + newline, hider.hide(after[:MAX_AFTER_CHARS], path), begun.rstrip(" "))
    n_spaces = len(begun) - len(gap.begun)
    generation = Generation(
        Conversation((), gap=gap),
        MAX_NEW_TOKENS,
        stop=_STOPS[extent],
        sampling=Sampling(temperature=0.0, repeat_penalty=1.0),
    )
    text = ""
    async with aclosing(backend.generate(generation)) as pieces:
        async for piece in pieces:
            text += piece.text
    n_given = len(text) - len(text.lstrip(" "))
    return _usable(reveal(text[min(n_spaces, n_given) :], hider.hidden), after)


def _from_a_line(part: str, *, is_whole: str) -> str:
    """Without the piece of a line at the front, when something was cut off there."""
    if len(part) == len(is_whole):
        return part
    return part.partition("\n")[2] or part


def _usable(text: str, after: str) -> str:
    """Empty for nothing to offer: blank, invisible characters, or what stands there already."""
    text = text.rstrip()
    rest_of_line = after.partition("\n")[0].strip()
    if rest_of_line:
        text = _without_repeated(text, rest_of_line)
    is_repeated = bool(text.strip()) and after.lstrip().startswith(text.strip())
    if is_repeated or INVISIBLE.search(text) or OPEN_TAG in text or CLOSE_TAG in text:
        return ""
    return text if text.strip() else ""


def _without_repeated(text: str, rest: str) -> str:
    """Without what stands behind the cursor already: all of it, or brackets and quotes that an
    editor closed by itself. What the text opened, it may close.
    """
    closing = _CLOSING.match(rest)
    run = closing[0] if closing else ""
    for repeated in (rest, *(run[:n] for n in range(len(run), 0, -1))):
        if text.endswith(repeated) and _closes_too_much(text, repeated):
            return text[: -len(repeated)].rstrip()
    return text


def _closes_too_much(text: str, repeated: str) -> bool:
    """Whether `text` closes what it did not open at least as often as its end, `repeated`."""
    unopened, quotes = _unopened(text), _odd_quotes(text)
    return _unopened(repeated) <= unopened and _odd_quotes(repeated) <= quotes


def _unopened(text: str) -> Counter[str]:
    """How many closing brackets of each kind have no opening one before them."""
    open_now, found = Counter[str](), Counter[str]()
    for char in text:
        if char in _PAIRS.values():
            open_now[char] += 1
        elif (opening := _PAIRS.get(char)) is not None:
            if open_now[opening]:
                open_now[opening] -= 1
            else:
                found[char] += 1
    return found


def _odd_quotes(text: str) -> set[str]:
    return {quote for quote in "\"'`" if text.count(quote) % 2}
