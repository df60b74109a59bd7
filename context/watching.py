"""Hear of changed files from the system, where the editor does not report them: a hint, no truth.

Events get lost (a full queue, a folder moved in), so what is indexed is held against a walk now and
then, whatever was heard. Watches are a shared, bounded resource: a workspace with too many folders
is not watched at all, and walked more often.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

from context.ignore import SKIPPED_FOLDERS, IgnoreRules, is_link

logger = logging.getLogger(__name__)

GATHER_S = 0.3  # quiet time after the last event before they are told
LONGEST_S = 2.0  # told after so long even when events go on
MAX_PATHS = 500  # more at once: told as "everything"
MAX_FOLDERS = 20_000  # watched; some 20 MB of the kernel's memory, and a third of a usual limit
# Reading a file makes events, too; indexing must not wake itself.
_HEARD = [
    DirCreatedEvent, DirDeletedEvent, DirMovedEvent, FileClosedEvent, FileCreatedEvent,
    FileDeletedEvent, FileModifiedEvent, FileMovedEvent,
]  # fmt: skip


class Watcher:
    """Tells `on_changes` which paths changed, from the root and with /; None is "anything".

    `on_changes` is called on a thread of the watcher's own, one call at a time.
    """

    def __init__(self, root: Path, on_changes: Callable[[list[str] | None], None]) -> None:
        self._root = root
        self._on_changes = on_changes
        self._observer = Observer()
        self._handler = _Handler(self._heard)
        self._watches: dict[str, ObservedWatch] = {}  # of the folders right below the root, by name
        self._wake = threading.Condition()
        self._paths: set[str] | None = set()
        self._is_closed = False

    def start(self) -> str | None:
        """Begin to watch; otherwise one sentence that says why not."""
        folders = _top_folders(self._root)
        allowed = min(MAX_FOLDERS, _system_limit() // 3)
        if sys.platform.startswith("linux") and _count_folders(folders, allowed) > allowed:
            return f"{self._root.name} has more than {allowed} folders; it is walked instead"
        try:
            self._observer.schedule(self._handler, str(self._root), event_filter=_HEARD)
            for folder in folders:
                self._watch(folder)
            self._observer.start()
        except OSError as error:  # the user's watches or instances are used up
            self.close()
            return f"the system gives no more watches ({error}); files are walked instead"
        threading.Thread(target=self._tell, name="watcher", daemon=True).start()
        return None

    def close(self) -> None:
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        if self._observer.is_alive():
            self._observer.stop()

    def _heard(self, path: str) -> None:
        try:
            relative = Path(os.fsdecode(path)).relative_to(self._root).as_posix()
        except ValueError:
            return
        if any(part in SKIPPED_FOLDERS for part in relative.split("/")):
            return
        with self._wake:
            if self._paths is not None:
                self._paths.add(relative)
                if len(self._paths) > MAX_PATHS or relative == ".":
                    self._paths = None
            self._wake.notify()

    def _tell(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._is_closed or self._paths != set())
                latest = time.monotonic() + LONGEST_S
                while not self._is_closed and time.monotonic() < latest:
                    if not self._wake.wait(GATHER_S):
                        break  # quiet
                if self._is_closed:
                    return
                paths, self._paths = self._paths, set()
            self._watch_new_folders(paths)  # before they are told, so that nothing is in between
            try:
                self._on_changes(None if paths is None else sorted(paths))
            except Exception:
                logger.exception("a change of the files could not be indexed")

    def _watch_new_folders(self, paths: set[str] | None) -> None:
        """Those right below the root that were made, or made anew; each is told as a whole."""
        touched = set() if paths is None else {path for path in paths if "/" not in path}
        if paths is not None and not touched:
            return
        there = {folder.name: folder for folder in _top_folders(self._root)}
        for name in self._watches.keys() & (touched | (self._watches.keys() - there.keys())):
            self._observer.unschedule(self._watches.pop(name))
        for name in sorted(there.keys() - self._watches.keys()):
            try:
                self._watch(there[name])
            except OSError as error:
                logger.info("%s is not watched, but walked: %s", name, error)

    def _watch(self, folder: Path) -> None:
        self._watches[folder.name] = self._observer.schedule(
            self._handler, str(folder), recursive=True, event_filter=_HEARD
        )


class _Handler(FileSystemEventHandler):
    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in (event.src_path, event.dest_path):
            if path:
                self._heard(os.fsdecode(path))


def _top_folders(root: Path) -> list[Path]:
    """Folders right below the root that are not left out: each is watched with all below it."""
    rules = IgnoreRules.above(root).entering(root, "")
    try:
        return [
            Path(entry.path)
            for entry in sorted(os.scandir(root), key=lambda e: e.name)
            if _is_folder(entry)
            and entry.name not in SKIPPED_FOLDERS
            and not rules.ignores(entry.name, is_folder=True)
        ]
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and not is_link(entry)


def _count_folders(folders: list[Path], enough: int) -> int:
    """Folders at and below these, counted no further than just past `enough`."""
    count, pending = 0, list(folders)
    while pending and count <= enough:
        folder = pending.pop()
        count += 1
        try:
            pending += [Path(e.path) for e in os.scandir(folder) if _is_folder(e)]
        except OSError:
            continue
    return count


def _system_limit() -> int:
    try:
        return int(Path("/proc/sys/fs/inotify/max_user_watches").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 3 * MAX_FOLDERS
