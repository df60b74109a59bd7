"""Code for the window: whole functions of the best suspects, then what they call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from context.evidence.places import enclosing_function
from context.outline import ReferenceRole, SymbolKind
from context.parsing import Skipped, read_source
from context.store import Reader, SymbolAt
from context.suspects import Suspect
from context.text import Text, content_hash
from context.window import Role, Snippet

MAX_SUSPECTS = 12
MAX_RELATED = 6
MAX_WHOLE_FILE_LINES = 120  # shown of a suspect that is a file without functions


class Sources:
    """Texts of workspace files: open buffers first, then the disk; each read once."""

    def __init__(self, root: Path, overlays: Mapping[str, str]) -> None:
        self._root = root
        self._overlays = overlays
        self._texts: dict[str, Text | None] = {}

    def text(self, path: str) -> Text | None:
        """None when the file is gone or is no longer one that we read."""
        if path not in self._texts:
            try:
                content = self._overlays.get(path)
                content = read_source(self._root, path) if content is None else content
                self._texts[path] = Text(content)
            except Skipped:
                self._texts[path] = None
        return self._texts[path]


def snippets_for(
    reader: Reader, root: Path, suspects: Sequence[Suspect], overlays: Mapping[str, str]
) -> list[Snippet]:
    """Suspects in their order, then definitions of what the first ones call; no line twice."""
    sources = Sources(root, overlays)
    found: list[Snippet] = []
    for rank, suspect in enumerate(suspects[:MAX_SUSPECTS], 1):
        end = suspect.end_line
        if suspect.symbol is None:
            end = min(end, suspect.start_line + MAX_WHOLE_FILE_LINES - 1)
        reason = f"suspect {rank}: {suspect.evidence[0].detail}" if suspect.evidence else "chosen"
        _add(found, sources, suspect.path, suspect.start_line, end, suspect.symbol,
             Role.SUSPECT, reason)  # fmt: skip
    for at, reason in _related(reader, suspects[:3]):
        _add(found, sources, at.path, at.symbol.start_line, at.symbol.end_line,
             at.symbol.qualified_name, Role.RELATED, reason)  # fmt: skip
    return found


def _related(reader: Reader, suspects: Sequence[Suspect]) -> Iterator[tuple[SymbolAt, str]]:
    """Callees of the suspects that are defined once in the workspace, then their callers."""
    count = 0
    for suspect in suspects:
        called = {
            r.name
            for r in reader.references_in(suspect.path)
            if r.role is ReferenceRole.CALL and suspect.start_line <= r.line <= suspect.end_line
        }
        for name in sorted(called):
            defined = [
                at
                for at in reader.symbols_named([name], limit=3)
                if at.symbol.kind is SymbolKind.FUNCTION
            ]
            if len(defined) == 1 and count < MAX_RELATED:
                count += 1
                yield defined[0], f"called by {suspect.symbol or suspect.path}"
        if suspect.symbol is None:
            continue
        last = suspect.symbol.rpartition(".")[2]
        for path, reference in reader.references_to([last], limit=3):
            caller = enclosing_function(reader.symbols(path), reference.line)
            if caller is not None and count < MAX_RELATED:
                count += 1
                yield SymbolAt(path, caller), f"calls {suspect.symbol}"


def _add(
    found: list[Snippet],
    sources: Sources,
    path: str,
    start_line: int,
    end_line: int,
    symbol: str | None,
    role: Role,
    reason: str,
) -> None:
    text = sources.text(path)
    if text is None:
        return
    shown = [s for s in found if s.path == path]
    if any(s.start_line <= start_line and end_line <= s.end_line for s in shown):
        return
    if any(start_line <= s.end_line and s.start_line <= end_line for s in shown):
        return  # part of it stands there already; a line must not be shown twice
    lines = text.lines(start_line, end_line)
    if not lines:
        return
    found.append(
        Snippet(
            path=path,
            start_line=start_line,
            end_line=start_line + len(lines) - 1,
            symbol=symbol,
            text="\n".join(lines),
            role=role,
            reason=reason,
            file_hash=content_hash(text.content),
        )
    )
