"""Questions to an index, each from a thread of its own, while the writer goes on."""

from __future__ import annotations

import math
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from context.details import (
    reference_term,
    unpack_imports,
    unpack_literals,
    unpack_references,
    unpack_uses,
    written_in,
)
from context.history import CommitRow, History
from context.outline import Import, Literal, Reference, ReferenceRole, Symbol, SymbolKind
from context.postings import FILE_DOC
from context.store.database import MAX_PARAMETERS, read_commits, read_history
from context.store.rows import FileRow, PathKey, ScoredFunction, SymbolAt, index_folder

_FILES = (
    "SELECT path, language, size_bytes, n_lines, is_test, hash "
    "FROM paths JOIN blobs ON blobs.id = blob_id"
)
_SYMBOL_COLUMNS = "qualified_name, kind, start_line, end_line, start_byte, end_byte, signature, doc"

T = TypeVar("T")

ROWS_AT_ONCE = 100_000
MAX_KEPT_FILES = 200
MAX_KEPT_TERMS = 400  # postings of one query and a little more: some MB
MAX_KEPT_PAIRS = 8_000_000  # of term and document among them: 64 MB
SLOW_LOAD_S = 0.2  # what takes longer to load is used for a while after the index has changed

Counts = NDArray[np.uint32]


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

    def __init__(self, file: Path, owner: int = 0) -> None:
        """`owner`: of the store whose open buffers stand before the files; 0 sees the files."""
        self._db = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._db.execute("PRAGMA trusted_schema = OFF")
        own = f"SELECT path FROM main.paths WHERE owner != 0 AND owner = {int(owner)}"
        self._db.execute(  # stands before the table of this name in all that is asked
            "CREATE TEMP VIEW paths AS SELECT * FROM main.paths "
            f"WHERE owner = {int(owner)} OR (owner = 0 AND path NOT IN ({own}))"
        )
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
        return read_commits(self._db, limit)

    def commits_with_ids(self, ids: Collection[str]) -> list[CommitRow]:
        marks = ",".join("?" * len(ids))
        where = f"WHERE id IN ({marks})"
        return read_commits(self._db, -1, where, tuple(ids))

    def history(self) -> History | None:
        """Terms of messages and changes; None until the history has been read."""
        stamp = self._db.execute("SELECT newest, n_read FROM history").fetchone()
        if stamp != self._history_stamp:
            self._history, self._history_stamp = read_history(self._db), stamp
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
