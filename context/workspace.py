"""One workspace folder: its index, and the questions that can be asked of it.

Runs in a process that may block for some milliseconds: the command line's own, or the indexer
process that serves the language server (context/host.py). Queries run on a thread with a reader of
its own, so that they are answered while indexing goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from context.anatomy import ANATOMY, Anatomy, CallAt
from context.callers import calling_files
from context.changes import ChangedPart, Changes, changed_parts, is_changed, under
from context.coverage import Coverage, CoverageUnreadable, find_coverage, read_coverage
from context.errors import ContextError, HistoryUnreadable, NoSuchPlace, NoWorkspace
from context.evidence import Signal
from context.evidence.diagnostics import OtherDiagnostic
from context.git import blob_id, read_blobs, read_changes, read_history, read_tree
from context.history import CommitRow, History, build, change_terms, known_changes
from context.indexer import Indexer, IndexProgress, IndexSummary, ParserPool, outline_from_json
from context.languages import language_of
from context.outline import Outline, Problem
from context.parsing import Skipped, decode, read_bytes
from context.refactoring import Candidate, Carried, Refactoring, Target
from context.refactoring.process import candidates_apart, carry_out_apart, target_apart
from context.snippets import Sources, snippets_for
from context.store import Reader, Store, SymbolAt, index_folder
from context.suspects import WEIGHTS, Beside, Located, Suspect, Weights, locate
from context.text import encode
from context.window import Snippet

logger = logging.getLogger(__name__)

MAX_REFRESHED = 500  # paths; for more a walk of everything is quicker
MAX_COMPARED = 20_000  # files compared with HEAD; some seconds
MAX_DIFFERING = 500  # of them with changes; each is parsed twice
COMMITS_AT_ONCE = 1_000  # whose changes are read between two writes: about a second

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Past:
    """The repository whose history is read, and the commit at which it ends (None for HEAD)."""

    root: Path
    commit: str | None


class Workspace:
    """Open with `Workspace.open`, close with `close`."""

    def __init__(self, root: Path, folder: Path, past: Past | None = None) -> None:
        self.root = root
        self._past = past or Past(root, None)
        self._shadow = folder / "git"
        self._store = Store(folder / "index.sqlite")
        self._parsers = ParserPool()
        self._indexer = Indexer(root, self._store, self._parsers)
        self._writing = asyncio.Lock()  # one run over files at a time
        self._typing = asyncio.Lock()  # one open buffer at a time, also while files are indexed
        self._queries = ThreadPoolExecutor(1, thread_name_prefix="query")
        self._reader: Reader | None = None  # made and used on the query thread only
        self._overlays: dict[str, str] = {}
        self._coverage: Coverage | None = None  # as the reader
        self._coverage_stamp: tuple[str, int, int] | None = None

    @classmethod
    async def open(cls, root: Path, cache_dir: Path, past: Past | None = None) -> Workspace:
        """`past`: the root's own history unless given. Raises `NoWorkspace`, `IndexUnavailable`."""
        if not root.exists():
            raise NoWorkspace(f"There is no folder {root}; name the workspace's folder.")
        if not root.is_dir():
            raise NoWorkspace(f"{root} is a file; name the folder of the workspace.")
        root = root.resolve()
        return cls(root, index_folder(root, cache_dir), past)

    async def index(self, on_progress: Callable[[IndexProgress], None]) -> IndexSummary:
        """Bring the index up to date with the files and, meanwhile, with the history."""
        past = asyncio.create_task(self._read_past())
        try:
            async with self._writing:
                summary = await self._indexer.run(on_progress)
            await past
        finally:
            past.cancel()
            await asyncio.wait({past})
        return summary

    async def _read_past(self) -> None:
        """Learn from what past commits say and changed, the newest first, some at a time.

        Each write is one call and so a transaction of its own: it may come between two of an index
        run, and an edit need not wait until years of changes are read. What cannot be read now is
        no reason to forget what is known.
        """
        try:
            await self._read_missing()
        except HistoryUnreadable as error:
            logger.info("%s", error)

    async def _read_missing(self) -> None:
        past, commits, head = self._store.history(), self._store.commits(), self._store.head()
        read = await asyncio.to_thread(
            read_history,
            self._past.root,
            self._shadow,
            known=head if _is_of(past, commits) else None,
            at=self._past.commit,
        )
        if read is None:
            return
        if (read.head, read.commits) != (head, commits):  # readers load what was written
            self._store.put_commits(read.commits, read.head)
        commits = read.commits
        if _is_of(past, commits):
            return
        changes = known_changes(past)
        missing = [c for c in commits if c.id not in changes]
        for start in range(0, max(len(missing), 1), COMMITS_AT_ONCE):
            chunk = missing[start : start + COMMITS_AT_ONCE]
            changes |= await asyncio.to_thread(_terms_of_changes, self._shadow, chunk)
            self._store.put_history(await asyncio.to_thread(build, commits, changes))

    async def refresh(self, paths: Sequence[str]) -> None:
        """Bring these files and folders up to date; changed ignore rules concern them all."""
        rules_changed = any(path.rpartition("/")[2] == ".gitignore" for path in paths)
        if rules_changed or len(paths) > MAX_REFRESHED:
            await self.index(lambda _: None)
            return
        async with self._writing:
            await self._indexer.refresh(paths)

    async def set_overlay(self, path: str, text: str | None) -> None:
        """Show `text` (an open buffer) instead of the file; None goes back to the file."""
        language = language_of(path)
        async with self._typing:
            if text is not None:
                self._overlays[path] = text
                await self._indexer.overlay(path, text, language.name if language else "text")
                return
            if self._overlays.pop(path, None) is None:
                return
            self._indexer.drop_overlay(path)
        await self.refresh([path])

    async def locate(
        self,
        report: str,
        limit: int = 20,
        *,
        diagnostics: Sequence[OtherDiagnostic] = (),
        without: frozenset[Signal] = frozenset(),
        weights: Weights = WEIGHTS,
    ) -> Located:
        """Suspects for a bug report, best first; `diagnostics` are those of other servers.

        Raises `EmptyReport`.
        """

        def ask(reader: Reader) -> Located:
            beside = Beside(self._read_coverage(), tuple(diagnostics))
            return locate(
                reader, report, limit=limit, without=without, weights=weights, beside=beside
            )

        return await self._query(ask)

    async def snippets(self, suspects: Sequence[Suspect], report: str = "") -> list[Snippet]:
        """Code that a model should see for these suspects, in order of importance."""
        overlays = dict(self._overlays)
        return await self._query(
            lambda reader: snippets_for(reader, self.root, suspects, overlays, report)
        )

    async def symbols_like(self, query: str, limit: int) -> list[SymbolAt]:
        """Definitions whose name holds `query`, in any case."""
        return await self._query(lambda reader: reader.symbols_like(query, limit))

    async def outline(self, path: str, text: str) -> Outline:
        language = language_of(path)
        params = {"text": text, "language": language.name if language else "text"}
        return outline_from_json(await self._parsers.call("outline", params))

    async def anatomy(self, path: str, text: str) -> Anatomy:
        """Functions and calls of `text` in their parts; empty where there is no grammar."""
        language = language_of(path)
        params = {"text": text, "language": language.name if language else "text"}
        return ANATOMY.validate_python(await self._parsers.call("anatomy", params))

    async def calls_to(self, path: str, names: Sequence[str]) -> list[CallAt]:
        """Calls in other files of what `path` defines under these names, as far as that is told."""
        overlays = dict(self._overlays)
        files = await self._query(lambda reader: calling_files(reader, path, names))
        found: list[CallAt] = []
        for other, called in files.items():
            text = Sources(self.root, overlays).text(other)
            if text is not None:
                anatomy = await self.anatomy(other, text.content)
                found += [CallAt(other, c) for c in anatomy.calls if c.name in called]
        return found

    async def carry_out(self, asked: Refactoring, texts: Mapping[str, str]) -> Carried:
        """A refactoring as edits. `texts`: open buffers, newer than the index. Raises `Refused`."""
        files, newest = await self._refactored(texts)
        return await carry_out_apart(self.root, files, newest, asked)

    async def target_at(self, path: str, offset: int, texts: Mapping[str, str]) -> Target:
        """What stands at a place, for who looks for a name. Raises `Refused`."""
        files, newest = await self._refactored(texts)
        return await target_apart(self.root, files, newest, path, offset)

    async def split_candidates(
        self, path: str, first: int, last: int, texts: Mapping[str, str]
    ) -> list[Candidate]:
        """What can be taken out of the function at lines. Raises `Refused`."""
        files, newest = await self._refactored(texts)
        return await candidates_apart(self.root, files, newest, path, first, last)

    async def _refactored(self, texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """(language by path of all files, texts of open buffers)."""
        files = await self._query(lambda reader: {f.path: f.language for f in reader.files()})
        newest = {**self._overlays, **texts}
        for path in newest.keys() - files.keys():
            language = language_of(path)
            files[path] = language.name if language else "text"
        return files, newest

    async def changes(
        self,
        places: Collection[str] = ("",),
        buffers: Mapping[str, str] | None = None,
        since: str | None = None,
    ) -> Changes:
        """What differs from HEAD in code in or below `places`, by function.

        `since`: a branch, tag or commit; then what came after the newest one that HEAD shares with
        it; raises `NoSuchPlace` where it is none. `buffers`: open texts that the index may not have
        seen yet. Raises `ContextError` without a history, or where there is too much to compare.
        """
        known = list(under(await self.files(), places))
        if len(known) > MAX_COMPARED:
            raise ContextError(f"{len(known)} files are too many to compare; name a folder.")
        head_shadow = self._shadow.with_name("head")
        head = await asyncio.to_thread(read_tree, self.root, head_shadow, since)
        if head is None and since:
            raise NoSuchPlace(
                f"There is no commit {since} here, or none that HEAD shares with it; where the "
                "clone is shallow, fetch more of its history."
            )
        if head is None:
            raise ContextError("There is no git history here to compare with.")
        overlays = {**self._overlays, **(buffers or {})}
        parts: list[ChangedPart] = []
        differing = _differing(self.root, known, head, overlays, head_shadow)
        n_files, is_cut = 0, False
        while (found := await asyncio.to_thread(next, differing, None)) is not None:
            if n_files == MAX_DIFFERING:
                is_cut = True
                break
            n_files += 1
            path, before, after = found
            old = await self.outline(path, before) if before is not None else None
            new = await self.outline(path, after)
            parts += await asyncio.to_thread(changed_parts, path, before, after, old, new)
        return Changes(tuple(parts), is_cut)

    async def files(self) -> list[str]:
        """Paths of all files that the index knows, in order."""
        return await self._query(lambda reader: sorted(row.path for row in reader.files()))

    async def problems(self, path: str, text: str) -> tuple[Problem, ...]:
        """What the grammar cannot read in `text`; empty where there is no grammar."""
        language = language_of(path)
        params = {"text": text, "language": language.name if language else "text"}
        return tuple(Problem(*row) for row in await self._parsers.call("problems", params))

    async def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            await asyncio.get_running_loop().run_in_executor(self._queries, self._close_reader)
        self._queries.shutdown(wait=False)
        try:
            await self._parsers.close()
        finally:
            self._store.close()

    async def _query(self, ask: Callable[[Reader], T]) -> T:
        def run() -> Any:
            if self._reader is None:
                self._reader = Reader(self._store.file, self._store.owner)
            return ask(self._reader)

        return await asyncio.get_running_loop().run_in_executor(self._queries, run)

    def _read_coverage(self) -> Coverage | None:
        """The newest coverage file of the workspace, read once as long as it stays the same."""
        found = find_coverage(self.root)
        if found is None:
            return None
        place, status = found
        stamp = place, status.st_mtime_ns, status.st_size
        if stamp != self._coverage_stamp:
            self._coverage_stamp = stamp
            try:
                self._coverage = read_coverage(self.root, place)
            except CoverageUnreadable as error:
                logger.warning("%s", error)
                self._coverage = None
        return self._coverage

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()


def _differing(
    root: Path,
    paths: Sequence[str],
    head: Mapping[str, str],
    overlays: Mapping[str, str],
    shadow: Path,
) -> Iterator[tuple[str, str | None, str]]:
    """(path, text in HEAD, text now) of code files that are not HEAD's; None where it has none.

    Line ends are no difference, and what lies in a repository of its own is not this one's.
    """
    nested: dict[str, bool] = {"": False}
    for path in paths:
        blob = head.get(path)
        if language_of(path) is None or (blob is None and _is_nested(root, path, nested)):
            continue
        after = overlays.get(path)
        try:
            content = encode(after) if after is not None else read_bytes(root, path)
            if blob is not None and _is_blob(content, blob):
                continue
            after = after if after is not None else decode(content)
        except Skipped:
            continue
        if blob is None:
            yield path, None, after
        elif (held := read_blobs(shadow, [blob]).get(blob)) is not None:  # else a partial clone
            before = _decoded(held)
            if is_changed(before, after):
                yield path, before, after


def _is_blob(content: bytes, blob: str) -> bool:
    """A checkout may have written other line ends than the repository has."""
    return blob == blob_id(content, blob) or (
        b"\r\n" in content and blob == blob_id(content.replace(b"\r\n", b"\n"), blob)
    )


def _is_nested(root: Path, path: str, known: dict[str, bool]) -> bool:
    """Whether a folder between the root and `path` has a repository of its own (a submodule)."""
    folder = path.rpartition("/")[0]
    if folder not in known:
        has_own = os.path.lexists(root / folder / ".git")
        known[folder] = has_own or _is_nested(root, folder, known)
    return known[folder]


def _decoded(content: bytes) -> str:
    """A file's content as text; "" for what is none."""
    try:
        return decode(content)
    except Skipped:
        return ""


def _is_of(past: History | None, commits: Sequence[CommitRow]) -> bool:
    """Whether all has been read of these commits, and of no others."""
    ids = tuple(c.id for c in commits)
    return past is not None and past.commit_ids == ids and past.is_complete


def _terms_of_changes(shadow: Path, commits: Sequence[CommitRow]) -> dict[str, dict[str, int]]:
    """Terms by commit; a commit that cannot be read counts as read, with none."""
    texts = read_changes(shadow, commits)
    return {commit.id: change_terms(texts.get(commit.id, "")) for commit in commits}
