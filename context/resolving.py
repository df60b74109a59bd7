"""From a name used in one file to where it is defined: own file, imports, re-exports, else the one.

No type is inferred and nothing is run: a module's written name is matched with the workspace's
paths, as far as its language's usual layout allows. What stays ambiguous resolves to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from context.evidence.places import FileNames
from context.outline import Import
from context.store import Reader, SymbolAt

MAX_TARGETS = 3  # a module that fits more files than this resolves to none
MAX_HOPS = 4  # re-exports that are followed
_PACKAGE_FILES = ("__init__", "index", "mod", "lib", "main")  # what a folder's name stands for
_NOT_CODE = re.compile(r"^(?:node:|https?:|[@~]/)")


class Resolver:
    """Definitions and imported files of one state of the index. Use on the reader's thread."""

    def __init__(self, reader: Reader, files: FileNames) -> None:
        self._reader = reader
        self._files = files
        self._imports: dict[str, list[Import]] = {}
        self._known: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}

    def definitions(self, path: str, name: str) -> list[SymbolAt]:
        """Where `name`, used in `path`, is defined; empty when that cannot be told."""
        found = self._defined_in(path, name) or self._imported(path, name, MAX_HOPS)
        if found:
            return found
        anywhere = self._reader.symbols_named([name], limit=2)
        return anywhere if len(anywhere) == 1 else []

    def imported_files(self, path: str) -> list[tuple[str, Import]]:
        """Files of the workspace that `path` imports, in its order."""
        return [
            (target, imported)
            for imported in self._imports_of(path)
            for target in self._targets(path, imported.module, imported.names)
        ]

    def _imports_of(self, path: str) -> list[Import]:
        if path not in self._imports:
            self._imports[path] = self._reader.imports(path)
        return self._imports[path]

    def _defined_in(self, path: str, name: str) -> list[SymbolAt]:
        named = [s for s in self._reader.symbols(path) if s.name == name]
        return [SymbolAt(path, symbol) for symbol in named]

    def _imported(self, path: str, name: str, hops: int) -> list[SymbolAt]:
        """Through imports that bind `name`, or bind everything, or name the file it is in."""
        for imported in self._imports_of(path):
            if imported.names and name not in imported.names and "*" not in imported.names:
                continue
            for target in self._targets(path, imported.module, (name,)):
                found = self._defined_in(target, name)
                if not found and hops and target != path:
                    found = self._imported(target, name, hops - 1)
                if found:
                    return found
        return []

    def _targets(self, importer: str, module: str, names: tuple[str, ...]) -> list[str]:
        key = (importer.rpartition("/")[0], _family(importer), module, names)
        if key not in self._known:
            self._known[key] = self._look_for(importer, module, names)
        return self._known[key]

    def _look_for(self, importer: str, module: str, names: tuple[str, ...]) -> list[str]:
        for parts in _spellings(importer, module, names):
            for tail in (parts, *((*parts, stem) for stem in _PACKAGE_FILES)):
                fitting = self._files_at(tail, _family(importer))
                if fitting:
                    return fitting if len(fitting) <= MAX_TARGETS else []
        return []

    def _files_at(self, tail: tuple[str, ...], family: str) -> list[str]:
        """Files of a language whose path without its suffix ends in `tail`."""
        if len(tail) > 1:
            alike = self._files.with_tail(tail[-2], tail[-1])
        else:
            alike = self._files.with_stem(tail[-1])
        wanted = "/".join(tail)
        return [
            path
            for path in alike
            if f"/{path.rpartition('.')[0]}".endswith(f"/{wanted}") and _family(path) == family
        ]


def _spellings(importer: str, module: str, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Path parts that an import may mean, the most exact first."""
    folder = PurePosixPath(importer).parent
    if _NOT_CODE.match(module):
        module = module.partition("/")[2]
    if module.startswith(("./", "../")) or "/" in module or module.endswith((".h", ".hpp", ".hh")):
        yield from _written_as_path(folder, module)
        return
    dots = len(module) - len(module.lstrip("."))
    words = tuple(w for w in re.split(r"::|\\|\.|\s+", module) if w)
    if dots - 1 > len(folder.parts):
        return  # outside of the workspace
    if dots:  # Python's relative imports
        above = folder.parts[: len(folder.parts) - (dots - 1)]
        base = (*above, *words)
    else:
        base = tuple(w for w in words if w not in ("crate", "self", "super"))
    for name in names:
        if base:
            yield (*base, name)  # a submodule, or a class with a file of its own
    if base:
        yield base
    if len(base) > 1:
        yield base[:-1]  # the last word is what the file defines


def _written_as_path(folder: PurePosixPath, module: str) -> Iterator[tuple[str, ...]]:
    relative = [part for part in module.split("/") if part not in ("", ".")]
    up = len([part for part in relative if part == ".."])
    named = [part for part in relative if part != ".."]
    if not named:
        return
    named[-1] = re.sub(r"\.(?:[cm]?[jt]sx?|h|hpp|hh|rb|lua|php|sh)$", "", named[-1])
    if module.startswith("."):
        if up <= len(folder.parts):  # else it is outside of the workspace
            yield (*folder.parts[: len(folder.parts) - up], *named)
        return
    for start in range(len(named)):  # from some folder that the build knows
        yield tuple(named[start:])


def _family(path: str) -> str:
    """Languages that import each other's files."""
    suffix = "." + path.rpartition(".")[2].lower()
    if suffix in (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"):
        return "js"
    if suffix in (".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx"):
        return "c"
    return ".py" if suffix == ".pyi" else suffix
