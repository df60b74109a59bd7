"""Which lines ran, under which test: coverage files of coverage.py, LCOV and Cobertura, as data.

Read from a few usual places of the workspace, never found through a setting in it. A file is the
work of a build and so is hostile: sizes are bounded, links are not followed, XML entities are
refused, and paths in it only ever pick among files that the index has.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

MAX_BYTES = 100_000_000
PLACES = (
    "coverage.json",
    "coverage.lcov",
    "lcov.info",
    "coverage/lcov.info",
    "coverage.xml",
    "cobertura.xml",
    "coverage/cobertura-coverage.xml",
    "target/site/cobertura/coverage.xml",
)
_ANY = frozenset({""})  # a line that ran, where the file does not say under which test


class CoverageUnreadable(ValueError):
    """The file is none of the three formats, or is damaged; the text says which and where."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Lines that ran. `tests` is empty where the file does not tell them apart."""

    source: str  # the file it was read from, relative to the workspace
    lines: Mapping[str, Mapping[int, frozenset[str]]]  # by path as written: line -> tests
    tests: frozenset[str]


def find_coverage(root: Path) -> tuple[str, os.stat_result] | None:
    """The newest coverage file in one of the usual places."""
    found: list[tuple[int, str, os.stat_result]] = []
    for place in PLACES:
        try:
            status = (root / place).lstat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES:
            found.append((status.st_mtime_ns, place, status))
    if not found:
        return None
    _, place, status = max(found, key=lambda f: f[0])
    return place, status


def read_coverage(root: Path, place: str) -> Coverage:
    """Raises `CoverageUnreadable`."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(root / place, flags), "rb") as file:
            content = file.read(MAX_BYTES)
        if place.endswith(".json"):
            lines = _coverage_py(json.loads(content))
        elif place.endswith(".xml"):
            lines = _cobertura(content)
        else:
            lines = _lcov(content.decode("utf-8", "replace"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CoverageUnreadable(f"{place} is no coverage file that can be read ({error}).") from (
            error
        )
    except expat.ExpatError as error:
        raise CoverageUnreadable(f"{place} is no well-formed XML ({error}).") from error
    tests = frozenset(t for hits in lines.values() for at in hits.values() for t in at if t)
    return Coverage(place, lines, tests)


_Lines = dict[str, dict[int, frozenset[str]]]


def _coverage_py(data: Any) -> _Lines:
    """`coverage json`, with `--show-contexts` for the tests by line."""
    found: _Lines = {}
    for path, file in data["files"].items():
        contexts = file.get("contexts", {})
        found[_slashed(path)] = {
            int(line): frozenset(map(str, contexts.get(str(line), []))) - {""} or _ANY
            for line in file["executed_lines"]
        }
    return found


def _lcov(text: str) -> _Lines:
    """TN names the test of the records that follow; a file may come once for each test."""
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    test, path = "", ""
    for line in re.split(r"\r?\n", text):
        key, _, value = line.partition(":")
        if key == "TN":
            test = value
        elif key == "SF":
            path = _slashed(value)
        elif key == "DA" and path:
            number, count = value.split(",")[:2]
            if int(count) > 0:
                found[path][int(number)].add(test)
    if not found:
        raise ValueError("it has no SF and DA records")
    return _frozen(found)


def _cobertura(content: bytes) -> _Lines:
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    path = ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal path
        if name == "class":
            path = _slashed(attributes.get("filename", ""))
        elif name == "line" and path and attributes.get("hits", "0") != "0":
            found[path][int(attributes["number"])].add("")

    def refuse(*_: object) -> None:
        raise ValueError("it declares XML entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EntityDeclHandler = refuse
    parser.Parse(content, True)  # noqa: FBT003
    if not found:
        raise ValueError("it has no line that ran")
    return _frozen(found)


def _frozen(found: Mapping[str, Mapping[int, Iterable[str]]]) -> _Lines:
    return {
        path: {line: frozenset(tests) - {""} or _ANY for line, tests in lines.items()}
        for path, lines in found.items()
    }


def _slashed(path: str) -> str:
    return path.replace("\\", "/")
