"""The form that each language gives a doc comment, and where it stands. Text in, edit out.

The words are a model's; their wrapping, indentation, marks and place are ours. Words that would
mean something to a tool (a directive, a doc test, a tag) are refused, since a comment can act, too.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from context.anatomy import Definition, Function
from context.languages import language_of
from context.text import Span, Text, content_hash, indent_of
from models.errors import ReplyUnusable
from models.findings import Edit

MIN_WIDTH, MAX_WIDTH = 79, 100  # columns of the file's own lines decide between them
MAX_WORDS_CHARS = 900


class _Place(StrEnum):
    ABOVE = "above"
    FIRST_IN_BODY = "first in body"


@dataclass(frozen=True, slots=True)
class _Form:
    """`opening` and `closing` stand on lines of their own, or close to the words on one line."""

    place: _Place
    opening: str
    line: str
    closing: str


_PYTHON = _Form(_Place.FIRST_IN_BODY, '"""', "", '"""')
_JAVADOC = _Form(_Place.ABOVE, "/**", " * ", " */")
_FORMS = {
    "python": _PYTHON,
    **dict.fromkeys("javascript typescript tsx java c cpp kotlin scala php".split(), _JAVADOC),
    "go": _Form(_Place.ABOVE, "", "// ", ""),
    "rust": _Form(_Place.ABOVE, "", "/// ", ""),
    "swift": _Form(_Place.ABOVE, "", "/// ", ""),
    "csharp": _Form(_Place.ABOVE, "/// <summary>", "/// ", "/// </summary>"),
    "ruby": _Form(_Place.ABOVE, "", "# ", ""),
    "bash": _Form(_Place.ABOVE, "", "# ", ""),
    "lua": _Form(_Place.ABOVE, "", "--- ", ""),
}
# What tools obey in a comment. It stays right above the definition, below the doc.
_DIRECTIVE = re.compile(
    r"\bgo:\w|^//\s?export\s|\bnolint|\bcheckstyle:|\bnoinspection\b|\bv8 ignore|:nodoc:"
    r"|\beslint-|\bglobals? \w+:|\bprettier-|@ts-|\btslint:|\bistanbul ignore"
    r"|\bc8 ignore|\brubocop:|\bshellcheck \w+=|-\*-|\bnoqa\b|\bclang-format (?:on|off)"
    r"|\bpragma:|\bbiome-|\bdeno-|\bpy(?:lint|right):|\bmypy:|\btype:\s*ignore"
    r"|\bcspell:|^\W*#?(?:end)?region\b",
    re.IGNORECASE | re.MULTILINE,
)
# What is said of the file to a tool, and stays at its top: the doc goes below.
_OF_THE_TOP = re.compile(
    r"^#!|^//!|^/\*!|^#.*\b(?:en)?coding[:=]|\bfrozen_string_literal|\bswift-tools-version|@flow\b"
    r"|-\*-",
    re.IGNORECASE,
)
# What a doc of sentences would lose: tags, parameters, examples.
_MORE_THAN_WORDS = re.compile(
    r"^[\s/*#!-]*[@\\](?!inheritDoc)[A-Za-z]|>>>|```|<(?:param|returns|exception)\b"
    r"|^[\s/*#!-]*:(?:param|type|returns?|rtype|raises)\b"
    r"|^[\s/*#!-]*(?:Args|Arguments|Parameters|Returns|Raises|Yields|Examples?)\s*:?\s*$"
    r"|^[\s/#!]*# (?:Examples|Panics|Errors|Safety)\s*$",
    re.MULTILINE,
)
# A comment about the whole file, which the grammars take for a doc of what follows it.
_OF_THE_FILE = re.compile(
    r"\bcopyright\s+(?:\(c\)|©|\d{4}|by\b|the\b)|\(c\)\s*(?:copyright|\d{4})|\bSPDX-|©"
    r"|\blicen[cs]ed (?:under|to)\b|@(?:license|file|fileoverview)\b",
    re.IGNORECASE,
)
# What would make words more than words: the ends of comments and strings, doc tests, tags.
_ACTS = re.compile(
    r">>>|```|\*/|\"\"\"|\'\'\'|\\|^\s*[@#]|\{@|<\w|\bfrozen_string_literal|" + _DIRECTIVE.pattern,
    re.IGNORECASE | re.MULTILINE,
)

_KIND = "(?:function|method)"
_IS_ONE = rf"is an? (?:[\w.+#-]+ ){{0,3}}{_KIND}\b[^.,;:]{{0,80}}? (?:that|which)"
_BEFORE_VERB = r"(?=(?!(?:is|was|has|does|this|its)\b)[a-z]+s\b)"


def has_form(path: str) -> bool:
    """Whether docs are written in the language of this file."""
    language = language_of(path)
    return language is not None and language.name in _FORMS


def clean_words(words: str, name: str) -> str:
    """One paragraph of plain sentences. Raises `ReplyUnusable` for what would not stay words."""
    plain = " ".join(words.split())
    if not plain or len(plain) > MAX_WORDS_CHARS:
        raise ReplyUnusable("The documentation is empty or too long.")
    if found := _ACTS.search(plain):
        sentence = f"The documentation must be plain sentences, without {found[0].strip()!r}."
        raise ReplyUnusable(sentence)
    if plain.rstrip(".").casefold() == name.casefold():
        raise ReplyUnusable("The documentation only repeats the name.")
    return plain


def without_subject(words: str, name: str, kept: str = "") -> str:
    """Words on a function that begin with what it does: small models begin with what it is.

    "The function mean returns the sum." becomes "Returns the sum."; `kept` stands before the verb,
    in small letters then, as Go has it.
    """
    subject = rf"(?:The )?(?:{_KIND} )?{re.escape(name)}(?: {_KIND})?|The {_KIND}"
    opening = re.match(rf"(?:{subject})(?: {_IS_ONE})? {_BEFORE_VERB}", words)
    if opening is None:
        return words
    rest = words[opening.end() :]
    return f"{kept} {rest}" if kept else rest[0].upper() + rest[1:]


def doc_edit(path: str, source: str, definition: Definition, words: str, reason: str) -> Edit:
    """Put `words` where the language has them, instead of a doc that is there.

    Raises `ReplyUnusable` where a doc has no place: a Python body on the line of its `def`, other
    code before a definition on its line, right below a comment about the whole file; and where one
    would be lost that is more than words.
    """
    language = language_of(path)
    assert language is not None
    form, text = _FORMS[language.name], Text(source)
    if form.place is _Place.FIRST_IN_BODY:
        span, new = _in_body(text, definition, words)
    else:
        span, new = _above(text, definition, words, form)
    if _MORE_THAN_WORDS.search(text.slice(span)):
        raise ReplyUnusable(
            f"The doc of {definition.name} has tags, parameters or examples, which a new one would "
            "lose; change it by hand."
        )
    return Edit(path, span, text.slice(span), new, content_hash(source), reason)


def _in_body(text: Text, definition: Definition, words: str) -> tuple[Span, str]:
    eol = text.eol()
    body_line = text.line_idx_at(definition.body.start)
    if text.line_idx_at(definition.head.start) == body_line or not _is_line_start(
        text, definition.body.start
    ):
        sentence = f"{definition.name} stands on one line; give its body a line of its own first."
        raise ReplyUnusable(sentence)
    indent = _indent_of(text, body_line)
    first, _, rest = _split_first(words)
    width = _width(text) - len(indent)
    lines = textwrap.wrap(first, max(width - 3, 30))
    if rest:
        lines += ["", *textwrap.wrap(rest, max(width, 30))]
    if len(lines) == 1 and len(lines[0]) + 6 <= max(width, 36):
        written = f'"""{lines[0]}"""'
    else:
        body = eol.join(f"{indent}{line}".rstrip() for line in lines[1:])
        written = f'"""{lines[0]}{eol}{body}{eol if body else ""}{indent}"""'
    if definition.doc is not None:
        return definition.doc, written
    # An empty line sets a class's docstring off, and not a function's (PEP 257).
    gap = eol if isinstance(definition, Function) else eol + eol
    return Span(definition.body.start, definition.body.start), f"{written}{gap}{indent}"


def _above(text: Text, definition: Definition, words: str, form: _Form) -> tuple[Span, str]:
    eol, line_idx = text.eol(), definition.top_line - 1
    _refuse_without_a_line(text, definition)
    if definition.doc is not None and _OF_THE_FILE.search(text.slice(definition.doc)):
        sentence = f"The comment above {definition.name} is about the whole file; put an empty "
        raise ReplyUnusable(f"{sentence}line below it first.")
    indent = _indent_of(text, line_idx)
    width = max(_width(text) - len(indent) - len(form.line), 30)
    if form.opening.endswith("<summary>"):
        words = escape(words, quote=False)
    lines = [f"{form.line}{line}" for line in textwrap.wrap(words, width)]
    if form is _JAVADOC and len(lines) == 1:
        lines = [f"/** {words} */"]
    elif form.opening:
        lines = [form.opening, *lines, form.closing]
    replaced, line_idx = _docs_above(text, definition)
    if replaced is not None:
        return replaced, f"{eol}{indent}".join(lines)
    at = text.line_span(line_idx).start
    return Span(at, at), "".join(f"{indent}{line}{eol}" for line in lines)


def _refuse_without_a_line(text: Text, definition: Definition) -> None:
    """Raises `ReplyUnusable` where a comment above would be about other code, too."""
    name, line_idx = definition.name, text.line_idx_at(definition.head.start)
    before = text.slice(Span(text.line_span(line_idx).start, definition.head.start))
    if re.search(r"[{;]|<\?", before):
        raise ReplyUnusable(f"{name} does not begin its line; give it a line of its own first.")
    if definition.top_line > 1:
        (above,) = text.lines(definition.top_line - 1, definition.top_line - 1)
        if re.match(rf"\s*(?:[\w$]+\s+)*{re.escape(name)}\s*(?:<[^>]*>)?\([^{{}}]*$", above):
            raise ReplyUnusable(
                f"The doc of {name} belongs above its first signature; write it there."
            )


def _docs_above(text: Text, definition: Definition) -> tuple[Span | None, int]:
    """(the comments that are the doc, the line where a doc goes that replaces none).

    Comments about the top of the file stay above it, what tools obey stays below.
    """
    end_idx = definition.top_line - 1
    if definition.doc is None or not _is_line_start(text, definition.doc.start):
        return None, end_idx
    comments = list(_comments_in(text, definition.doc))
    while comments and _OF_THE_TOP.search(text.slice(comments[0])):
        comments.pop(0)
    while comments and _DIRECTIVE.search(text.slice(comments[-1])):
        end_idx = text.line_idx_at(comments.pop().start)
    if not comments:
        return None, end_idx
    if any(_DIRECTIVE.search(text.slice(comment)) for comment in comments):
        return None, text.line_idx_at(comments[0].start)
    return Span(comments[0].start, comments[-1].end), end_idx


def _comments_in(text: Text, doc: Span) -> Iterator[Span]:
    """Each comment of those that stand above a definition, without what is around it."""
    first, last = text.line_idx_at(doc.start), text.line_idx_at(doc.end)
    start: int | None = None  # of a comment over several lines
    for line_idx in range(first, last + 1):
        line = text.line_span(line_idx)
        written = text.slice(line)
        begins = line.start + len(written) - len(written.lstrip())
        ends = line.start + len(written.rstrip())
        if start is None and not written.lstrip().startswith("/*"):
            if begins < ends:
                yield Span(begins, ends)
            continue
        start = begins if start is None else start
        if "*/" in written:
            yield Span(start, ends)
            start = None


def _is_line_start(text: Text, offset: int) -> bool:
    start = text.line_span(text.line_idx_at(offset)).start
    return not text.slice(Span(start, offset)).strip()


def _indent_of(text: Text, line_idx: int) -> str:
    return indent_of(text.slice(text.line_span(line_idx)))


def _split_first(words: str) -> tuple[str, str, str]:
    """(first sentence, space, the rest)."""
    end = re.search(r"\.\s+(?=[A-Z])", words)
    if end is None:
        return words, "", ""
    return words[: end.start() + 1], " ", words[end.end() :]


def _width(text: Text) -> int:
    longest = max((len(line) for line in text.content.split("\n")), default=MIN_WIDTH)
    return min(max(longest, MIN_WIDTH), MAX_WIDTH)
