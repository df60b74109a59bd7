"""What is asked of the client after `initialized`: to report changed files and settings."""

from __future__ import annotations

from typing import Any

from context.languages import LANGUAGES
from context.scan import TEXT_EXTENSIONS
from lsp.capabilities import ClientCapabilities
from lsp.configuration import SECTION


def registrations(client: ClientCapabilities) -> dict[str, Any] | None:
    """Parameters of client/registerCapability; None when the client takes none of them."""
    wanted = []
    if client.watches:
        wanted.append(_registration("workspace/didChangeWatchedFiles", {"watchers": _watchers()}))
    if client.configures:
        wanted.append(_registration("workspace/didChangeConfiguration", {"section": SECTION}))
    return {"registrations": wanted} if wanted else None


def _registration(method: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"postil:{method}", "method": method, "registerOptions": options}


def _watchers() -> list[dict[str, str]]:
    """What we index, and the rules that leave files out."""
    extensions = {e for language in LANGUAGES for e in language.extensions} | TEXT_EXTENSIONS
    names = ",".join(sorted(e.removeprefix(".") for e in extensions))
    return [{"globPattern": pattern} for pattern in (f"**/*.{{{names}}}", "**/.gitignore")]
