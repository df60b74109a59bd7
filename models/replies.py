"""Read a model's answers into types. What cannot be read raises `ReplyUnusable`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import ReplyUnusable


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
_EDIT = re.compile(
    r"^FILE: (?P<file>F\d{1,2})\n<<<<<<< SEARCH\n(?P<search>.*?)^=======\n(?P<replace>.*?)"
    r"^>>>>>>> REPLACE$",
    re.MULTILINE | re.DOTALL,
)


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
    return RewriteReply(found["reason"].strip(), found["code"])
