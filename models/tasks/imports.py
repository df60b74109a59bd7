"""Where an import can be put into a Python file without knowing more than its outline."""

from __future__ import annotations

from context.outline import Outline
from context.text import Text


def import_offset(source: str, outline: Outline) -> int | None:
    """Offset of the line of the first top-level import that is not of `__future__`; None if none.

    Before an import that is there another may always stand; after one may stand only what does not
    need its end, which an outline does not tell.
    """
    text = Text(source)
    first_symbol = min((s.start_line for s in outline.symbols), default=text.n_lines + 1)
    for found in outline.imports:
        if found.module == "__future__" or found.line >= first_symbol:
            continue
        line = text.line_span(found.line - 1)
        if text.slice(line)[:1].isspace():
            continue
        return line.start
    return None
