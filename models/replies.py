"""Read a model's answers into types. What cannot be read raises `ReplyUnusable`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from models import prompts
from models.errors import ReplyUnusable
from models.prompts import Grammar


class Place(BaseModel):
    """Lines that a model points at. Lines are 1-based and inclusive."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: str
    first_line: int
    last_line: int
    cause: str


class BugOrNone(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bug: bool
    file: str = ""
    first_line: int = 0
    last_line: int = 0
    cause: str = ""
    reason: str = ""

    @property
    def place(self) -> Place:
        """Where, when there is a bug."""
        return Place(
            file=self.file, first_line=self.first_line, last_line=self.last_line, cause=self.cause
        )


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
_TEST_CODE = re.compile(r"^```\w*\n(?P<code>.*?)\n```", re.DOTALL | re.MULTILINE)
MIN_DOC_CHARS = 8
_EDIT = re.compile(
    r"^FILE: (?P<file>F\d{1,2})\n<<<<<<< SEARCH\n(?P<search>.*?)^=======\n(?P<replace>.*?)"
    r"^>>>>>>> REPLACE$",
    re.MULTILINE | re.DOTALL,
)


# What stands behind the lines in the question: a model that copies it goes on with what follows it
# there, which was not to be written again.
_END_OF_LINES = re.compile(r"\n@@[0-9a-f]{8} end of lines(?:\n.*)?\Z", re.DOTALL)


def parse_place(text: str) -> Place:
    try:
        return Place.model_validate_json(text)
    except ValidationError as error:
        raise ReplyUnusable("The model's answer is not the JSON that was asked for.") from error


def parse_bug(text: str) -> BugOrNone:
    try:
        return BugOrNone.model_validate_json(text)
    except ValidationError as error:
        raise ReplyUnusable("The model's answer is not the JSON that was asked for.") from error


def parse_edits(text: str) -> EditsReply:
    """Search/replace blocks after a REASON line."""
    head, _, rest = text.strip().partition("\n")
    edits = tuple(
        SearchReplace(
            found["file"], found["search"].removesuffix("\n"), found["replace"].removesuffix("\n")
        )
        for found in _EDIT.finditer(rest)
    )
    if not head.startswith("REASON:") or not edits:
        raise ReplyUnusable("The model's answer holds no edit in the form that was asked for.")
    return EditsReply(head.removeprefix("REASON:").strip(), edits)


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
        return BugOrNone.model_json_schema()
    return None


def freely_written(text: str, grammar: str) -> str:
    """An answer that no grammar held, without what is around it and in the form of that grammar.

    Models that chat put JSON into a fence, greet, and explain afterwards. Raises `ReplyUnusable`
    when the form is not there.
    """
    if json_schema_of(grammar) is not None:
        found = re.search(r"\{.*\}", text, re.DOTALL)
        form = found[0] if found else ""
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
        found = re.search(r"```\w*\n.*?\n```\s*REASON: [^\n]+", text, re.DOTALL)
        form = re.sub(r"\n```\s*REASON: ", "\n```\nREASON: ", found[0]) if found else ""
        parse_rewrite(form)
        return form
    if grammar == prompts.grammar(Grammar.DOC):
        words = " ".join(text.strip().strip("`\"'").split())
        parse_doc(words)
        return words
    if grammar == prompts.grammar(Grammar.TEST_CODE):
        return f"```\n{parse_test_code(text)}\n```"
    return text
