"""What an edit's text must not hold, and how much of the old text may go with it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from context.text import split_lines
from models.findings import Edit, Refusal

MAX_NEW_CHARS = 20_000  # code points an edit may bring; a guess
MAX_LOST_SHARE = 0.6  # of the anchor's lines may go without a replacement ...
MAX_LOST_OF_REGION = 0.34  # the same for lines that were to be written again in full
MIN_LOST_LINES = 4  # ... when it is more than a few
MAX_LOST_WHEN_SIMPLER = 0.8  # of all lines, for a task that may shorten; a guess
MAX_EDITS = 60  # hunks of one proposal; a guess, as the two below
MAX_EDITED_FILES = 20
MAX_ALL_NEW_CHARS = 60_000

# Bidirectional controls and characters that no one sees (CVE-2021-42574), and with them all format
# characters (Cf). Written out: Python's table differs with its version, and what passes must not.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")  # all but tab, line ends, form feed
# What marks a model's thinking and the turns of a chat: nothing of it belongs into a file.
_TAGS = re.compile(
    r"</?\s*(?:think(?:ing)?|thought|reasoning|reflection)\s*>|<\|(?:im_start|im_end|endoftext)\|>"
    r"|<\uff5c[^<>\n]{1,40}\uff5c>",
    re.IGNORECASE,
)
# What the parts of a question stand between (models/prompts); small models copy it.
_MARKS = re.compile(r"@@[0-9a-f]{8} (?:end of )?[a-z]+")
# How a model leaves code out: "# ... rest of the function". Words alone may as well be a comment.
_DOTS = re.compile(r"^\s*(?:#|//|/\*|--|%|;|<!--|\{/\*)\s*(?:\.{3}|…)")
_LEFT_OUT = re.compile(
    r"^\s*(?:#|//|/\*|--|%|;|<!--|\{/\*)[\s(]*"
    r"(?:(?:the )?(?:rest|remainder) of (?:(?:the|this|your) )?\w+"
    r"|(?:the )?(?:existing|remaining|other) (?:code|lines)\b|same as before\b"
    r"|(?:.{0,40}\b)?(?:un|not )changed\b)|^\s*\.{3}\s*$",
    re.IGNORECASE,
)
# Code that stands beside the window of an editor is read by nobody.
_FAR_AWAY = re.compile(r"\S[ \t\u00a0]{60,}(?=\S)")
_IDENTIFIER = re.compile(r"\w*[^\W\x00-\x7f]\w*")


class Deletion(StrEnum):
    """What a task allows an edit to take away."""

    LINES = "lines"  # may shorten code (simplify, extract), but no definition may vanish
    LITTLE = "little"  # changes in place (fix)
    AS_TOLD = "as told"  # the user's own words decide (custom)


def content_refusal(edit: Edit, deletion: Deletion) -> Refusal | None:
    """Why the text of one edit is not let through."""
    old, new = split_lines(edit.old_text), split_lines(edit.new_text)
    if [line.rstrip() for line in old] == [line.rstrip() for line in new]:
        return Refusal("no-op", "The edit changes nothing.")
    if len(edit.new_text) > MAX_NEW_CHARS:
        return Refusal("size", "The edit is too large to be looked over.")
    if _added(_TAGS, edit):
        return Refusal("tags", "The edit would write the model's thinking tags into the file.")
    if _added(_MARKS, edit):
        return Refusal("marks", "The edit would write marks of the question into the file.")
    if added := _added(INVISIBLE, edit) or _added(CONTROL, edit):
        sentence = f"The edit would add an invisible character (U+{ord(added):04X})."
        return Refusal("invisible", sentence)
    if _added(_FAR_AWAY, edit):
        return Refusal("far away", "The edit would put code far to the right of a line.")
    if any(_means_another(word) for word in _more(_IDENTIFIER, edit)):
        return Refusal("letters", "The edit would write a name in letters that look like others.")
    if _leaves_out(old, new):
        return Refusal("left out", "The edit leaves code out behind a comment; write it in full.")
    return lost_refusal(old, new, deletion, MAX_LOST_SHARE)


def size_refusal(edits: Sequence[Edit]) -> Refusal | None:
    """All edits together: more than a person looks over is not offered."""
    n_chars = sum(len(edit.new_text) for edit in edits)
    n_files = len({edit.path for edit in edits})
    if len(edits) > MAX_EDITS or n_chars > MAX_ALL_NEW_CHARS or n_files > MAX_EDITED_FILES:
        return Refusal("size", "The edit is too large to be looked over.")
    return None


def _added(pattern: re.Pattern[str], edit: Edit) -> str | None:
    """What the new text has more often than the old one."""
    return next(iter(_more(pattern, edit)), None)


def _more(pattern: re.Pattern[str], edit: Edit) -> Counter[str]:
    return Counter(pattern.findall(edit.new_text)) - Counter(pattern.findall(edit.old_text))


def _means_another(word: str) -> bool:
    """Whether Python reads a name as another one: 𝐞𝐯𝐚𝐥 is eval there."""
    return word.isidentifier() and unicodedata.normalize("NFKC", word) != unicodedata.normalize(
        "NFC", word
    )


def _leaves_out(old: Sequence[str], new: Sequence[str]) -> bool:
    """By dots always, by words where less code comes out than went in."""
    known = {line.strip() for line in old}
    added = [line for line in new if line.strip() not in known]
    if any(_DOTS.match(line) for line in added):
        return True
    n_old, n_new = (
        sum(bool(line.strip()) and not _LEFT_OUT.match(line) for line in lines)
        for lines in (old, new)
    )
    return n_new < n_old and any(_LEFT_OUT.match(line) for line in added)


def emptied_refusal(edits: Sequence[Edit], deletion: Deletion) -> Refusal | None:
    """All edits together: a function that was extracted stands in another edit."""
    old = [line for edit in edits for line in split_lines(edit.old_text)]
    new = [line for edit in edits for line in split_lines(edit.new_text)]
    return emptied_lines(old, new, deletion)


def emptied_lines(old: Sequence[str], new: Sequence[str], deletion: Deletion) -> Refusal | None:
    """A task that may shorten must not take nearly everything."""
    if deletion is not Deletion.LINES:
        return None
    return lost_refusal(old, new, Deletion.LITTLE, MAX_LOST_WHEN_SIMPLER)


def lost_refusal(
    old_lines: Sequence[str], new_lines: Sequence[str], deletion: Deletion, max_share: float
) -> Refusal | None:
    if deletion is not Deletion.LITTLE:
        return None
    old = sum(bool(line.strip()) for line in old_lines)
    lost = old - sum(bool(line.strip()) for line in new_lines)
    if lost >= MIN_LOST_LINES and lost > max_share * old:
        sentence = f"The edit would delete {lost} of {old} lines, and was not asked to."
        return Refusal("deletion", sentence)
    return None
