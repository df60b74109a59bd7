"""Which line of a function holds a bug, by how a model reads it: nothing is generated.

A model is told the function's name alone and given its text. Where it would rather have written
another token than the one that stands there (its *regret*, in nats) although little else could
stand there (low entropy), something may be wrong. A line is as odd as its worst token.
Names and the beginnings of statements are free, so regret about what decides what code does
(operators, numbers, truth values, jumps) counts more. How likely a line is to hold the bug also
depends on what it is: a condition and a call hold more of them than a comment.

What else was tried, and what each gave: tests/bench/README.md.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

from context.text import Text
from context.window import Snippet
from models import prompts
from models.backends import Backend, TokenLog

MIN_LINE_CHARS = 3  # a line of a bracket holds no bug
FREE_WEIGHT = 0.25  # of regret about a token that decides nothing; best of five on planted bugs

_CONDITION = re.compile(r"\}?\s*(?:if|elif|else if|while|for|case|when)\b")
_RETURN = re.compile(r"(?:return|raise|throw)\b")
_COMMENT = re.compile(r"//|/?\*(?:[\s*/]|$)|--\s|#(?![\[!a-z])|\"{3}|'{3}")
_DECIDES = re.compile(
    r"[<>=!&|+*/%-]|^\d+$|^(?:and|or|not|in|is|await|break|continue|true|false|null|none|nil)$",
    re.IGNORECASE,
)


class Traits(NamedTuple):
    """What speaks for a line. As numbers of one line, and as what each of them weighs."""

    nats: float  # weighted regret of its worst token
    length: float  # ln(1 + tokens)
    condition: float  # 1 where it begins with one, else 0; so are those that follow
    returns: float
    call: float
    comment: float


# Log-probability that a line is the one, a unit of each: fitted with the 0.5B on planted bugs and
# on real fixes of one line (tests/bench/planted/fitting.py), and rounded.
WEIGHTS = Traits(0.3, 0.3, 0.85, 0.55, 0.65, -1.1)


@dataclass(frozen=True, slots=True)
class LineScores:
    """A distribution over the lines of a function that can hold a bug."""

    lines: tuple[int, ...]  # 1-based numbers in the file, at least one
    logs: tuple[float, ...]  # log-probability of each, in nats

    def ranked(self) -> list[int]:
        """The lines, the likeliest first."""
        order = sorted(range(len(self.lines)), key=lambda at: (-self.logs[at], at))
        return [self.lines[at] for at in order]

    def log_of(self, line: int) -> float:
        """-inf for a line that cannot hold a bug, such as a bracket's."""
        return self.logs[self.lines.index(line)] if line in self.lines else -math.inf


async def score_lines(backend: Backend, snippet: Snippet) -> LineScores | None:
    """Read the function once; None where it has no line to ask about.

    Raises `CannotScore` and other `ModelError`s.
    """
    if not scored_lines(snippet):
        return None
    recited = prompts.recite(snippet.path, snippet.symbol or "a part")
    return line_scores(snippet, await backend.token_logs(recited, snippet.text))


def scored_lines(snippet: Snippet) -> tuple[int, ...]:
    """Lines that may hold a bug: those with more than a bracket, without the first."""
    numbered = enumerate(snippet.text.split("\n"), snippet.start_line)
    telling = [number for number, line in numbered if is_telling(line)]
    return tuple(telling[1:] or telling)


def is_telling(line: str) -> bool:
    return len(line.strip()) > MIN_LINE_CHARS


def line_scores(snippet: Snippet, logs: Sequence[TokenLog]) -> LineScores:
    """`logs` are of the snippet's text. There must be a line that may hold a bug."""
    traits = line_traits(snippet, logs)
    weighed = [sum(map(mul, WEIGHTS, one)) for one in traits.values()]
    return LineScores(tuple(traits), normalised(weighed))


def line_traits(snippet: Snippet, logs: Sequence[TokenLog]) -> dict[int, Traits]:
    """By the number of each scored line."""
    n_tokens = Counter(number for number, _, _ in tokens_by_line(snippet, logs))
    lines = snippet.text.split("\n")
    found = {}
    for number, nats in oddities(snippet, logs).items():
        line = lines[number - snippet.start_line].strip()
        is_comment = _COMMENT.match(line) is not None
        found[number] = Traits(
            nats,
            math.log1p(n_tokens[number]),
            float(_CONDITION.match(line) is not None),
            float(_RETURN.match(line) is not None),
            float("(" in line and not is_comment),
            float(is_comment),
        )
    return found


def oddities(snippet: Snippet, logs: Sequence[TokenLog]) -> dict[int, float]:
    """By the number of each scored line the weighted regret of its worst token, in nats."""
    worst = dict.fromkeys(scored_lines(snippet), -math.inf)
    for number, piece, log in tokens_by_line(snippet, logs):
        if number in worst:
            weight = 1.0 if decides(piece) else FREE_WEIGHT
            worst[number] = max(worst[number], weight * (log.best - log.log - log.entropy))
    return worst


def decides(token: str) -> bool:
    """Whether another token there would change what the code does and not how things are called."""
    return _DECIDES.search(token.strip()) is not None


def normalised(logs: Sequence[float]) -> tuple[float, ...]:
    """Log-probabilities that add up to 1."""
    top = max(logs)
    total = top + math.log(sum(math.exp(log - top) for log in logs))
    return tuple(log - total for log in logs)


def tokens_by_line(
    snippet: Snippet, logs: Sequence[TokenLog]
) -> Iterator[tuple[int, str, TokenLog]]:
    """(line, token, what is known of it); a token of white space alone belongs to no line."""
    text = Text(snippet.text)
    ends = [*(log.start for log in logs[1:]), len(text)]
    for log, end in zip(logs, ends, strict=True):
        piece = text.content[log.start : end]
        at = log.start + len(piece) - len(piece.lstrip())
        if at < end:
            yield snippet.start_line + text.line_idx_at(at), piece, log
