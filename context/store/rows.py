"""What goes into the index and comes out of it, as plain data; and where an index lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from context.details import PackedDetails
from context.outline import Symbol
from context.postings import Postings
from context.text import hash_bytes


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What says that a file is unchanged without reading it."""

    size_bytes: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One parsed file as it goes into the store."""

    path: str
    stamp: FileStamp
    hash: str
    language: str
    n_lines: int
    is_test: bool
    symbols: Sequence[Sequence[Any]]  # rows in the order of the table's columns
    details: PackedDetails
    docs: Sequence[tuple[int, int]]  # (ordinal, number of terms), as the postings count them


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some parsed files; documents are numbered from 0 through all of them."""

    files: tuple[IndexedFile, ...]
    postings: Postings


@dataclass(frozen=True, slots=True)
class FileRow:
    path: str
    language: str
    size_bytes: int
    n_lines: int
    is_test: bool
    hash: str


@dataclass(frozen=True, slots=True)
class SymbolAt:
    path: str
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class ScoredFunction:
    path: str
    qualified_name: str
    start_line: int
    score: float


class PathKey(StrEnum):
    """By what a path is looked up, in lower case."""

    NAME = "name"  # file name
    STEM = "stem"  # file name up to its first dot
    TAIL = "tail"  # the last two parts without the last suffix: b/c of a/b/c.py


def path_keys(path: str) -> tuple[str, str, str]:
    """Name, stem and tail."""
    lower = path.lower()
    name = lower.rpartition("/")[2]
    whole = lower.rpartition(".")[0] or lower
    return name, name.partition(".")[0], "/".join(whole.split("/")[-2:])


def index_folder(root: Path, cache_dir: Path) -> Path:
    """The folder of a workspace's index: by its real path, never inside the workspace."""
    key = hash_bytes(os.fsencode(os.path.realpath(root)))
    return cache_dir / "index" / key
