"""The one writer of an index."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from context.errors import IndexUnavailable
from context.history import CommitRow, History, pack
from context.postings import DROPPED, Postings, merge
from context.store.database import MAX_PARAMETERS, open_or_rebuild, read_commits, read_history
from context.store.rows import Chunk, FileStamp, IndexedFile, path_keys

_open_here: set[int] = set()  # owners of this process' stores
MAX_SEGMENTS = 100  # small ones are merged when there are more


class Store:
    """The one writer. Use from one thread."""

    def __init__(self, file: Path) -> None:
        """Raises `IndexUnavailable`, as all that changes the index does."""
        self.file = file
        self.owner = secrets.randbits(31) << 32 | os.getpid()  # of the buffers open here
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = open_or_rebuild(file)
        except (OSError, sqlite3.Error) as error:
            raise _unavailable(file, error) from error
        self._drop_left_buffers()
        _open_here.add(self.owner)

    def paths(self) -> dict[str, FileStamp]:
        """Of the files as they were indexed, whatever is open."""
        rows = self._db.execute(
            "SELECT path, size_bytes, mtime_ns, inode FROM paths WHERE owner = 0"
        )
        return {path: FileStamp(size, mtime, inode) for path, size, mtime, inode in rows}

    def begin_walk(self) -> None:
        """Before a walk of everything: from here on `walked` notes which paths are there."""
        with self._changing():
            self._db.execute(
                "CREATE TEMP TABLE IF NOT EXISTS walked (path TEXT PRIMARY KEY) WITHOUT ROWID"
            )
            self._db.execute("DELETE FROM walked")

    def walked(self, paths: Sequence[str]) -> dict[str, FileStamp]:
        """Note that these paths are there; the stamps of those that were before."""
        with self._changing():
            self._db.executemany("INSERT OR IGNORE INTO walked VALUES (?)", [(p,) for p in paths])
        found: dict[str, FileStamp] = {}
        for start in range(0, len(paths), MAX_PARAMETERS):
            some = paths[start : start + MAX_PARAMETERS]
            rows = self._db.execute(
                "SELECT path, size_bytes, mtime_ns, inode FROM paths "
                f"WHERE owner = 0 AND path IN ({','.join('?' * len(some))})",
                some,
            )
            found |= {path: FileStamp(size, mtime, inode) for path, size, mtime, inode in rows}
        return found

    def end_walk(self) -> None:
        """Forget files that the walk did not meet."""
        with self._changing():
            self._db.execute(
                "DELETE FROM paths WHERE owner = 0 AND path NOT IN (SELECT path FROM walked)"
            )
            self._db.execute("DELETE FROM walked")
            self._drop_unused_buffers()
            self._merge_segments()

    def stamps_at(self, path: str) -> dict[str, FileStamp]:
        """Of a file, or of all files below a folder."""
        rows = self._db.execute(
            "SELECT path, size_bytes, mtime_ns, inode FROM paths "
            "WHERE owner = 0 AND (path = ? OR (path >= ? AND path < ?))",
            (path, f"{path}/", f"{path}0"),  # 0 is the character after /
        )
        return {p: FileStamp(size, mtime, inode) for p, size, mtime, inode in rows}

    def known_hashes(self, limit: int) -> list[str]:
        """Contents that are parsed already, the newest first, at most `limit`.

        Without those of open buffers, which may be gone when a file is found to hold them.
        """
        rows = self._db.execute(
            "SELECT hash FROM blobs WHERE is_buffer = 0 ORDER BY id DESC LIMIT ?", (limit,)
        )
        return [content_hash for (content_hash,) in rows]

    def point_path(self, path: str, content_hash: str, stamp: FileStamp, *, is_test: bool) -> None:
        """Let a file show contents that are in the store already."""
        with self._changing():
            self._point(path, content_hash, stamp, int(is_test), owner=0)

    def put_chunks(self, chunks: Sequence[Chunk]) -> None:
        """Add parsed files in one transaction: all of them, or none."""
        with self._changing():
            pieces = [(c.postings, self._put_files(c.files, owner=0)) for c in chunks]
            self._put_segment(merge(pieces))

    def put_buffer(self, chunk: Chunk) -> None:
        """Let this store's readers see an open buffer, parsed, instead of its file."""
        with self._changing():
            numbers = self._put_files(chunk.files, self.owner)
            self._put_buffer(chunk, merge([(chunk.postings, numbers)]))
            self._drop_unused_buffers()

    def drop_buffer(self, path: str) -> None:
        with self._changing():
            self._db.execute("DELETE FROM paths WHERE path = ? AND owner = ?", (path, self.owner))
            self._drop_unused_buffers()

    def remove_paths(self, paths: Iterable[str]) -> None:
        with self._changing():
            self._db.executemany(
                "DELETE FROM paths WHERE path = ? AND owner = 0", [(p,) for p in paths]
            )

    def quarantined(self) -> dict[str, tuple[int, int]]:
        rows = self._db.execute("SELECT path, size_bytes, mtime_ns FROM quarantine")
        return {path: (size, mtime) for path, size, mtime in rows}

    def quarantine(self, path: str, stamp: FileStamp) -> None:
        with self._changing():
            self._db.execute(
                "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)",
                (path, stamp.size_bytes, stamp.mtime_ns),
            )
            self._db.execute("DELETE FROM paths WHERE path = ? AND owner = 0", (path,))

    def head(self) -> str | None:
        """The commit up to which the kept history was read, whether or not it is kept itself."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'head'").fetchone()
        return row[0] if row else None

    def put_commits(self, commits: Sequence[CommitRow], head: str | None) -> None:
        """Replace the kept history, read up to `head`; newest first."""
        with self._changing():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('head', ?)", (head,))
            self._db.execute("DELETE FROM commits")
            self._db.executemany(
                "INSERT OR IGNORE INTO commits VALUES (?, ?, ?, ?, ?)",
                [
                    (c.id, position, c.time_s, c.message, json.dumps(c.paths))
                    for position, c in enumerate(commits)
                ],
            )

    def commits(self) -> list[CommitRow]:
        """Newest first."""
        return read_commits(self._db, -1)

    def history(self) -> History | None:
        return read_history(self._db)

    def put_history(self, history: History) -> None:
        newest = history.commit_ids[0] if history.commit_ids else None
        with self._changing():
            self._db.execute("DELETE FROM history")
            self._db.execute(
                "INSERT INTO history VALUES (?, ?, ?)", (newest, history.n_read, pack(history))
            )

    def totals(self) -> tuple[int, int, int]:
        """(files, symbols, bytes) of the files."""
        files, size = self._db.execute(
            "SELECT count(*), sum(size_bytes) FROM paths WHERE owner = 0"
        ).fetchone()
        (symbols,) = self._db.execute(
            "SELECT count(*) FROM paths JOIN symbols USING (blob_id) WHERE owner = 0"
        ).fetchone()
        return files, symbols, size or 0

    def close(self) -> None:
        """Never raises: what stays behind is dropped by who opens the index next."""
        with contextlib.suppress(IndexUnavailable), self._changing():
            self._db.execute("DELETE FROM paths WHERE owner != 0 AND owner = ?", (self.owner,))
            self._drop_unused_buffers()
        self._db.close()
        _open_here.discard(self.owner)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction: all of it, or nothing."""
        try:
            with self._db:
                yield
        except sqlite3.Error as error:
            raise _unavailable(self.file, error) from error

    def _drop_left_buffers(self) -> None:
        """Those of processes that have ended, one of which may have had this process' id."""
        owners = self._db.execute("SELECT DISTINCT owner FROM paths WHERE owner != 0").fetchall()
        left = [
            (owner,)
            for (owner,) in owners
            if owner not in _open_here
            and ((pid := owner & 0xFFFF_FFFF) == os.getpid() or not psutil.pid_exists(pid))
        ]
        if left:
            with self._changing():
                self._db.executemany("DELETE FROM paths WHERE owner = ?", left)
                self._drop_unused_buffers()

    def _point(
        self, path: str, content_hash: str, stamp: FileStamp, is_test: int, owner: int
    ) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO paths SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ? FROM blobs "
            "WHERE hash = ?",
            (
                path,
                stamp.size_bytes,
                stamp.mtime_ns,
                stamp.inode,
                is_test,
                owner,
                *path_keys(path),
                content_hash,
            ),
        )

    def _put_files(self, files: Sequence[IndexedFile], owner: int) -> NDArray[np.uint32]:
        """New numbers of the files' documents; `DROPPED` where the contents were there already."""
        db = self._db
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM docs").fetchone()
        numbers: list[int] = []
        docs: list[tuple[int, int, int, int]] = []
        for file in files:
            inserted = db.execute(
                "INSERT OR IGNORE INTO blobs (hash, language, n_lines, is_buffer) "
                "VALUES (?, ?, ?, ?)",
                (file.hash, file.language, file.n_lines, int(owner != 0)),
            )
            if inserted.rowcount:
                blob = inserted.lastrowid
                assert blob is not None
                first = last + len(docs) + 1
                docs += [(first + i, blob, *doc) for i, doc in enumerate(file.docs)]
                numbers += range(first, first + len(file.docs))
                self._put_details(blob, file)
            else:
                numbers += [int(DROPPED)] * len(file.docs)
            self._point(file.path, file.hash, file.stamp, int(file.is_test), owner)
        db.executemany("INSERT INTO docs VALUES (?, ?, ?, ?)", docs)
        return np.array(numbers, np.uint32)

    def _put_details(self, blob: int, file: IndexedFile) -> None:
        self._db.executemany(
            "INSERT INTO symbols VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(blob, ordinal, *row) for ordinal, row in enumerate(file.symbols)],
        )
        details = file.details
        self._db.execute(
            "INSERT INTO details VALUES (?, ?, ?, ?)",
            (blob, details.references, details.imports, details.literals),
        )

    def _put_segment(self, postings: Postings) -> None:
        if not len(postings.docs):
            return
        number = self._number("segments") + 1
        self._set_number("segments", number)
        self._db.executemany(
            "INSERT INTO segments VALUES (?, ?, ?, ?)",
            ((term, number, docs, freqs) for term, docs, freqs in _rows(postings)),
        )

    def _put_buffer(self, chunk: Chunk, postings: Postings) -> None:
        (file,) = chunk.files  # an open buffer comes alone
        (blob,) = self._db.execute("SELECT id FROM blobs WHERE hash = ?", (file.hash,)).fetchone()
        self._db.executemany(
            "INSERT INTO buffers VALUES (?, ?, ?, ?)",
            ((term, blob, docs, freqs) for term, docs, freqs in _rows(postings)),
        )

    def _drop_unused_buffers(self) -> None:
        """Forget what was typed and is no path's contents any more."""
        unused = self._db.execute(
            "SELECT id FROM blobs WHERE is_buffer = 1 AND NOT EXISTS "
            "(SELECT 1 FROM paths WHERE blob_id = blobs.id)"
        ).fetchall()
        for table in ("symbols", "details", "docs", "buffers"):
            self._db.executemany(f"DELETE FROM {table} WHERE blob_id = ?", unused)
        self._db.executemany("DELETE FROM blobs WHERE id = ?", unused)

    def _merge_segments(self) -> None:
        """Make one segment of many small ones: each saved file adds one that every query reads."""
        newest, merged = self._number("segments"), self._number("merged")
        if newest - merged <= MAX_SEGMENTS:
            return
        terms = self._db.execute(
            "SELECT term FROM segments WHERE segment > ? GROUP BY term HAVING count(*) > 1",
            (merged,),
        ).fetchall()
        for (term,) in terms:
            rows = self._db.execute(
                "SELECT docs, frequencies FROM segments WHERE term = ? AND segment > ? "
                "ORDER BY segment",
                (term, merged),
            ).fetchall()
            docs, frequencies = (b"".join(column) for column in zip(*rows, strict=True))
            self._db.execute("DELETE FROM segments WHERE term = ? AND segment > ?", (term, merged))
            self._db.execute(
                "INSERT INTO segments VALUES (?, ?, ?, ?)", (term, newest, docs, frequencies)
            )
        self._set_number("merged", newest)

    def _number(self, key: str) -> int:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return int(row[0])

    def _set_number(self, key: str, value: int) -> None:
        self._db.execute("UPDATE meta SET value = ? WHERE key = ?", (str(value), key))


def _unavailable(file: Path, error: OSError | sqlite3.Error) -> IndexUnavailable:
    """Says what can be done about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return IndexUnavailable(
            f"Another program holds the index at {file.parent} ({error}); "
            "try again when it has ended."
        )
    return IndexUnavailable(
        f"The index at {file.parent} cannot be written ({error}); "
        "free space or set POSTIL_CACHE_DIR to another folder."
    )


def _rows(postings: Postings) -> Iterator[tuple[str, bytes, bytes]]:
    """(term, documents, frequencies), packed."""
    docs, frequencies = postings.docs.tobytes(), postings.frequencies.tobytes()
    ends = (postings.starts * 4).tolist()  # in bytes
    for term, start, end in zip(postings.terms, ends, ends[1:], strict=False):
        if end > start:
            yield term, docs[start:end], frequencies[start:end]
