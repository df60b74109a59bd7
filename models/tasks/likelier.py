"""A small repair without any generated text: what a model would rather have read in one place.

Small models name a wrong line well and then write it down again as it stands. But where they read
it, another token was likelier than the one that stands there. What may stand there instead
(models/tasks/replacements.py) is put in its place and read, first to the end of its line and, where
that is not much less likely, with the lines after it. The text that is likelier as a whole is the
repair, where it is likelier by enough. So a wrong operator,
constant, name or truth value, exchanged arguments and a missing negation are set right; what needs
a new line is not.

What it gives on planted bugs, and what was tried: tests/bench/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from context.text import Span
from context.window import Snippet
from models import prompts
from models.backends import Backend, TokenLog
from models.tasks.lines import decides, oddities
from models.tasks.replacements import replacements

MIN_GAIN = 5.0  # nats by which the whole must be likelier; of those below, one in five was right
MIN_GAIN_NAMED = 3.0  # in lines that the model itself named as wrong
NAME_NATS = 5.0  # of a gain that are due to chance: a name is one of many, and a known one likelier
# Nats by which its own line may be less likely: of 203 texts that were read on whatever their line
# said, four fifths were worse, and no repair was among them.
MAX_LOSS = 2.0
N_LINES_ON = 3  # that are read after the changed line; six gave the same repairs
N_ODD_LINES = 3
_NAME = re.compile(r"[\s.]*\w*[^\W\d]\w*\s*")


@dataclass(frozen=True, slots=True)
class Repair:
    """`span`: code points of the snippet's text. `gain`: nats by which the whole is likelier, less
    what is due to chance.
    """

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
    nats = oddities(snippet, logs)
    odd = sorted(nats, key=lambda line: -nats[line])[:N_ODD_LINES]
    found: list[Repair] = []
    now: dict[int, float] = {}  # by the beginning of a line
    for span, new in replacements(snippet, logs, [*lines, *odd]):
        start, line_end, end = _read_again(snippet.text, span)
        before, old = snippet.text[start : span.start], snippet.text[span.start : span.end]
        rest, after = snippet.text[span.end : line_end], snippet.text[line_end:end]
        known = recited.assistant_prefix + snippet.text[:start]
        asked = replace(recited, assistant_prefix=known)
        chance = NAME_NATS if _is_name(old, new) else 0.0
        own_line = _total([log for log in logs if start <= log.start < line_end])
        changed = _total(await backend.token_logs(asked, f"{before}{new}{rest}"))
        if changed - own_line - chance < -MAX_LOSS:
            continue
        if start not in now:
            now[start] = _total(await backend.token_logs(asked, f"{before}{old}{rest}{after}"))
        whole = _total(await backend.token_logs(asked, f"{before}{new}{rest}{after}"))
        gain = whole - now[start] - chance
        line = snippet.start_line + snippet.text.count("\n", 0, span.start)
        if gain >= (MIN_GAIN_NAMED if line in lines else MIN_GAIN):
            found.append(Repair(span, line, old, new, gain))
    return sorted(found, key=lambda repair: (repair.line not in lines, -repair.gain))


def _is_name(old: str, new: str) -> bool:
    """Whether a name, or a part of one, stands in the place of another."""
    words = all(_NAME.fullmatch(one) for one in (old, new))
    return words and not (decides(old) and decides(new))


def _read_again(text: str, span: Span) -> tuple[int, int, int]:
    """Where its line begins and ends, and the end of a few lines on: what is later says little."""
    start = text.rfind("\n", 0, span.start) + 1
    ends = [text.find("\n", span.end) + 1 or len(text)]
    for _ in range(N_LINES_ON):
        ends.append(text.find("\n", ends[-1]) + 1 or len(text))
    return start, ends[0], ends[-1]


def _total(logs: Sequence[TokenLog]) -> float:
    return sum(log.log for log in logs)
