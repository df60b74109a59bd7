"""textDocument/codeAction: what can be asked about a place, listed at once, computed later.

Cheap: no model, no index, no file. Never preferred and marked as generated, so that other servers'
fixes come first. A follow-up carries all it needs in its data; no list of offers is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lsprotocol import types

from context.failing_tests import read_failing_tests
from context.test_places import has_place
from context.text import SpanOutOfRange, shortened, split_lines
from lsp import from_lsp
from lsp.capabilities import (
    ADD_TYPES_KIND,
    CHANGE_KIND,
    DOCUMENT_KIND,
    EXPLAIN_KIND,
    EXTRACT_KIND,
    FIND_BUGS_KIND,
    FIX_TEST_KIND,
    LOCATE_KIND,
    MODERNISE_KIND,
    QUICK_FIX,
    REVIEW_KIND,
    SIMPLIFY_KIND,
    TRACE_KIND,
    WRITE_TEST_KIND,
)
from lsp.errors import INVALID_PARAMS, Failure
from lsp.requests.exact_actions import exact_offers
from lsp.requests.offers import Offer
from lsp.session import Session
from lsp.to_lsp import SOURCE, visible
from lsp.traces import Note
from models.tasks.doc_forms import has_form
from models.tasks.edit import EditKind

MAX_FIXES = 5
MAX_TITLE_CHARS = 70  # of a diagnostic in a title
MIN_REPORT_CHARS = 8
MAX_LOG_CHARS = 20_000  # of a selection that may be a test run's output
INSTRUCTION_MARK = "postil:"  # a comment in the selection that says what to change
NO_SELECTION = "Select the code first."
REVIEW_TITLE = "Postil: review what changed in this file"


# Marked as generated is all but these. Dismissing is marked, too: editors list what is marked last,
# and unmarked it would stand before the fix, where Enter takes it.
WITHOUT_MODEL = ("postil.trace", "postil.inline")
TYPED = (".py", ".pyi", ".ts", ".mts", ".cts", ".tsx")
# What can be asked about any selected code. A new one is a row here, one in lsp/command_table.py,
# and its kind in lsp/capabilities.py.
OF_A_SELECTION = (
    Offer("Postil: simplify", SIMPLIFY_KIND, "postil.simplify", EditKind.SIMPLIFY),
    Offer(
        "Postil: extract function",
        EXTRACT_KIND,
        "postil.extractFunction",
    ),
    Offer("Postil: modernise", MODERNISE_KIND, "postil.modernise", EditKind.MODERNISE),
    Offer("Postil: find a bug in the selection", FIND_BUGS_KIND, "postil.findBugs"),
    Offer("Postil: explain", EXPLAIN_KIND, "postil.explain"),
)


async def code_action(
    session: Session, params: types.CodeActionParams
) -> list[types.CodeAction | types.Command] | None:
    uri = params.text_document.uri
    document = session.documents.get(uri)
    if document is None:
        return None
    try:
        session.relative(uri)
    except Failure:
        return None
    session.others.seen(uri, params.context.diagnostics)
    try:
        span = from_lsp.span(document.text, params.range, session.client.encoding)
    except SpanOutOfRange as error:
        raise Failure(INVALID_PARAMS, "The range ends before it starts.") from error
    selected = document.text.slice(span)
    is_selected = bool(selected.strip())
    listed: list[types.CodeAction | types.Command] = []
    for offer in (
        *_of_diagnostics(session, params),
        *_of_selection(selected),
        *_of_definition(uri),
        *exact_offers(uri, document.text, span.start, selected),
        Offer(REVIEW_TITLE, REVIEW_KIND, "postil.review", argument={"uri": uri}),
        *_dismissals(session, params),
    ):
        if _is_wanted(offer, params.context, session, is_selected=is_selected):
            argument = _argument(uri, document.version, offer, params.range)
            if session.client.takes_actions:
                listed.append(_action(session, offer, argument))
            else:
                listed.append(_command(offer, argument))
    return listed


def _is_wanted(
    offer: Offer, context: types.CodeActionContext, session: Session, *, is_selected: bool
) -> bool:
    """By the kinds asked for; unasked, while a person only moves about, less is offered: fixes,
    and what can be made of a selection. Else each word would have a light beside it.

    What cannot be had is shown, greyed, to who opens the menu in a client that shows the reason.
    """
    only = [str(getattr(kind, "value", kind)) for kind in context.only or ()]
    is_invoked = context.trigger_kind is not types.CodeActionTriggerKind.Automatic
    if offer.disabled and not (is_invoked and session.client.disables_actions):
        return False
    if only:
        return any(not kind or f"{offer.kind}.".startswith(f"{kind}.") for kind in only)
    if is_invoked or offer.kind == QUICK_FIX:
        return True
    return is_selected and not offer.kind.startswith("source.")


def _of_diagnostics(session: Session, params: types.CodeActionParams) -> Iterator[Offer]:
    for diagnostic in params.context.diagnostics[:MAX_FIXES]:
        first = _first_line(diagnostic)
        about = Offer("", "", "", None, diagnostic.message, None, diagnostic.range)
        if not (
            diagnostic.source == SOURCE and diagnostic.code == "suspect"
        ):  # a place to look at is nothing to fix
            yield replace(
                about,
                title=f"Postil: fix “{first}”",
                kind=QUICK_FIX,
                command="postil.fix",
                edit=EditKind.FIX,
                diagnostic=diagnostic,
            )
            title = f"Postil: explain “{first}”"
            yield replace(about, title=title, kind=EXPLAIN_KIND, command="postil.explain")
        note = _note_of(session, diagnostic)
        if note is not None and note.provenance is not None and session.client.opens_content:
            title = f"Postil: show the reasoning for “{first}”"
            argument = {"id": note.id, "show": True}
            yield Offer(title, TRACE_KIND, "postil.trace", argument=argument)


def _dismissals(session: Session, params: types.CodeActionParams) -> Iterator[Offer]:
    """Last in the menu, so that nobody takes one for the fix."""
    for diagnostic in params.context.diagnostics[:MAX_FIXES]:
        if (note := _note_of(session, diagnostic)) is not None:
            yield Offer(
                f"Postil: dismiss “{_first_line(diagnostic)}”",
                QUICK_FIX,
                "postil.dismiss",
                diagnostic=diagnostic,
                argument={"id": note.id},
            )


def _note_of(session: Session, diagnostic: types.Diagnostic) -> Note | None:
    """The remark of ours that a diagnostic shows, by the id that the client has kept with it."""
    if diagnostic.source != SOURCE or not isinstance(diagnostic.data, dict):
        return None
    note_id = diagnostic.data.get("id")
    return session.notes.with_id(note_id) if isinstance(note_id, str) else None


def _first_line(diagnostic: types.Diagnostic) -> str:
    return shortened(diagnostic.message, MAX_TITLE_CHARS)


def _of_selection(selected: str) -> Iterator[Offer]:
    if not selected.strip():
        for offer in OF_A_SELECTION:
            yield replace(offer, disabled=NO_SELECTION)
        return
    yield from OF_A_SELECTION
    if instruction := _instruction(selected):
        title = f"Postil: change as I say: {shortened(instruction, MAX_TITLE_CHARS)}"
        yield Offer(title, CHANGE_KIND, "postil.change", EditKind.CUSTOM, instruction)
    if failing := read_failing_tests(split_lines(selected[:MAX_LOG_CHARS])):
        title = f"Postil: fix what {failing[0].name or failing[0].path} shows"
        yield Offer(title, FIX_TEST_KIND, "postil.fixTest", argument={"report": selected})
    if len(selected.strip()) >= MIN_REPORT_CHARS:
        title = "Postil: locate the bug described by the selection"
        yield Offer(title, LOCATE_KIND, "postil.locate", argument={"report": selected})


def _of_definition(path: str) -> Iterator[Offer]:
    """What is done to the function or type around the cursor: nothing need be selected for it."""
    if path.endswith(TYPED):
        yield Offer("Postil: add types", ADD_TYPES_KIND, "postil.addTypes", EditKind.ADD_TYPES)
    if has_form(path):
        yield Offer("Postil: document", DOCUMENT_KIND, "postil.document", EditKind.DOCUMENT)
    if has_place(path):
        yield Offer(
            "Postil: write a test", WRITE_TEST_KIND, "postil.writeTest", EditKind.WRITE_TEST
        )


def _instruction(selected: str) -> str:
    """What a comment such as `# postil: make this async` in the selection asks for."""
    _, mark, rest = selected.partition(INSTRUCTION_MARK)
    return rest.partition("\n")[0].strip(" */-#") if mark else ""


def _action(session: Session, offer: Offer, argument: dict[str, Any]) -> types.CodeAction:
    action = types.CodeAction(
        title=visible(offer.title),
        kind=offer.kind,
        diagnostics=[offer.diagnostic] if offer.diagnostic else None,
    )
    if offer.disabled:
        action.disabled = types.CodeActionDisabled(offer.disabled)
    elif offer.edit is not None and session.client.resolves_edits:
        action.data = argument
    else:
        action.command = _command(offer, argument)
    if session.client.tags_actions and offer.command not in WITHOUT_MODEL:
        action.tags = [types.CodeActionTag.LlmGenerated]
    return action


def _command(offer: Offer, argument: dict[str, Any]) -> types.Command:
    return types.Command(title=visible(offer.title), command=offer.command, arguments=[argument])


def _argument(uri: str, version: int, offer: Offer, selection: types.Range) -> dict[str, Any]:
    """What the command of an offer takes, and what resolving it takes."""
    range_ = offer.range_ or selection
    lines = {
        "version": version,
        "first_line": range_.start.line + 1,
        "last_line": max(range_.end.line + (range_.end.character > 0), range_.start.line + 1),
        "edit": offer.edit.value if offer.edit else None,
        "line": range_.start.line,
        "character": range_.start.character,
        "detail": offer.detail,
    }
    return {"uri": uri, **(offer.argument or lines)}
