"""textDocument/inlineCompletion: code at the cursor, filled in by a model that was trained for it.

While a person types, a request waits a moment and gives way to the next one; the model is never
loaded for it while somebody waits, and other questions go first.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from lsprotocol import types

from context.ignore import is_secret
from lsp import from_lsp, to_lsp
from lsp.errors import Failure
from lsp.session import Session
from models.backends import Backend, in_background
from models.errors import ModelError
from models.tasks.complete import Extent, complete

DEBOUNCE_S = 0.2  # of no typing before the model is asked; a guess


async def inline_completion(
    session: Session, params: types.InlineCompletionParams
) -> types.InlineCompletionList | None:
    """None where the switch is off, the model is not there or not yet loaded, or has nothing."""
    document = session.documents.get(params.text_document.uri)
    if document is None or not session.settings.inline_completion:
        return None
    path = from_lsp.path(document.uri)
    if path is None or is_secret(path.name):
        return None
    offset = from_lsp.offset(document.text, params.position, session.client.encoding)
    before, after = document.text.content[:offset], document.text.content[offset:]
    is_typed = params.context.trigger_kind is types.InlineCompletionTriggerKind.Automatic
    extent = Extent.LINE if is_typed or after.partition("\n")[0].strip() else Extent.BLOCK
    pause_s = DEBOUNCE_S if is_typed else 0.0
    work = asyncio.ensure_future(_fill(session, path, before, after, extent, pause_s))
    text = await session.completions.newest(work)
    now = session.documents.get(document.uri)
    if not text or now is None or now.version != document.version:
        return None
    at = to_lsp.position(document.text, offset, session.client.encoding)
    return types.InlineCompletionList([types.InlineCompletionItem(text, range=types.Range(at, at))])


async def _fill(
    session: Session, path: Path, before: str, after: str, extent: Extent, pause_s: float
) -> str:
    await asyncio.sleep(pause_s)
    backend = _loaded(session)
    if backend is None:
        return ""
    try:
        with in_background():
            return await complete(before, after, extent, backend, path.name)
    except (ModelError, Failure):
        return ""  # nobody asked in words: there is nothing to say


def _loaded(session: Session) -> Backend | None:
    """The model, if it is loaded; if not, it is loaded now, for the next request.

    Also where it left memory after idle time: a wait for it would end with the next key.
    """
    opened = session.model.opened
    if opened is None:
        session.in_background(session.backend())
        return None
    return opened if opened.wake() else None
