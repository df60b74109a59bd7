"""The state of one connection, and what all jobs ask of it. Only the event loop changes it.

What has a subject of its own is a part: folders and their indexes, the model, diagnostics, the
status. This is where the parts meet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from context.checking import CheckRun
from context.host import RemoteWorkspace
from context.parsing import MAX_FILE_BYTES, Skipped, read_source
from context.text import Text
from lsp import from_lsp, to_lsp
from lsp.applied import AppliedEdits
from lsp.backend import Model
from lsp.background import Background
from lsp.capabilities import ClientCapabilities
from lsp.diagnostics import Diagnostics
from lsp.dismissed import Dismissed, fingerprint
from lsp.documents import Document, Documents, Key, name_of
from lsp.errors import REQUEST_FAILED, Failure, Stale
from lsp.folders import Folders
from lsp.newest import Newest
from lsp.others import OtherDiagnostics
from lsp.progress import Progress
from lsp.recording import Recorder
from lsp.registrations import Switches
from lsp.settings import Settings
from lsp.status import Status, Teller, status_of, untrusted_advice
from lsp.traces import Note, Notes
from lsp.wire import Wire
from models import backends
from models.asking import thinking_within
from models.findings import Proposal

if TYPE_CHECKING:
    from lsp.jobs.locating import LocateOutcome


@dataclass(frozen=True, slots=True)
class LastReport:
    """What was located last, to be located again."""

    root: Path
    report: str


class Session:
    """Made after `initialize`, with what that said."""

    def __init__(
        self, wire: Wire, settings: Settings, client: ClientCapabilities, *, is_pulled: bool = False
    ) -> None:
        self.wire = wire
        self.settings = settings
        self.client = client
        self.trusted = True  # whether the user trusts the workspace (postil/trust)
        self.documents = Documents()
        self.dismissed = Dismissed(settings.data_dir)
        self.notes = Notes(self.is_dismissed)
        self.others = OtherDiagnostics()
        self.recorder = Recorder(settings, self.say)
        self.last_report: LastReport | None = None
        self.check_runs: dict[str, CheckRun] = {}  # of the check command, by command and contents
        self.advice = ""  # about this machine, once it was looked at
        self.has_started = False
        self.background = Background()
        self.teller = Teller(self.status, self._tell_status)
        self.folders = Folders(
            self.background,
            self._start_progress,
            self.say,
            self.changed,
            self._show_unsaved_below,
        )
        self.model = Model(settings, self.background, self.jobs, self.changed)
        self.shown = Diagnostics(wire, self.notes, self.documents, client, is_pulled=is_pulled)
        self.switches = Switches(wire, self.background, client)
        self.switches.started_with(settings)
        self.completions: Newest[str] = Newest()
        self.reviews: dict[Key, Newest[None]] = {}  # of saved documents, by document
        self.reports: Newest[LocateOutcome] = Newest()
        self.located = ""  # the remark that the last report led to, by its id
        self._applied = AppliedEdits()
        self._is_refreshing = False
        self._jobs: dict[asyncio.Task[object], str] = {}  # with the title of each
        self._cancellable: dict[int | str, asyncio.Task[object]] = {}

    # --- workspaces ------------------------------------------------------------------------------

    def add_root(self, root: Path) -> None:
        """Open and index a folder, in the background."""
        self.folders.add(root, self.settings.cache_dir, is_watched=self.client.watches)

    def root_of(self, path: Path) -> Path:
        """The innermost workspace folder around a file. Raises `Failure` when there is none."""
        return self.folders.root_of(path)

    def any_root(self) -> Path:
        return self.folders.any_root()

    async def workspace(self, root: Path) -> RemoteWorkspace:
        """The folder's workspace, after its first index and with the buffers, or after a while."""
        return await self.folders.workspace(root)

    # --- texts -----------------------------------------------------------------------------------

    def text_of(self, uri: str) -> Text:
        """Current text: the open document, else the file. Raises `Failure`."""
        if document := self.documents.get(uri):
            return document.text
        if self.documents.is_lost(uri):
            raise Failure(REQUEST_FAILED, _lost(uri))
        path = from_lsp.path(uri)
        if path is None:
            raise Failure(REQUEST_FAILED, "Postil works on files only.")
        try:
            return Text(read_source(path.parent, path.name))
        except Skipped as reason:
            raise Failure(REQUEST_FAILED, f"{path.name} cannot be read ({reason}).") from reason

    def refuse_other_version(self, uri: str, version: int | None) -> None:
        """Raises `Stale` when the open document is not of the version that was asked about."""
        document = self.documents.get(uri)
        if document is not None and version is not None and document.version != version:
            raise Stale(name_of(uri))

    def relative(self, uri: str) -> tuple[Path, str]:
        """(workspace folder, path in it with /) of a file."""
        path = from_lsp.path(uri)
        if path is None:
            raise Failure(REQUEST_FAILED, "Postil works on files only.")
        root = self.root_of(path)
        return root, path.relative_to(root).as_posix()

    def uri_of(self, root: Path, path: str) -> str:
        """The client's own spelling of a file that it ever opened, ours of any other."""
        return self.documents.spelling(root / path) or to_lsp.uri(root / path)

    def sources(self, root: Path, paths: Mapping[str, object]) -> dict[str, str]:
        return {path: self.text_of(self.uri_of(root, path)).content for path in paths}

    def open_texts(self, root: Path) -> dict[str, str]:
        """Text by path of every open document of a folder: newer than what the index has."""
        below = self.documents.below(root)
        return {path: document.text.content for path, document in below.items()}

    def opened(self, document: Document, *, was_open: bool) -> None:
        """A document came with its text, which need not be its file's: an editor restores some.

        `was_open`: it came once before, and the indexes may have the text of then.
        """
        uri = document.uri
        self.note_applied(uri)
        if self.notes.of(uri):
            self.notes.meet(uri, document.text)
            self.publish(uri)
        if was_open:
            self.show_buffer(uri)
        else:
            self._show_unsaved(document)

    def closed(self, uri: str) -> None:
        """What was not saved is gone, and the file counts again."""
        self.show_buffer(uri)
        self._read_again(uri)

    def lost(self, uri: str) -> None:
        """A change of a document could not be made, so nothing is known of its text."""
        self.say(_lost(uri))
        self.others.forget(uri)
        self._forget_notes(uri)
        self.show_buffer(uri)

    def show_buffer(self, uri: str) -> None:
        """Let the indexes see an open document; in the background, newest text wins."""
        document = self.documents.get(uri)
        if document is not None and len(document.text) > MAX_FILE_BYTES:
            return  # too large to be indexed
        for root, path in self._places(uri):
            self.folders.overlay(root, path, document.text.content if document else None)

    def _show_unsaved(self, document: Document) -> None:
        """`show_buffer` where the file has another text: to open one costs its index nothing."""
        if document.text.content != _on_disk(document.uri):
            self.show_buffer(document.uri)

    def _show_unsaved_below(self, root: Path) -> None:
        """For an index that has just been opened."""
        for document in self.documents.below(root).values():
            self._show_unsaved(document)

    def _places(self, uri: str) -> list[tuple[Path, str]]:
        """(workspace folder, path in it with /) for every folder around a file."""
        path = from_lsp.path(uri)
        if path is None:
            return []
        return [
            (root, path.relative_to(root).as_posix()) for root in self.folders.roots_around(path)
        ]

    def files_changed(self, uris: Sequence[str]) -> None:
        """Files on disk changed: bring the indexes up to date, soon and once for many."""
        self.folders.files_changed(place for uri in uris for place in self._places(uri))
        changed = {from_lsp.path(uri) for uri in uris}
        for uri in self.notes.uris():  # a folder that is gone is told of alone
            path = from_lsp.path(uri)
            if path is not None and not changed.isdisjoint((path, *path.parents)):
                self._read_again(uri)

    def remove_root(self, root: Path) -> None:
        """Close a folder; what was said about files that now are in none is taken back."""
        self.folders.remove(root)
        for uri in self.notes.uris():
            if not self._places(uri):
                self._forget_notes(uri)

    def _read_again(self, uri: str) -> None:
        """Take a file's notes along to what it is on disk now, unless a document is open."""
        if self.documents.get(uri) is not None or not self.notes.of(uri):
            return
        content = _on_disk(uri)
        if content is None:
            self._forget_notes(uri)
        elif self.notes.meet(uri, Text(content)):
            self.publish(uri)

    def _forget_notes(self, uri: str) -> None:
        if self.notes.of(uri):
            self.notes.forget(uri)
            self.publish(uri)

    # --- the model -------------------------------------------------------------------------------

    async def backend(self) -> backends.Backend:
        """The model, loaded on first need. Raises `ModelUnavailable`, `WeightsRefused`."""
        return await self.model.get()

    def use_settings(self, settings: Settings) -> None:
        """Other settings from now on; running jobs end with those that they began with."""
        before, self.settings = self.settings, settings
        if before == settings:
            return
        if (before.data_dir, before.record) != (settings.data_dir, settings.record):
            self.dismissed = Dismissed(settings.data_dir)
            self.recorder = Recorder(settings, self.say)
        self.folders.keep_in(settings.cache_dir)
        self.model.change(settings)
        self.switches.follow(settings)

    # --- what is shown ---------------------------------------------------------------------------

    def say(self, sentence: str) -> None:
        params = types.ShowMessageParams(types.MessageType.Warning, sentence)
        self.wire.notify("window/showMessage", params)

    def show_document(self, uri: str) -> None:
        """Open a document in the editor, where the editor lets itself be asked."""
        if self.client.shows_documents:
            params = {"uri": uri, "external": False, "takeFocus": True}
            self.in_background(self.wire.request("window/showDocument", params))

    def publish(self, uri: str) -> None:
        """A document's diagnostics may have changed, and what stands above its lines."""
        self.shown.publish(uri)
        if self.settings.code_lens and self.client.refreshes_lenses and not self._is_refreshing:
            self._is_refreshing = True
            self.in_background(self._refresh_lenses())

    async def _refresh_lenses(self) -> None:
        await asyncio.sleep(0)  # a run marks many documents at once
        self._is_refreshing = False
        await self.wire.request("workspace/codeLens/refresh", None)

    def clear(self) -> None:
        for uri in self.notes.clear():
            self.publish(uri)

    def is_dismissed(self, note: Note, text: Text) -> bool:
        return self._fingerprint(note, text) in self.dismissed

    def dismiss(self, note: Note) -> None:
        """Take a remark away for good: the same code will not get it again."""
        entry = self._fingerprint(note, self.notes.text(note.uri))
        try:
            self.dismissed.add(entry)
        except OSError as error:
            self.say(f"What you dismissed cannot be remembered ({error.strerror}).")
        self.notes.remove(note.id)
        self.publish(note.uri)

    def _fingerprint(self, note: Note, text: Text) -> str:
        path = from_lsp.path(note.uri)
        place = path.as_posix() if path is not None else note.uri
        return fingerprint(note.kind.value, place, note.symbol, text.slice(note.span))

    def status(self) -> Status:
        return status_of(
            self.settings,
            self.folders.all,
            self.model,
            tuple(self._jobs.values()),
            has_started=self.has_started,
            advice=untrusted_advice(self.settings, is_trusted=self.trusted) or self.advice,
        )

    def changed(self) -> None:
        """What the status says may have changed."""
        if self.client.told_status:
            self.teller.changed()

    def _tell_status(self, status: Status) -> None:
        self.wire.notify("postil/status", status.as_data())

    # --- edits -----------------------------------------------------------------------------------

    def await_applied(self, root: Path, proposal: Proposal) -> None:
        """Remember what each file is once the user applies this, so that a hover can tell."""
        self._applied.await_(
            root,
            proposal,
            lambda path: self.uri_of(root, path),
            lambda uri: self.text_of(uri).content,
        )

    def note_applied(self, uri: str) -> None:
        """After a change: if the document now is what a proposal makes of it, mark its spans."""
        document = self.documents.get(uri)
        if document is not None and (seen := self._applied.seen(document)):
            proposal, notes = seen
            self.recorder.applied(proposal)
            for note in notes:
                self.notes.add(note, document.text)

    # --- work ------------------------------------------------------------------------------------

    def in_background(self, work: Awaitable[Any]) -> None:
        self.background.run(work)

    def jobs(self) -> list[asyncio.Task[object]]:
        return list(self._jobs)

    @asynccontextmanager
    async def working(self, title: str, token: int | str | None) -> AsyncGenerator[Progress, None]:
        """A piece of work with progress, which its cancel button and `postil.stop` cancel."""
        task = asyncio.current_task()
        assert task is not None
        outer = self._jobs.get(task)  # a job may call another
        self._jobs[task] = title
        self.changed()
        shown: int | str | None = None
        try:
            progress = await Progress.start(
                self.wire,
                title,
                given=token,
                can_create=self.client.progress,
                streams=self.client.told_thinking,
            )
            shown = progress.token
            if shown is not None:
                self._cancellable[shown] = task
            try:
                with thinking_within(self.settings.thinking_seconds):
                    yield progress
            finally:
                progress.end()
        finally:
            if shown is not None:
                self._cancellable.pop(shown, None)
            if outer is None:
                del self._jobs[task]
            else:
                self._jobs[task] = outer
            self.changed()

    def cancel_work(self, token: int | str) -> None:
        if task := self._cancellable.get(token):
            task.cancel()

    def stop(self) -> int:
        """Cancel what runs; how many jobs that were."""
        jobs = self.jobs()
        for task in jobs:
            task.cancel()
        return len(jobs)

    def _start_progress(self, title: str) -> asyncio.Task[Progress]:
        can_create = self.client.progress
        return asyncio.ensure_future(
            Progress.start(
                self.wire, title, given=None, can_create=can_create, is_cancellable=False
            )
        )

    async def close(self) -> None:
        self.teller.stop()
        self.background.cancel()
        await self.folders.close()
        await self.model.close()


def _on_disk(uri: str) -> str | None:
    """A file's text; None where it cannot be read, or is none."""
    path = from_lsp.path(uri)
    try:
        return read_source(path.parent, path.name) if path else None
    except Skipped:
        return None


def _lost(uri: str) -> str:
    return f"Postil has lost track of {name_of(uri)}; close it in the editor and open it again."
