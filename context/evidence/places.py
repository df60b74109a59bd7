"""Where the files and names that a report writes are in this workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from context.outline import Symbol, SymbolKind
from context.store import PathKey, Reader, path_keys

MAX_LOOKED_AT = 200  # files with one name; a name that more have says nothing by itself


class FileNames:
    """Files by their last path parts, for reports that name them from some other root."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def ending_like(self, written: str) -> list[str]:
        """Files that share the longest tail of path parts with `written`, at least the name."""
        parts = PurePosixPath(written.lower()).parts
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
            shared = 0
            for a, b in zip(reversed(parts), reversed(own), strict=False):
                if a != b:
                    break
                shared += 1
            if shared > best_shared:
                best, best_shared = [path], shared
            elif shared == best_shared:
                best.append(path)
        return best

    def with_stem(self, stem: str) -> list[str]:
        return self._reader.paths_named(PathKey.STEM, stem.lower(), MAX_LOOKED_AT)

    def with_tail(self, folder: str, stem: str) -> list[str]:
        """Files that end in folder/stem and some suffix, whatever the case."""
        tail = f"{folder}/{stem}".lower()
        return self._reader.paths_named(PathKey.TAIL, tail, MAX_LOOKED_AT)


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
