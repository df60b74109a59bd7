"""Walk a workspace: which files there are, and why some are left out. Reads no file's contents."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from context.ignore import SKIPPED_FOLDERS, IgnoreRules, is_junction, is_link, is_secret
from context.languages import language_of
from context.parsing import MAX_FILE_BYTES, MAX_TEXT_BYTES
from context.store import FileStamp

# Text that people write and search but that we have no grammar for.
TEXT_EXTENSIONS = frozenset(
    """.pyx .pxd .pxi .vue .svelte .ex .exs .erl .clj .hs .ml .dart .r .jl .pl .pm .sql .proto
    .graphql .html .css .scss .less .toml .yaml .yml .ini .cfg .cmake .gradle .tmpl .jinja
    .j2""".split()
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    path: str  # from the root, with /
    stamp: FileStamp
    language: str  # "text" where there is no grammar


def scan(root: Path, skipped: Counter[str]) -> Iterator[FoundFile]:
    """Files to index, depth first; `skipped` counts the others by reason as the walk goes on.

    Folder links are never followed, nor are file links: what they lead to is indexed where it is,
    or is outside. Folders and files that cannot be read, or go away meanwhile, are counted.
    """
    yield from _walk(root, "", IgnoreRules.above(root), skipped)


def find(root: Path, path: str) -> list[FoundFile]:
    """What a walk would find at `path` (from the root, with /) or below; nothing when it is gone.

    Looks at the folders on the way only for their rules, and at nothing beside `path`.
    """
    folder, prefix, rules = root, "", IgnoreRules.above(root)
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return []
    for depth, part in enumerate(parts, 1):
        rules = rules.entering(folder, prefix)
        at, name = folder / part, prefix + part
        try:
            status = at.lstat()
        except (OSError, ValueError):
            return []
        if not stat.S_ISDIR(status.st_mode):
            found = _found_file(name, status, rules, Counter()) if depth == len(parts) else None
            return [found] if found else []
        if is_junction(status) or part in SKIPPED_FOLDERS or rules.ignores(name, is_folder=True):
            return []
        folder, prefix = at, f"{name}/"
    return list(_walk(folder, prefix, rules, Counter()))


def _walk(
    top: Path, top_prefix: str, above: IgnoreRules, skipped: Counter[str]
) -> Iterator[FoundFile]:
    pending = [(top, top_prefix, above)]
    while pending:
        folder, prefix, rules = pending.pop()
        rules = rules.entering(folder, prefix)
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name, reverse=True)
        except OSError:
            skipped["unreadable"] += 1
            continue
        files: list[FoundFile] = []
        for entry in entries:
            path = prefix + entry.name
            try:
                if is_link(entry):
                    skipped["link"] += 1
                elif entry.is_dir(follow_symlinks=False):
                    if entry.name in SKIPPED_FOLDERS or rules.ignores(path, is_folder=True):
                        skipped["ignored"] += 1
                    else:
                        pending.append((Path(entry.path), path + "/", rules))
                else:
                    status = entry.stat(follow_symlinks=False)
                    if found := _found_file(path, status, rules, skipped, entry.inode()):
                        files.append(found)
            except OSError:
                skipped["unreadable"] += 1
        yield from reversed(files)


def _found_file(
    path: str,
    status: os.stat_result,
    rules: IgnoreRules,
    skipped: Counter[str],
    inode: int | None = None,
) -> FoundFile | None:
    """`inode`: from the folder's listing where there is one; on Windows a plain stat has none."""
    name = path.rpartition("/")[2]
    if not stat.S_ISREG(status.st_mode):
        skipped["special"] += 1
        return None
    language = language_of(path)
    if language is None and Path(name).suffix.lower() not in TEXT_EXTENSIONS:
        skipped["not code"] += 1
        return None
    if is_secret(name):
        skipped["secret"] += 1
        return None
    if rules.ignores(path, is_folder=False):
        skipped["ignored"] += 1
        return None
    if status.st_size > (MAX_FILE_BYTES if language else MAX_TEXT_BYTES):
        skipped["too large"] += 1
        return None
    try:
        path.encode()
    except UnicodeEncodeError:
        skipped["name is not text"] += 1
        return None
    stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_ino if inode is None else inode)
    return FoundFile(path, stamp, language.name if language else "text")
