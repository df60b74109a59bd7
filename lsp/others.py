"""What other language servers say about open documents, as far as the client shows it to us.

A server is not told of another's diagnostics; the client sends those at a place with each request
for code actions. They are evidence for locating (context/evidence/diagnostics.py), until the
document changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lsprotocol import types

from context.evidence.diagnostics import OtherDiagnostic
from lsp.documents import Key, key_of
from lsp.to_lsp import SOURCE

MAX_A_DOCUMENT = 100


class OtherDiagnostics:
    """Only the event loop changes it."""

    def __init__(self) -> None:
        self._seen: dict[Key, dict[tuple[int, str], types.Diagnostic]] = {}

    def seen(self, uri: str, diagnostics: Iterable[types.Diagnostic]) -> None:
        for diagnostic in diagnostics:
            if diagnostic.source != SOURCE:
                kept = self._seen.setdefault(key_of(uri), {})
                if len(kept) < MAX_A_DOCUMENT:
                    kept[diagnostic.range.start.line, diagnostic.message] = diagnostic

    def forget(self, uri: str) -> None:
        self._seen.pop(key_of(uri), None)

    def of(self, root: Path) -> list[OtherDiagnostic]:
        """Those about files below `root`."""
        found: list[OtherDiagnostic] = []
        for path, kept in self._seen.items():
            if not isinstance(path, Path) or not path.is_relative_to(root):
                continue
            relative = path.relative_to(root).as_posix()
            for diagnostic in kept.values():
                is_error = diagnostic.severity in (None, types.DiagnosticSeverity.Error)
                line = diagnostic.range.start.line + 1
                source = diagnostic.source or ""
                found.append(OtherDiagnostic(relative, line, diagnostic.message, source, is_error))
        return found
