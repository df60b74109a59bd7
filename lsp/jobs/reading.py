"""Reads lines with the model: finds a bug in them, or explains them. Nothing is changed."""

from __future__ import annotations

from context.selection import selection_snippets
from lsp import to_lsp
from lsp.jobs.noting import DISMISSED, asking_of, note_finding, refuse_if_stale
from lsp.session import Session
from lsp.traces import Kind, Note
from models.findings import Finding
from models.tasks.explain import Explanation
from models.tasks.explain import explain as ask_to_explain
from models.tasks.locate import find_bug


async def find_bugs(
    session: Session, uri: str, first_line: int, last_line: int, token: int | str | None
) -> Finding | str:
    """A finding in the selected lines as a diagnostic, or why there is none."""
    root, path = session.relative(uri)
    text = session.text_of(uri)
    async with session.working("Postil: reading the selection", token) as progress:
        workspace = await session.workspace(root)
        asking = await asking_of(session, progress)
        snippets = await selection_snippets(workspace, path, text, first_line, last_line)
        found = await find_bug(snippets[0], snippets[1:], first_line, last_line, asking)
    if isinstance(found, Finding):
        session.recorder.finding("find a bug", found)
        refuse_if_stale(session, uri, found.file_hash)
        if not note_finding(session, root, found):
            return DISMISSED
    return found


async def explain(
    session: Session,
    uri: str,
    first_line: int,
    last_line: int,
    remark: str,
    token: int | str | None,
) -> Explanation:
    """What the lines do, or what a remark about them means; kept for the hover over them."""
    root, path = session.relative(uri)
    text = session.text_of(uri)
    async with session.working("Postil: explaining", token) as progress:
        workspace = await session.workspace(root)
        asking = await asking_of(session, progress)
        snippets = await selection_snippets(workspace, path, text, first_line, last_line)
        explanation = await ask_to_explain(
            snippets[0], snippets[1:], first_line, last_line, remark, asking
        )
    session.recorder.explanation(explanation)
    refuse_if_stale(session, uri, explanation.file_hash)
    session.notes.add(
        Note(
            kind=Kind.EXPLANATION,
            uri=uri,
            root=root,
            span=text.lines_span(first_line, min(last_line, text.n_lines)),
            message=to_lsp.visible(explanation.text),
            hover=to_lsp.explanation_hover(explanation),
            provenance=explanation.provenance,
        ),
        text,
    )
    return explanation
