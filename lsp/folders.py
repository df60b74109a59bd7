"""The workspace folders of a client: opening, indexing, keeping the index up to date.

Each folder has an indexer process of its own (context/host.py). Nothing here parses or reads code.
An indexer that ends is opened again at once, with a walk of everything, so that whatever it had not
taken in is found; unless it keeps ending.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
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
MAX_DEATHS, WITHIN_S = 3, 180.0  # of an indexer; more are no accident
SHOWN_S = 2.0  # a question waits so long for buffers that are on their way to the index; a guess
FIRST_INDEX_S = 20.0  # a first question waits so long for the first index, then asks what is there


@dataclass(slots=True)
class Folder:
    """One folder with its tasks. `n_total` is None until the walk has ended."""

    cache_dir: Path
    is_watched: bool  # by the client, which reports changes
    opening: asyncio.Task[RemoteWorkspace]
    indexing: asyncio.Task[None]
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_DEATHS))
    n_indexed: int = 0
    n_total: int | None = None
    failure: str = ""  # why there is no index; empty when there is one, or none yet

    @property
    def is_dead(self) -> bool:
        """Whether its indexer was opened, and ended."""
        opening = self.opening
        if not opening.done() or opening.cancelled() or opening.exception() is not None:
            return False
        return not opening.result().alive

    @property
    def could_not_open(self) -> bool:
        """Whether there was no such folder, or none that can be read."""
        opening = self.opening
        return opening.done() and not opening.cancelled() and opening.exception() is not None

    @property
    def keeps_dying(self) -> bool:
        dead = [at for at in self.deaths if time.monotonic() - at < WITHIN_S]
        return len(dead) >= MAX_DEATHS


@dataclass(slots=True)
class _Showing:
    """A text on its way to an index."""

    task: asyncio.Task[None]
    next: list[str | None] = field(default_factory=list)  # one that came meanwhile, if any


class Folders:
    """Only the event loop changes it."""

    def __init__(
        self,
        background: Background,
        start_progress: Callable[[str], asyncio.Task[Progress]],
        say: Callable[[str], None],
        on_change: Callable[[], None],
        on_open: Callable[[Path], None],
    ) -> None:
        """`on_open` is told of a folder whose index knows of no buffer yet."""
        self._background = background
        self._start_progress = start_progress
        self._say = say
        self._on_change = on_change
        self._on_open = on_open
        self._folders: dict[Path, Folder] = {}
        self._changed: dict[Path, set[str]] = {}
        self._is_gathering = False
        self._overlays: dict[tuple[Path, str], _Showing] = {}

    @property
    def all(self) -> dict[Path, Folder]:
        return dict(self._folders)

    def add(self, root: Path, cache_dir: Path, *, is_watched: bool) -> None:
        """Open and index a folder, in the background. `is_watched`: the client reports changes."""
        if root in self._folders:
            return
        opening = asyncio.ensure_future(RemoteWorkspace.open(root, cache_dir))
        indexing = asyncio.ensure_future(self._index(root))
        self._folders[root] = Folder(cache_dir, is_watched, opening, indexing)
        self._on_change()

    def remove(self, root: Path) -> None:
        if folder := self._folders.pop(root, None):
            folder.indexing.cancel()
            self._background.run(_close(folder.opening))
            self._on_change()

    def keep_in(self, cache_dir: Path) -> None:
        """Open every folder whose index is elsewhere again, with its index there."""
        for root, folder in self.all.items():
            if folder.cache_dir != cache_dir:
                self.remove(root)
                self.add(root, cache_dir, is_watched=folder.is_watched)

    def root_of(self, path: Path) -> Path:
        """The innermost folder around a file. Raises `Failure` when there is none."""
        if around := self.roots_around(path):
            return around[-1]
        raise Failure(
            REQUEST_FAILED,
            f"{path.name} is in no open workspace folder; open its folder in the editor."
            if self._folders
            else "No workspace folder is open; open a folder in the editor.",
        )

    def roots_around(self, path: Path) -> list[Path]:
        """Every folder around a file, the innermost last: the index of each holds the file."""
        around = [root for root in self._folders if path.is_relative_to(root)]
        return sorted(around, key=lambda root: len(root.parts))

    def any_root(self) -> Path:
        if not self._folders:
            raise Failure(REQUEST_FAILED, "No workspace folder is open; open a folder.")
        usable = (root for root, folder in self._folders.items() if not folder.could_not_open)
        return next(usable, next(iter(self._folders)))

    async def opened(self, root: Path) -> RemoteWorkspace:
        """The folder's workspace, which may know nothing yet. Raises `Failure`."""
        folder = self._folders.get(root)
        if folder is None:
            raise Failure(REQUEST_FAILED, f"The folder {root.name} is not open any more.")
        self._reopen(root, folder)
        return await asyncio.shield(folder.opening)

    async def workspace(self, root: Path) -> RemoteWorkspace:
        """The folder's workspace, after its first index and with the buffers, or after a while."""
        workspace = await self._indexed(root)
        on_the_way = [one.task for (of, _), one in self._overlays.items() if of == root]
        if on_the_way:
            await asyncio.wait(on_the_way, timeout=SHOWN_S)
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
        if on_the_way := self._overlays.get((root, path)):
            on_the_way.next = [content]
        else:
            task = self._background.run(self._overlay(root, path, content))
            self._overlays[root, path] = _Showing(task)

    async def close(self) -> None:
        folders, self._folders = self._folders, {}
        for folder in folders.values():
            folder.indexing.cancel()
        for folder in folders.values():
            await _close(folder.opening)

    async def _indexed(self, root: Path) -> RemoteWorkspace:
        await self.opened(root)
        if folder := self._folders.get(root):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_INDEX_S):
                    await asyncio.shield(folder.indexing)
        return await self.opened(root)  # it may have ended meanwhile, and be another

    def _reopen(self, root: Path, folder: Folder) -> None:
        """Open and index a folder again whose indexer is dead, or that was not there before.
        Raises `Failure` when its indexers all die.

        Its overlays went with it; `on_open` brings them back.
        """
        if not folder.is_dead and not (folder.could_not_open and root.is_dir()):
            return
        if folder.keeps_dying:
            folder.failure = (
                f"The indexer of {root.name} ended {MAX_DEATHS} times within "
                f"{WITHIN_S / 60:.0f} minutes and is not started again for now; is there enough "
                "memory?"
            )
            self._on_change()
            raise Failure(REQUEST_FAILED, folder.failure)
        folder.failure = ""
        folder.opening = asyncio.ensure_future(RemoteWorkspace.open(root, folder.cache_dir))
        folder.indexing = asyncio.ensure_future(self._index(root))
        self._on_change()

    async def _revive(self, root: Path, folder: Folder, workspace: RemoteWorkspace) -> None:
        """Wait for the end of an indexer that nobody closes."""
        await workspace.ended()
        if self._folders.get(root) is not folder:
            return  # it was closed
        logger.warning("the indexer of %s ended unexpectedly", root.name)
        folder.deaths.append(time.monotonic())
        try:
            self._reopen(root, folder)
        except Failure as failure:
            self._say(str(failure))

    async def _index(self, root: Path) -> None:
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

        workspace: RemoteWorkspace | None = None
        try:
            workspace = await asyncio.shield(folder.opening)
            self._background.run(self._revive(root, folder, workspace))
            self._on_open(root)
            # Before the walk: what changes between the two is told, or found, or both.
            why_not = None if folder.is_watched else await workspace.watch()
            self._background.run(self._reconcile(root, folder, workspace, why_not))
            summary = await workspace.index(on_progress)
            folder.n_indexed = folder.n_total = summary.files
            logger.info("indexed %d files, %d symbols", summary.files, summary.symbols)
            if summary.quarantined:
                self._say(_left_out(summary.quarantined))
        except Exception as error:
            if workspace is not None and not workspace.alive:
                return  # it is opened again
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
            self._background.run(self._refresh(root, sorted(paths)))

    async def _refresh(self, root: Path, paths: list[str]) -> None:
        if root not in self._folders:
            return
        try:
            await (await self._indexed(root)).refresh(paths)
        except ContextError as error:  # the next walk finds them
            logger.warning("changed files could not be read: %s", error)

    async def _reconcile(
        self, root: Path, folder: Folder, workspace: RemoteWorkspace, why_not: str | None
    ) -> None:
        """Walk now and then, whatever anyone reported: the files are the truth.

        `why_not`: why nobody reports, if so.
        """
        if why_not:
            logger.info("%s", why_not)
        pause_s = UNWATCHED_WALK_S if why_not else WATCHED_WALK_S
        await asyncio.wait([folder.indexing])
        while workspace.alive and self._folders.get(root) is folder:
            await asyncio.sleep(pause_s)
            started = time.monotonic()
            try:
                summary = await workspace.index(lambda _: None)
                folder.n_indexed = folder.n_total = summary.files
                folder.failure = ""
                self._on_change()
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
                if not self._overlays[place].next:
                    workspace = await self._indexed(root)
                    await workspace.set_overlay(path, content)
                    if not self._overlays[place].next:
                        return
                (content,) = self._overlays[place].next
                self._overlays[place].next = []
        finally:
            del self._overlays[place]


def _left_out(quarantined: tuple[str, ...]) -> str:
    named = ", ".join(map(to_lsp.visible, quarantined[:3]))
    more = f" and {len(quarantined) - 3} more" * (len(quarantined) > 3)
    return f"Left out, because it stops the parser: {named}{more}."


async def _close(opening: asyncio.Task[RemoteWorkspace]) -> None:
    with suppress(Exception):
        await (await opening).close()
