"""workspace/textDocumentContent: the text of a reasoning or a receipt, as a read-only document."""

from __future__ import annotations

from lsprotocol import types

from lsp import results
from lsp.errors import REQUEST_FAILED, Failure
from lsp.session import Session


async def text_document_content(
    session: Session, params: types.TextDocumentContentParams
) -> types.TextDocumentContentResult:
    document = results.document_at(session, params.uri)
    if document is None:
        raise Failure(
            REQUEST_FAILED, "This reasoning is not kept any more; ask again for a new one."
        )
    return types.TextDocumentContentResult(document["text"])
