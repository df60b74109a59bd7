"""What is asked of the client after `initialized`: to report changed files and settings, and to
ask for what the user has switched on meanwhile.
"""

from __future__ import annotations

from typing import Any

from context.languages import LANGUAGES
from context.scan import TEXT_EXTENSIONS
from lsp.background import Background
from lsp.capabilities import ClientCapabilities
from lsp.settings import SECTION, Settings
from lsp.wire import Wire


class Switches:
    """What is offered to a client by its switches. Only the event loop uses it.

    What was on at the start is offered in the answer to `initialize` and cannot be taken back: its
    requests are answered with nothing when it is off.
    """

    def __init__(self, wire: Wire, background: Background, client: ClientCapabilities) -> None:
        self._wire = wire
        self._background = background
        self._client = client
        self._at_start: frozenset[str] = frozenset()
        self._offered: frozenset[str] = frozenset()

    def started_with(self, settings: Settings) -> None:
        self._at_start = _wanted(settings)

    def follow(self, settings: Settings) -> None:
        """Offer what is on now, take back what is off."""
        wanted = (_wanted(settings) - self._at_start) & self._client.registers
        if added := sorted(wanted - self._offered):
            offers = [_registration(method, {"documentSelector": None}) for method in added]
            params: dict[str, Any] = {"registrations": offers}
            self._background.run(self._wire.request("client/registerCapability", params))
        if removed := sorted(self._offered - wanted):
            # the protocol's own spelling
            params = {"unregisterations": [{"id": _id(m), "method": m} for m in removed]}
            self._background.run(self._wire.request("client/unregisterCapability", params))
        self._offered = wanted


def _wanted(settings: Settings) -> frozenset[str]:
    methods: list[str] = []
    if settings.code_lens:
        methods.append("textDocument/codeLens")
    if settings.symbols:
        methods += ["textDocument/documentSymbol", "workspace/symbol"]
    if settings.inline_completion:
        methods.append("textDocument/inlineCompletion")
    return frozenset(methods)


def registrations(client: ClientCapabilities) -> dict[str, Any] | None:
    """Parameters of client/registerCapability; None when the client takes none of them."""
    wanted = []
    if client.watches:
        wanted.append(_registration("workspace/didChangeWatchedFiles", {"watchers": _watchers()}))
    if client.configures:
        wanted.append(_registration("workspace/didChangeConfiguration", {"section": SECTION}))
    return {"registrations": wanted} if wanted else None


def _registration(method: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"id": _id(method), "method": method, "registerOptions": options}


def _id(method: str) -> str:
    return f"postil:{method}"


def _watchers() -> list[dict[str, str]]:
    """What we index, and the rules that leave files out."""
    extensions = {e for language in LANGUAGES for e in language.extensions} | TEXT_EXTENSIONS
    names = ",".join(sorted(e.removeprefix(".") for e in extensions))
    return [{"globPattern": pattern} for pattern in (f"**/*.{{{names}}}", "**/.gitignore")]
