"""textDocument/diagnostic: a document's diagnostics, for clients that ask for them."""

from __future__ import annotations

from lsprotocol import types

from lsp.session import Session


async def document_diagnostic(
    session: Session, params: types.DocumentDiagnosticParams
) -> types.DocumentDiagnosticReport:
    uri = params.text_document.uri
    report = session.shown.report(uri, params.previous_result_id)
    if isinstance(report, types.UnchangedDocumentDiagnosticReport):
        return types.RelatedUnchangedDocumentDiagnosticReport(report.result_id)
    return types.RelatedFullDocumentDiagnosticReport(report.items, result_id=report.result_id)
