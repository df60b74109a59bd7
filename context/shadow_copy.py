"""A copy of a workspace's files with some texts changed, to try an edit on: never the files.

Copies, not hard links: a program that writes into a linked file would write into the user's own.
Links of the workspace are not followed, what git ignores and what holds secrets stays behind, and
the whole is bounded in files and bytes.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from context.errors import ContextError
from context.ignore import SKIPPED_FOLDERS, IgnoreRules, is_link, is_secret

MAX_FILES = 20_000
MAX_BYTES = 400_000_000
MAX_FILE_BYTES = 16_000_000
# What is installed for the project and found by its place: linked, and read only (sandbox.py).
INSTALLED = ("node_modules", ".venv", "venv")


class TooMuchToCopy(ContextError):
    """The workspace is over the bounds of a copy."""


class NotWanted(ContextError):
    """Whoever asked for the copy has stopped it."""


@dataclass(frozen=True, slots=True)
class ShadowCopy:
    folder: Path
    digest: str  # of all paths and contents, hex


def make_copy(
    root: Path, folder: Path, texts: Mapping[str, str], stop: threading.Event | None = None
) -> ShadowCopy:
    """Copy `root` into the new folder `folder`; `texts` (by path) stand instead of the files.

    Raises `TooMuchToCopy`, `NotWanted` soon after `stop` was set, and OSError where the copy
    cannot be written. What is there by then stays.
    """
    folder.mkdir(parents=True, mode=0o700)
    digest = hashlib.blake2b(digest_size=16)
    n_files = n_bytes = 0
    written: set[str] = set()
    for path in (*_walk(root), *sorted(texts)):
        if path in written:
            continue
        if stop is not None and stop.is_set():
            raise NotWanted("The copy was stopped.")
        found = _content(root, path, texts)
        if found is None:
            continue
        content, mode = found
        written.add(path)
        n_files, n_bytes = n_files + 1, n_bytes + len(content)
        if n_files > MAX_FILES or n_bytes > MAX_BYTES:
            raise TooMuchToCopy(
                f"The workspace has more than {MAX_FILES} files or {MAX_BYTES // 1_000_000} MB; it "
                "is not copied to check an edit."
            )
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o700 if mode & stat.S_IXUSR else 0o600)
        digest.update(b"%d %s\0%d " % (len(path), path.encode("utf-8", "replace"), len(content)))
        digest.update(content)
    return ShadowCopy(folder, digest.hexdigest())


def link_installed(root: Path, folder: Path) -> None:
    """Let the copy find what is installed in the workspace; only where it cannot be written."""
    for name in INSTALLED:
        if (root / name).is_dir() and not (root / name).is_symlink():
            (folder / name).symlink_to(root / name, target_is_directory=True)


def _walk(root: Path) -> Iterator[str]:
    """Regular files that git would not ignore, sorted by folder."""
    pending = [(root, "", IgnoreRules.above(root))]
    while pending:
        folder, prefix, rules = pending.pop()
        rules = rules.entering(folder, prefix)
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError:
            continue
        for entry in entries:
            path = prefix + entry.name
            if is_link(entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED_FOLDERS and not rules.ignores(path, is_folder=True):
                    pending.append((Path(entry.path), f"{path}/", rules))
            elif not is_secret(entry.name) and not rules.ignores(path, is_folder=False):
                yield path


def _content(root: Path, path: str, texts: Mapping[str, str]) -> tuple[bytes, int] | None:
    """(content, mode); None for what is no plain file, is too large or cannot be read."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(root / path, flags | getattr(os, "O_BINARY", 0))
    except OSError:
        return (texts[path].encode("utf-8", "replace"), 0) if path in texts else None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_BYTES:
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        if path in texts:
            return texts[path].encode("utf-8", "replace"), status.st_mode
        return file.read(MAX_FILE_BYTES), status.st_mode
