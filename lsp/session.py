"""The state of one connection. Only the event loop changes it."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from lsprotocol import types

from context.host import RemoteWorkspace
from context.indexer import IndexProgress
from context.parsing import Skipped, read_source
from context.text import Span, Text, content_hash
from lsp import from_lsp, to_lsp
from lsp.capabilities import ClientCapabilities, read_capabilities
from lsp.documents import Documents
from lsp.errors import REQUEST_FAILED, Failure, Stale, failure_of
from lsp.others import OtherDiagnostics
from lsp.progress import Progress
from lsp.recording import Recorder
from lsp.settings import Settings
from lsp.traces import Kind, Note, Notes
from lsp.wire import Wire
from models import backends, hardware, weights
from models.backends.endpoint import Endpoint, parse_endpoint
from models.backends.scripted import ScriptedBackend
from models.backends.transformers import TransformersBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ModelUnavailable
from models.findings import Proposal
from models.gate import apply_edits

logger = logging.getLogger(__name__)

GATHER_S = 0.2  # reports of changed files are gathered for so long: a build reports thousands
WATCHED_WALK_S = 300.0  # between walks of everything, where the client or the system reports
UNWATCHED_WALK_S = 30.0  # and where neither does
FIRST_INDEX_S = 20.0  # a first question waits so long for the first index, then asks what is there
_SEVERITY = {
    Kind.SUSPECT: types.DiagnosticSeverity.Information,
    Kind.FINDING: types.DiagnosticSeverity.Warning,
}


class Session:
    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.wire = wire
        self.settings = settings
        self.client: ClientCapabilities = read_capabilities({})
        self.documents = Documents()
        self.notes = Notes()
        self.others = OtherDiagnostics()
        self.recorder = Recorder(settings, self.say)
        self._roots: dict[Path, asyncio.Task[RemoteWorkspace]] = {}
        self._indexing: dict[Path, asyncio.Task[None]] = {}
        self._backend: asyncio.Task[backends.Backend] | None = None
        self._awaited: dict[str, tuple[str, Proposal]] = {}  # uri -> (hash when applied, what)
        self._cancellable: dict[int | str, asyncio.Task[object]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._changed: dict[Path, set[str]] = {}
        self._is_gathering = False
        self.complaints: list[str] = []  # about settings, said once the client listens
        self.first_folders: list[Path] = []  # from initialize, opened at initialized

    # --- workspaces ------------------------------------------------------------------------------

    def add_root(self, root: Path) -> None:
        """Open and index a folder, in the background."""
        if root not in self._roots:
            cache = self.settings.cache_dir
            self._roots[root] = asyncio.ensure_future(RemoteWorkspace.open(root, cache))
            self._indexing[root] = asyncio.ensure_future(self._index(root))

    def remove_root(self, root: Path) -> None:
        indexing, opening = self._indexing.pop(root, None), self._roots.pop(root, None)
        if indexing is not None and opening is not None:
            indexing.cancel()
            self.in_background(self._close_workspace(opening))

    def root_of(self, path: Path) -> Path:
        """The innermost workspace folder around a file. Raises `Failure` when there is none."""
        around = [root for root in self._roots if path.is_relative_to(root)]
        if around:
            return max(around, key=lambda root: len(root.parts))
        raise Failure(
            REQUEST_FAILED,
            f"{path.name} is in no open workspace folder; open its folder in the editor."
            if self._roots
            else "No workspace folder is open; open a folder in the editor.",
        )

    def any_root(self) -> Path:
        if not self._roots:
            raise Failure(REQUEST_FAILED, "No workspace folder is open; open a folder.")
        return next(iter(self._roots))

    async def workspace(self, root: Path) -> RemoteWorkspace:
        """The folder's workspace, after its first index or a while."""
        workspace = await asyncio.shield(self._roots[root])
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._indexing[root]), FIRST_INDEX_S)
        return workspace

    async def _index(self, root: Path) -> None:
        progress = await Progress.start(
            self.wire, f"Postil: indexing {root.name}", given=None, can_create=self.client.progress
        )

        def on_progress(at: IndexProgress) -> None:
            if at.is_walked:
                percentage = 100 * at.done // at.total if at.total else 100
                progress.report(f"{at.done} of {at.total} files", percentage)
            else:  # a share of what is not known yet would go down again
                progress.report(f"{at.done} files so far")

        try:
            workspace = await asyncio.shield(self._roots[root])
            # Before the walk: what changes between the two is told, or found, or both.
            why_not = None if self.client.watches else await workspace.watch()
            summary = await workspace.index(on_progress)
            logger.info("indexed %d files, %d symbols", summary.files, summary.symbols)
            if summary.quarantined:
                named = ", ".join(map(to_lsp.visible, summary.quarantined[:3]))
                more = f" and {len(summary.quarantined) - 3} more" * (len(summary.quarantined) > 3)
                self.say(f"Left out, because it stops the parser: {named}{more}.")
            self.in_background(self._reconcile(root, workspace, why_not))
        except Exception as error:
            failure = failure_of(error)
            self.say(str(failure) if failure else "Indexing failed; Postil's log says where.")
            if failure is None:
                logger.exception("indexing failed")
        finally:
            progress.end()

    async def _close_workspace(self, opening: asyncio.Task[RemoteWorkspace]) -> None:
        with suppress(Exception):
            await (await opening).close()

    # --- texts -----------------------------------------------------------------------------------

    def text_of(self, uri: str) -> Text:
        """Current text: the open document, else the file. Raises `Failure`."""
        if document := self.documents.get(uri):
            return document.text
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
            raise Stale(uri.rpartition("/")[2])

    def relative(self, uri: str) -> tuple[Path, str]:
        """(workspace folder, path in it with /) of a file."""
        path = from_lsp.path(uri)
        if path is None:
            raise Failure(REQUEST_FAILED, "Postil works on files only.")
        root = self.root_of(path)
        return root, path.relative_to(root).as_posix()

    def uri_of(self, root: Path, path: str) -> str:
        """The client's own spelling for an open document, ours for a file."""
        return to_lsp.uri(root / path)

    def sources(self, root: Path, paths: Mapping[str, object]) -> dict[str, str]:
        return {path: self.text_of(self.uri_of(root, path)).content for path in paths}

    def show_buffer(self, uri: str) -> None:
        """Let the index see an open document; in the background, newest text wins."""
        document = self.documents.get(uri)
        with suppress(Failure):
            root, path = self.relative(uri)
            content = document.text.content if document else None
            self.in_background(self._overlay(root, path, content))

    def files_changed(self, uris: list[str]) -> None:
        """Files on disk changed: bring the index up to date, soon and once for many."""
        for uri in uris:
            with suppress(Failure):
                root, path = self.relative(uri)
                self._changed.setdefault(root, set()).add(path)
        if self._changed and not self._is_gathering:
            self._is_gathering = True
            self.in_background(self._refresh_changed())

    async def _refresh_changed(self) -> None:
        await asyncio.sleep(GATHER_S)
        self._is_gathering = False
        changed, self._changed = self._changed, {}
        for root, paths in changed.items():
            if root in self._roots:
                await (await self.workspace(root)).refresh(sorted(paths))

    async def _reconcile(self, root: Path, workspace: RemoteWorkspace, why_not: str | None) -> None:
        """Walk now and then, whatever anyone reported: the files are the truth.

        `why_not`: why nobody reports, if so.
        """
        if why_not:
            logger.info("%s", why_not)
        pause_s = UNWATCHED_WALK_S if why_not else WATCHED_WALK_S
        while root in self._roots:
            await asyncio.sleep(pause_s)
            started = time.monotonic()
            await workspace.index(lambda _: None)
            # never more than a fiftieth of one core, however large the workspace
            pause_s = max(pause_s, 50 * (time.monotonic() - started))

    async def _overlay(self, root: Path, path: str, content: str | None) -> None:
        workspace = await self.workspace(root)
        await workspace.set_overlay(path, content)

    # --- the model -------------------------------------------------------------------------------

    async def backend(self) -> backends.Backend:
        """The model, loaded on first need. Raises `ModelUnavailable`, `WeightsRefused`."""
        if self._backend is not None and self._backend.done() and self._backend.exception():
            self._backend = None
        if self._backend is None:
            self._backend = asyncio.ensure_future(open_backend(self.settings))
        return await asyncio.shield(self._backend)

    def status(self) -> dict[str, object]:
        """For a person: what is indexed, which model is loaded."""
        loaded = None
        if self._backend is not None and self._backend.done() and not self._backend.exception():
            info = self._backend.result().info
            loaded = f"{info.name} ({info.backend}, {info.device})"
        return {
            "folders": {
                str(root): "indexed" if task.done() else "indexing"
                for root, task in self._indexing.items()
            },
            "model": loaded or _not_loaded(self.settings),
            "endpoints": _endpoint_words(self.settings),
            "effort": self.settings.effort.value,
        }

    # --- what is shown ---------------------------------------------------------------------------

    def say(self, sentence: str) -> None:
        params = types.ShowMessageParams(types.MessageType.Warning, sentence)
        self.wire.notify("window/showMessage", params)

    def publish(self, uri: str) -> None:
        """Send all of a document's diagnostics."""
        document = self.documents.get(uri)
        try:
            text = self.text_of(uri)
        except Failure:
            text = Text("")
        shown = [note for note in self.notes.of(uri) if note.kind in _SEVERITY]
        diagnostics = [self._diagnostic(text, note) for note in shown if note.span.end <= len(text)]
        version = document.version if document else None
        params = types.PublishDiagnosticsParams(uri, diagnostics, version)
        self.wire.notify("textDocument/publishDiagnostics", params)

    def _diagnostic(self, text: Text, note: Note) -> types.Diagnostic:
        related: list[types.DiagnosticRelatedInformation] = []
        for uri in self.notes.uris():
            for other in self.notes.of(uri):
                if other is note or other.kind is not Kind.SUSPECT or len(related) >= 5:
                    continue
                with suppress(Failure, ValueError):
                    range_ = to_lsp.range_(self.text_of(uri), other.span, self.client.encoding)
                    location = types.Location(uri, range_)
                    related.append(types.DiagnosticRelatedInformation(location, other.message))
        return types.Diagnostic(
            range=to_lsp.range_(text, note.span, self.client.encoding),
            message=note.message,
            severity=_SEVERITY[note.kind],
            code=note.kind.value,
            source=to_lsp.SOURCE,
            related_information=related if note.kind is Kind.FINDING else None,
        )

    def clear(self) -> None:
        for uri in self.notes.clear():
            self.publish(uri)

    # --- edits -----------------------------------------------------------------------------------

    def await_applied(self, root: Path, proposal: Proposal) -> None:
        """Remember what each file is once the user applies this, so that a hover can tell."""
        for path in dict.fromkeys(edit.path for edit in proposal.edits):
            uri = self.uri_of(root, path)
            mine = [edit for edit in proposal.edits if edit.path == path]
            after = apply_edits(self.text_of(uri).content, mine)
            self._awaited[uri] = (content_hash(after), proposal)

    def note_applied(self, uri: str) -> None:
        """After a change: if the document now is what a proposal makes of it, mark its spans."""
        expected, document = self._awaited.get(uri), self.documents.get(uri)
        if expected is None or document is None:
            return
        after_hash, proposal = expected
        if content_hash(document.text.content) != after_hash:
            return
        del self._awaited[uri]
        self.recorder.applied(proposal)
        _, path = self.relative(uri)
        shift = 0
        for edit in sorted(
            (e for e in proposal.edits if e.path == path), key=lambda e: e.span.start
        ):
            start = edit.span.start + shift
            shift += len(edit.new_text) - (edit.span.end - edit.span.start)
            body = edit.new_text.rstrip("\r\n")
            hover = to_lsp.edit_hover([edit], proposal.title, proposal.provenance)
            trace = to_lsp.trace_text(proposal.provenance)
            span = Span(start, start + len(body))
            self.notes.add(Note(Kind.APPLIED, uri, span, edit.reason, hover, trace))

    # --- work ------------------------------------------------------------------------------------

    def in_background(self, work: object) -> None:
        async def run() -> None:
            try:
                await work  # type: ignore[misc]
            except Exception as error:
                if failure_of(error) is None:
                    logger.exception("background work failed")

        task = asyncio.ensure_future(run())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    @asynccontextmanager
    async def working(self, title: str, token: int | str | None) -> AsyncGenerator[Progress, None]:
        """Progress around a piece of work whose cancel button cancels the current task."""
        progress = await Progress.start(
            self.wire, title, given=token, can_create=self.client.progress
        )
        task = asyncio.current_task()
        shown = progress.token
        if task is not None and shown is not None:
            self._cancellable[shown] = task
        try:
            yield progress
        finally:
            if shown is not None:
                self._cancellable.pop(shown, None)
            progress.end()

    def cancel_work(self, token: int | str) -> None:
        if task := self._cancellable.get(token):
            task.cancel()

    async def close(self) -> None:
        for task in (*self._background, *self._indexing.values()):
            task.cancel()
        for opening in self._roots.values():
            await self._close_workspace(opening)
        if self._backend is not None and self._backend.done():
            with suppress(Exception):
                await self._backend.result().close()


def _not_loaded(settings: Settings) -> str:
    if settings.endpoints and settings.model != "none":
        return f"{settings.endpoint_model or 'the first'} of the endpoints (asked on first need)"
    return f"{settings.model} (loaded on first need)"


def _endpoint_words(settings: Settings) -> list[str]:
    """For a person: the servers that code is sent to, or why one is not asked."""
    words = []
    for url in settings.endpoints:
        try:
            words.append(_endpoint(settings, url).shown)
        except ModelUnavailable as error:
            words.append(str(error))
    return words


def _endpoint(settings: Settings, url: str) -> Endpoint:
    return parse_endpoint(
        url,
        settings.allowed_hosts,
        kind=settings.endpoint_kind,
        model=settings.endpoint_model,
        format_=settings.endpoint_format,
        key=os.environ.get(settings.api_key_variable, ""),
        ca_file=settings.ca_file,
    )


async def open_backend(settings: Settings) -> backends.Backend:
    """The backend that the settings ask for. Raises `ModelError`: `ModelUnavailable`, ..."""
    if settings.model == "none":
        raise ModelUnavailable("The model is switched off (setting model: none).")
    kind, _, file = settings.model.partition(":")
    if kind == "scripted" and file:
        return ScriptedBackend.from_file(Path(file))
    if kind == "transformers" and file:
        threads = settings.n_threads or None
        return await TransformersBackend.start(
            Path(file).expanduser(), settings.model_digest, n_threads=threads
        )
    if settings.endpoints:
        return await _open_endpoints([_endpoint(settings, url) for url in settings.endpoints])
    free = hardware.free_memory_bytes()
    entry, weights_file = weights.choose(settings.model, settings.models_dir, free)
    return await LlamaCppBackend.start(entry, weights_file, settings.worker_options)


async def _open_endpoints(endpoints: list[Endpoint]) -> backends.Backend:
    """The only way to code that can open a connection: imported when a user names an endpoint."""
    if importlib.util.find_spec("httpx2") is None:
        raise ModelUnavailable(
            "Endpoints need an HTTP client, which is not installed by default: "
            "pip install 'postil[network]'."
        )
    from models.backends.network import open_endpoints

    return await open_endpoints(endpoints)
