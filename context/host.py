"""A `Workspace` in a process of its own, for the language server, whose process never parses.

`RemoteWorkspace` has the workspace's methods and asks `python -P -m context.host`, the indexer
process, which holds the store and the parser pool. Data goes over as JSON and is checked on
arrival. Locating is answered while indexing runs: each call has a thread, all share one loop.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from context.anatomy import ANATOMY, CALLS, Anatomy, CallAt
from context.changes import CHANGED_PARTS, ChangedPart
from context.child import Child, ChildError
from context.errors import ContextError, IndexUnavailable, NoWorkspace, ParserUnavailable
from context.evidence.diagnostics import OtherDiagnostic
from context.indexer import IndexProgress, IndexSummary
from context.outline import Outline, Problem
from context.refactoring import Candidate, Carried, Refactoring, Refused, Target
from context.refactoring.process import CANDIDATES, CARRIED, TARGET
from context.report import EmptyReport
from context.serving import Cancelled, Emit, Method, die_with_parent, guard_stdout, serve
from context.store import SymbolAt
from context.suspects import Located, Suspect
from context.watching import Watcher
from context.window import Snippet
from context.workspace import Workspace

_LOCATED = TypeAdapter(Located)
_SUSPECTS = TypeAdapter(list[Suspect])
_DIAGNOSTICS = TypeAdapter(list[OtherDiagnostic])
_SYMBOLS = TypeAdapter(list[SymbolAt])
_SNIPPETS = TypeAdapter(list[Snippet])
_OUTLINE = TypeAdapter(Outline)
_PROBLEMS = TypeAdapter(tuple[Problem, ...])
_SUMMARY = TypeAdapter(IndexSummary)
_ASKED = TypeAdapter(Refactoring)
_ERRORS = {
    kind.__name__: kind
    for kind in (
        ContextError,
        NoWorkspace,
        IndexUnavailable,
        ParserUnavailable,
        EmptyReport,
        Refused,
    )
}
CANCEL_CHECK_S = 0.1
THREADS = 4  # calls at a time: an index run, a query, and two small jobs


class RemoteWorkspace:
    """The same questions as `Workspace`, asked of another process."""

    def __init__(self, root: Path, child: Child) -> None:
        self.root = root
        self._child = child

    @classmethod
    async def open(cls, root: Path, cache_dir: Path) -> RemoteWorkspace:
        child = await Child.start("context.host", name="indexer")
        remote = cls(root, child)
        try:
            await remote._call("open", {"root": str(root), "cache_dir": str(cache_dir)})
        except BaseException:
            await child.close()
            raise
        return remote

    async def index(self, on_progress: Callable[[IndexProgress], None]) -> IndexSummary:
        def on_event(event: tuple[int, int, bool]) -> None:
            on_progress(IndexProgress(*event))

        return _SUMMARY.validate_python(await self._call("index", None, on_event))

    async def locate(
        self, report: str, limit: int = 20, *, diagnostics: Sequence[OtherDiagnostic] = ()
    ) -> Located:
        others = _DIAGNOSTICS.dump_python(list(diagnostics), mode="json")
        params = {"report": report, "limit": limit, "diagnostics": others}
        return _LOCATED.validate_python(await self._call("locate", params))

    async def snippets(self, suspects: Sequence[Suspect], report: str = "") -> list[Snippet]:
        params = [_SUSPECTS.dump_python(list(suspects), mode="json"), report]
        return _SNIPPETS.validate_python(await self._call("snippets", params))

    async def symbols_like(self, query: str, limit: int) -> list[SymbolAt]:
        """Definitions whose name holds `query`, in any case."""
        return _SYMBOLS.validate_python(await self._call("symbols_like", [query, limit]))

    async def outline(self, path: str, text: str) -> Outline:
        return _OUTLINE.validate_python(await self._call("outline", [path, text]))

    async def problems(self, path: str, text: str) -> tuple[Problem, ...]:
        return _PROBLEMS.validate_python(await self._call("problems", [path, text]))

    async def anatomy(self, path: str, text: str) -> Anatomy:
        return ANATOMY.validate_python(await self._call("anatomy", [path, text]))

    async def calls_to(self, path: str, names: Sequence[str]) -> list[CallAt]:
        return CALLS.validate_python(await self._call("calls_to", [path, list(names)]))

    async def changes(
        self, places: Collection[str] = ("",), buffers: Mapping[str, str] | None = None
    ) -> list[ChangedPart]:
        params = [list(places), dict(buffers or {})]
        return CHANGED_PARTS.validate_python(await self._call("changes", params))

    async def files(self) -> list[str]:
        return list(await self._call("files", None))

    async def carry_out(self, asked: Refactoring, texts: Mapping[str, str]) -> Carried:
        params = [_ASKED.dump_python(asked, mode="json"), dict(texts)]
        return CARRIED.validate_python(await self._call("carry_out", params))

    async def target_at(self, path: str, offset: int, texts: Mapping[str, str]) -> Target:
        return TARGET.validate_python(await self._call("target_at", [path, offset, dict(texts)]))

    async def split_candidates(
        self, path: str, first: int, last: int, texts: Mapping[str, str]
    ) -> list[Candidate]:
        params = [path, first, last, dict(texts)]
        return CANDIDATES.validate_python(await self._call("split_candidates", params))

    async def set_overlay(self, path: str, text: str | None) -> None:
        await self._call("set_overlay", [path, text])

    async def refresh(self, paths: Sequence[str]) -> None:
        await self._call("refresh", list(paths))

    async def watch(self) -> str | None:
        """Follow changes of the files by ourselves; why not, in a sentence, where that fails."""
        answer = await self._call("watch", None)
        return None if answer is None else str(answer)

    async def close(self) -> None:
        await self._child.close()

    async def _call(
        self, method: str, params: Any, on_event: Callable[[Any], None] | None = None
    ) -> Any:
        try:
            return await self._child.call(method, params, on_event=on_event)
        except ChildError as error:
            kind = _ERRORS.get(error.kind, ContextError)
            raise kind(str(error)) from error


class _Host:
    """The child's side: one workspace, on one loop that runs in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._workspace: Workspace | None = None
        self._watcher: Watcher | None = None

    def methods(self) -> dict[str, Method]:
        return {
            "open": self._open,
            "index": self._index,
            "locate": self._locate,
            "snippets": self._snippets,
            "symbols_like": self._symbols_like,
            "outline": self._outline,
            "problems": self._problems,
            "anatomy": self._anatomy,
            "calls_to": self._calls_to,
            "changes": self._changes,
            "files": self._files,
            "carry_out": self._carry_out,
            "target_at": self._target_at,
            "split_candidates": self._split_candidates,
            "set_overlay": self._set_overlay,
            "refresh": self._refresh,
            "watch": self._watch,
        }

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run_until(self, work: Coroutine[Any, Any, Any], cancelled: threading.Event) -> Any:
        """As `_run`, and ends the work, with its process, when nobody waits for it any more."""
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        while True:
            try:
                return running.result(CANCEL_CHECK_S)
            except TimeoutError:
                if running.done():
                    raise
                if cancelled.is_set():
                    running.cancel()
                    raise Cancelled from None

    @property
    def _open_workspace(self) -> Workspace:
        if self._workspace is None:
            raise NoWorkspace("No workspace is open yet.")
        return self._workspace

    def _open(self, params: dict[str, str], emit: Emit, cancelled: threading.Event) -> None:
        del emit, cancelled
        root, cache_dir = Path(params["root"]), Path(params["cache_dir"])
        self._workspace = self._run(Workspace.open(root, cache_dir))

    def _index(self, params: None, emit: Emit, cancelled: threading.Event) -> Any:
        del params, cancelled
        summary = self._run(self._open_workspace.index(lambda p: emit(astuple(p))))
        return _SUMMARY.dump_python(summary, mode="json")

    def _locate(self, params: dict[str, Any], emit: Emit, cancelled: threading.Event) -> Any:
        del emit, cancelled
        others = _DIAGNOSTICS.validate_python(params["diagnostics"])
        found = self._run(
            self._open_workspace.locate(params["report"], params["limit"], diagnostics=others)
        )
        return _LOCATED.dump_python(found, mode="json")

    def _snippets(self, params: Any, emit: Emit, cancelled: threading.Event) -> Any:
        del emit, cancelled
        given, report = params
        suspects = _SUSPECTS.validate_python(given)
        found = self._run(self._open_workspace.snippets(suspects, report))
        return _SNIPPETS.dump_python(found, mode="json")

    def _symbols_like(self, params: list[Any], emit: Emit, cancelled: threading.Event) -> Any:
        del emit, cancelled
        found = self._run(self._open_workspace.symbols_like(*params))
        return _SYMBOLS.dump_python(found, mode="json")

    def _outline(self, params: list[str], emit: Emit, cancelled: threading.Event) -> Any:
        del emit, cancelled
        return _OUTLINE.dump_python(self._run(self._open_workspace.outline(*params)), mode="json")

    def _problems(self, params: list[str], emit: Emit, cancelled: threading.Event) -> Any:
        del emit, cancelled
        return _PROBLEMS.dump_python(self._run(self._open_workspace.problems(*params)), mode="json")

    def _anatomy(self, params: list[str], emit: Emit, cancelled: threading.Event) -> Any:
        del emit, cancelled
        return ANATOMY.dump_python(self._run(self._open_workspace.anatomy(*params)), mode="json")

    def _calls_to(self, params: list[Any], emit: Emit, cancelled: threading.Event) -> Any:
        del emit, cancelled
        return CALLS.dump_python(self._run(self._open_workspace.calls_to(*params)), mode="json")

    def _changes(self, params: list[Any], emit: Emit, cancelled: threading.Event) -> Any:
        del emit, cancelled
        found = self._run(self._open_workspace.changes(*params))
        return CHANGED_PARTS.dump_python(found, mode="json")

    def _files(self, params: None, emit: Emit, cancelled: threading.Event) -> Any:
        del params, emit, cancelled
        return self._run(self._open_workspace.files())

    def _carry_out(self, params: Any, emit: Emit, cancelled: threading.Event) -> Any:
        del emit
        asked, texts = params
        work = self._open_workspace.carry_out(_ASKED.validate_python(asked), texts)
        return CARRIED.dump_python(self._run_until(work, cancelled), mode="json")

    def _target_at(self, params: Any, emit: Emit, cancelled: threading.Event) -> Any:
        del emit
        found = self._run_until(self._open_workspace.target_at(*params), cancelled)
        return TARGET.dump_python(found, mode="json")

    def _split_candidates(self, params: Any, emit: Emit, cancelled: threading.Event) -> Any:
        del emit
        found = self._run_until(self._open_workspace.split_candidates(*params), cancelled)
        return CANDIDATES.dump_python(found, mode="json")

    def _set_overlay(self, params: list[Any], emit: Emit, cancelled: threading.Event) -> None:
        del emit, cancelled
        self._run(self._open_workspace.set_overlay(*params))

    def _refresh(self, params: list[str], emit: Emit, cancelled: threading.Event) -> None:
        del emit, cancelled
        self._run(self._open_workspace.refresh(params))

    def _watch(self, params: None, emit: Emit, cancelled: threading.Event) -> str | None:
        del params, emit, cancelled
        if self._watcher is None:
            workspace = self._open_workspace

            def on_changes(paths: list[str] | None) -> None:
                if paths is None:
                    self._run(workspace.index(lambda _: None))
                else:
                    self._run(workspace.refresh(paths))

            watcher = Watcher(workspace.root, on_changes)
            if why_not := watcher.start():
                return why_not
            self._watcher = watcher
        return None


def main() -> None:
    wire = guard_stdout()
    die_with_parent()
    if sys.platform != "win32":
        os.nice(5)
    serve(_Host().methods(), wire, threads=THREADS)


if __name__ == "__main__":
    main()
