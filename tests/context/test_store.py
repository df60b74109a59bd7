"""The index on disk as several processes see it: nobody's takes another's away."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from context.errors import IndexUnavailable
from context.history import CommitRow
from context.store import SCHEMA_VERSION, Store, database

ROOT = Path(__file__).resolve().parents[2]
COMMIT = CommitRow("c" * 40, 1, "Kept", ("a.py",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index.sqlite"


@pytest.fixture
def holder(file: Path) -> Iterator[sqlite3.Connection]:
    """Another program that has the whole index to itself."""
    store = Store(file)
    store.put_commits([COMMIT], COMMIT.id)
    store.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as held:
        held.execute("PRAGMA locking_mode = EXCLUSIVE")
        held.execute("BEGIN EXCLUSIVE")
        yield held


def test_an_index_that_somebody_holds_is_left_where_it_is(
    file: Path, holder: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(database.sqlite3, "connect", lambda f, **k: connect(f, timeout=0.0, **k))
    with pytest.raises(IndexUnavailable, match="Another program holds the index"):
        Store(file)
    holder.close()
    with closing(Store(file)) as store:
        assert store.commits() == [COMMIT]
    assert not file.with_name("index.sqlite.unreadable").exists()


def test_a_lock_while_writing_is_said_as_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(database.sqlite3, "connect", lambda f, **k: connect(f, timeout=0.0, **k))
    with closing(Store(file)) as store, closing(connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexUnavailable, match="Another program holds the index"):
            store.put_commits([COMMIT], COMMIT.id)


def test_an_index_of_another_version_is_built_anew(file: Path) -> None:
    Store(file).close()
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (SCHEMA_VERSION - 1,))
    with closing(Store(file)) as store:
        store.put_commits([COMMIT], COMMIT.id)
    assert file.with_name("index.sqlite.unreadable").exists()


def test_an_empty_file_becomes_an_index(file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    with closing(Store(file)) as store:
        store.put_commits([COMMIT], COMMIT.id)


def test_first_starts_at_once_share_one_index(file: Path) -> None:
    """Each process waits for all others, opens the index and leaves a row in it."""
    script = (
        "import sys; from pathlib import Path\n"
        "from context.store import FileStamp, Store\n"
        "print(flush=True); sys.stdin.readline()\n"
        "Store(Path(sys.argv[1])).quarantine(sys.argv[2], FileStamp(1, 1, 1))\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(file), f"{n}.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
            text=True,
        )
        for n in range(4)
    ]  # fmt: skip
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    errors = [child.communicate()[1] for child in children]
    assert [child.returncode for child in children] == [0] * 4, errors
    with closing(Store(file)) as store:
        assert sorted(store.quarantined()) == [f"{n}.py" for n in range(4)]


def test_buffers_of_processes_that_ended_are_dropped(file: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    Store(file).close()
    owners = {7 << 32 | ended.pid: "gone.py", 7 << 32 | os.getppid(): "there.py", 0: "file.py"}
    with closing(sqlite3.connect(file)) as db, db:
        for owner, path in owners.items():
            db.execute("INSERT INTO paths (path, owner) VALUES (?, ?)", (path, owner))
    Store(file).close()
    with closing(sqlite3.connect(file)) as db:
        left = {path for (path,) in db.execute("SELECT path FROM paths")}
    assert left == {"there.py", "file.py"}
