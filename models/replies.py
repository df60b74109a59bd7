"""Read a model's answers into types. What cannot be read raises `ReplyUnusable`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from models import prompts
from models.errors import ReplyUnusable
from models.prompts import Grammar


class Place(BaseModel):
    """Lines that a model points at. Lines are 1-based and inclusive."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)

    file: str
    first_line: int
    last_line: int
    cause: str = Field(min_length=1)


class Bug(BaseModel):
    """A place with a bug, and whatever a model that no grammar holds says beside it."""

    model_config = ConfigDict(frozen=True, strict=True, str_strip_whitespace=True)

    bug: Literal[True]
    file: str
    first_line: int
    last_line: int
    cause: str = Field(min_length=1)

    @property
    def place(self) -> Place:
        return Place(
            file=self.file, first_line=self.first_line, last_line=self.last_line, cause=self.cause
        )


class NoBug(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, str_strip_whitespace=True)

    bug: Literal[False]
    reason: str = Field(min_length=1)


_BUG_OR_NONE: TypeAdapter[Bug | NoBug] = TypeAdapter(Bug | NoBug)


@dataclass(frozen=True, slots=True)
class SearchReplace:
    """One edit as the model wrote it: lines to find in a shown file, and their successors."""

    file_id: str
    search: str
    replace: str


@dataclass(frozen=True, slots=True)
class EditsReply:
    reason: str
    edits: tuple[SearchReplace, ...]


@dataclass(frozen=True, slots=True)
class RewriteReply:
    """Lines that were to be written again, as the model would have them."""

    reason: str
    code: str


_REWRITE = re.compile(r"\A```\w*\n(?P<code>.*?)\n```\nREASON: (?P<reason>[^\n]+)\Z", re.DOTALL)
_FENCE_LINE, _REASON = re.compile(r"```\w*\n"), re.compile(r"\n```\s*REASON: ([^\n]+)")
_TEST_CODE = re.compile(r"^```\w*\n(?P<code>.*?)\n```", re.DOTALL | re.MULTILINE)
MIN_DOC_CHARS = 8
_FILE = re.compile(r"FILE: (F\d{1,2})[ \t]*")
_FENCE = re.compile(r"[ \t]*```\w*[ \t]*")
# An edit that lost its form: with a path for an id, without an end.
_EDIT_MARK = re.compile(r"[ \t*#`]{0,8}(?:FILE:|<{5,}|>{5,}|={7}[ \t]*$)")
_SEARCH, _BETWEEN, _REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"


# What stands behind the lines in the question: a model that copies it goes on with what follows it
# there, which was not to be written again.
_END_OF_LINES = re.compile(r"\n@@[0-9a-f]{8} end of lines(?:\n.*)?\Z", re.DOTALL)


def parse_place(text: str) -> Place:
    try:
        return Place.model_validate_json(text)
    except ValidationError as error:
        raise ReplyUnusable("The model's answer is not the JSON that was asked for.") from error


def parse_bug(text: str) -> Bug | NoBug:
    try:
        return _BUG_OR_NONE.validate_json(text)
    except ValidationError as error:
        raise ReplyUnusable("The model's answer is not the JSON that was asked for.") from error


def parse_edits(text: str) -> EditsReply:
    """Search/replace blocks after a REASON line.

    All of them, or none: what was meant as an edit and lost its form is a part of the change.
    Fences around the blocks and words between them do no harm.
    """
    head, *lines = text.strip().split("\n")
    edits: list[SearchReplace] = []
    others: list[str] = []  # lines of no edit
    n_before = at = 0  # of `others`, those before the first edit
    while at < len(lines):
        edit, end = _edit_at(lines, at)
        if edit is None:
            others.append(lines[at])
        else:
            n_before = n_before if edits else len(others)
            edits.append(edit)
        at = end
    if not head.startswith("REASON:") or not edits or _hold_code(others, n_before):
        raise ReplyUnusable("The model's answer holds no edit in the form that was asked for.")
    return EditsReply(head.removeprefix("REASON:").strip(), tuple(edits))


def _hold_code(others: Sequence[str], start: int) -> bool:
    """Whether lines beside the edits look like one of them, or stand in a fence after the first."""
    fences = [idx for idx, line in enumerate(others) if _FENCE.fullmatch(line)]
    if len(fences) % 2 == 1:
        fences.insert(0, -1)  # opened before the reason
    fenced = (others[max(a + 1, start) : b] for a, b in zip(fences[::2], fences[1::2], strict=True))
    return any(map(_EDIT_MARK.match, others)) or any(
        line.strip() for part in fenced for line in part
    )


def _edit_at(lines: Sequence[str], start: int) -> tuple[SearchReplace | None, int]:
    """(the edit that begins at a line, or None; the line after what was read)."""
    file = _FILE.fullmatch(lines[start])
    if file is not None and lines[start + 1 : start + 2] == [_SEARCH]:
        middle = _find(_BETWEEN, lines, start + 2)
        end = _find(_REPLACE, lines, middle + 1) if middle is not None else None
        if middle is not None and end is not None:
            search, replace = lines[start + 2 : middle], lines[middle + 1 : end]
            return SearchReplace(file[1], "\n".join(search), "\n".join(replace)), end + 1
    return None, start + 1


def _find(mark: str, lines: Sequence[str], start: int) -> int | None:
    """Where a mark stands before the next edit begins."""
    for idx in range(start, len(lines)):
        if lines[idx] == mark:
            return idx
        if lines[idx] == _SEARCH:
            return None
    return None


def parse_rewrite(text: str) -> RewriteReply:
    """One fenced block and a REASON line."""
    found = _REWRITE.match(text.strip())
    if found is None:
        raise ReplyUnusable("The model's answer holds no code in the form that was asked for.")
    return RewriteReply(found["reason"].strip(), _END_OF_LINES.sub("", found["code"]))


def parse_doc(text: str) -> str:
    """The words of a documentation: one paragraph that begins with a letter."""
    words = text.strip()
    if not words[:1].isalpha() or "\n" in words or len(words) < MIN_DOC_CHARS:
        raise ReplyUnusable("The model's answer is not the plain sentences that were asked for.")
    return words


def parse_signature(text: str, start: str) -> str:
    """The one line that begins with `start` (up to a function's opening parenthesis)."""
    for line in text.split("\n"):
        if line.strip().startswith(start.strip()):
            return line.strip()
    raise ReplyUnusable(f"The model's answer has no line that begins with {start.strip()}")


def parse_test_code(text: str) -> str:
    """The code of one fenced block."""
    found = _TEST_CODE.search(text.strip())
    if found is None or not found["code"].strip():
        raise ReplyUnusable("The model's answer holds no code in the form that was asked for.")
    return found["code"].strip("\n")


def json_schema_of(grammar: str) -> dict[str, Any] | None:
    """A JSON schema for a server that knows these and no grammars; None where no JSON is asked."""
    if grammar == prompts.grammar(Grammar.PLACE):
        return Place.model_json_schema()
    if grammar == prompts.grammar(Grammar.BUG_OR_NONE):
        closed = {"additionalProperties": False}
        return {"anyOf": [kind.model_json_schema() | closed for kind in (Bug, NoBug)]}
    return None


def freely_written(text: str, grammar: str) -> str:
    """An answer that no grammar held, without what is around it and in the form of that grammar.

    Models that chat put JSON into a fence, greet, and explain afterwards. Raises `ReplyUnusable`
    when the form is not there.
    """
    if json_schema_of(grammar) is not None:
        form = text[max(text.find("{"), 0) : text.rfind("}") + 1]
        if grammar == prompts.grammar(Grammar.PLACE):
            parse_place(form)
        else:
            parse_bug(form)
        return form
    if grammar == prompts.grammar(Grammar.EDITS):
        form = text[max(text.find("REASON:"), 0) :]
        parse_edits(form)
        return form
    if grammar == prompts.grammar(Grammar.REWRITE):
        form = _rewrite_in(text)
        parse_rewrite(form)
        return form
    if grammar == prompts.grammar(Grammar.DOC):
        words = " ".join(text.strip().strip("`\"'").split())
        parse_doc(words)
        return words
    if grammar == prompts.grammar(Grammar.TEST_CODE):
        return f"```\n{parse_test_code(text)}\n```"
    if grammar and not text.strip():
        raise ReplyUnusable("The model's answer is empty.")
    return text


def _rewrite_in(text: str) -> str:
    """The first fenced block that a reason follows, with the reason right behind it."""
    ends = list(_REASON.finditer(text))
    start = _FENCE_LINE.search(text, 0, ends[-1].start() + 1) if ends else None
    if start is None:
        return ""
    end = next(end for end in ends if end.start() >= start.end() - 1)
    return f"{text[start.start() : end.start()]}\n```\nREASON: {end[1]}"
