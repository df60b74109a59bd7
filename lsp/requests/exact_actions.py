"""What can be asked of the syntax tree about the word or the lines of a code action.

Each is a command: it may be about several files, and is often refused with a reason, which a
client shows for a command and hides for an action that cannot be resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from context.languages import language_of
from context.refactoring.names import is_reserved
from context.text import Text
from lsp.capabilities import INLINE_KIND, RENAME_KIND, SPLIT_KIND
from lsp.jobs.refactoring import can_refactor
from lsp.requests.offers import Offer

MAX_WORD_CHARS = 40  # of a name in a title


def exact_offers(uri: str, text: Text, offset: int, selected: str) -> Iterator[Offer]:
    if not can_refactor(uri):
        return
    if selected.strip():
        yield Offer("Postil: split", SPLIT_KIND, "postil.split")
    word, language = word_at(text, offset), language_of(uri)
    if word and language is not None and not is_reserved(word, language.name):
        shown = word[:MAX_WORD_CHARS]
        yield Offer(f"Postil: rename “{shown}” for meaning", RENAME_KIND, "postil.rename")
        yield Offer(f"Postil: inline “{shown}”", INLINE_KIND, "postil.inline")


def word_at(text: Text, offset: int) -> str:
    """The word that an offset is in or at the end of; empty for a number or none."""
    line = text.line_span(text.line_idx_at(offset))
    for found in re.finditer(r"[^\W\d][\w$]*", text.slice(line)):
        if found.start() <= offset - line.start <= found.end():
            return found.group()
    return ""
