"""A small repair without any generated text: what a model would rather have read in one place.

Small models name a wrong line well and then write it down again as it stands. But where they read
it, another token was likelier than the one that stands there. Such a token is put in its place (or
before it, or two words of the line are exchanged), the whole function is read again, and the text
that is likelier as a whole is the repair, where it is likelier by enough. So a wrong operator,
constant, name or truth value is set right; what needs a new line is not.

What it gives on planted bugs: tests/bench/planted_bugs.py and the README.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from context.text import Span
from context.window import Snippet
from models import prompts
from models.backends import Backend, TokenLog
from models.tasks.lines import FREE_WEIGHT, decides, line_scores, scored_lines, tokens_by_line

MIN_REGRET = 0.5  # nats; a likelier token is no news where two are about as likely
MIN_GAIN = 5.0  # nats by which the whole must be likelier; of those below, one in five was right
MIN_GAIN_NAMED = 3.0  # in lines that the model itself named as wrong
MAX_READ = 8  # texts that are read again
N_LINES_ON = 6  # that are read after the changed line
N_ODD_LINES = 3
MAX_WORDS = 3  # known words that begin as the likelier token does
_INSERTED = frozenset({"not", "!", "await", "-", "~"})
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Repair:
    """`span`: code points of the snippet's text; `gain`: nats by which the whole is likelier."""

    span: Span
    line: int  # of the file, 1-based
    old: str
    new: str
    gain: float

    def applied(self, text: str) -> str:
        """The snippet's text with it."""
        return f"{text[: self.span.start]}{self.new}{text[self.span.end :]}"


async def likely_repairs(backend: Backend, snippet: Snippet, lines: Sequence[int]) -> list[Repair]:
    """Repairs in these lines of the file, and in the oddest of the snippet, since a model often
    names a line beside the bug's. Those in its lines come first, the likeliest before others; none
    where nothing is likelier by enough.

    Raises `CannotScore` and other `ModelError`s.
    """
    recited = prompts.recite(snippet.path, snippet.symbol or "a part")
    logs = await backend.token_logs(recited, snippet.text)
    odd = line_scores(snippet, logs).ranked()[:N_ODD_LINES] if scored_lines(snippet) else []
    found: list[Repair] = []
    now: dict[int, float] = {}  # by the beginning of a line
    for span, new in candidates(snippet, logs, [*lines, *odd]):
        start, end = _read_again(snippet.text, span)
        before, after = snippet.text[start : span.start], snippet.text[span.end : end]
        old = snippet.text[span.start : span.end]
        known = recited.assistant_prefix + snippet.text[:start]
        asked = replace(recited, assistant_prefix=known)
        if start not in now:
            now[start] = _total(await backend.token_logs(asked, f"{before}{old}{after}"))
        gain = _total(await backend.token_logs(asked, f"{before}{new}{after}")) - now[start]
        line = snippet.start_line + snippet.text.count("\n", 0, span.start)
        if gain >= (MIN_GAIN_NAMED if line in lines else MIN_GAIN):
            found.append(Repair(span, line, old, new, gain))
    return sorted(found, key=lambda repair: (repair.line not in lines, -repair.gain))


def _read_again(text: str, span: Span) -> tuple[int, int]:
    """From the beginning of the line to a few lines on: what comes later says little of it."""
    start, end = text.rfind("\n", 0, span.start) + 1, span.end
    for _ in range(N_LINES_ON + 1):
        end = text.find("\n", end) + 1 or len(text)
    return start, end


def _total(logs: Sequence[TokenLog]) -> float:
    return sum(log.log for log in logs)


def candidates(
    snippet: Snippet, logs: Sequence[TokenLog], lines: Sequence[int]
) -> list[tuple[Span, str]]:
    """(what is replaced, by what), the most regretted places first."""
    text = snippet.text
    known = Counter(_WORD.findall(text))
    wanted = set(lines)
    regretted = []
    for number, piece, log in tokens_by_line(snippet, logs):
        regret = log.best - log.log
        if number in wanted and regret >= MIN_REGRET:
            weight = 1.0 if decides(piece) or decides(log.likeliest) else FREE_WEIGHT
            end = log.start + len(piece)
            span = Span(end - len(piece.lstrip()), end)
            regretted.append((weight * regret, span, log.likeliest))
    found: dict[tuple[int, int, str], None] = {}
    for _, span, likeliest in sorted(regretted, key=lambda row: -row[0]):
        for place, new in _at(text, span, likeliest, known):
            if text[place.start : place.end] != new:
                found.setdefault((place.start, place.end, new))
    kept = list(found)[:MAX_READ]
    kept.sort(key=lambda one: one[0])  # what shares its beginning is read once
    return [(Span(start, end), new) for start, end, new in kept]


def _at(text: str, span: Span, likeliest: str, known: Counter[str]) -> Iterator[tuple[Span, str]]:
    """What may stand at `span`, where `likeliest` was expected."""
    new = likeliest.strip()
    if not new or "\n" in likeliest:
        return
    if new in _INSERTED:
        yield Span(span.start, span.start), f"{new} " if new.isalpha() else new
        if new.isalpha():
            return
    word = next((w for w in _WORD.finditer(text) if w.start() <= span.start < w.end()), None)
    if word is None or not (new[0].isalnum() or new[0] == "_"):
        piece = text[span.start : span.end]
        tail = piece[len(piece.rstrip()) :]
        yield Span(span.start, span.end), new + tail
        return
    place = Span(word.start(), word.end())
    begun = text[word.start() : span.start] + new
    if decides(begun):
        yield place, begun
    alike = [name for name, _ in known.most_common() if name.startswith(begun) and name != word[0]]
    line_end = text.find("\n", span.start)
    line_end = len(text) if line_end < 0 else line_end
    for name in alike[:MAX_WORDS]:
        yield place, name
        other = re.compile(rf"\b{re.escape(name)}\b").search(text, word.end(), line_end)
        if other is not None:
            between = text[word.end() : other.start()]
            yield Span(word.start(), other.end()), f"{name}{between}{word[0]}"
