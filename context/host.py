"""A `Workspace` in a process of its own, for the language server, whose process never parses.

`RemoteWorkspace` has the workspace's methods and asks `python -P -m context.host`, the indexer
process, which holds the store and the parser pool. Data goes over as JSON and is checked on
arrival. Calls are tasks of one loop: however many wait for an index run, others are answered.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from context.anatomy import ANATOMY, CALLS, Anatomy, CallAt
from context.changes import CHANGES, Changes
from context.child import Child, ChildError
from context.errors import ContextError, IndexUnavailable, NoWorkspace, ParserUnavailable
from context.evidence.diagnostics import OtherDiagnostic
from context.indexer import IndexProgress, IndexSummary
from context.outline import Outline, Problem
from context.refactoring import Candidate, Carried, Refactoring, Refused, Target
from context.refactoring.process import CANDIDATES, CARRIED, TARGET
from context.report import EmptyReport
from context.serving import Call, Cancelled, Emit, die_with_parent, guard_stdout, serve_calls
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
# Work in a process of its own, which ends when nobody waits for it any more.
_ENDED_WHEN_CANCELLED = frozenset({"carry_out", "target_at", "split_candidates"})


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
    ) -> Changes:
        params = [list(places), dict(buffers or {})]
        return CHANGES.validate_python(await self._call("changes", params))

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

    @property
    def alive(self) -> bool:
        """Whether its process runs; once it does not, it never will again."""
        return self._child.alive

    async def ended(self) -> None:
        """Wait until its process has ended, for whatever reason."""
        await self._child.ended()

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

    def start(self, call: Call) -> None:
        """Begin to answer, in the order in which calls came."""
        running = asyncio.run_coroutine_threadsafe(self._answer(call), self._loop)
        if call.method in _ENDED_WHEN_CANCELLED:
            call.on_cancel = running.cancel

    async def _answer(self, call: Call) -> None:
        try:
            method = getattr(self, f"_on_{call.method}")
            call.answer(await method(call.params, call.emit))
        except asyncio.CancelledError:
            call.fail(Cancelled())
            raise
        except Exception as error:  # noqa: BLE001  (the parent's to react to)
            call.fail(error)

    @property
    def _open_workspace(self) -> Workspace:
        if self._workspace is None:
            raise NoWorkspace("No workspace is open yet.")
        return self._workspace

    async def _on_open(self, params: dict[str, str], emit: Emit) -> None:
        del emit
        root, cache_dir = Path(params["root"]), Path(params["cache_dir"])
        self._workspace = await Workspace.open(root, cache_dir)

    async def _on_index(self, params: None, emit: Emit) -> Any:
        del params
        summary = await self._open_workspace.index(lambda p: emit(astuple(p)))
        return _SUMMARY.dump_python(summary, mode="json")

    async def _on_locate(self, params: dict[str, Any], emit: Emit) -> Any:
        del emit
        others = _DIAGNOSTICS.validate_python(params["diagnostics"])
        found = await self._open_workspace.locate(
            params["report"], params["limit"], diagnostics=others
        )
        return _LOCATED.dump_python(found, mode="json")

    async def _on_snippets(self, params: Any, emit: Emit) -> Any:
        del emit
        given, report = params
        suspects = _SUSPECTS.validate_python(given)
        found = await self._open_workspace.snippets(suspects, report)
        return _SNIPPETS.dump_python(found, mode="json")

    async def _on_symbols_like(self, params: list[Any], emit: Emit) -> Any:
        del emit
        found = await self._open_workspace.symbols_like(*params)
        return _SYMBOLS.dump_python(found, mode="json")

    async def _on_outline(self, params: list[str], emit: Emit) -> Any:
        del emit
        return _OUTLINE.dump_python(await self._open_workspace.outline(*params), mode="json")

    async def _on_problems(self, params: list[str], emit: Emit) -> Any:
        del emit
        return _PROBLEMS.dump_python(await self._open_workspace.problems(*params), mode="json")

    async def _on_anatomy(self, params: list[str], emit: Emit) -> Any:
        del emit
        return ANATOMY.dump_python(await self._open_workspace.anatomy(*params), mode="json")

    async def _on_calls_to(self, params: list[Any], emit: Emit) -> Any:
        del emit
        return CALLS.dump_python(await self._open_workspace.calls_to(*params), mode="json")

    async def _on_changes(self, params: list[Any], emit: Emit) -> Any:
        del emit
        found = await self._open_workspace.changes(*params)
        return CHANGES.dump_python(found, mode="json")

    async def _on_files(self, params: None, emit: Emit) -> Any:
        del params, emit
        return await self._open_workspace.files()

    async def _on_carry_out(self, params: Any, emit: Emit) -> Any:
        del emit
        asked, texts = params
        carried = await self._open_workspace.carry_out(_ASKED.validate_python(asked), texts)
        return CARRIED.dump_python(carried, mode="json")

    async def _on_target_at(self, params: Any, emit: Emit) -> Any:
        del emit
        return TARGET.dump_python(await self._open_workspace.target_at(*params), mode="json")

    async def _on_split_candidates(self, params: Any, emit: Emit) -> Any:
        del emit
        found = await self._open_workspace.split_candidates(*params)
        return CANDIDATES.dump_python(found, mode="json")

    async def _on_set_overlay(self, params: list[Any], emit: Emit) -> None:
        del emit
        await self._open_workspace.set_overlay(*params)

    async def _on_refresh(self, params: list[str], emit: Emit) -> None:
        del emit
        await self._open_workspace.refresh(params)

    async def _on_watch(self, params: None, emit: Emit) -> str | None:
        del params, emit
        if self._watcher is None:
            workspace = self._open_workspace

            def on_changes(paths: list[str] | None) -> None:
                asyncio.run_coroutine_threadsafe(follow(paths), self._loop).result()

            async def follow(paths: list[str] | None) -> None:
                if paths is None:
                    await workspace.index(lambda _: None)
                else:
                    await workspace.refresh(paths)

            watcher = Watcher(workspace.root, on_changes)
            if why_not := await asyncio.to_thread(watcher.start):
                return why_not
            self._watcher = watcher
        return None


def main() -> None:
    wire = guard_stdout()
    die_with_parent()
    if sys.platform != "win32":
        os.nice(5)
    serve_calls(_Host().start, wire)


if __name__ == "__main__":
    main()
