"""Where the files and names that a report writes are in this workspace."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from context.outline import Symbol, SymbolKind
from context.store import PathKey, Reader, path_keys

MAX_LOOKED_AT = 200  # files with one name; a name that more have says nothing by itself

# Folders of libraries, in lower case. Python prints what follows as an import names it; packages
# of other languages may be opened as a workspace of their own; the third are of a language itself.
_IMPORTED = re.compile(
    r"(?:^|/)(?:(?:site|dist)-packages|lib(?:64)?/python3[\d.]*|python3\d+/lib)(?=/)"
)
_INSTALLED = re.compile(r"(?:^|/)(?:node_modules|pkg/mod|\.cargo/registry|gems|vendor)/")
_STANDARD = re.compile(
    r"^/usr/(?:local/)?(?:lib(?:64)?|go)/|/rustc/|/go[-/]?1\.[^\s]{1,40}/src/"
    r"|/program files/go/src/|^(?:javax?|jdk|sun|kotlinx?|scala)/"
)


class FileNames:
    """Files by their last path parts, for reports that name them from some other root."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def ending_like(self, written: str, line: int | None = None) -> list[str]:
        """Files that share the longest tail of path parts with `written`, at least the name.

        A file of a library is none of the workspace's for its name alone; nor is any file that has
        no such `line` (1-based).
        """
        lower = written.lower()
        parts = PurePosixPath(lower).parts
        if not parts:
            return []
        name = parts[-1]
        paths: list[str] = []
        if len(parts) > 1:
            _, _, tail = path_keys("/".join(parts))
            alike = self._reader.paths_named(PathKey.TAIL, tail, MAX_LOOKED_AT)
            paths = [path for path in alike if path.lower().endswith(f"/{name}")]
        best: list[str] = []
        best_shared = 0
        for path in paths or self._reader.paths_named(PathKey.NAME, name, MAX_LOOKED_AT):
            own = path.lower().split("/")
            shared = _n_shared(parts, own)
            if shared < best_shared or not _may_be(lower, own, shared):
                continue
            if shared > best_shared:
                best, best_shared = [path], shared
            else:
                best.append(path)
        if line is None or best_shared >= min(2, len(parts)):
            return best  # surely the same file, maybe of another version
        rows = self._reader.files_at(best)
        return [path for path in best if line <= rows[path].n_lines]

    def with_stem(self, stem: str) -> list[str]:
        return self._reader.paths_named(PathKey.STEM, stem.lower(), MAX_LOOKED_AT)

    def with_tail(self, folder: str, stem: str) -> list[str]:
        """Files that end in folder/stem and some suffix, whatever the case."""
        tail = f"{folder}/{stem}".lower()
        return self._reader.paths_named(PathKey.TAIL, tail, MAX_LOOKED_AT)


def _n_shared(parts: Sequence[str], own: Sequence[str]) -> int:
    """How many last parts two paths have in common."""
    n = 0
    for a, b in zip(reversed(parts), reversed(own), strict=False):
        if a != b:
            break
        n += 1
    return n


def _may_be(written: str, own: Sequence[str], shared: int) -> bool:
    """Whether a path, if it is a library's, is likely to be this file of the workspace."""
    *before, imported = _IMPORTED.split(written)
    if before and imported.count("/") == 1:  # a library of one file
        return tuple(own[:-1]) in ((), ("src",), ("lib",))
    if before or _STANDARD.search(written):
        return shared >= 2
    return shared >= 2 or shared == len(own) or not _INSTALLED.search(written)


def enclosing_function(symbols: Sequence[Symbol], line: int) -> Symbol | None:
    around = [
        s for s in symbols if s.kind is SymbolKind.FUNCTION and s.start_line <= line <= s.end_line
    ]
    return min(around, key=lambda s: s.end_line - s.start_line, default=None)


def function_at(reader: Reader, path: str, line: int | None, name: str | None) -> Symbol | None:
    """The function a frame speaks of: by its name first, since lines move between versions."""
    symbols = reader.symbols(path)
    if name:
        last = name.rpartition(".")[2]
        named = [s for s in symbols if s.name == last and s.kind is SymbolKind.FUNCTION]
        if line is not None:
            at_line = [s for s in named if s.start_line <= line <= s.end_line]
            named = at_line or sorted(named, key=lambda s: abs(s.start_line - line))
        if named:
            return named[0]
    return enclosing_function(symbols, line) if line is not None else None
