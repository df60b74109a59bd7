"""What edits make of files, in the files' own bytes: as a patch to read and apply, or written.

Knows nothing of models: lsp/commands/fix.py asks them.
"""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from context.errors import NoSuchPlace
from context.parsing import Skipped, decoded, read_bytes
from lsp.to_lsp import visible


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after, both with the mark that stands before the text."""

    path: str  # from the workspace
    old: bytes
    new: bytes
    codec: str


def change_of(root: Path, path: str, old: str, new: str) -> Change:
    """What putting `new` for `old` does to the file. Raises `NoSuchPlace` where the file does not
    hold `old`, or its encoding cannot say `new`.
    """
    try:
        raw = read_bytes(root, path)
        text, codec = decoded(raw)
    except Skipped as reason:
        raise NoSuchPlace(f"{path} cannot be read ({reason}).") from reason
    if text != old:
        raise NoSuchPlace(f"{path} has changed; ask again.")
    if old.encode(codec) != raw:  # a codec that has two spellings of one character
        raise NoSuchPlace(f"{path} is in {codec}, which would change other bytes of it, too.")
    try:
        return Change(path, raw, new.encode(codec), codec)
    except UnicodeEncodeError as error:
        raise NoSuchPlace(
            f"{path} is in {codec}, which has no {visible(error.object[error.start])!r} for the "
            "edit; save it as UTF-8 and ask again."
        ) from error


def show_patch(changes: Sequence[Change]) -> None:
    """A patch that `git apply` and `patch -p1` take; on a terminal, one that cannot control it."""
    sys.stdout.flush()
    for change in changes:
        for line in patch_lines(change):
            if sys.stdout.isatty():
                sys.stdout.write(visible(line.decode(change.codec, "replace")))
            else:
                sys.stdout.buffer.write(line)
    sys.stdout.flush()


def patch_lines(change: Change) -> Iterator[bytes]:
    """A unified diff. Only a line feed ends a line, as git sees it."""
    names = (_name(f"a/{change.path}"), _name(f"b/{change.path}"))
    lines = (_lines(change.old), _lines(change.new))
    for line in difflib.diff_bytes(difflib.unified_diff, *lines, *names):
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _name(path: str) -> bytes:
    """As git writes it: in quotes where it has odd characters; a tab ends one that has spaces."""
    raw = os.fsencode(path)
    if any(byte < 0x20 or byte in b'"\\\x7f' for byte in raw):
        odd = (bytes([b]) if 0x20 <= b < 0x7F and b not in b'"\\' else b"\\%03o" % b for b in raw)
        return b'"' + b"".join(odd) + b'"'
    return raw + b"\t" * (b" " in raw)


def _lines(raw: bytes) -> list[bytes]:
    *lines, rest = raw.split(b"\n")
    return [*(line + b"\n" for line in lines), *([rest] if rest else [])]


def write_changes(root: Path, changes: Sequence[Change]) -> None:
    """All of the files or none, each put in place at once. Raises OSError."""
    prepared: list[Path] = []
    replaced: list[Change] = []
    try:
        for change in changes:
            file = root / change.path
            if file.read_bytes() != change.old:
                raise OSError(0, "it has changed", str(file))
            prepared.append(_beside(file, change.new))
        for change, new in zip(changes, prepared, strict=True):
            os.replace(new, root / change.path)
            replaced.append(change)
    except OSError:
        for change in replaced:
            file = root / change.path
            os.replace(_beside(file, change.old), file)
        raise
    finally:
        for new in prepared:
            new.unlink(missing_ok=True)


def _beside(file: Path, content: bytes) -> Path:
    """A new file with this content and the mode of `file`, in its folder."""
    descriptor, name = tempfile.mkstemp(prefix=".postil-", dir=file.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        new.chmod(file.stat().st_mode)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    return new
