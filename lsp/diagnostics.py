"""Notes of ours as diagnostics: sent when they change, or handed out when the client asks.

Never both ways. For a client that asks, each document has a result id, which changes exactly when
its diagnostics do, so that a second question costs a few bytes. No file is read here: a note comes
with the text that it is about, and whoever types publishes with each key.

A document goes by the client's own spelling of its URI. Where that was not known when diagnostics
were first sent, they are taken back under ours: an editor may take the two for two documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

from lsprotocol import types

from context.text import Text
from lsp import to_lsp
from lsp.capabilities import TRACE_SCHEME, ClientCapabilities
from lsp.documents import Documents, Key, key_of
from lsp.errors import Failure
from lsp.traces import Kind, Note, Notes, digest_id
from lsp.wire import Wire

MAX_RELATED = 5
_SEVERITY = {
    Kind.SUSPECT: types.DiagnosticSeverity.Information,
    Kind.FINDING: types.DiagnosticSeverity.Warning,
}


class Diagnostics:
    """Only the event loop uses it."""

    def __init__(
        self,
        wire: Wire,
        notes: Notes,
        documents: Documents,
        client: ClientCapabilities,
        *,
        is_pulled: bool,
    ) -> None:
        self._wire = wire
        self._notes = notes
        self._documents = documents
        self._client = client
        self._is_pulled = is_pulled
        self._refreshing: asyncio.Task[object] | None = None
        self._sent: dict[Key, str] = {}  # by which URI, where any were sent

    def publish(self, uri: str) -> None:
        """A document's diagnostics may have changed: send all of them, or have the client ask."""
        if self._is_pulled:
            self._refresh()
            return
        diagnostics, uri = self.of(uri), self._documents.spelled(uri)
        before = self._sent.pop(key_of(uri), uri)
        if before != uri:
            self._send(before, [])
        if diagnostics:
            self._sent[key_of(uri)] = uri
        self._send(uri, diagnostics)

    def _send(self, uri: str, diagnostics: list[types.Diagnostic]) -> None:
        params = types.PublishDiagnosticsParams(uri, diagnostics, self._version(uri))
        self._wire.notify("textDocument/publishDiagnostics", params)

    def moved(self, uri: str) -> None:
        """An edit moved a document's diagnostics. Who asks for them asks after each edit anyway."""
        if not self._is_pulled:
            self.publish(uri)

    def of(self, uri: str) -> list[types.Diagnostic]:
        text = self._notes.text(uri)
        return [
            self._diagnostic(text, note) for note in self._notes.of(uri) if note.kind in _SEVERITY
        ]

    def report(
        self, uri: str, previous: str | None
    ) -> types.FullDocumentDiagnosticReport | types.UnchangedDocumentDiagnosticReport:
        items = self.of(uri)
        result_id = digest_id(uri, *items)
        if previous == result_id:
            return types.UnchangedDocumentDiagnosticReport(result_id)
        return types.FullDocumentDiagnosticReport(items, result_id=result_id)

    def reports(
        self, previous: Mapping[str, str]
    ) -> Iterable[types.WorkspaceDocumentDiagnosticReport]:
        """Of every document that has diagnostics, or had them when `previous` was given out.

        `previous` holds the result ids that the client knows, by document.
        """
        told = {key_of(uri): uri for uri in previous}  # as the client spells what it never opened
        now: dict[Key, str] = {}
        for uri in (*self._notes.uris(), *previous):
            key = key_of(uri)
            now.setdefault(key, self._documents.spelling(key) or told.get(key, uri))
        for uri in previous:
            if uri != now[key_of(uri)]:
                yield types.WorkspaceFullDocumentDiagnosticReport(uri, [])
        for uri in now.values():
            report = self.report(uri, previous.get(uri))
            version = self._version(uri)
            if isinstance(report, types.FullDocumentDiagnosticReport):
                if report.items or uri in previous:
                    yield types.WorkspaceFullDocumentDiagnosticReport(
                        uri, report.items, version, result_id=report.result_id
                    )
            else:
                yield types.WorkspaceUnchangedDocumentDiagnosticReport(
                    uri, report.result_id, version
                )

    def _version(self, uri: str) -> int | None:
        document = self._documents.get(uri)
        return document.version if document else None

    def _refresh(self) -> None:
        """One question to ask again at a time; changes while it is on its way need no other."""
        if not self._client.refreshes or self._refreshing is not None:
            return
        self._refreshing = asyncio.ensure_future(self._ask_to_refresh())

    async def _ask_to_refresh(self) -> None:
        await asyncio.sleep(0)  # a run marks many documents at once
        self._refreshing = None
        with suppress(Failure):
            await self._wire.request("workspace/diagnostic/refresh", None)

    def _diagnostic(self, text: Text, note: Note) -> types.Diagnostic:
        diagnostic = types.Diagnostic(
            range=to_lsp.range_(text, note.span, self._client.encoding),
            message=note.message,
            severity=_SEVERITY[note.kind],
            code=note.kind.value,
            source=to_lsp.SOURCE,
            data={"id": note.id},
        )
        if note.kind is Kind.FINDING:
            diagnostic.related_information = self._related(note)
        if note.provenance is not None and self._follows_links:
            href = f"{TRACE_SCHEME}:/{note.id}.txt"
            diagnostic.code_description = types.CodeDescription(href)
        return diagnostic

    @property
    def _follows_links(self) -> bool:
        """Whether the client opens the reasoning behind a code; else the link leads nowhere."""
        return self._client.describes_codes and self._client.opens_content

    def _related(self, note: Note) -> list[types.DiagnosticRelatedInformation]:
        related: list[types.DiagnosticRelatedInformation] = []
        for uri in self._notes.uris():
            text, spelled = self._notes.text(uri), self._documents.spelled(uri)
            for other in self._notes.of(uri):
                if other is note or other.kind is not Kind.SUSPECT or len(related) >= MAX_RELATED:
                    continue
                range_ = to_lsp.range_(text, other.span, self._client.encoding)
                location = types.Location(spelled, range_)
                related.append(types.DiagnosticRelatedInformation(location, other.message))
        return related
