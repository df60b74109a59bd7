"""Bring the store up to date with the files: scan, parse what is new, drop what is gone.

Parsing happens in a pool of child processes. Each says which file it starts with; when one dies or
is silent for too long, that file is tried once more alone, and quarantined (named, counted, left
out) when it kills a parser again. Readers may query the store all the while.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from context.child import Child, ChildDied, ChildError
from context.details import PackedDetails
from context.errors import ParserUnavailable
from context.languages import is_test_path
from context.outline import (
    Import,
    Literal,
    Outline,
    Problem,
    Reference,
    ReferenceRole,
    Symbol,
    SymbolKind,
)
from context.postings import Postings
from context.scan import FoundFile, find, scan
from context.store import Chunk, FileStamp, IndexedFile, Store

logger = logging.getLogger(__name__)

WALKED_FIRST = 100  # files: the parsers start while the walk goes on
WALKED_AT_ONCE = 2_000  # files
MAX_WAITING = 200  # batches between the walk and the parsers
BATCH_FILES = 48  # files a message to a parser; a guess that keeps progress lively
BUFFER = FileStamp(0, -1, 0)  # of an open buffer, which is no file
PAIRS_AT_ONCE = 600_000  # of term and document written in one transaction: some 1,500 files
GARBAGE_AT = 500_000  # new objects
NAMED_AT_ONCE = 4  # files in a message of a parser that says which it starts with
HANG_S = 20.0  # a parser that says nothing for so long is stuck (1 MB parses in well under 2 s)
MAX_PARSERS = 4
MAX_KNOWN = 20_000  # content hashes sent to a parser so that it need not parse them again


@dataclass(frozen=True, slots=True)
class IndexProgress:
    done: int  # files
    total: int  # found so far: the walk runs at most some 10,000 files ahead
    is_walked: bool  # True when `total` is all there is


@dataclass(frozen=True, slots=True)
class IndexSummary:
    files: int
    symbols: int
    bytes: int
    parsed: int
    reused: int
    skipped: dict[str, int]
    quarantined: tuple[str, ...]  # paths that stop the parser and are left out
    elapsed_s: float


@dataclass(slots=True)
class _Run:
    """What one run has found so far."""

    total: int = 0  # found so far
    done: int = 0
    is_walked: bool = False
    parsed: int = 0
    reused: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    quarantined: list[str] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)  # parsed and not written yet
    pairs: int = 0  # of term and document in them

    def leave_out(self, path: str) -> None:
        """A file that stops the parser."""
        self.skipped["quarantined"] += 1
        self.quarantined.append(path)
        self.done += 1

    def progress(self) -> IndexProgress:
        return IndexProgress(self.done, self.total, self.is_walked)


class ParserPool:
    """Parser processes, started on first need and replaced when they die."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size or min(os.cpu_count() or 1, MAX_PARSERS)
        self.busy: set[int] = set()  # slots that parse files for an index run
        self._children: list[Child | None] = [None] * (self.size + 1)
        self._one_off = asyncio.Lock()
        self._starting = asyncio.Lock()

    async def child(self, slot: int) -> Child:
        async with self._starting:
            return await self._child(slot)

    async def _child(self, slot: int) -> Child:
        child = self._children[slot]
        if child is None or not child.alive:
            try:
                child = await Child.start("context.parsing", name="parser")
            except OSError as error:
                raise ParserUnavailable(
                    f"The parsing process cannot be started ({error}); is the machine out of "
                    "memory or processes?"
                ) from error
            self._children[slot] = child
        return child

    async def call(self, method: str, params: Any) -> Any:
        """One small job (an open buffer), tried again once in a fresh process.

        Where a run parses in the first process, in one more: a job is not to wait for many files,
        nor to take the wait for a parser that hangs.
        """
        async with self._one_off:
            for last in (False, True):
                child = await self.child(self.size if 0 in self.busy else 0)
                try:
                    async with asyncio.timeout(HANG_S):
                        return await child.call(method, params)
                except (TimeoutError, ChildDied) as error:
                    await child.kill()
                    if last:
                        raise ParserUnavailable(
                            "This file stops the parser; Postil leaves it out."
                        ) from error
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """End all of them, whatever becomes of one."""
        children = [child for child in self._children if child is not None]
        await asyncio.gather(*(child.close() for child in children), return_exceptions=True)


class Indexer:
    """Keeps one store in step with one workspace folder."""

    def __init__(self, root: Path, store: Store, parsers: ParserPool) -> None:
        self._root = root
        self._store = store
        self._parsers = parsers
        self._known: list[str] = []
        self._told: dict[int, Child] = {}  # parsers that know `_known`, by slot

    async def run(self, on_progress: Callable[[IndexProgress], None]) -> IndexSummary:
        """Walk the folder and parse what is new on the way; memory does not grow with the files."""
        started = time.perf_counter()
        run = _Run()
        found = scan(self._root, run.skipped)
        self._store.begin_walk()
        quarantined = self._store.quarantined()

        async def stale_files() -> AsyncGenerator[list[FoundFile], None]:
            size = WALKED_FIRST
            while chunk := await asyncio.to_thread(lambda n: list(islice(found, n)), size):
                size = WALKED_AT_ONCE
                run.total += len(chunk)
                stale = self._stale(chunk, run, quarantined)
                on_progress(run.progress())
                yield stale
            run.is_walked = True
            self._store.end_walk()

        with _little_garbage():
            await self._parse_all(stale_files(), run, on_progress)
        files, symbols, size = self._store.totals()
        return IndexSummary(
            files=files,
            symbols=symbols,
            bytes=size,
            parsed=run.parsed,
            reused=run.reused,
            skipped=dict(run.skipped),
            quarantined=tuple(sorted(run.quarantined)),
            elapsed_s=time.perf_counter() - started,
        )

    def _stale(
        self,
        chunk: Sequence[FoundFile],
        run: _Run,
        quarantined: Mapping[str, tuple[int, int]],
    ) -> list[FoundFile]:
        """Those of some walked files that must be parsed."""
        before = self._store.walked([file.path for file in chunk])
        stale: list[FoundFile] = []
        for file in chunk:
            if quarantined.get(file.path) == (file.stamp.size_bytes, file.stamp.mtime_ns):
                run.leave_out(file.path)
            elif before.get(file.path) == file.stamp:
                run.reused += 1
                run.done += 1
            else:
                stale.append(file)
        return stale

    async def refresh(self, paths: Sequence[str]) -> None:
        """Bring these files and folders up to date, and look at no others."""
        stale: list[FoundFile] = []
        for path in dict.fromkeys(paths):
            present = await asyncio.to_thread(find, self._root, path)
            before = self._store.stamps_at(path)
            self._store.remove_paths(before.keys() - {f.path for f in present})
            stale += [f for f in present if before.get(f.path) != f.stamp]

        async def once() -> AsyncGenerator[list[FoundFile], None]:
            yield stale

        await self._parse_all(once(), _Run(total=len(stale)), lambda _: None)

    async def overlay(self, path: str, text: str, language: str) -> None:
        """Let queries see an open buffer's text for `path` until it is dropped or saved."""
        params = {"path": path, "text": text, "language": language}
        reply = await self._parsers.call("parse_buffer", params)
        self._store.put_buffer(chunk_from_json(reply, {path: BUFFER}))

    def drop_overlay(self, path: str) -> None:
        self._store.drop_buffer(path)

    async def _parse_all(
        self,
        files: AsyncGenerator[list[FoundFile], None],
        run: _Run,
        on_progress: Callable[[IndexProgress], None],
    ) -> None:
        """Parse files as they come; parsers are started when there is something for them.

        Raises what the first part that failed raised, not the group's error.
        """
        self._known = self._store.known_hashes(MAX_KNOWN)
        self._told.clear()
        batches: asyncio.Queue[list[FoundFile] | None] = asyncio.Queue(MAX_WAITING)

        async def work(slot: int) -> None:
            while (batch := await batches.get()) is not None:
                self._parsers.busy.add(slot)
                try:
                    await self._parse_batch(slot, batch, run, on_progress)
                finally:
                    self._parsers.busy.discard(slot)

        n_workers = 0
        try:
            async with asyncio.TaskGroup() as group, aclosing(files) as chunks:
                async for chunk in chunks:
                    for start in range(0, len(chunk), BATCH_FILES):
                        if n_workers < self._parsers.size:
                            group.create_task(work(n_workers))
                            n_workers += 1
                        await batches.put(chunk[start : start + BATCH_FILES])
                for _ in range(n_workers):
                    await batches.put(None)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self._write(run)

    def _write(self, run: _Run) -> None:
        """One transaction for many files: a segment of each term is merged into the index."""
        chunks, run.chunks, run.pairs = run.chunks, [], 0
        if chunks:
            self._store.put_chunks(chunks)

    async def _parse_batch(
        self,
        slot: int,
        batch: Sequence[FoundFile],
        run: _Run,
        on_progress: Callable[[IndexProgress], None],
    ) -> None:
        """Parse and store one batch. A file that kills the parser is tried again, then left out.

        After a death files are named one by one, those it may have been first, so that a second
        death is surely one file's own.
        """
        left = list(batch)
        may_kill: set[str] = set()
        while left:
            done, started = await self._ask(slot, left, run, 1 if may_kill else NAMED_AT_ONCE)
            left = [f for f in left if f.path not in done]
            run.done += len(done)
            for poison in [f for f in left if f.path in started and f.path in may_kill]:
                logger.warning("%s stops the parser and is left out", poison.path)
                self._store.quarantine(poison.path, poison.stamp)
                run.leave_out(poison.path)
                left.remove(poison)
            may_kill.update(started)
            left.sort(key=lambda f: f.path not in may_kill)
            on_progress(run.progress())

    async def _ask(
        self, slot: int, files: Sequence[FoundFile], run: _Run, named_at_once: int
    ) -> tuple[set[str], list[str]]:
        """Paths that were dealt with, and those that the parser was at when it died or hung."""
        by_path = {f.path: f for f in files}
        loop = asyncio.get_running_loop()
        done: set[str] = set()
        at, heard = [f.path for f in files[:named_at_once]], loop.time()
        wrong: list[ValueError] = []

        def on_event(event: dict[str, Any]) -> None:
            nonlocal at, heard
            heard = loop.time()
            if "starts" in event:
                at = event["starts"]
                return
            try:
                done.update(self._keep(event, by_path, run))
            except ValueError as error:  # not what our parser sends: treat it as dead
                wrong.append(error)

        child = await self._parsers.child(slot)
        params = {
            "root": str(self._root),
            "files": [[f.path, f.language] for f in files],
            "named_at_once": named_at_once,
        }
        if self._told.get(slot) is not child:
            params["known"] = self._known
            self._told[slot] = child
        call = asyncio.ensure_future(child.call("parse_files", params, on_event=on_event))
        try:
            while not call.done():
                await asyncio.wait({call}, timeout=HANG_S - (loop.time() - heard))
                if wrong or (not call.done() and loop.time() - heard >= HANG_S):
                    await child.kill()
            await call
        except ChildError as error:  # it died, or our own code failed on this file
            logger.info("the parser stopped at %s: %s", at, error)
            return done, at
        finally:
            if not call.done():
                call.cancel()
                with contextlib.suppress(asyncio.CancelledError, ChildDied):
                    await call
        return (done, at) if wrong else (done, [])

    def _keep(
        self, event: dict[str, Any], files: Mapping[str, FoundFile], run: _Run
    ) -> Iterable[str]:
        """Take in one event of a parser; the paths it deals with."""
        if "skipped" in event:
            run.skipped[event["skipped"]] += 1
            self._store.remove_paths([event["path"]])
            return [event["path"]]
        if "files" not in event:
            file = files[event["path"]]
            self._store.point_path(
                file.path, event["hash"], file.stamp, is_test=is_test_path(file.path)
            )
            run.reused += 1
            return [event["path"]]
        chunk = chunk_from_json(event, {path: file.stamp for path, file in files.items()})
        run.chunks.append(chunk)
        run.parsed += len(chunk.files)
        run.pairs += len(chunk.postings.docs)
        if run.pairs >= PAIRS_AT_ONCE:
            self._write(run)
        return [file.path for file in chunk.files]


@contextlib.contextmanager
def _little_garbage() -> Iterator[None]:
    """Rows come and go by the hundred thousand and form no cycles: look for those less often."""
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE_AT, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def chunk_from_json(event: dict[str, Any], stamps: Mapping[str, FileStamp]) -> Chunk:
    """What `context.parsing.to_chunk` sent. Raises `ValueError` for anything else."""
    try:
        files = tuple(
            IndexedFile(
                path=file["path"],
                stamp=stamps[file["path"]],
                hash=file["hash"],
                language=file["language"],
                n_lines=file["n_lines"],
                is_test=is_test_path(file["path"]),
                symbols=file["symbols"],
                details=PackedDetails(*file["details"]),
                docs=[(ordinal, n_terms) for ordinal, n_terms in file["docs"]],
            )
            for file in event["files"]
        )
        kinds = {row[2] for file in files for row in file.symbols}
        if not kinds <= {kind.value for kind in SymbolKind}:
            raise ValueError(f"unknown kinds of symbols among {kinds}")
        n_docs = sum(len(file.docs) for file in files)
        return Chunk(files, Postings.from_json(event["postings"], n_docs))
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not a chunk: {error!r}") from error


def outline_from_json(data: dict[str, Any]) -> Outline:
    """What `context.parsing.to_json` made."""
    return Outline(
        language=data["language"],
        symbols=tuple(Symbol(name, SymbolKind(kind), *r) for name, kind, *r in data["symbols"]),
        references=tuple(Reference(n, i, ReferenceRole(r)) for n, i, r in data["references"]),
        imports=tuple(Import(module, tuple(names), i) for module, names, i in data["imports"]),
        literals=tuple(Literal(text, line) for text, line in data["literals"]),
        problems=tuple(Problem(*row) for row in data["problems"]),
    )
