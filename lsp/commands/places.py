"""Places that a user names on the command line: path:12 or path:12-20, or a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from context.errors import NoSuchPlace
from context.parsing import Skipped, read_source
from context.text import Text


@dataclass(frozen=True, slots=True)
class Place:
    """Lines are 1-based and inclusive."""

    path: str  # as written
    first_line: int
    last_line: int


def read_place(words: str) -> Place:
    """Raises `NoSuchPlace`."""
    found = re.fullmatch(r"(.+?):(\d+)(?:-(\d+))?", words)
    if found is None:
        raise NoSuchPlace(f"{words} names no lines; write path:12 or path:12-20.")
    first = max(1, int(found[2]))
    return Place(found[1], first, max(first, int(found[3] or first)))


def relative_path(root: Path, path: str | Path) -> str:
    """`path`, from the workspace or from here, as a path from the workspace.

    Raises `NoSuchPlace` where it leads out of it.
    """
    here = (root / path).resolve()
    if not here.exists() and Path(path).exists():
        here = Path(path).resolve()
    if not here.is_relative_to(root):
        raise NoSuchPlace(f"{path} is not in {root}; name a file of the workspace.")
    return here.relative_to(root).as_posix()


def text_of(root: Path, path: str) -> Text:
    """`path` is one from the workspace. Raises `NoSuchPlace` where it cannot be read."""
    try:
        return Text(read_source(root, path))
    except Skipped as reason:
        raise NoSuchPlace(f"{path} cannot be read ({reason}).") from reason


def text_at(root: Path, place: Place) -> tuple[str, Text]:
    """The file of a place, from the workspace, and its text. Raises `NoSuchPlace`."""
    path = relative_path(root, place.path)
    text = text_of(root, path)
    if place.first_line > text.n_lines:
        raise NoSuchPlace(f"{path} has {text.n_lines} lines; name some of them.")
    return path, text
