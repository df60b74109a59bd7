"""The SQLite file itself: its tables, how it is opened, and what both its sides read."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from context.history import CommitRow, History, unpack

CACHE_KIB = 32_768  # of the writer: a transaction of a first index touches some 20 MB of pages
CHECKPOINT_PAGES = 10_000  # of 4 KiB in the journal before they are moved into the file
JOURNAL_BYTES = 4 << 20  # what of the journal is kept on the disk when nothing is in it
SCHEMA_VERSION = 10  # raise it when the tables, the queries or the way of counting terms change
MAX_PARAMETERS = 900  # of one statement; older SQLite takes 999
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE blobs (id INTEGER PRIMARY KEY, hash TEXT UNIQUE, language TEXT, n_lines INTEGER,
  is_buffer INTEGER);
CREATE INDEX buffer_blobs ON blobs (id) WHERE is_buffer = 1;
CREATE TABLE paths (
  path TEXT, blob_id INTEGER, size_bytes INTEGER, mtime_ns INTEGER, inode INTEGER,
  is_test INTEGER, owner INTEGER, name TEXT, stem TEXT, tail TEXT,
  PRIMARY KEY (path, owner)) WITHOUT ROWID;
CREATE INDEX open_paths ON paths (owner, path) WHERE owner != 0;
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


def open_or_rebuild(file: Path) -> sqlite3.Connection:
    """The index, made where there is none, and anew where it is damaged or another version's.

    Raises `sqlite3.Error` for one that is sound and cannot be had: somebody else holds it, say.
    """
    if db := _opened(file):
        return db
    with _alone(file):  # another process may have made it meanwhile
        if db := _opened(file):
            return db
        _set_aside(file)
        db = _connect(file)
        db.execute("BEGIN IMMEDIATE")
        with db:  # all of it, or an empty file
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
            db.execute("INSERT INTO meta VALUES ('segments', '0')")
            db.execute("INSERT INTO meta VALUES ('merged', '0')")
        return db


def _opened(file: Path) -> sqlite3.Connection | None:
    """None where the file is not there, damaged, or has other tables than ours."""
    if not file.exists():
        return None
    with contextlib.ExitStack() as unless_ours:
        try:
            db = _connect(file)
            unless_ours.callback(db.close)
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
                if row == (str(SCHEMA_VERSION),):
                    unless_ours.pop_all()
                    return db
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
                raise
    return None


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process at a time sets an index aside or makes one; SQLite's lock is on all systems."""
    lock = sqlite3.connect(file.with_name(file.name + ".lock"), isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        lock.close()


def _connect(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file)
    try:
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
    except sqlite3.Error:
        db.close()
        raise
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


def read_commits(
    db: sqlite3.Connection, limit: int, where: str = "", parameters: tuple[str, ...] = ()
) -> list[CommitRow]:
    rows = db.execute(
        f"SELECT id, time_s, message, paths FROM commits {where} ORDER BY position LIMIT ?",
        (*parameters, limit),
    )
    return [CommitRow(i, t, m, tuple(json.loads(p))) for i, t, m, p in rows]


def read_history(db: sqlite3.Connection) -> History | None:
    row = db.execute("SELECT packed FROM history").fetchone()
    return unpack(row[0]) if row else None
