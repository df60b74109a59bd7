"""The index on disk: one SQLite file a workspace, in the user's cache; the only user of sqlite3.

Rows are keyed by content hash (a *blob*), so that switching branches parses nothing already seen.
Full text is an inverted index of our own, because ranking needs BM25 with its own parameters over
files and over functions alike: each blob has a *document* for the whole file (ordinal -1) and one
for each function, and a *segment* holds, for one term and one batch of blobs, the document numbers
and term frequencies as two packed arrays. Documents of blobs that no path points to any more stay,
for the next switch back, and are left out when a reader loads what is alive. What was typed into an
open buffer has its postings apart (`buffers`) and goes with the next edit: typing must not grow the
index.

It is a cache: unreadable or made by another version means set aside and built anew. One writer;
any number of readers, each on a thread of its own. Terms: Robertson & Zaragoza 2009 for BM25.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from context.details import (
    PackedDetails,
    reference_term,
    unpack_imports,
    unpack_literals,
    unpack_references,
    unpack_uses,
    written_in,
)
from context.errors import IndexUnavailable
from context.history import CommitRow, History, pack, unpack
from context.outline import Import, Literal, Reference, ReferenceRole, Symbol, SymbolKind
from context.postings import DROPPED, FILE_DOC, Postings, merge
from context.text import hash_bytes

CACHE_KIB = 32_768  # of the writer: a transaction of a first index touches some 20 MB of pages
CHECKPOINT_PAGES = 10_000  # of 4 KiB in the journal before they are moved into the file
JOURNAL_BYTES = 4 << 20  # what of the journal is kept on the disk when nothing is in it
SCHEMA_VERSION = 7  # raise it when the tables, the queries or the way of counting terms change

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE blobs (id INTEGER PRIMARY KEY, hash TEXT UNIQUE, language TEXT, n_lines INTEGER,
  is_buffer INTEGER);
CREATE INDEX buffer_blobs ON blobs (id) WHERE is_buffer = 1;
CREATE TABLE paths (
  path TEXT PRIMARY KEY, blob_id INTEGER, size_bytes INTEGER, mtime_ns INTEGER, inode INTEGER,
  is_test INTEGER, overlay INTEGER DEFAULT 0, name TEXT, stem TEXT, tail TEXT) WITHOUT ROWID;
CREATE INDEX paths_by_blob ON paths (blob_id);
CREATE INDEX paths_by_name ON paths (name);
CREATE INDEX paths_by_stem ON paths (stem);
CREATE INDEX paths_by_tail ON paths (tail);
CREATE TABLE symbols (
  blob_id INTEGER, ordinal INTEGER, name TEXT, qualified_name TEXT, kind TEXT, start_line INTEGER,
  end_line INTEGER, start_byte INTEGER, end_byte INTEGER, signature TEXT, doc TEXT,
  PRIMARY KEY (blob_id, ordinal)) WITHOUT ROWID;
CREATE INDEX symbols_by_name ON symbols (name);
CREATE TABLE details (blob_id INTEGER PRIMARY KEY, refs TEXT, imports TEXT, literals TEXT);
CREATE TABLE docs (id INTEGER PRIMARY KEY, blob_id INTEGER, ordinal INTEGER, n_terms INTEGER);
CREATE INDEX docs_by_blob ON docs (blob_id);
CREATE TABLE segments (
  term TEXT, segment INTEGER, docs BLOB, frequencies BLOB,
  PRIMARY KEY (term, segment)) WITHOUT ROWID;
CREATE TABLE buffers (
  term TEXT, blob_id INTEGER, docs BLOB, frequencies BLOB,
  PRIMARY KEY (term, blob_id)) WITHOUT ROWID;
CREATE INDEX buffers_by_blob ON buffers (blob_id);
CREATE TABLE quarantine (path TEXT PRIMARY KEY, size_bytes INTEGER, mtime_ns INTEGER)
  WITHOUT ROWID;
CREATE TABLE commits (id TEXT PRIMARY KEY, position INTEGER, time_s INTEGER, message TEXT,
  paths TEXT) WITHOUT ROWID;
CREATE TABLE history (newest TEXT, n_read INTEGER, packed BLOB);
"""

_FILES = (
    "SELECT path, language, size_bytes, n_lines, is_test, hash "
    "FROM paths JOIN blobs ON blobs.id = blob_id"
)
_SYMBOL_COLUMNS = "qualified_name, kind, start_line, end_line, start_byte, end_byte, signature, doc"

T = TypeVar("T")

ROWS_AT_ONCE = 100_000
MAX_PARAMETERS = 900  # of one statement; older SQLite takes 999
MAX_SEGMENTS = 100  # small ones are merged when there are more
MAX_KEPT_FILES = 200
MAX_KEPT_TERMS = 400  # postings of one query and a little more: some MB
MAX_KEPT_PAIRS = 8_000_000  # of term and document among them: 64 MB
SLOW_LOAD_S = 0.2  # what takes longer to load is used for a while after the index has changed

Counts = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What says that a file is unchanged without reading it."""

    size_bytes: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One parsed file as it goes into the store."""

    path: str
    stamp: FileStamp
    hash: str
    language: str
    n_lines: int
    is_test: bool
    symbols: Sequence[Sequence[Any]]  # rows in the order of the table's columns
    details: PackedDetails
    docs: Sequence[tuple[int, int]]  # (ordinal, number of terms), as the postings count them


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some parsed files; documents are numbered from 0 through all of them."""

    files: tuple[IndexedFile, ...]
    postings: Postings


@dataclass(frozen=True, slots=True)
class FileRow:
    path: str
    language: str
    size_bytes: int
    n_lines: int
    is_test: bool
    hash: str


@dataclass(frozen=True, slots=True)
class SymbolAt:
    path: str
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class ScoredFunction:
    path: str
    qualified_name: str
    start_line: int
    score: float


class PathKey(StrEnum):
    """By what a path is looked up, in lower case."""

    NAME = "name"  # file name
    STEM = "stem"  # file name up to its first dot
    TAIL = "tail"  # the last two parts without the last suffix: b/c of a/b/c.py


def path_keys(path: str) -> tuple[str, str, str]:
    """Name, stem and tail."""
    lower = path.lower()
    name = lower.rpartition("/")[2]
    whole = lower.rpartition(".")[0] or lower
    return name, name.partition(".")[0], "/".join(whole.split("/")[-2:])


def index_folder(root: Path, cache_dir: Path) -> Path:
    """The folder of a workspace's index: by its real path, never inside the workspace."""
    key = hash_bytes(os.fsencode(os.path.realpath(root)))
    return cache_dir / "index" / key


class Store:
    """The one writer. Use from one thread."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = _open_or_rebuild(file)
        except (OSError, sqlite3.Error) as error:
            raise IndexUnavailable(
                f"The index at {file.parent} cannot be written ({error}); "
                "free space or set POSTIL_CACHE_DIR to another folder."
            ) from error

    def paths(self) -> dict[str, FileStamp]:
        rows = self._db.execute("SELECT path, size_bytes, mtime_ns, inode FROM paths")
        return {path: FileStamp(size, mtime, inode) for path, size, mtime, inode in rows}

    def begin_walk(self) -> None:
        """Before a walk of everything: from here on `walked` notes which paths are there."""
        with self._db:
            self._db.execute(
                "CREATE TEMP TABLE IF NOT EXISTS walked (path TEXT PRIMARY KEY) WITHOUT ROWID"
            )
            self._db.execute("DELETE FROM walked")

    def walked(self, paths: Sequence[str]) -> dict[str, FileStamp]:
        """Note that these paths are there; the stamps of those that were before."""
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO walked VALUES (?)", [(p,) for p in paths])
        found: dict[str, FileStamp] = {}
        for start in range(0, len(paths), MAX_PARAMETERS):
            some = paths[start : start + MAX_PARAMETERS]
            rows = self._db.execute(
                "SELECT path, size_bytes, mtime_ns, inode FROM paths "
                f"WHERE path IN ({','.join('?' * len(some))})",
                some,
            )
            found |= {path: FileStamp(size, mtime, inode) for path, size, mtime, inode in rows}
        return found

    def end_walk(self) -> None:
        """Forget paths that the walk did not meet, except open buffers."""
        with self._db:
            self._db.execute(
                "DELETE FROM paths WHERE overlay = 0 AND path NOT IN (SELECT path FROM walked)"
            )
            self._db.execute("DELETE FROM walked")
            self._drop_unused_buffers()
            self._merge_segments()

    def stamps_at(self, path: str) -> dict[str, FileStamp]:
        """Of a file, or of all files below a folder."""
        rows = self._db.execute(
            "SELECT path, size_bytes, mtime_ns, inode FROM paths "
            "WHERE path = ? OR (path >= ? AND path < ?)",
            (path, f"{path}/", f"{path}0"),  # 0 is the character after /
        )
        return {p: FileStamp(size, mtime, inode) for p, size, mtime, inode in rows}

    def overlaid(self) -> set[str]:
        return {path for (path,) in self._db.execute("SELECT path FROM paths WHERE overlay = 1")}

    def known_hashes(self, limit: int) -> list[str]:
        """Contents that are parsed already, the newest first, at most `limit`."""
        rows = self._db.execute("SELECT hash FROM blobs ORDER BY id DESC LIMIT ?", (limit,))
        return [content_hash for (content_hash,) in rows]

    def point_path(
        self, path: str, content_hash: str, stamp: FileStamp, *, is_test: bool, overlay: int = 0
    ) -> None:
        """Let a path show contents that are in the store already."""
        with self._db:
            self._point(path, content_hash, stamp, int(is_test), overlay)

    def put_chunks(self, chunks: Sequence[Chunk], *, overlay: int = 0) -> None:
        """Add parsed files in one transaction: all of them, or none."""
        try:
            with self._db:
                pieces = [(c.postings, self._put_files(c.files, overlay)) for c in chunks]
                if overlay:
                    self._put_buffer(chunks, merge(pieces))
                    self._drop_unused_buffers()
                else:
                    self._put_segment(merge(pieces))
        except sqlite3.OperationalError as error:
            raise IndexUnavailable(
                f"The index at {self.file.parent} cannot be written ({error}); free space there."
            ) from error

    def remove_paths(self, paths: Iterable[str]) -> None:
        with self._db:
            self._db.executemany("DELETE FROM paths WHERE path = ?", [(p,) for p in paths])

    def forget_stamp(self, path: str) -> None:
        """Have the next indexing read this path again; drops an overlay."""
        with self._db:
            self._db.execute("UPDATE paths SET mtime_ns = -1, overlay = 0 WHERE path = ?", (path,))

    def quarantined(self) -> dict[str, tuple[int, int]]:
        rows = self._db.execute("SELECT path, size_bytes, mtime_ns FROM quarantine")
        return {path: (size, mtime) for path, size, mtime in rows}

    def quarantine(self, path: str, stamp: FileStamp) -> None:
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)",
                (path, stamp.size_bytes, stamp.mtime_ns),
            )
            self._db.execute("DELETE FROM paths WHERE path = ?", (path,))

    def newest_commit(self) -> str | None:
        row = self._db.execute("SELECT id FROM commits WHERE position = 0").fetchone()
        return row[0] if row else None

    def put_commits(self, commits: Sequence[CommitRow]) -> None:
        """Replace the kept history; newest first."""
        with self._db:
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
        return _read_commits(self._db, -1)

    def history(self) -> History | None:
        return _read_history(self._db)

    def put_history(self, history: History) -> None:
        newest = history.commit_ids[0] if history.commit_ids else None
        with self._db:
            self._db.execute("DELETE FROM history")
            self._db.execute(
                "INSERT INTO history VALUES (?, ?, ?)", (newest, history.n_read, pack(history))
            )

    def totals(self) -> tuple[int, int, int]:
        """(files, symbols, bytes) that a query can see."""
        files, size = self._db.execute("SELECT count(*), sum(size_bytes) FROM paths").fetchone()
        (symbols,) = self._db.execute(
            "SELECT count(*) FROM paths JOIN symbols USING (blob_id)"
        ).fetchone()
        return files, symbols, size or 0

    def close(self) -> None:
        self._db.close()

    def _point(
        self, path: str, content_hash: str, stamp: FileStamp, is_test: int, overlay: int
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
                overlay,
                *path_keys(path),
                content_hash,
            ),
        )

    def _put_files(self, files: Sequence[IndexedFile], overlay: int) -> NDArray[np.uint32]:
        """New numbers of the files' documents; `DROPPED` where the contents were there already."""
        db = self._db
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM docs").fetchone()
        numbers: list[int] = []
        docs: list[tuple[int, int, int, int]] = []
        for file in files:
            inserted = db.execute(
                "INSERT OR IGNORE INTO blobs (hash, language, n_lines, is_buffer) "
                "VALUES (?, ?, ?, ?)",
                (file.hash, file.language, file.n_lines, overlay),
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
            self._point(file.path, file.hash, file.stamp, int(file.is_test), overlay)
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

    def _put_buffer(self, chunks: Sequence[Chunk], postings: Postings) -> None:
        ((file,),) = (chunk.files for chunk in chunks)  # an open buffer comes alone
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


def _rows(postings: Postings) -> Iterator[tuple[str, bytes, bytes]]:
    """(term, documents, frequencies), packed."""
    docs, frequencies = postings.docs.tobytes(), postings.frequencies.tobytes()
    ends = (postings.starts * 4).tolist()  # in bytes
    for term, start, end in zip(postings.terms, ends, ends[1:], strict=False):
        if end > start:
            yield term, docs[start:end], frequencies[start:end]


@dataclass(frozen=True, slots=True)
class _Alive:
    """Documents that a path points to, by document number."""

    lengths: Counts  # terms in each document; 0 for what is not alive
    is_file: NDArray[np.bool_]
    file_count: int
    symbol_count: int
    file_mean: float
    symbol_mean: float


class Reader:
    """Read-only view. Use from the thread that made it; it may read while the store writes."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._db.execute("PRAGMA trusted_schema = OFF")
        self._version = -1
        self._cache: dict[str, Any] = {}
        self._slow_alive: _Alive | None = None
        self._slow_until = 0.0
        self._history: History | None = None
        self._history_stamp: tuple[str, int] | None = None

    def close(self) -> None:
        self._db.close()

    def files(self) -> Iterator[FileRow]:
        """All of them, in order of path."""
        for row in self._db.execute(f"{_FILES} ORDER BY path"):
            yield _file_row(row)

    def files_at(self, paths: Collection[str]) -> dict[str, FileRow]:
        """Those of `paths` that the index has."""
        found: dict[str, FileRow] = {}
        listed = list(paths)
        for start in range(0, len(listed), MAX_PARAMETERS):
            some = listed[start : start + MAX_PARAMETERS]
            where = f"WHERE path IN ({','.join('?' * len(some))})"
            for row in self._db.execute(f"{_FILES} {where}", some):
                found[row[0]] = _file_row(row)
        return found

    def file(self, path: str) -> FileRow | None:
        return self.files_at([path]).get(path)

    def paths_named(self, key: PathKey, value: str, limit: int) -> list[str]:
        """Some `limit` paths by one of the keys that `path_keys` makes, in order."""
        rows = self._db.execute(
            f"SELECT path FROM paths WHERE {key.value} = ? ORDER BY path LIMIT ?", (value, limit)
        )
        return [path for (path,) in rows]

    def symbols(self, path: str) -> list[Symbol]:
        """In file order. Those of the last few files are kept: several signals ask for them."""

        def read() -> list[Symbol]:
            return [at.symbol for at in self._symbols("path = ?", (path,))]

        return self._kept("symbols", path, read)

    def _kept(self, what: str, path: str, read: Callable[[], list[T]]) -> list[T]:
        kept = self.cached(what, dict[str, list[T]])
        if path not in kept:
            if len(kept) >= MAX_KEPT_FILES:
                kept.clear()
            kept[path] = read()
        return kept[path]

    def symbols_named(self, names: Collection[str], limit: int = 2_000) -> list[SymbolAt]:
        """Symbols with one of these names; a dotted name matches the end of the qualified one."""
        found: list[SymbolAt] = []
        for written in sorted(names):
            last = written.rpartition(".")[2]
            if "." not in written:
                found += self._symbols("s.name = ?", (last,), limit)
                continue
            suffix = "%." + written.replace("%", "").replace("_", r"\_")
            where = r"s.name = ? AND (s.qualified_name = ? OR s.qualified_name LIKE ? ESCAPE '\')"
            found += self._symbols(where, (last, written, suffix), limit)
        return found[:limit]

    def symbols_like(self, query: str, limit: int) -> list[SymbolAt]:
        """Symbols whose name holds `query` in any case: those called so first, then by length."""
        pattern = re.sub(r"([%_\\])", r"\\\1", query)
        rows = self._db.execute(
            f"SELECT path, {_SYMBOL_COLUMNS} FROM symbols s JOIN paths p USING (blob_id) "
            r"WHERE s.name LIKE ? ESCAPE '\' "
            r"ORDER BY s.name NOT LIKE ? ESCAPE '\', length(s.name), s.name, path, ordinal LIMIT ?",
            (f"%{pattern}%", f"{pattern}%", limit),
        )
        return [_symbol_at(row) for row in rows]

    def references_to(
        self, names: Collection[str], limit: int = 500, *, role: ReferenceRole | None = None
    ) -> list[tuple[str, Reference]]:
        """Uses of these names in order of path and line, from some `limit` files at most."""
        roles = (role,) if role else tuple(ReferenceRole)
        alive = self._alive()
        terms = [reference_term(name, r) for name in names for r in roles]
        docs = [docs[:limit] for _, docs, _ in self._postings(terms, alive)]
        found: list[tuple[str, Reference]] = []
        for path, packed in self._details_of("refs", np.unique(np.concatenate(docs))[:limit]):
            found += [(path, use) for use in unpack_uses(packed, names, roles)]
        return sorted(found, key=lambda use: (use[0], use[1].line))[:limit]

    def references_in(self, path: str) -> list[Reference]:
        """In order of line; kept like symbols."""

        def read() -> list[Reference]:
            found = [r for packed in self._details("refs", path) for r in unpack_references(packed)]
            return sorted(found, key=lambda r: r.line)

        return self._kept("references", path, read)

    def imports(self, path: str) -> list[Import]:
        return [i for packed in self._details("imports", path) for i in unpack_imports(packed)]

    def literals_containing(self, text: str, limit: int = 50) -> list[tuple[str, Literal]]:
        """String literals that hold `text`, case-sensitive."""
        rows = self._db.execute(
            "SELECT path, literals FROM details JOIN paths USING (blob_id) "
            "WHERE instr(literals, ?) > 0 ORDER BY path LIMIT ?",
            (written_in(text), limit),
        )
        return [
            (path, literal)
            for path, packed in rows
            for literal in unpack_literals(packed)
            if text in literal.text
        ][:limit]

    def _details(self, column: str, path: str) -> list[str]:
        rows = self._db.execute(
            f"SELECT {column} FROM details JOIN paths USING (blob_id) WHERE path = ?", (path,)
        )
        return [packed for (packed,) in rows]

    def _details_of(self, column: str, docs: Counts) -> list[tuple[str, str]]:
        """(path, packed) of the files of these documents, in order of path."""
        rows = self._db.execute(
            f"SELECT path, {column} FROM docs CROSS JOIN details USING (blob_id) "
            f"CROSS JOIN paths USING (blob_id) WHERE docs.id IN ({','.join('?' * len(docs))}) "
            "ORDER BY path",
            docs.tolist(),
        )
        return list(rows)

    def commits(self, limit: int = 2_000) -> list[CommitRow]:
        """Newest first."""
        return _read_commits(self._db, limit)

    def commits_with_ids(self, ids: Collection[str]) -> list[CommitRow]:
        marks = ",".join("?" * len(ids))
        where = f"WHERE id IN ({marks})"
        return _read_commits(self._db, -1, where, tuple(ids))

    def history(self) -> History | None:
        """Terms of messages and changes; None until the history has been read."""
        stamp = self._db.execute("SELECT newest, n_read FROM history").fetchone()
        if stamp != self._history_stamp:
            self._history, self._history_stamp = _read_history(self._db), stamp
        return self._history

    def score_files(
        self, weights: Mapping[str, float], limit: int, *, k1: float = 1.2, b: float = 0.75
    ) -> list[tuple[str, float]]:
        """BM25 of whole files for weighted query terms, best first."""
        best = self._best_docs(weights, limit, FILE_DOC, k1, b)
        rows = self._db.execute(
            "SELECT docs.id, path FROM docs CROSS JOIN paths USING (blob_id) WHERE docs.id IN "
            f"({','.join('?' * len(best))})",
            [doc for doc, _ in best],
        )
        score_of = dict(best)
        found = sorted((-score_of[doc], path) for doc, path in rows)
        return [(path, -score) for score, path in found][:limit]

    def score_functions(
        self, weights: Mapping[str, float], limit: int, *, k1: float = 1.2, b: float = 0.75
    ) -> list[ScoredFunction]:
        """BM25 of functions for weighted query terms, best first."""
        best = self._best_docs(weights, limit, 0, k1, b)
        score_of = dict(best)
        rows = self._db.execute(
            "SELECT docs.id, path, qualified_name, start_line FROM docs "
            "CROSS JOIN symbols s USING (blob_id, ordinal) CROSS JOIN paths p USING (blob_id) "
            f"WHERE docs.id IN ({','.join('?' * len(best))})",
            [doc for doc, _ in best],
        )
        found = [ScoredFunction(path, name, line, score_of[doc]) for doc, path, name, line in rows]
        found.sort(key=lambda f: (-f.score, f.path, f.start_line))
        return found[:limit]

    def document_frequency(self, terms: Collection[str]) -> dict[str, int]:
        """In how many living files each term occurs."""
        alive = self._alive()
        found: dict[str, int] = {}
        for term, docs, _ in self._postings(terms, alive):
            found[term] = int(np.count_nonzero(alive.is_file[docs]))
        return found

    def symbol_rarity(self, terms: Collection[str]) -> dict[str, float]:
        """Inverse frequency of each term among the living functions; 0 where none has it."""
        alive = self._alive()
        found: dict[str, float] = {}
        for term, docs, _ in self._postings(terms, alive):
            n = int(np.count_nonzero(~alive.is_file[docs]))
            total = alive.symbol_count
            found[term] = math.log(1 + (total - n + 0.5) / (n + 0.5)) if n else 0.0
        return found

    def file_count(self) -> int:
        return self._alive().file_count

    def _symbols(
        self, where: str, parameters: tuple[Any, ...], limit: int = 100_000
    ) -> list[SymbolAt]:
        rows = self._db.execute(
            f"SELECT path, {_SYMBOL_COLUMNS} FROM symbols s JOIN paths p USING (blob_id) "
            f"WHERE {where} ORDER BY path, ordinal LIMIT ?",
            (*parameters, limit),
        )
        return [_symbol_at(row) for row in rows]

    def _best_docs(
        self, weights: Mapping[str, float], limit: int, ordinal: int, k1: float, b: float
    ) -> list[tuple[int, float]]:
        alive = self._alive()
        whole_files = ordinal == FILE_DOC
        count = alive.file_count if whole_files else alive.symbol_count
        mean = alive.file_mean if whole_files else alive.symbol_mean
        if not count or not weights:
            return []
        norm = k1 * (1 - b + b * alive.lengths / max(mean, 1.0))
        scores = np.zeros(len(alive.lengths))
        for term, docs, frequencies in self._postings(weights, alive):
            keep = alive.is_file[docs] == whole_files
            docs, frequencies = docs[keep], frequencies[keep]
            if not len(docs):
                continue
            idf = math.log(1 + (count - len(docs) + 0.5) / (len(docs) + 0.5))
            saturated = frequencies * (k1 + 1) / (frequencies + norm[docs])
            scores[docs] += weights[term] * idf * saturated
        top = min(limit, int(np.count_nonzero(scores)))
        if top == 0:
            return []
        best = np.argpartition(-scores, top - 1)[:top]
        ranked = best[np.lexsort((best, -scores[best]))]
        return [(int(doc), float(scores[doc])) for doc in ranked]

    def _postings(
        self, terms: Iterable[str], alive: _Alive
    ) -> Iterator[tuple[str, Counts, Counts]]:
        """Each term with its living documents and its frequencies there; the last are kept."""
        kept = self.cached("postings", dict[str, tuple[Counts, Counts]])
        pairs = self.cached("kept pairs", lambda: [0])
        for term in terms:
            if term not in kept:
                found = self._read_postings(term, alive)
                pairs[0] += len(found[0])
                if len(kept) >= MAX_KEPT_TERMS or pairs[0] > MAX_KEPT_PAIRS:
                    kept.clear()
                    pairs[0] = len(found[0])
                kept[term] = found
            yield (term, *kept[term])

    def _read_postings(self, term: str, alive: _Alive) -> tuple[Counts, Counts]:
        rows = self._db.execute(
            "SELECT docs, frequencies FROM segments WHERE term = ?1 "
            "UNION ALL SELECT docs, frequencies FROM buffers WHERE term = ?1",
            (term,),
        ).fetchall()
        if not rows:
            return np.zeros(0, np.uint32), np.zeros(0, np.uint32)
        docs = np.frombuffer(b"".join(r[0] for r in rows), np.uint32)
        frequencies = np.frombuffer(b"".join(r[1] for r in rows), np.uint32)
        known = docs < len(alive.lengths)
        docs, frequencies = docs[known], frequencies[known]
        living = alive.lengths[docs] > 0
        return docs[living], frequencies[living]

    def cached(self, key: str, make: Callable[[], T]) -> T:
        """What `make` returned, until the index changes; `key` names it."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._cache.clear()
            self._version = version
        if key not in self._cache:
            self._cache[key] = make()
        found: T = self._cache[key]
        return found

    def _alive(self) -> _Alive:
        """What queries see. In a very large index, a little behind while files are indexed.

        Loading goes over all documents: with a million of them it takes seconds, which not every
        query between two writes can pay.
        """
        if self._slow_alive is not None and time.monotonic() < self._slow_until:
            return self._slow_alive
        return self.cached("alive", self._timed_alive)

    def _timed_alive(self) -> _Alive:
        started = time.monotonic()
        alive = self._load_alive()
        took = time.monotonic() - started
        self._slow_alive = alive if took > SLOW_LOAD_S else None
        self._slow_until = time.monotonic() + 10 * took
        return alive

    def _load_alive(self) -> _Alive:
        rows = self._db.execute(
            "SELECT DISTINCT docs.id, docs.ordinal, docs.n_terms "
            "FROM paths JOIN docs USING (blob_id) WHERE n_terms > 0"
        )
        (newest,) = self._db.execute("SELECT coalesce(max(id), -1) FROM docs").fetchone()
        lengths = np.zeros(newest + 1, np.uint32)
        is_file = np.zeros(newest + 1, np.bool_)
        while some := rows.fetchmany(ROWS_AT_ONCE):
            table = np.array(some, np.int64)
            lengths[table[:, 0]] = table[:, 2]
            is_file[table[:, 0]] = table[:, 1] == FILE_DOC
        file_lengths, symbol_lengths = lengths[is_file], lengths[~is_file & (lengths > 0)]
        return _Alive(
            lengths=lengths,
            is_file=is_file,
            file_count=len(file_lengths),
            symbol_count=len(symbol_lengths),
            file_mean=float(file_lengths.mean()) if len(file_lengths) else 0.0,
            symbol_mean=float(symbol_lengths.mean()) if len(symbol_lengths) else 0.0,
        )


def _file_row(row: tuple[Any, ...]) -> FileRow:
    path, language, size, n_lines, is_test, content_hash = row
    return FileRow(path, language, size, n_lines, bool(is_test), content_hash)


def _symbol_at(row: tuple[Any, ...]) -> SymbolAt:
    path, name, kind, *rest = row
    return SymbolAt(path, Symbol(name, SymbolKind(kind), *rest))


def _read_commits(
    db: sqlite3.Connection, limit: int, where: str = "", parameters: tuple[str, ...] = ()
) -> list[CommitRow]:
    rows = db.execute(
        f"SELECT id, time_s, message, paths FROM commits {where} ORDER BY position LIMIT ?",
        (*parameters, limit),
    )
    return [CommitRow(i, t, m, tuple(json.loads(p))) for i, t, m, p in rows]


def _read_history(db: sqlite3.Connection) -> History | None:
    row = db.execute("SELECT packed FROM history").fetchone()
    return unpack(row[0]) if row else None


def _open_or_rebuild(file: Path) -> sqlite3.Connection:
    try:
        db = _connect(file)
        row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if row == (str(SCHEMA_VERSION),):
            return db
        db.close()
    except sqlite3.DatabaseError:
        pass  # new, damaged, or not ours: set aside below
    _set_aside(file)
    db = _connect(file)
    db.executescript(_SCHEMA)
    with db:
        db.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
        db.execute("INSERT INTO meta VALUES ('segments', '0')")
        db.execute("INSERT INTO meta VALUES ('merged', '0')")
    return db


def _connect(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file)
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    db.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
    return db


def _set_aside(file: Path) -> None:
    """Keep one unreadable index for a look, and drop its journal, which would be replayed."""
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            file.with_name(file.name + suffix).unlink()
    if file.exists() and file.stat().st_size:
        file.replace(file.with_name(file.name + ".unreadable"))


def sqlite_version() -> str:
    """Of the SQLite library that this Python has."""
    return sqlite3.sqlite_version


def index_size(root: Path, cache_dir: Path) -> tuple[int, int] | None:
    """(files, bytes on disk) of a workspace's index; None when there is none that can be read."""
    file = index_folder(root, cache_dir) / "index.sqlite"
    try:
        reader = Reader(file)
        try:
            return sum(1 for _ in reader.files()), file.stat().st_size
        finally:
            reader.close()
    except (OSError, sqlite3.Error):
        return None
