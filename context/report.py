"""Read a bug report (issue, traceback, log, selection) into what can be looked up in an index.

Pure text in, frozen data out: knows no workspace and judges nothing. Whether a path or a name
exists is for context/evidence to say, so reading is generous. Every pattern here runs over bounded
pieces (lines, tokens) and takes time linear in the report, whatever the report holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from context.boilerplate import without_boilerplate
from context.failing_tests import FailingTest, read_failing_tests
from context.text import split_lines
from context.traceback import Frame, read_frames

MAX_REPORT = 100_000  # code points; a guess: the longest real issue we saw has 40,000
MAX_TOKEN = 300  # a longer run without spaces is data, not a path or a name
MAX_MENTIONS = 400  # names, paths and quotes kept of each kind, in order of appearance


class EmptyReport(ValueError):
    """The report has no word in it; the text says what to do."""


class NameForm(StrEnum):
    """How an identifier is written, which says how surely it is one."""

    QUALIFIED = "qualified"  # a.b, A::b, A#b
    CALLED = "called"  # b(
    MARKED = "marked"  # `b`
    SHAPED = "shaped"  # snake_case, camelCase, PascalCase with two humps, ALL_CAPS


@dataclass(frozen=True, slots=True)
class NameMention:
    parts: tuple[str, ...]  # ("Outer", "name"); one part where nothing qualifies it
    form: NameForm
    count: int

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def written(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class PathMention:
    path: str  # as written, with /; may be absolute or only a file name
    line: int | None


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception or error type with the message it came with."""

    type_name: str  # as written, may be dotted
    message: str  # empty when there is none


@dataclass(frozen=True, slots=True)
class Report:
    text: str  # what was read: at most MAX_REPORT code points, the head and the tail
    searchable: str  # the text without what an issue form or a tool wrote
    title: str
    frames: tuple[Frame, ...]
    failing_tests: tuple[FailingTest, ...]
    paths: tuple[PathMention, ...]
    names: tuple[NameMention, ...]
    raised: tuple[Raised, ...]
    quoted: tuple[str, ...]
    words: tuple[str, ...]  # distinct words in lower case, in order of appearance


def read_report(text: str) -> Report:
    """Read a report of any size; raises `EmptyReport` when it holds no word at all."""
    kept = _head_and_tail(text).replace("\x00", " ")
    words = tuple(dict.fromkeys(m.group().lower() for m in _WORD.finditer(kept)))
    if not words:
        raise EmptyReport(
            "the report has no words in it: give an error message, a traceback or a sentence"
        )
    lines = _lines(kept)
    return Report(
        text=kept,
        searchable=without_boilerplate(kept),
        title=next((line.strip(" #*=-\t") for line in lines if line.strip(" #*=-\t")), "")[:300],
        frames=read_frames(lines),
        failing_tests=read_failing_tests(lines),
        paths=tuple(_paths(kept))[:MAX_MENTIONS],
        names=tuple(_names(kept)),
        raised=tuple(dict.fromkeys(_raised(lines)))[:MAX_MENTIONS],
        quoted=tuple(dict.fromkeys(_quoted(kept)))[:MAX_MENTIONS],
        words=words,
    )


def _head_and_tail(text: str) -> str:
    """What a person wrote stands first, and the error that ended a program last in its log."""
    if len(text) <= MAX_REPORT:
        return text
    half = MAX_REPORT // 2
    return f"{text[: half - 1]}\n{text[-half:]}"


_WORD = re.compile(r"[^\W\d_]{2,}")
_ESCAPED_EOL = re.compile(r"\\r\\n|\\n")


def _lines(text: str) -> list[str]:
    """Lines, with a traceback that a log wrote on one line (as \\n escapes) opened up."""
    lines: list[str] = []
    for line in split_lines(text):
        if line.count("\\n") > 2 and ("line " in line or "at " in line or "in " in line):
            lines.extend(part.replace('\\"', '"') for part in _ESCAPED_EOL.split(line))
        else:
            lines.append(line)
    return lines


# --- paths ---------------------------------------------------------------------------------------

_TOKEN = re.compile(r"[^\s\"'`()<>\[\]{},;|=*]+")
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9+]{0,4}$")
_LINE_SUFFIX = re.compile(
    r":(\d{1,7})(?::\d{1,7})?(?::in|:)?$"  # Ruby writes a.rb:10:in `f'
    r"|#L(\d{1,7})(?:-L?\d{1,7})?$"
)
_LINE_BEHIND = re.compile(r" (\d{1,7})\b")  # .NET writes a.cs:line 10
_BLOB = re.compile(r"/(?:blob|tree|raw|blame)/[^/]+/")


def _paths(text: str) -> Iterator[PathMention]:
    seen: set[PathMention] = set()
    for match in _TOKEN.finditer(text):
        token = match.group()
        if len(token) > MAX_TOKEN or ("." not in token and "/" not in token and "\\" not in token):
            continue
        token = token.rstrip(".:!?")
        if token.endswith(":line") and (found := _LINE_BEHIND.match(text, match.end())):
            token = f"{token.removesuffix('line')}{found[1]}"
        mention = _path_of(token)
        if mention is not None and mention not in seen:
            seen.add(mention)
            yield mention


def _path_of(token: str) -> PathMention | None:
    line = None
    if found := _LINE_SUFFIX.search(token):
        line = int(found.group(1) or found.group(2))
        token = token[: found.start()]
    if "://" in token:
        parts = _BLOB.split(token, maxsplit=1)
        if len(parts) == 1 and not token.startswith(("file://", "webpack")):
            return None
        token = parts[-1].partition("#")[0].partition("://")[2] if len(parts) == 1 else parts[1]
        token = token.partition("#")[0].partition("?")[0]
    path = token.replace("\\", "/").removeprefix("./").rstrip("/")
    has_name = any(c.isalpha() for c in path)
    if not has_name or not (_EXTENSION.search(path) or path.count("/") >= 1):
        return None
    return PathMention(path, line)


# --- names ---------------------------------------------------------------------------------------

_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|#|->)[A-Za-z_~$][\w$]*)*")
_JOINT = re.compile(r"\.|::|#|->")
_URL = re.compile(r"\b(?:https?|ftp|file)://\S{1,2000}")
_MARKED = re.compile(r"`([^`\n]{1,200})`")
_HUMP = re.compile(r"[a-z\d][A-Z]|[A-Z]{2}[a-z]{2}")  # camelCase, HTTPServer, but not URLs
_ORDER = (NameForm.QUALIFIED, NameForm.CALLED, NameForm.MARKED, NameForm.SHAPED)
_ABBREVIATIONS = frozenset({"e.g", "i.e", "etc", "a.k.a", "vs", "i.E", "e.G"})


def _names(text: str) -> list[NameMention]:
    text = _URL.sub(" ", text)
    marked = {m.group(1).strip().rstrip("()") for m in _MARKED.finditer(text)}
    found: dict[tuple[str, ...], tuple[NameForm, int]] = {}
    for match in _NAME.finditer(text):
        written = match.group()
        is_short = len(written) <= 2 and not written[0].isupper()  # but Q( may be a type
        if is_short or len(written) > MAX_TOKEN or written in _ABBREVIATIONS:
            continue
        parts = tuple(p for p in _JOINT.split(written) if p)
        form = _form_of(parts, written in marked, text[match.end() : match.end() + 1] == "(")
        if form is None:
            continue
        before, count = found.get(parts, (form, 0))
        found[parts] = (min(before, form, key=_ORDER.index), count + 1)
    mentions = [NameMention(parts, form, count) for parts, (form, count) in found.items()]
    return mentions[:MAX_MENTIONS]


def _form_of(parts: tuple[str, ...], is_marked: bool, is_called: bool) -> NameForm | None:  # noqa: FBT001
    if len(parts) > 1:
        # "end.The next": two sentences without a space between them, not a name
        is_prose = len(parts) == 2 and parts[0].islower() and parts[1][:1].isupper()
        return NameForm.QUALIFIED if is_marked or is_called or not is_prose else None
    name = parts[0]
    if is_called:
        return NameForm.CALLED
    if is_marked:
        return NameForm.MARKED
    has_joint = "_" in name.strip("_") or name.startswith("_")
    return NameForm.SHAPED if has_joint or _HUMP.search(name) else None


# --- what was raised, what was quoted ------------------------------------------------------------

_RAISED = re.compile(
    r"^(?:E\s+|Caused by: |Exception in thread \S{1,80} |Uncaught |panic: |fatal error: )?"
    r"((?:[A-Za-z_][\w$]*\.)*[A-Z][\w$]*(?:Error|Exception|Warning|Failure|Exit|Interrupt|Fault))"
    r"(?:\s*\[[\w-]{1,40}\])?(?::\s*(.{0,500}))?\s*$"
)
_PANIC = re.compile(r"^(?:panic|fatal error|fatal|FATAL|ERROR|error|Error): (.{3,500})$")
_RUST_PANIC = re.compile(r"panicked at '(.{1,300}?)', ")
_QUOTED = re.compile(r"\"([^\"\n]{4,200})\"|“([^”\n]{4,200})”|`([^`\n]{4,200})`")
_QUOTED_SINGLE = re.compile(r"(?<!\w)'([^'\n]{4,200})'(?!\w)")


def _raised(lines: list[str]) -> Iterator[Raised]:
    for line in lines:
        stripped = line.strip()[:800]
        if found := _RAISED.match(stripped):
            yield Raised(found.group(1), (found.group(2) or "").strip())
        elif (found := _PANIC.match(stripped)) or (found := _RUST_PANIC.search(stripped)):
            yield Raised("", found.group(1).strip())


def _quoted(text: str) -> Iterator[str]:
    for pattern in (_QUOTED, _QUOTED_SINGLE):
        for match in pattern.finditer(text):
            quoted = next(group for group in match.groups() if group).strip()
            if len(quoted) >= 4:
                yield quoted
