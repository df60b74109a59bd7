"""What an edit must pass before it is offered. A refusal is one sentence, for user and model alike.

Checks, in this order: shown (the file was in the window), path (inside the workspace, nothing that
runs by itself), version (the file is still the one shown), anchor (unique in what was shown),
content (no thinking tags, no invisible characters, no code left out behind a comment, not too
large, not a no-op), deletion (nothing goes that was not to go) and syntax (no parse error that was
not there). Reads no file: that a path is no symbolic link is seen to by whoever reads `sources`.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import PurePosixPath, PureWindowsPath

from context.outline import Outline, Problem
from context.text import Span, Text, content_hash, split_lines
from context.window import ContextWindow, ShownPiece, Snippet
from models.findings import Edit, Refusal
from models.replies import EditsReply, RewriteReply, SearchReplace

MAX_NEW_CHARS = 20_000  # code points an edit may bring; a guess
MAX_LOST_SHARE = 0.6  # of the anchor's lines may go without a replacement ...
MAX_LOST_OF_REGION = 0.34  # the same for lines that were to be written again in full
MIN_LOST_LINES = 4  # ... when it is more than a few
MAX_LOST_WHEN_SIMPLER = 0.8  # of all lines, for a task that may shorten; a guess

OutlineOf = Callable[[str, str], Awaitable[Outline]]  # (path, text), parsed in another process

# Bidirectional controls and characters that no one sees (CVE-2021-42574).
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")  # all but tab, line ends, form feed
_TAGS = re.compile(r"</?\s*think(?:ing)?\s*>", re.IGNORECASE)
# How a model leaves code out: "# ... rest of the function".
_LEFT_OUT = re.compile(
    r"^\s*(?:#|//|/\*)\s*(?:\.{3}|…|(?:the )?(?:rest|remainder) of (?:the|this|your)\b"
    r"|(?:the )?(?:existing|remaining|other) code\b|same as before\b)",
    re.IGNORECASE,
)
# Folders and files that programs run or obey on their own: never edited (faults: D5).
_ACTING_FOLDERS = frozenset(
    ".git .vscode .idea .github .gitlab .circleci .husky .devcontainer .cargo .githooks .zed "
    ".nvim .cursor .claude .buildkite .mvn".split()
)
_ACTING_FILES = re.compile(
    r"^(\.env.*|\.envrc|\.npmrc|\.gitmodules|\.gitattributes|\.pre-commit-config\.yaml"
    r"|.*\.code-workspace|agents\.md|claude\.md|\.cursorrules|.*\.lock|package-lock\.json"
    r"|sitecustomize\.py|usercustomize\.py|.*\.pth|\.(yarnrc|pnpmfile|gitlab-ci|travis|drone)(\..*)?"
    r"|\.nvimrc|\.exrc|\.nvim\.lua|\.vimrc|jenkinsfile|azure-pipelines\.ya?ml|appveyor\.ya?ml)$"
)
_SHORT_NAME = re.compile(r"~\d")  # 8.3 names of Windows: GIT~1, VSCODE~1
_GIT_HOOK = re.compile(r"^(pre|post|commit|prepare|applypatch|update|fsmonitor|push|reference)\b")


class Deletion(StrEnum):
    """What a task allows an edit to take away."""

    LINES = "lines"  # may shorten code (simplify, extract), but no definition may vanish
    LITTLE = "little"  # changes in place (fix)
    AS_TOLD = "as told"  # the user's own words decide (custom)


@dataclass(frozen=True, slots=True)
class Verdict:
    """All edits passed (then `refusals` is empty), or none is let through."""

    edits: tuple[Edit, ...]
    refusals: tuple[Refusal, ...]


async def check_edits(
    reply: EditsReply,
    window: ContextWindow,
    sources: Mapping[str, str],
    outline_of: OutlineOf,
    deletion: Deletion,
) -> Verdict:
    """Turn a reply into edits against `sources` (current texts by path), or say why not.

    Edits of one reply stand or fall together: half a change is no change.
    """
    edits: list[Edit] = []
    for wanted in reply.edits:
        outcome = _anchored(wanted, reply.reason, window, sources)
        if isinstance(outcome, Edit):
            outcome = _content_refusal(outcome, deletion) or outcome
        if isinstance(outcome, Refusal):
            return Verdict((), (outcome,))
        edits.append(outcome)
    if refusal := _overlap_refusal(edits) or _emptied_refusal(edits, deletion):
        return Verdict((), (refusal,))
    for path in dict.fromkeys(edit.path for edit in edits):
        mine = [edit for edit in edits if edit.path == path]
        refusal = await _syntax_refusal(path, sources[path], mine, outline_of, deletion)
        if refusal is not None:
            return Verdict((), (refusal,))
    return Verdict(tuple(edits), ())


async def check_rewrite(
    reply: RewriteReply,
    region: Snippet,
    sources: Mapping[str, str],
    outline_of: OutlineOf,
    deletion: Deletion,
) -> Verdict:
    """Turn rewritten lines into the smallest edits that lead from `region` to them."""
    if refusal := path_refusal(region.path):
        return Verdict((), (refusal,))
    if region.path not in sources:
        return Verdict((), (Refusal("shown", f"{region.path} is not a file that was shown."),))
    source = sources[region.path]
    if content_hash(source) != region.file_hash:
        sentence = f"{region.path} has changed since it was read; ask again."
        return Verdict((), (Refusal("version", sentence),))
    old, new = region.text.split("\n"), _aligned(region.text, split_lines(reply.code))
    if refusal := _lost_refusal(old, new, deletion, MAX_LOST_OF_REGION):
        return Verdict((), (refusal,))
    edits = _hunks(Text(source), region, old, new, reply.reason)
    if not edits:
        return Verdict((), (Refusal("no-op", "The edit changes nothing."),))
    refusals = [_content_refusal(edit, Deletion.AS_TOLD) for edit in edits]
    if refusal := next((r for r in refusals if r), None) or _emptied_lines(old, new, deletion):
        return Verdict((), (refusal,))
    refusal = await _syntax_refusal(region.path, source, edits, outline_of, deletion)
    return Verdict((), (refusal,)) if refusal else Verdict(tuple(edits), ())


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text after its edits, which must not overlap."""
    for edit in sorted(edits, key=lambda e: e.span.start, reverse=True):
        text = text[: edit.span.start] + edit.new_text + text[edit.span.end :]
    return text


def path_refusal(path: str) -> Refusal | None:
    """Why a workspace-relative path must not be edited; None when it may."""
    sentence = f"{path} is not a place that Postil edits."
    windows = PureWindowsPath(path)
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "\\")) or windows.drive or windows.root:
        return Refusal("path", sentence)
    if _CONTROL.search(path) or any(c in path for c in "\t\n\r\f"):
        return Refusal("path", sentence)
    plain = [_plain_name(p) for own in parts for p in own.split("\\")]
    for part, name in pairwise(plain):
        if part == "hooks" and _GIT_HOOK.match(name):
            return Refusal("path", sentence)
    if any(not name or name in _ACTING_FOLDERS or _SHORT_NAME.search(name) for name in plain):
        return Refusal("path", sentence)
    return Refusal("path", sentence) if _ACTING_FILES.match(plain[-1]) else None


def _plain_name(part: str) -> str:
    """A name as the most forgiving file system reads it; empty for "..", "." and the like.

    Case, invisible characters (HFS+), wide forms, a stream (":$DATA") and dots or spaces at the
    end (NTFS) make no difference there.
    """
    folded = unicodedata.normalize("NFKC", INVISIBLE.sub("", part)).casefold()
    return folded.partition(":")[0].rstrip(". ")


def _anchored(
    wanted: SearchReplace, reason: str, window: ContextWindow, sources: Mapping[str, str]
) -> Edit | Refusal:
    """Find the one place in what was shown where the searched lines stand."""
    path = window.path_of(wanted.file_id)
    if path is None or path not in sources:
        return Refusal("shown", f"{wanted.file_id} is not a file that was shown.")
    if refusal := path_refusal(path):
        return refusal
    text = Text(sources[path])
    pieces = window.pieces_of(wanted.file_id)
    if any(p.snippet.file_hash != content_hash(text.content) for p in pieces):
        return Refusal("version", f"{path} has changed since it was read; ask again.")
    search = split_lines(wanted.search)
    if not any(line.strip() for line in search):
        return Refusal("anchor", "The lines to search for are empty.")
    exact = _line_matches(pieces, search)
    places = exact or _shifted_matches(pieces, search)
    if len(places) != 1:
        found = "is not in" if not places else "stands more than once in"
        return Refusal("anchor", f"The text to search for {found} the code that was shown.")
    first_line, indent = places[0]
    span = text.lines_span(first_line, first_line + len(search) - 1)
    new_lines = [_shift(line, indent) for line in split_lines(wanted.replace)]
    new_text = text.eol().join(new_lines) if wanted.replace else ""
    old_text = text.slice(span)
    if not wanted.replace:  # the lines go with their end
        last = text.full_line_span(text.line_idx_at(span.end))
        span = Span(span.start, last.end)
        old_text = text.slice(span)
    return Edit(path, span, old_text, new_text, content_hash(text.content), reason)


def _line_matches(pieces: Sequence[ShownPiece], search: list[str]) -> list[tuple[int, str]]:
    """(1-based line, no shift) of every place where the lines stand exactly."""
    return [
        (piece.snippet.start_line + at, "")
        for piece in pieces
        for lines in [piece.snippet.text.split("\n")]
        for at in range(len(lines) - len(search) + 1)
        if [line.rstrip() for line in lines[at : at + len(search)]]
        == [line.rstrip() for line in search]
    ]


def _shifted_matches(pieces: Sequence[ShownPiece], search: list[str]) -> list[tuple[int, str]]:
    """Places that differ by one indentation throughout, with what was left off or added.

    A shift is "+" or "-" and the white space; small models often lose the outer indentation.
    """
    found: list[tuple[int, str]] = []
    for piece in pieces:
        lines = piece.snippet.text.split("\n")
        for at in range(len(lines) - len(search) + 1):
            shift = _uniform_shift(lines[at : at + len(search)], search)
            if shift is not None:
                found.append((piece.snippet.start_line + at, shift))
    return found


def _uniform_shift(lines: Sequence[str], search: Sequence[str]) -> str | None:
    shifts: set[str] = set()
    for line, wanted in zip(lines, search, strict=True):
        if line.strip() != wanted.strip():
            return None
        if not wanted.strip():
            continue
        own, other = _indent(line), _indent(wanted)
        if own.startswith(other):
            shifts.add("+" + own[len(other) :])
        elif other.startswith(own):
            shifts.add("-" + other[len(own) :])
        else:
            return None
    return shifts.pop() if len(shifts) == 1 else None


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _shift(line: str, shift: str) -> str:
    if not shift or not line.strip():
        return line
    return shift[1:] + line if shift[0] == "+" else line.removeprefix(shift[1:])


def _content_refusal(edit: Edit, deletion: Deletion) -> Refusal | None:
    old, new = split_lines(edit.old_text), split_lines(edit.new_text)
    if [line.rstrip() for line in old] == [line.rstrip() for line in new]:
        return Refusal("no-op", "The edit changes nothing.")
    if len(edit.new_text) > MAX_NEW_CHARS:
        return Refusal("size", "The edit is too large to be looked over.")
    if _added(_TAGS, edit):
        return Refusal("tags", "The edit would write the model's thinking tags into the file.")
    if added := _added(INVISIBLE, edit) or _added(_CONTROL, edit):
        sentence = f"The edit would add an invisible character (U+{ord(added):04X})."
        return Refusal("invisible", sentence)
    if any(_LEFT_OUT.match(line) and line not in old for line in new):
        return Refusal("left out", "The edit leaves code out behind a comment; write it in full.")
    return _lost_refusal(old, new, deletion, MAX_LOST_SHARE)


def _added(pattern: re.Pattern[str], edit: Edit) -> str | None:
    """What the new text has more often than the old one."""
    more = Counter(pattern.findall(edit.new_text)) - Counter(pattern.findall(edit.old_text))
    return next(iter(more), None)


def _emptied_refusal(edits: Sequence[Edit], deletion: Deletion) -> Refusal | None:
    """All edits together: a function that was extracted stands in another edit."""
    old = [line for edit in edits for line in split_lines(edit.old_text)]
    new = [line for edit in edits for line in split_lines(edit.new_text)]
    return _emptied_lines(old, new, deletion)


def _emptied_lines(old: Sequence[str], new: Sequence[str], deletion: Deletion) -> Refusal | None:
    """A task that may shorten must not take nearly everything."""
    if deletion is not Deletion.LINES:
        return None
    return _lost_refusal(old, new, Deletion.LITTLE, MAX_LOST_WHEN_SIMPLER)


def _lost_refusal(
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


def _aligned(old_text: str, new: list[str]) -> list[str]:
    """The new lines with the outer indentation that the old ones have."""
    first_old = next((line for line in old_text.split("\n") if line.strip()), "")
    first_new = next((line for line in new if line.strip()), "")
    own, other = _indent(first_old), _indent(first_new)
    if own.startswith(other):
        return [_shift(line, "+" + own[len(other) :]) for line in new]
    return [_shift(line, "-" + other[len(own) :]) for line in new]


def _hunks(text: Text, region: Snippet, old: list[str], new: list[str], reason: str) -> list[Edit]:
    """Changed lines only, whole lines each. White space at line ends is no change."""
    matcher = difflib.SequenceMatcher(
        None, [line.rstrip() for line in old], [line.rstrip() for line in new], autojunk=False
    )
    eol = text.eol()
    edits: list[Edit] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        first = text.line_starts[region.start_line - 1 + i1]
        last_idx = region.start_line - 1 + i2
        end = text.line_starts[last_idx] if last_idx < text.n_lines else len(text)
        span = Span(first, max(first, end))
        added = "".join(line.rstrip() + eol for line in new[j1:j2])
        if end == len(text) and not text.slice(span).endswith(("\n", "\r")):
            added = added.removesuffix(eol)
        edits.append(Edit(region.path, span, text.slice(span), added, region.file_hash, reason))
    return edits


def _overlap_refusal(edits: Sequence[Edit]) -> Refusal | None:
    for idx, edit in enumerate(edits):
        for other in edits[idx + 1 :]:
            if edit.path == other.path and edit.span.overlaps(other.span):
                return Refusal("overlap", "Two of the edits change the same lines.")
    return None


async def _syntax_refusal(
    path: str, before: str, edits: Sequence[Edit], outline_of: OutlineOf, deletion: Deletion
) -> Refusal | None:
    old, new = await outline_of(path, before), await outline_of(path, apply_edits(before, edits))
    if worse := _new_problem(old.problems, new.problems, before, edits):
        sentence = f"The edit would break the syntax of {path} at line {worse.line}: {worse.what}."
        return Refusal("syntax", sentence)
    if deletion is Deletion.AS_TOLD:
        return None
    names = Counter(s.qualified_name for s in old.symbols)
    names.subtract(s.qualified_name for s in new.symbols)
    gone = sorted(name for name, count in names.items() if count > 0)
    if gone:
        return Refusal("deletion", f"The edit would remove {gone[0]}, and was not asked to.")
    return None


def _new_problem(
    old: Sequence[Problem], new: Sequence[Problem], before: str, edits: Sequence[Edit]
) -> Problem | None:
    """A problem that was not there: one in changed lines that had none, or one more anywhere."""
    text, shift = Text(before), 0
    for edit in sorted(edits, key=lambda e: e.span.start):
        first = text.line_idx_at(edit.span.start) + 1
        n_old, n_new = len(split_lines(edit.old_text)), len(split_lines(edit.new_text))
        had = any(first <= p.line < first + n_old for p in old)
        start = first + shift
        inside = [p for p in new if start <= p.line < start + n_new]
        if inside and not had:
            return inside[0]
        shift += n_new - n_old
    if len(new) <= len(old):
        return None
    known = {p.what for p in old}
    return next((p for p in new if p.what not in known), new[-1])
