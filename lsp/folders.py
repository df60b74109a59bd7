"""The workspace folders of a client: opening, indexing, keeping the index up to date.

Each folder has an indexer process of its own (context/host.py). Nothing here parses or reads code.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from context.errors import ContextError
from context.host import RemoteWorkspace
from context.indexer import IndexProgress
from lsp import to_lsp
from lsp.background import Background
from lsp.errors import REQUEST_FAILED, Failure, failure_of
from lsp.progress import Progress

logger = logging.getLogger(__name__)

GATHER_S = 0.2  # reports of changed files are gathered for so long: a build reports thousands
WATCHED_WALK_S = 300.0  # between walks of everything, where the client or the system reports
UNWATCHED_WALK_S = 30.0  # and where neither does
LARGE_CHARS = 200_000  # a text that takes milliseconds to send waits until a person pauses
SETTLE_S = 0.5
FIRST_INDEX_S = 20.0  # a first question waits so long for the first index, then asks what is there


@dataclass(slots=True)
class Folder:
    """One folder with its tasks. `n_total` is None until the walk has ended."""

    opening: asyncio.Task[RemoteWorkspace]
    indexing: asyncio.Task[None]
    n_indexed: int = 0
    n_total: int | None = None
    failure: str = ""  # why there is no index; empty when there is one, or none yet


class Folders:
    """Only the event loop changes it."""

    def __init__(
        self,
        background: Background,
        start_progress: Callable[[str], asyncio.Task[Progress]],
        say: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        self._background = background
        self._start_progress = start_progress
        self._say = say
        self._on_change = on_change
        self._folders: dict[Path, Folder] = {}
        self._changed: dict[Path, set[str]] = {}
        self._is_gathering = False
        self._overlays: dict[
            tuple[Path, str], list[str | None]
        ] = {}  # on the way: the next, if any

    @property
    def all(self) -> dict[Path, Folder]:
        return dict(self._folders)

    def add(self, root: Path, cache_dir: Path, *, is_watched: bool) -> None:
        """Open and index a folder, in the background. `is_watched`: the client reports changes."""
        if root in self._folders:
            return
        opening = asyncio.ensure_future(RemoteWorkspace.open(root, cache_dir))
        indexing = asyncio.ensure_future(self._index(root, is_watched=is_watched))
        self._folders[root] = Folder(opening, indexing)
        self._on_change()

    def remove(self, root: Path) -> None:
        if folder := self._folders.pop(root, None):
            folder.indexing.cancel()
            self._background.run(_close(folder.opening))
            self._on_change()

    def root_of(self, path: Path) -> Path:
        """The innermost folder around a file. Raises `Failure` when there is none."""
        around = [root for root in self._folders if path.is_relative_to(root)]
        if around:
            return max(around, key=lambda root: len(root.parts))
        raise Failure(
            REQUEST_FAILED,
            f"{path.name} is in no open workspace folder; open its folder in the editor."
            if self._folders
            else "No workspace folder is open; open a folder in the editor.",
        )

    def any_root(self) -> Path:
        if not self._folders:
            raise Failure(REQUEST_FAILED, "No workspace folder is open; open a folder.")
        return next(iter(self._folders))

    async def opened(self, root: Path) -> RemoteWorkspace:
        """The folder's workspace, which may know nothing yet. Raises `Failure`."""
        folder = self._folders.get(root)
        if folder is None:
            raise Failure(REQUEST_FAILED, f"The folder {root.name} is not open any more.")
        return await asyncio.shield(folder.opening)

    async def workspace(self, root: Path) -> RemoteWorkspace:
        """The folder's workspace, after its first index or a while."""
        workspace = await self.opened(root)
        if folder := self._folders.get(root):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_INDEX_S):
                    await asyncio.shield(folder.indexing)
        return workspace

    def files_changed(self, places: Iterable[tuple[Path, str]]) -> None:
        """Files on disk changed: bring the index up to date, soon and once for many."""
        for root, path in places:
            self._changed.setdefault(root, set()).add(path)
        if self._changed and not self._is_gathering:
            self._is_gathering = True
            self._background.run(self._refresh_changed())

    def overlay(self, root: Path, path: str, content: str | None) -> None:
        """Let the index see a buffer (None: the file again), in the background.

        One text of a file is on its way at a time; of those that come meanwhile the newest follows.
        """
        if (place := (root, path)) in self._overlays:
            self._overlays[place] = [content]
        else:
            self._overlays[place] = []
            self._background.run(self._overlay(root, path, content))

    async def close(self) -> None:
        for folder in self._folders.values():
            folder.indexing.cancel()
        for folder in self._folders.values():
            await _close(folder.opening)

    async def _index(self, root: Path, *, is_watched: bool) -> None:
        progress = await self._start_progress(f"Postil: indexing {root.name}")
        folder = self._folders[root]

        def on_progress(at: IndexProgress) -> None:
            folder.n_indexed, folder.n_total = at.done, at.total if at.is_walked else None
            self._on_change()
            if at.is_walked:
                percentage = 100 * at.done // at.total if at.total else 100
                progress.report(f"{at.done} of {at.total} files", percentage)
            else:  # a share of what is not known yet would go down again
                progress.report(f"{at.done} files so far")

        try:
            workspace = await asyncio.shield(folder.opening)
            # Before the walk: what changes between the two is told, or found, or both.
            why_not = None if is_watched else await workspace.watch()
            summary = await workspace.index(on_progress)
            folder.n_indexed = folder.n_total = summary.files
            logger.info("indexed %d files, %d symbols", summary.files, summary.symbols)
            if summary.quarantined:
                self._say(_left_out(summary.quarantined))
            self._background.run(self._reconcile(root, workspace, why_not))
        except Exception as error:
            failure = failure_of(error)
            folder.failure = (
                str(failure) if failure else "Indexing failed; Postil's log says where."
            )
            self._say(folder.failure)
            if failure is None:
                logger.exception("indexing failed")
        finally:
            progress.end()
            asyncio.get_running_loop().call_soon(self._on_change)  # when this task is done

    async def _refresh_changed(self) -> None:
        await asyncio.sleep(GATHER_S)
        self._is_gathering = False
        changed, self._changed = self._changed, {}
        for root, paths in changed.items():
            if root in self._folders:
                await (await self.workspace(root)).refresh(sorted(paths))

    async def _reconcile(self, root: Path, workspace: RemoteWorkspace, why_not: str | None) -> None:
        """Walk now and then, whatever anyone reported: the files are the truth.

        `why_not`: why nobody reports, if so.
        """
        if why_not:
            logger.info("%s", why_not)
        pause_s = UNWATCHED_WALK_S if why_not else WATCHED_WALK_S
        while root in self._folders:
            await asyncio.sleep(pause_s)
            started = time.monotonic()
            try:
                await workspace.index(lambda _: None)
            except ContextError as error:  # a full disk, a lock: the next walk may go well
                logger.warning("the files could not be walked: %s", error)
            # never more than a fiftieth of one core, however large the workspace
            pause_s = max(pause_s, 50 * (time.monotonic() - started))

    async def _overlay(self, root: Path, path: str, content: str | None) -> None:
        place = (root, path)
        try:
            while True:
                if content is not None and len(content) > LARGE_CHARS:
                    await asyncio.sleep(SETTLE_S)
                if not self._overlays[place]:
                    workspace = await self.workspace(root)
                    await workspace.set_overlay(path, content)
                    if not self._overlays[place]:
                        return
                (content,) = self._overlays[place]
                self._overlays[place] = []
        finally:
            del self._overlays[place]


def _left_out(quarantined: tuple[str, ...]) -> str:
    named = ", ".join(map(to_lsp.visible, quarantined[:3]))
    more = f" and {len(quarantined) - 3} more" * (len(quarantined) > 3)
    return f"Left out, because it stops the parser: {named}{more}."


async def _close(opening: asyncio.Task[RemoteWorkspace]) -> None:
    with suppress(Exception):
        await (await opening).close()
