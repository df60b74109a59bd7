"""Thinking apart from the answer, as it streams: where it ends, and when it loops."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

OPEN_TAG, CLOSE_TAG = "<think>", "</think>"  # R1 and its distills, Qwen3, and many after them
# How others mark it, from their model cards and chat templates. Servers that know a model take the
# marks out and send a field of its own, `reasoning_content` or `reasoning` (models/backends).
PAIRS = {
    OPEN_TAG: CLOSE_TAG,
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "[THINK]": "[/THINK]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi
    "<|START_THINKING|>": "<|END_THINKING|>",  # Command A
    "<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
    "Here is my thought process:": "Here is my response:",  # Granite 3
}
_QUOTES = frozenset("\"'`")
_SENTENCE_END = re.compile(r"\n|[.!?](?=\s)")

N_SAMPLES = 5  # a guess: fewer say little about agreement, more take minutes on a CPU


class Effort(StrEnum):
    """How long a model may think. Budgets are guesses for a CPU that writes 27 tokens a second."""

    QUICK = "quick"
    NORMAL = "normal"
    DEEP = "deep"

    @property
    def thinking_tokens(self) -> int:
        return {Effort.QUICK: 96, Effort.NORMAL: 320, Effort.DEEP: 1_536}[self]

    @property
    def n_samples(self) -> int:
        """How often the same question is asked, to see whether the answers agree."""
        return N_SAMPLES if self is Effort.DEEP else 1


class Start(StrEnum):
    """Where a stream begins."""

    OUTSIDE = "outside"  # the model opens its thinking, or does not think
    INSIDE = "inside"  # the prompt opened it: the reply may hold only the closing tag


@dataclass(frozen=True, slots=True)
class Delta:
    thinking: str
    answer: str
    recalls: bool = False  # what was given as answer so far was thinking: its opening was missing


class ThinkingSplitter:
    """Feed pieces of a reply in; get what is thinking and what is answer out, without the tags.

    Knows the tags of PAIRS; no opening tag; no closing tag (all is thinking); tags split over
    pieces. A tag counts only at the head of the reply (opening) and once (closing), and not between
    quotes, so that the same text inside code or a string stays what it is.
    """

    def __init__(self, start: Start) -> None:
        self._inside = start is Start.INSIDE
        self._close = CLOSE_TAG
        self._head = True  # nothing but white space so far
        self._held = ""
        self._before = ""  # the last character given out
        self._answer_begun = False
        self.is_closed = False

    def feed(self, text: str) -> Delta:
        if self.is_closed:
            return Delta("", self._after_tag(text))
        self._held += text
        if self._head and not self._passed_head():
            return Delta("", "")
        at = self._closing()
        if at is None or (at + len(self._close) == len(self._held) and self._is_quote(at)):
            keep = _tag_overlap(self._held, self._close) if at is None else len(self._close)
            return self._given(len(self._held) - keep)
        return self._closed(at)

    def finish(self) -> Delta:
        """What was held back when the reply ended."""
        if not self.is_closed and not self._head and (at := self._closing()) is not None:
            return self._closed(at)
        held, self._held = self._held, ""
        return Delta(held, "") if self._inside else Delta("", held)

    def _passed_head(self) -> bool:
        """False while what came may still become an opening tag."""
        rest = self._held.lstrip()
        if any(len(rest) < len(tag) and tag.startswith(rest) for tag in PAIRS):
            return False
        self._head = False
        if opening := next((tag for tag in PAIRS if rest.startswith(tag)), None):
            self._inside, self._close = True, PAIRS[opening]
            self._held = rest.removeprefix(opening)
        return True

    def _closing(self) -> int | None:
        """Where the closing tag begins that stands in no quotes."""
        at = self._held.find(self._close)
        while at >= 0:
            end = at + len(self._close)
            if not self._is_quote(at) or self._held[end : end + 1] != self._at(at - 1):
                return at
            at = self._held.find(self._close, end)
        return None

    def _is_quote(self, at: int) -> bool:
        """Whether a quote stands right before."""
        return self._at(at - 1) in _QUOTES

    def _at(self, index: int) -> str:
        return self._held[index] if index >= 0 else self._before

    def _given(self, cut: int) -> Delta:
        shown, self._held = self._held[:cut], self._held[cut:]
        self._before = shown[-1:] or self._before
        return Delta(shown, "") if self._inside else Delta("", shown)

    def _closed(self, at: int) -> Delta:
        thinking, answer = self._held[:at], self._held[at + len(self._close) :]
        recalls = not self._inside
        self.is_closed, self._held = True, ""
        return Delta(thinking, self._after_tag(answer), recalls)

    def _after_tag(self, text: str) -> str:
        """The answer without the line ends between the tag and it."""
        if not self._answer_begun:
            text = text.lstrip("\n")
            self._answer_begun = bool(text)
        return text


def _tag_overlap(text: str, tag: str) -> int:
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0


class LoopDetector:
    """Says when a text repeats itself: a line of prose or two sentences three times, or its end
    over and over.

    Numbers are guesses that the tests hold against lists, code and the 0.5B's real loops. One
    sentence that comes again is no loop: a model that looks at lines one by one says the same of
    many.
    """

    MIN_LINE = 24  # shorter lines come again in any code
    REPEATS = 3  # of a line, or of two sentences after each other
    MIN_PERIOD, MAX_PERIOD = 8, 400  # code points of what is repeated at the end
    END_REPEATS = 4

    def __init__(self) -> None:
        self._text = ""
        self._lines: Counter[str] = Counter()
        self._line_start = 0
        self._pairs: dict[tuple[str, str], list[int]] = {}  # where each began
        self._sentence_start = 0
        self._last: tuple[str, int] = ("", 0)  # sentence, and where it began
        self._checked = 0
        self._round_start: int | None = None  # of the second round, once sentences loop

    def feed(self, text: str) -> bool:
        """True once the text loops. `sound_text` is then what came before the second round."""
        self._text += text
        if self._repeats_line() or self._repeats_sentences():
            return True
        if len(self._text) - self._checked < 16:
            return False
        self._checked = len(self._text)
        return self._period() is not None

    def _repeats_line(self) -> bool:
        while (end := self._text.find("\n", self._line_start)) >= 0:
            line = self._text[self._line_start : end].strip()
            self._line_start = end + 1
            if len(line) >= self.MIN_LINE:
                self._lines[line] += 1
                if self._lines[line] >= self.REPEATS:
                    return True
        return False

    def _repeats_sentences(self) -> bool:
        while found := _SENTENCE_END.search(self._text, self._sentence_start):
            start, self._sentence_start = self._sentence_start, found.end()
            sentence = self._text[start : found.end()].strip()
            if not sentence:
                continue
            (before, pair_start), self._last = self._last, (sentence, start)
            if len(before) + len(sentence) < 2 * self.MIN_LINE:
                continue
            starts = self._pairs.setdefault((before, sentence), [])
            starts.append(pair_start)
            if len(starts) >= self.REPEATS:
                self._round_start = starts[1]
                return True
        return False

    @property
    def sound_text(self) -> str:
        """The text without its repetitions: each long line once, the repeated end once."""
        text = self._text[: self._round_start]
        if self._round_start is None and (period := self._period()) is not None:
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
