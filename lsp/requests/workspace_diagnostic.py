"""workspace/diagnostic: what changed in all documents since the client last asked."""

from __future__ import annotations

from lsprotocol import types

from lsp.session import Session


async def workspace_diagnostic(
    session: Session, params: types.WorkspaceDiagnosticParams
) -> types.WorkspaceDiagnosticReport:
    previous = {known.uri: known.value for known in params.previous_result_ids}
    return types.WorkspaceDiagnosticReport(list(session.shown.reports(previous)))
