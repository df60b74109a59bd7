"""Bring the store up to date with the files: scan, parse what is new, drop what is gone.

Parsing happens in a pool of child processes. Each says which file it starts with; when one dies or
is silent for too long, that file is tried once more alone, and quarantined (named, counted, left
out) when it kills a parser again. Readers may query the store all the while.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from context.child import Child, ChildDied
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
from context.scan import FoundFile, find, scan
from context.store import FileStamp, IndexedFile, Store

logger = logging.getLogger(__name__)

BATCH_FILES = 48  # files a message to a parser; a guess that keeps progress lively
HANG_S = 20.0  # a parser that says nothing for so long is stuck (1 MB parses in well under 2 s)
MAX_PARSERS = 4
MAX_KNOWN = 20_000  # content hashes sent to a parser so that it need not parse them again


@dataclass(frozen=True, slots=True)
class IndexProgress:
    done: int  # files
    total: int


@dataclass(frozen=True, slots=True)
class IndexSummary:
    files: int
    symbols: int
    bytes: int
    parsed: int
    reused: int
    skipped: dict[str, int]
    elapsed_s: float


@dataclass(slots=True)
class _Run:
    """What one run has found so far."""

    total: int
    done: int = 0
    parsed: int = 0
    reused: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class ParserPool:
    """Parser processes, started on first need and replaced when they die."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size or min(os.cpu_count() or 1, MAX_PARSERS)
        self._children: list[Child | None] = [None] * self.size
        self._one_off = asyncio.Lock()

    async def child(self, slot: int) -> Child:
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
        """One small job (an open buffer), tried again once in a fresh process."""
        async with self._one_off:
            for last in (False, True):
                child = await self.child(0)
                try:
                    return await asyncio.wait_for(child.call(method, params), HANG_S)
                except (TimeoutError, ChildDied) as error:
                    await child.kill()
                    if last:
                        raise ParserUnavailable(
                            "This file stops the parser; Postil leaves it out."
                        ) from error
        raise AssertionError("unreachable")

    async def close(self) -> None:
        for child in self._children:
            if child is not None:
                await child.close()


class Indexer:
    """Keeps one store in step with one workspace folder."""

    def __init__(self, root: Path, store: Store, parsers: ParserPool) -> None:
        self._root = root
        self._store = store
        self._parsers = parsers
        self._known: list[str] = []

    async def run(self, on_progress: Callable[[IndexProgress], None]) -> IndexSummary:
        started = time.perf_counter()
        skipped: Counter[str] = Counter()
        found = await asyncio.to_thread(lambda: list(scan(self._root, skipped)))
        before = self._store.stamps()
        overlaid = self._store.overlaid()
        quarantined = self._store.quarantined()
        self._store.remove_paths(before.keys() - {f.path for f in found} - overlaid)
        stale: list[FoundFile] = []
        run = _Run(total=len(found), skipped=skipped)
        for file in found:
            if quarantined.get(file.path) == (file.stamp.size_bytes, file.stamp.mtime_ns):
                skipped["quarantined"] += 1
                run.done += 1
            elif file.path in overlaid or before.get(file.path) == file.stamp:
                run.reused += 1
                run.done += 1
            else:
                stale.append(file)
        on_progress(IndexProgress(run.done, run.total))
        await self._parse_all(stale, run, on_progress)
        files, symbols, size = self._store.totals()
        return IndexSummary(
            files=files,
            symbols=symbols,
            bytes=size,
            parsed=run.parsed,
            reused=run.reused,
            skipped=dict(run.skipped),
            elapsed_s=time.perf_counter() - started,
        )

    async def refresh(self, paths: Sequence[str]) -> None:
        """Bring these files and folders up to date, and look at no others."""
        stale: list[FoundFile] = []
        overlaid = self._store.overlaid()
        for path in dict.fromkeys(paths):
            present = await asyncio.to_thread(find, self._root, path)
            before = self._store.stamps_at(path)
            self._store.remove_paths(before.keys() - {f.path for f in present} - overlaid)
            stale += [
                f for f in present if f.path not in overlaid and before.get(f.path) != f.stamp
            ]
        await self._parse_all(stale, _Run(total=len(stale)), lambda _: None)

    async def overlay(self, path: str, text: str, language: str) -> None:
        """Let queries see an open buffer's text for `path` until it is dropped or saved."""
        reply = await self._parsers.call("parse_text", {"text": text, "language": language})
        file = _indexed(FoundFile(path, FileStamp(len(text), -1, 0), language), reply)
        self._store.put_files([file], overlay=1)

    def drop_overlay(self, path: str) -> None:
        self._store.forget_stamp(path)

    async def _parse_all(
        self, files: Sequence[FoundFile], run: _Run, on_progress: Callable[[IndexProgress], None]
    ) -> None:
        self._known = self._store.known_hashes(MAX_KNOWN)
        batches = [files[i : i + BATCH_FILES] for i in range(0, len(files), BATCH_FILES)]
        pending = list(reversed(batches))

        async def work(slot: int) -> None:
            while pending:
                await self._parse_batch(slot, pending.pop(), run, on_progress)

        async with asyncio.TaskGroup() as group:
            for slot in range(min(self._parsers.size, len(batches))):
                group.create_task(work(slot))

    async def _parse_batch(
        self,
        slot: int,
        batch: Sequence[FoundFile],
        run: _Run,
        on_progress: Callable[[IndexProgress], None],
    ) -> None:
        """Parse and store one batch. A file that kills the parser is tried again, then left out."""
        left = list(batch)
        deaths: Counter[str] = Counter()
        while left:
            replies, culprit = await self._ask(slot, left)
            self._keep(left, replies, run)
            left = [f for f in left if f.path not in replies]
            run.done += len(replies)
            if culprit is not None:
                deaths[culprit] += 1
                if deaths[culprit] > 1:
                    poison = next(f for f in left if f.path == culprit)
                    logger.warning("%s stops the parser and is left out", culprit)
                    self._store.quarantine(culprit, poison.stamp)
                    run.skipped["quarantined"] += 1
                    run.done += 1
                    left.remove(poison)
                else:  # first among the rest, so that a second death is surely its own
                    left.sort(key=lambda f: f.path != culprit)
            on_progress(IndexProgress(run.done, run.total))

    async def _ask(
        self, slot: int, files: Sequence[FoundFile]
    ) -> tuple[dict[str, dict[str, Any]], str | None]:
        """Replies by path, and the file at which the parser died or hung, if it did."""
        replies: dict[str, dict[str, Any]] = {}
        at: list[str] = [files[0].path]
        heard = asyncio.Event()

        def on_event(event: dict[str, Any]) -> None:
            heard.set()
            if "starts" in event:
                at[0] = event["starts"]
            else:
                replies[event["path"]] = event

        child = await self._parsers.child(slot)
        params = {
            "root": str(self._root),
            "files": [[f.path, f.language] for f in files],
            "known": self._known,
        }
        call = asyncio.ensure_future(child.call("parse_files", params, on_event=on_event))
        try:
            while not call.done():
                heard.clear()
                waiter = asyncio.ensure_future(heard.wait())
                await asyncio.wait(
                    {call, waiter}, timeout=HANG_S, return_when=asyncio.FIRST_COMPLETED
                )
                silent = not call.done() and not heard.is_set()
                waiter.cancel()
                if silent:
                    await child.kill()
            await call
        except ChildDied:
            return replies, at[0]
        finally:
            if not call.done():
                call.cancel()
                with contextlib.suppress(asyncio.CancelledError, ChildDied):
                    await call
        return replies, None

    def _keep(
        self, files: Sequence[FoundFile], replies: dict[str, dict[str, Any]], run: _Run
    ) -> None:
        parsed: list[IndexedFile] = []
        for file in files:
            reply = replies.get(file.path)
            if reply is None:
                continue
            if "skipped" in reply:
                run.skipped[reply["skipped"]] += 1
                self._store.remove_paths([file.path])
            elif reply.get("reused"):
                self._store.point_path(
                    file.path, reply["hash"], file.stamp, is_test=is_test_path(file.path)
                )
                run.reused += 1
            else:
                parsed.append(_indexed(file, reply))
        if parsed:
            self._store.put_files(parsed)
            run.parsed += len(parsed)


def _indexed(file: FoundFile, reply: dict[str, Any]) -> IndexedFile:
    outline = outline_from_json(reply["outline"])
    return IndexedFile(
        path=file.path,
        stamp=file.stamp,
        hash=reply["hash"],
        language=outline.language,
        n_lines=reply["n_lines"],
        is_test=is_test_path(file.path),
        symbols=outline.symbols,
        references=outline.references,
        imports=outline.imports,
        literals=outline.literals,
        term_counts={int(ordinal): counts for ordinal, counts in reply["counts"].items()},
    )


def outline_from_json(data: dict[str, Any]) -> Outline:
    """The other end of `context.parsing.to_json`."""
    return Outline(
        language=data["language"],
        symbols=tuple(Symbol(name, SymbolKind(kind), *r) for name, kind, *r in data["symbols"]),
        references=tuple(Reference(n, i, ReferenceRole(r)) for n, i, r in data["references"]),
        imports=tuple(Import(module, tuple(names), i) for module, names, i in data["imports"]),
        literals=tuple(Literal(text, line) for text, line in data["literals"]),
        problems=tuple(Problem(*row) for row in data["problems"]),
    )
