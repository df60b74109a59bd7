"""What the user has dismissed: remembered by content in the user's data folder.

An entry is a digest of the kind of remark, the function and the code it stands on, so it holds
wherever in its function that code is and ends when the code changes. No source text is written.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

FILE_NAME = "dismissed.txt"
MAX_ENTRIES = 100_000  # digests of 65 bytes


def fingerprint(kind: str, path: str, symbol: str, code: str) -> str:
    """`path` is whole; blank around the code does not count."""
    parts = "\0".join((kind, path, symbol, " ".join(code.split())))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()


class Dismissed:
    """Only the event loop uses it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._known: set[str] | None = None

    def __contains__(self, entry: str) -> bool:
        return entry in self._read()

    def add(self, entry: str) -> None:
        """Raises OSError when it cannot be written; it holds for this session even so."""
        known = self._read()
        if entry in known:
            return
        known.add(entry)
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            opened.write(f"{entry}\n")

    def _read(self) -> set[str]:
        if self._known is None:
            try:
                words = self._file.read_text(encoding="ascii", errors="replace").split()
            except OSError:
                words = []  # none yet
            self._known = set(words[-MAX_ENTRIES:])
        return self._known
