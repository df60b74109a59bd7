"""What may stand in the place of code that is odd to read: a word, other arguments, a negation.

Only the text of a line is looked at, so that every language is read alike; whether the result
parses and changes anything is for the gate. Which of them is right is for whoever reads them
(models/tasks/likelier.py).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from context.text import Span
from context.window import Snippet
from models.backends import TokenLog
from models.tasks.lines import FREE_WEIGHT, decides, tokens_by_line

MIN_REGRET = 0.5  # nats; a likelier token is no news where two are about as likely
MAX_READ = 12  # texts that are read again
MAX_LINE_CHARS = 300  # longer ones were written by no person
MAX_WORDS = 3  # known words that begin as the likelier token does
_INSERTED = frozenset({"not", "!", "await", "-", "~"})
_WORD = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"(?<![\w.])\d{1,5}(?![\w.])")
_OTHERS = {
    "<": ("<=", ">"), "<=": ("<", ">="), ">": (">=", "<"), ">=": (">", "<="),
    "==": ("!=",), "!=": ("==",), "===": ("!==",), "!==": ("===",),
    "&&": ("||",), "||": ("&&",), "and": ("or",), "or": ("and",),
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "+=": ("-=",), "-=": ("+=",),
    "true": ("false",), "false": ("true",), "True": ("False",), "False": ("True",),
    "break": ("continue",), "continue": ("break",), "in": ("not in",), "not in": ("in",),
}  # fmt: skip
_OPERATOR = re.compile(r"[<>=!&|+*/-]+|\b(?:not in|in|and|or|[Tt]rue|[Ff]alse|break|continue)\b")
_STRUCTURE = re.compile(
    r"""[()\[\]{},]|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\\n]|\\.)*`"""
)
_HEAD = re.compile(r"\s*(?:[a-z]+\s+)*(?:def|func|fn|function)\b")
_KEYWORD = re.compile(r"\s*\*|\s*\w+\s*=(?!=)")
_CONDITION = re.compile(r"\b(?:if|elif|while)\b\s*\(?|(?:&&|\|\||\band\b|\bor\b)\s*")
_SIGN = re.compile(r"!(?!=)|not\b\s*")
# Where other operators or a binding decide, up to the next condition.
_COMPARED = re.compile(r"(?:(?!&&|\|\||\band\b|\bor\b).)*?(?:[<>=]|\b(?:in|is|let)\b)")
_PYTHONIC = re.compile(r":\s*$|\b(?:and|or|not)\b")


def replacements(
    snippet: Snippet, logs: Sequence[TokenLog], lines: Sequence[int]
) -> list[tuple[Span, str]]:
    """(what is replaced, by what) at the most regretted places, the last line first."""
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
        if len(found) >= MAX_READ:
            break
        for place, new in _at(text, span, likeliest, known):
            if text[place.start : place.end] != new:
                found.setdefault((place.start, place.end, new))
    kept = list(found)[:MAX_READ]
    # The last line first: what stands before each has been read then.
    kept.sort(key=lambda one: (-text.rfind("\n", 0, one[0]), one[0]))
    return [(Span(start, end), new) for start, end, new in kept]


def _at(text: str, span: Span, likeliest: str, known: Counter[str]) -> Iterator[tuple[Span, str]]:
    end = text.find("\n", span.start)
    line = Span(text.rfind("\n", 0, span.start) + 1, len(text) if end < 0 else end)
    yield from _expected(text, span, line, likeliest, known)
    if line.end - line.start <= MAX_LINE_CHARS:
        yield from _others(text, span, line)
        yield from _exchanged(text, span, line)
        yield from _turned(text, line)


def _others(text: str, span: Span, line: Span) -> Iterator[tuple[Span, str]]:
    """Others of its kind in the place of an operator, a truth value or a number."""
    for found in _OPERATOR.finditer(text, line.start, line.end):
        if found.start() < span.end and span.start < found.end():
            for other in _OTHERS.get(found[0], ()):
                yield Span(found.start(), found.end()), other
    for found in _NUMBER.finditer(text, line.start, line.end):
        if found.start() <= span.start < found.end():
            for number in (int(found[0]) - 1, int(found[0]) + 1):
                if number >= 0:
                    yield Span(found.start(), found.end()), str(number)


def _exchanged(text: str, span: Span, line: Span) -> Iterator[tuple[Span, str]]:
    """The argument at `span` and its neighbours, each pair exchanged; parameters stay."""
    if line.start == 0 or _HEAD.match(text, line.start, line.end):
        return
    arguments = _arguments(text, line, span.start)
    at = next((n for n, one in enumerate(arguments) if one.start <= span.start < one.end), None)
    if at is None:
        return
    for first in (at, at - 1):
        if 0 <= first < len(arguments) - 1:
            one, two = arguments[first], arguments[first + 1]
            a, b = text[one.start : one.end], text[two.start : two.end]
            if not (_KEYWORD.match(a) or _KEYWORD.match(b)):
                yield Span(one.start, two.end), f"{b}{text[one.end : two.start]}{a}"


def _arguments(text: str, line: Span, at: int) -> list[Span]:
    """What stands between the commas of the innermost call around `at` that opens on its line."""
    stack: list[tuple[str, list[int]]] = []
    for found in _STRUCTURE.finditer(text, line.start, line.end):
        sign = found[0]
        if sign in "([{":
            stack.append((sign, [found.end()]))
        elif sign == "," and stack:
            stack[-1][1].append(found.start())
        elif sign in ")]}" and stack:
            opened, cuts = stack.pop()
            if cuts[0] <= at < found.start():
                return _between(text, [*cuts, found.start()]) if opened == "(" else []
    if stack and stack[-1][0] == "(" and stack[-1][1][0] <= at:  # goes on in the next line
        return _between(text, stack[-1][1])
    return []


def _between(text: str, cuts: list[int]) -> list[Span]:
    found = []
    for first, last in itertools.pairwise(cuts):
        piece = text[first:last].lstrip(",")
        start = last - len(piece.lstrip())
        found.append(Span(start, start + len(piece.strip())))
    return found


def _turned(text: str, line: Span) -> Iterator[tuple[Span, str]]:
    """Each condition of the line turned: its sign taken away, or one put before it."""
    start, end = line.start, line.end
    for found in _CONDITION.finditer(text, start, end):
        at = found.end()
        if sign := _SIGN.match(text, at, end):
            yield Span(at, sign.end()), ""
        elif not _COMPARED.match(text, at, end):
            is_word = _PYTHONIC.search(text, start, end) is not None
            yield Span(at, at), "not " if is_word else "!"


def _expected(
    text: str, span: Span, line: Span, likeliest: str, known: Counter[str]
) -> Iterator[tuple[Span, str]]:
    """What may stand at `span`, where `likeliest` was expected."""
    new = likeliest.strip()
    if not new or "\n" in likeliest:
        return
    if new in _INSERTED:
        yield Span(span.start, span.start), f"{new} " if new.isalpha() else new
        if new.isalpha():
            return
    words = _WORD.finditer(text, line.start, line.end)
    word = next((w for w in words if w.start() <= span.start < w.end()), None)
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
    for name in alike[:MAX_WORDS]:
        yield place, name
        other = re.compile(rf"\b{re.escape(name)}\b").search(text, word.end(), line.end)
        if other is not None:
            between = text[word.end() : other.start()]
            yield Span(word.start(), other.end()), f"{name}{between}{word[0]}"
