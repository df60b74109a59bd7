"""What the client can do, read once, and what we offer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from context.languages import LANGUAGES
from context.scan import TEXT_EXTENSIONS
from lsp.from_lsp import Encoding

FIND_BUGS_KIND = "source.postil.findBugs"
LOCATE_KIND = "source.postil.locate"
EXPLAIN_KIND = "source.postil.explain"
SIMPLIFY_KIND = "refactor.rewrite.simplify"
CHANGE_KIND = "refactor.rewrite.change"
MODERNISE_KIND = "refactor.rewrite.modernise"
ADD_TYPES_KIND = "refactor.rewrite.addTypes"
DOCUMENT_KIND = "refactor.rewrite.document"
WRITE_TEST_KIND = "refactor.rewrite.writeTest"
ACTION_KINDS = (
    types.CodeActionKind.QuickFix,
    types.CodeActionKind.RefactorExtract,
    SIMPLIFY_KIND,
    CHANGE_KIND,
    MODERNISE_KIND,
    ADD_TYPES_KIND,
    DOCUMENT_KIND,
    WRITE_TEST_KIND,
    FIND_BUGS_KIND,
    LOCATE_KIND,
    EXPLAIN_KIND,
)


@dataclass(frozen=True, slots=True)
class ClientCapabilities:
    encoding: Encoding
    resolves_edits: bool  # codeAction/resolve may bring the edit
    document_changes: bool  # takes versioned edits
    annotates: bool  # shows a change annotation, and asks where one needs confirmation
    creates_files: bool  # takes an edit that makes a file
    tags_actions: bool  # knows CodeActionTag.LLMGenerated
    markdown: bool  # in hovers
    progress: bool  # takes window/workDoneProgress/create
    watches: bool  # reports changed files when asked with client/registerCapability


def read_capabilities(raw: Mapping[str, Any]) -> ClientCapabilities:
    """From the client's raw capabilities, which may lack anything."""
    offered = _at(raw, "general", "positionEncodings") or []
    known = [Encoding(name) for name in offered if name in list(Encoding)]
    edit = _at(raw, "workspace", "workspaceEdit") or {}
    action = _at(raw, "textDocument", "codeAction") or {}
    tags = _at(action, "tagSupport", "valueSet") or []
    formats = _at(raw, "textDocument", "hover", "contentFormat") or []
    return ClientCapabilities(
        encoding=known[0] if known else Encoding.UTF16,
        resolves_edits="edit" in (_at(action, "resolveSupport", "properties") or []),
        document_changes=bool(edit.get("documentChanges")),
        annotates=edit.get("changeAnnotationSupport") is not None,
        creates_files="create" in (edit.get("resourceOperations") or []),
        tags_actions=types.CodeActionTag.LlmGenerated.value in tags,
        markdown=types.MarkupKind.Markdown.value in formats,
        progress=bool(_at(raw, "window", "workDoneProgress")),
        watches=bool(_at(raw, "workspace", "didChangeWatchedFiles", "dynamicRegistration")),
    )


def server_capabilities(
    client: ClientCapabilities, commands: list[str]
) -> types.ServerCapabilities:
    return types.ServerCapabilities(
        position_encoding=types.PositionEncodingKind(client.encoding.value),
        text_document_sync=types.TextDocumentSyncOptions(
            open_close=True,
            change=types.TextDocumentSyncKind.Incremental,
            save=types.SaveOptions(include_text=False),
        ),
        hover_provider=True,
        code_action_provider=types.CodeActionOptions(
            code_action_kinds=list(ACTION_KINDS), resolve_provider=client.resolves_edits
        ),
        execute_command_provider=types.ExecuteCommandOptions(
            commands=commands, work_done_progress=True
        ),
        workspace=types.WorkspaceOptions(
            workspace_folders=types.WorkspaceFoldersServerCapabilities(
                supported=True, change_notifications=True
            )
        ),
    )


def watched_files() -> types.RegistrationParams:
    """Asks the client to report changes of what we index, and of the rules that leave files out."""
    extensions = {e for language in LANGUAGES for e in language.extensions} | TEXT_EXTENSIONS
    names = ",".join(sorted(e.removeprefix(".") for e in extensions))
    watchers = [
        types.FileSystemWatcher(glob_pattern=pattern)
        for pattern in (f"**/*.{{{names}}}", "**/.gitignore")
    ]
    options = types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers)
    method = "workspace/didChangeWatchedFiles"
    return types.RegistrationParams(
        registrations=[
            types.Registration(id="postil-files", method=method, register_options=options)
        ]
    )


def _at(raw: Any, *names: str) -> Any:
    for name in names:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return raw
