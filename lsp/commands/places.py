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
    found = re.fullmatch(r"(.+?):(\d+)(?:-(\d+)|:\d+)?", words)  # a column, as compilers have it
    if found is None:
        raise NoSuchPlace(f"{words} names no lines; write path:12 or path:12-20.")
    first = max(1, int(found[2]))
    return Place(found[1], first, max(first, int(found[3] or first)))


def relative_path(root: Path, path: str | Path) -> str:
    """`path`, from here or from the workspace, as a path from the workspace.

    Where both are there it is the one from here, as for any command that is typed in a folder of
    the workspace. Raises `NoSuchPlace` where it leads out of it.
    """
    here, there = Path(path).resolve(), (root / path).resolve()
    is_from_here = here.exists() and (here.is_relative_to(root) or not there.exists())
    found = here if is_from_here else there
    if not found.is_relative_to(root):
        raise NoSuchPlace(f"{path} is not in {root}; name a file of the workspace.")
    return found.relative_to(root).as_posix()


def text_of(root: Path, path: str) -> Text:
    """`path` is one from the workspace. Raises `NoSuchPlace` where it cannot be read."""
    if not (root / path).exists():
        raise NoSuchPlace(f"There is no file {path} in {root}.")
    try:
        return Text(read_source(root, path))
    except Skipped as reason:
        raise NoSuchPlace(f"{path} cannot be read ({reason}).") from reason


def text_at(root: Path, place: Place) -> tuple[str, Text]:
    """The file of a place, from the workspace, and its text. Raises `NoSuchPlace`."""
    path = relative_path(root, place.path)
    text = text_of(root, path)
    ends_with_line = text.n_lines > 1 and text.line_starts[-1] == len(text)
    n_lines = text.n_lines - ends_with_line
    if place.first_line > n_lines:
        lines = "1 line" if n_lines == 1 else f"{n_lines} lines"
        raise NoSuchPlace(f"{path} has {lines}; name some of them.")
    return path, text
