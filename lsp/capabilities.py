"""What the client can do, read once, and what we offer it.

Plain data on both sides: this much must be there before `initialize` is answered, and the
protocol's types take longer to import than a client should wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsp.from_lsp import Encoding

QUICK_FIX = "quickfix"
EXTRACT_KIND = "refactor.extract"
FIND_BUGS_KIND = "source.postil.findBugs"
LOCATE_KIND = "source.postil.locate"
FIX_TEST_KIND = "source.postil.fixTest"
EXPLAIN_KIND = "source.postil.explain"
TRACE_KIND = "source.postil.trace"
REVIEW_KIND = "source.review"
INLINE_KIND = "refactor.inline"
RENAME_KIND = "refactor.rewrite.rename"
SPLIT_KIND = "refactor.rewrite.split"
SIMPLIFY_KIND = "refactor.rewrite.simplify"
CHANGE_KIND = "refactor.rewrite.change"
MODERNISE_KIND = "refactor.rewrite.modernise"
ADD_TYPES_KIND = "refactor.rewrite.addTypes"
DOCUMENT_KIND = "refactor.rewrite.document"
WRITE_TEST_KIND = "refactor.rewrite.writeTest"
ACTION_KINDS = (
    QUICK_FIX,
    EXTRACT_KIND,
    INLINE_KIND,
    RENAME_KIND,
    SPLIT_KIND,
    SIMPLIFY_KIND,
    CHANGE_KIND,
    MODERNISE_KIND,
    ADD_TYPES_KIND,
    DOCUMENT_KIND,
    WRITE_TEST_KIND,
    FIND_BUGS_KIND,
    LOCATE_KIND,
    FIX_TEST_KIND,
    EXPLAIN_KIND,
    TRACE_KIND,
    REVIEW_KIND,
)
TRACE_SCHEME, RECEIPT_SCHEME = "postil-trace", "postil-receipt"
LLM_GENERATED = 1  # CodeActionTag.LLMGenerated
_REGISTERED = {
    "textDocument/codeLens": ("textDocument", "codeLens"),
    "textDocument/documentSymbol": ("textDocument", "documentSymbol"),
    "workspace/symbol": ("workspace", "symbol"),
    "textDocument/inlineCompletion": ("textDocument", "inlineCompletion"),
}


@dataclass(frozen=True, slots=True)
class ClientCapabilities:
    encoding: Encoding
    takes_actions: bool  # CodeAction, and not only Command, in a list of actions
    resolves_edits: bool  # codeAction/resolve may bring the edit
    document_changes: bool  # takes versioned edits
    annotates: bool  # shows a change annotation, and asks where one needs confirmation
    creates_files: bool  # takes an edit that makes a file
    tags_actions: bool  # knows CodeActionTag.LLMGenerated
    disables_actions: bool  # shows an action that cannot be had, with the reason
    markdown: bool  # in hovers
    progress: bool  # takes window/workDoneProgress/create
    watches: bool  # reports changed files when asked with client/registerCapability
    pushed_to: bool  # takes textDocument/publishDiagnostics
    pulls: bool  # asks with textDocument/diagnostic
    refreshes: bool  # asks again after workspace/diagnostic/refresh
    describes_codes: bool  # follows a diagnostic's codeDescription
    configured: bool  # answers workspace/configuration
    configures: bool  # registers for workspace/didChangeConfiguration
    opens_content: bool  # shows documents of our own schemes
    shows_documents: bool  # takes window/showDocument
    nests_symbols: bool  # takes documentSymbol as a tree
    refreshes_lenses: bool  # asks again after workspace/codeLens/refresh
    registers: frozenset[str]  # methods that can be offered, and taken back, later
    told_status: bool  # takes postil/status
    told_suspects: bool  # takes postil/suspects
    told_thinking: bool  # takes postil/thinking


def read_capabilities(raw: Mapping[str, Any]) -> ClientCapabilities:
    """From the client's raw capabilities, which may lack anything and hold any nonsense."""
    offered = _list_at(raw, "general", "positionEncodings")
    known = [Encoding(name) for name in offered if name in list(Encoding)]
    action = ("textDocument", "codeAction")
    edit = ("workspace", "workspaceEdit")
    watched = ("workspace", "didChangeWatchedFiles", "dynamicRegistration")
    configures = ("workspace", "didChangeConfiguration", "dynamicRegistration")
    nests = ("textDocument", "documentSymbol", "hierarchicalDocumentSymbolSupport")
    describes = ("textDocument", "publishDiagnostics", "codeDescriptionSupport")
    ours = ("experimental", "postil")
    return ClientCapabilities(
        encoding=known[0] if known else Encoding.UTF16,
        takes_actions=_at(raw, *action, "codeActionLiteralSupport") is not None,
        resolves_edits="edit" in _list_at(raw, *action, "resolveSupport", "properties"),
        document_changes=bool(_at(raw, *edit, "documentChanges")),
        annotates=_at(raw, *edit, "changeAnnotationSupport") is not None,
        creates_files="create" in _list_at(raw, *edit, "resourceOperations"),
        tags_actions=LLM_GENERATED in _list_at(raw, *action, "tagSupport", "valueSet"),
        disables_actions=bool(_at(raw, *action, "disabledSupport")),
        markdown="markdown" in _list_at(raw, "textDocument", "hover", "contentFormat"),
        progress=bool(_at(raw, "window", "workDoneProgress")),
        watches=bool(_at(raw, *watched)),
        pushed_to=_at(raw, "textDocument", "publishDiagnostics") is not None,
        pulls=_at(raw, "textDocument", "diagnostic") is not None,
        refreshes=bool(_at(raw, "workspace", "diagnostics", "refreshSupport")),
        describes_codes=bool(_at(raw, *describes)),
        configured=bool(_at(raw, "workspace", "configuration")),
        configures=bool(_at(raw, *configures)),
        opens_content=_at(raw, "workspace", "textDocumentContent") is not None,
        shows_documents=bool(_at(raw, "window", "showDocument", "support")),
        nests_symbols=bool(_at(raw, *nests)),
        refreshes_lenses=bool(_at(raw, "workspace", "codeLens", "refreshSupport")),
        registers=frozenset(
            method
            for method, names in _REGISTERED.items()
            if _at(raw, *names, "dynamicRegistration")
        ),
        told_status=bool(_at(raw, *ours, "status")),
        told_suspects=bool(_at(raw, *ours, "suspects")),
        told_thinking=bool(_at(raw, *ours, "thinking")),
    )


def pulls_diagnostics(client: ClientCapabilities, *, is_wanted: bool) -> bool:
    """Whether the client asks for diagnostics; if not, they are sent. Never both.

    Only on the user's wish, or where a client takes nothing else: several clients that can ask do
    so for open documents alone, and would never show a suspect in a file that is not open.
    """
    return client.pulls and (is_wanted or not client.pushed_to)


@dataclass(frozen=True, slots=True)
class Extras:
    """What a user switches on (lsp/settings.py says what it is)."""

    code_lens: bool = False
    symbols: bool = False
    inline_completion: bool = False
    pull_diagnostics: bool = False


def read_extras(options: Mapping[str, Any], environ: Mapping[str, str]) -> Extras:
    """The switches alone, as `read_settings` reads them, which comes too late for `initialize`."""

    def is_on(name: str) -> bool:
        value = environ.get(f"POSTIL_{name.upper()}", options.get(name))
        return str(value).lower() in ("true", "1", "on", "yes", "t", "y")

    return Extras(*map(is_on, ("code_lens", "symbols", "inline_completion", "pull_diagnostics")))


def server_capabilities(
    client: ClientCapabilities, commands: tuple[str, ...], extras: Extras
) -> dict[str, Any]:
    offered: dict[str, Any] = {
        "positionEncoding": client.encoding.value,
        "textDocumentSync": {"openClose": True, "change": 2, "save": {"includeText": False}},
        "hoverProvider": True,
        "codeActionProvider": {
            "codeActionKinds": list(ACTION_KINDS),
            "resolveProvider": client.resolves_edits,
        },
        "executeCommandProvider": {"commands": list(commands), "workDoneProgress": True},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
    }
    if pulls_diagnostics(client, is_wanted=extras.pull_diagnostics):
        offered["diagnosticProvider"] = {
            "identifier": "postil",
            "interFileDependencies": True,
            "workspaceDiagnostics": True,
        }
    if extras.code_lens:
        offered["codeLensProvider"] = {"resolveProvider": False}
    if extras.symbols:
        offered["documentSymbolProvider"] = {"label": "Postil"}
        offered["workspaceSymbolProvider"] = True
    if extras.inline_completion:
        offered["inlineCompletionProvider"] = True
    if client.opens_content:
        schemes = {"schemes": [TRACE_SCHEME, RECEIPT_SCHEME]}
        offered["workspace"]["textDocumentContent"] = schemes
    return offered


def _at(raw: Any, *names: str) -> Any:
    for name in names:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return raw


def _list_at(raw: Any, *names: str) -> list[Any]:
    found = _at(raw, *names)
    return found if isinstance(found, list) else []
