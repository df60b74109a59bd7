"""Thinking apart from the answer, as it streams: where it ends, and when it loops."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

OPEN_TAG, CLOSE_TAG = "<think>", "</think>"


class Effort(StrEnum):
    """How long a model may think. Budgets are guesses for a CPU that writes 27 tokens a second."""

    QUICK = "quick"
    NORMAL = "normal"
    DEEP = "deep"

    @property
    def thinking_tokens(self) -> int:
        return {Effort.QUICK: 96, Effort.NORMAL: 320, Effort.DEEP: 1_536}[self]


class Start(StrEnum):
    """Where a stream begins."""

    OUTSIDE = "outside"  # the model opens its thinking, or does not think
    INSIDE = "inside"  # the prompt opened it: the reply may hold only the closing tag


@dataclass(frozen=True, slots=True)
class Delta:
    thinking: str
    answer: str


class ThinkingSplitter:
    """Feed pieces of a reply in; get what is thinking and what is answer out, without the tags.

    Knows: both tags; no opening tag; no closing tag (all is thinking); tags split over pieces. A
    tag counts only at the head of the reply (opening) and once (closing), so that the same text
    inside code or a string of the answer stays what it is.
    """

    def __init__(self, start: Start) -> None:
        self._inside = start is Start.INSIDE
        self._head = True  # nothing but white space so far
        self._held = ""
        self._answer_begun = False
        self.is_closed = False

    def feed(self, text: str) -> Delta:
        if self.is_closed:
            return Delta("", self._after_tag(text))
        self._held += text
        if self._head:
            rest = self._held.lstrip()
            if len(rest) < len(OPEN_TAG) and OPEN_TAG.startswith(rest):
                return Delta("", "")  # may still become the opening tag
            self._head = False
            if rest.startswith(OPEN_TAG):
                self._inside, self._held = True, rest.removeprefix(OPEN_TAG)
        if not self._inside:
            shown, self._held = self._held, ""
            return Delta("", shown)
        thinking, tag, answer = self._held.partition(CLOSE_TAG)
        if tag:
            self.is_closed, self._held = True, ""
            return Delta(thinking, self._after_tag(answer))
        keep = _tag_overlap(self._held)
        cut = len(self._held) - keep
        shown, self._held = self._held[:cut], self._held[cut:]
        return Delta(shown, "")

    def _after_tag(self, text: str) -> str:
        """The answer without the line ends between the tag and it."""
        if not self._answer_begun:
            text = text.lstrip("\n")
            self._answer_begun = bool(text)
        return text

    def finish(self) -> Delta:
        """What was held back when the reply ended."""
        held, self._held = self._held, ""
        return Delta(held, "") if self._inside else Delta("", held)


def _tag_overlap(text: str) -> int:
    for length in range(min(len(CLOSE_TAG) - 1, len(text)), 0, -1):
        if text.endswith(CLOSE_TAG[:length]):
            return length
    return 0


class LoopDetector:
    """Says when a text repeats itself: a line of prose three times, or its end over and over.

    Numbers are guesses that the tests hold against lists, code and the 0.5B's real loops.
    """

    MIN_LINE = 24  # shorter lines come again in any code
    LINE_REPEATS = 3
    MIN_PERIOD, MAX_PERIOD = 8, 400  # code points of what is repeated at the end
    END_REPEATS = 4

    def __init__(self) -> None:
        self._text = ""
        self._lines: Counter[str] = Counter()
        self._line_start = 0
        self._checked = 0

    def feed(self, text: str) -> bool:
        """True once the text loops. `sound_text` is then what came before the second round."""
        self._text += text
        while (end := self._text.find("\n", self._line_start)) >= 0:
            line = self._text[self._line_start : end].strip()
            self._line_start = end + 1
            if len(line) >= self.MIN_LINE:
                self._lines[line] += 1
                if self._lines[line] >= self.LINE_REPEATS:
                    return True
        if len(self._text) - self._checked < 16:
            return False
        self._checked = len(self._text)
        return self._period() is not None

    @property
    def sound_text(self) -> str:
        """The text without its repetitions: each long line once, the repeated end once."""
        text = self._text
        if (period := self._period()) is not None:
            unit = text[-period:]
            while text.endswith(unit + unit):
                text = text[:-period]
        kept: list[str] = []
        seen: set[str] = set()
        for line in text.split("\n"):
            stripped = line.strip()
            if len(stripped) >= self.MIN_LINE and stripped in seen:
                continue
            seen.add(stripped)
            kept.append(line)
        return "\n".join(kept)

    def _period(self) -> int | None:
        tail = self._text[-self.MAX_PERIOD * self.END_REPEATS :]
        for period in range(self.MIN_PERIOD, len(tail) // self.END_REPEATS + 1):
            unit = tail[-period:]
            if not unit.strip() or len(set(unit)) < 4:
                continue  # rows of dashes or spaces are layout
            if tail.endswith(unit * self.END_REPEATS):
                return period
        return None
