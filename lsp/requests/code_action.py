"""textDocument/codeAction: what can be asked about a selection, listed at once, computed later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lsprotocol import types

from context.text import Text
from lsp import from_lsp
from lsp.capabilities import (
    CHANGE_KIND,
    EXPLAIN_KIND,
    EXTRACT_KIND,
    FIND_BUGS_KIND,
    INLINE_KIND,
    LOCATE_KIND,
    QUICK_FIX,
    RENAME_KIND,
    SIMPLIFY_KIND,
    SPLIT_KIND,
)
from lsp.errors import Failure
from lsp.jobs.refactoring import can_refactor
from lsp.session import Session
from models.tasks.edit import EditKind

MAX_FIXES = 5
MIN_REPORT_CHARS = 8
INSTRUCTION_MARK = "postil:"  # a comment in the selection that says what to change


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry of the menu. `edit` is None for what ends in diagnostics, not in an edit."""

    title: str
    kind: str
    command: str
    edit: EditKind | None
    detail: str = ""
    diagnostic: types.Diagnostic | None = None
    range_: types.Range | None = None
    is_by_model: bool = True


async def code_action(
    session: Session, params: types.CodeActionParams
) -> list[types.CodeAction] | None:
    """Cheap: no model, no index. Never preferred, so that other servers' fixes come first."""
    uri = params.text_document.uri
    document = session.documents.get(uri)
    if document is None:
        return None
    try:
        session.relative(uri)
    except Failure:
        return None
    session.others.seen(uri, params.context.diagnostics)
    span = from_lsp.span(document.text, params.range, session.client.encoding)
    selected = document.text.slice(span)
    word = _word_at(document.text, span.start)
    only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
    return [
        _action(session, uri, document.version, offer, params.range)
        for offer in (*_offers(params, selected), *_exact_offers(uri, word, selected))
        if not only or any(offer.kind == o or offer.kind.startswith(f"{o}.") for o in only)
    ]


def _offers(params: types.CodeActionParams, selected: str) -> Iterator[Offer]:
    for diagnostic in params.context.diagnostics[:MAX_FIXES]:
        first = diagnostic.message.strip().partition("\n")[0][:70]
        if diagnostic.source == "postil" and diagnostic.code == "suspect":
            continue  # a place to look at is nothing to fix
        yield Offer(
            f"Postil: fix “{first}”",
            QUICK_FIX,
            "postil.fix",
            EditKind.FIX,
            diagnostic.message,
            diagnostic,
            diagnostic.range,
        )
        title = f"Postil: explain “{first}”"
        yield Offer(
            title, EXPLAIN_KIND, "postil.explain", None, diagnostic.message, None, diagnostic.range
        )
    if not selected.strip():
        return
    yield Offer("Postil: simplify", SIMPLIFY_KIND, "postil.simplify", EditKind.SIMPLIFY)
    if not can_refactor(params.text_document.uri):
        yield Offer(
            "Postil: extract function (by the model)",
            EXTRACT_KIND,
            "postil.extractFunction",
            EditKind.EXTRACT_FUNCTION,
        )
    if instruction := _instruction(selected):
        title = f"Postil: change as I say: {instruction[:60]}"
        yield Offer(title, CHANGE_KIND, "postil.change", EditKind.CUSTOM, instruction)
    yield Offer("Postil: find a bug in the selection", FIND_BUGS_KIND, "postil.findBugs", None)
    yield Offer("Postil: explain", EXPLAIN_KIND, "postil.explain", None)
    if len(selected.strip()) >= MIN_REPORT_CHARS:
        title = "Postil: locate the bug described by the selection"
        yield Offer(title, LOCATE_KIND, "postil.locate", None, selected)


def _exact_offers(uri: str, word: str, selected: str) -> Iterator[Offer]:
    """What the syntax tree carries out; a command, since it may be asked about several files."""
    if not can_refactor(uri):
        return
    if selected.strip():
        yield Offer("Postil: extract function", EXTRACT_KIND, "postil.extractFunction", None)
        yield Offer("Postil: split", SPLIT_KIND, "postil.split", None)
    if word:
        shown = word[:40]
        yield Offer(f"Postil: rename “{shown}” for meaning", RENAME_KIND, "postil.rename", None)
        title = f"Postil: inline “{shown}”"
        yield Offer(title, INLINE_KIND, "postil.inline", None, is_by_model=False)


def _word_at(text: Text, offset: int) -> str:
    """The word that an offset is in or at the end of; empty for a number or none."""
    line = text.line_span(text.line_idx_at(offset))
    for found in re.finditer(r"[^\W\d][\w$]*", text.slice(line)):
        if found.start() <= offset - line.start <= found.end():
            return found.group()
    return ""


def _instruction(selected: str) -> str:
    """What a comment such as `# postil: make this async` in the selection asks for."""
    _, mark, rest = selected.partition(INSTRUCTION_MARK)
    return rest.partition("\n")[0].strip(" */-#") if mark else ""


def _action(
    session: Session, uri: str, version: int, offer: Offer, selection: types.Range
) -> types.CodeAction:
    range_ = offer.range_ or selection
    data = {
        "uri": uri,
        "version": version,
        "first_line": range_.start.line + 1,
        "last_line": max(range_.end.line + (range_.end.character > 0), range_.start.line + 1),
        "edit": offer.edit.value if offer.edit else None,
        "line": range_.start.line,
        "character": range_.start.character,
        "detail": offer.detail,
    }
    action = types.CodeAction(
        title=offer.title,
        kind=offer.kind,
        diagnostics=[offer.diagnostic] if offer.diagnostic else None,
    )
    if offer.edit is not None and session.client.resolves_edits:
        action.data = data
    else:
        action.command = types.Command(title=offer.title, command=offer.command, arguments=[data])
    if session.client.tags_actions and offer.is_by_model:
        action.tags = [types.CodeActionTag.LlmGenerated]
    return action
