"""Paths, dotted modules and file stems that the report writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from context.evidence import Evidence, Signal
from context.evidence.places import FileNames
from context.report import Report

MAX_MATCHES = 5
MIN_STEM = 4
_COMMON_STEMS = frozenset(
    """base util utils main index core test tests init setup common types config model
    models view views helper helpers error errors client server data file files format
    string list""".split()
)


def evidence(report: Report, names: FileNames) -> list[Evidence]:
    best: dict[str, Evidence] = {}
    for found in (*_written_paths(report, names), *_modules(report, names), *_stems(report, names)):
        if found.path not in best or found.strength > best[found.path].strength:
            best[found.path] = found
    return list(best.values())


def _written_paths(report: Report, names: FileNames) -> Iterator[Evidence]:
    for mention in report.paths:
        paths = names.ending_like(mention.path, mention.line)
        if not 0 < len(paths) <= MAX_MATCHES:
            continue
        strength = (1.0 if "/" in mention.path else 0.8) / len(paths)
        for path in paths:
            detail = f"the report names {mention.path}"
            yield Evidence(Signal.PATH, path, None, mention.line, strength, detail)


def _modules(report: Report, names: FileNames) -> Iterator[Evidence]:
    """`a.b.c` and `a.b.c.name` as files a/b/c.* and a/b/c/__init__ and the like."""
    for mention in report.names:
        if len(mention.parts) < 2:
            continue
        for length in range(len(mention.parts), 1, -1):
            tail = [part.lower() for part in mention.parts[:length]]
            paths = [p for p in names.with_stem(tail[-1]) if _ends_with(p, tail)]
            if 0 < len(paths) <= MAX_MATCHES:
                detail = f"the report names the module {'.'.join(mention.parts[:length])}"
                for path in paths:
                    yield Evidence(Signal.PATH, path, None, None, 0.8 / len(paths), detail)
                break


def _ends_with(path: str, tail: list[str]) -> bool:
    parts = [part.lower() for part in PurePosixPath(path).with_suffix("").parts]
    return parts[-len(tail) :] == tail


def _stems(report: Report, names: FileNames) -> Iterator[Evidence]:
    spoken = {m.name.lower() for m in report.names} | set(report.words)
    title = report.title.lower()
    for word in sorted(spoken):
        if len(word) < MIN_STEM or word in _COMMON_STEMS:
            continue
        paths = names.with_stem(word)
        if 0 < len(paths) <= MAX_MATCHES:
            strength = (0.5 if word in title else 0.3) / len(paths)
            detail = f"the report says “{word}”, the name of this file"
            for path in paths:
                yield Evidence(Signal.PATH, path, None, None, strength, detail)
