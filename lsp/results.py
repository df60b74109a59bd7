"""What commands answer, as plain data in the client's terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from context.suspects import Suspect
from context.text import Text, content_hash, split_lines
from context.window import Snippet
from lsp import to_lsp
from lsp.capabilities import RECEIPT_SCHEME, TRACE_SCHEME
from lsp.errors import Failure
from lsp.session import Session
from lsp.trace_documents import Link, TraceDocument, receipt_document, trace_document
from lsp.traces import Note, finding_id
from models.findings import Finding


def suspect(session: Session, root: Path, suspect: Suspect) -> dict[str, Any]:
    return {
        "uri": session.uri_of(root, suspect.path),
        "path": suspect.path,
        "symbol": suspect.symbol,
        "start_line": suspect.start_line,
        "end_line": suspect.end_line,
        "score": suspect.score,
        "evidence": [{"signal": e.signal.value, "detail": e.detail} for e in suspect.evidence],
    }


def finding(session: Session, root: Path, finding: Finding) -> dict[str, Any]:
    citations, agreement = finding.provenance.citations, finding.provenance.agreement
    confidence = {} if agreement is None else {"confidence": agreement.confidence}
    return {
        "id": finding_id(finding),
        "uri": session.uri_of(root, finding.path),
        "path": finding.path,
        "symbol": finding.symbol,
        "start_line": finding.start_line,
        "end_line": finding.end_line,
        "cause": finding.cause,
        "supported": {"shown": citations.n_shown, "total": len(citations.found)},
        **confidence,
    }


def trace_of(session: Session, note: Note) -> dict[str, Any] | None:
    """The contract's Document for a note's reasoning; None when there is none."""
    if note.provenance is None:
        return None
    document = trace_document(note.cause or note.message, note.provenance)
    return _as_data(session, note, document, TRACE_SCHEME)


def receipt_of(session: Session, note: Note) -> dict[str, Any] | None:
    """The same for what the model was shown."""
    if note.provenance is None:
        return None
    return _as_data(session, note, receipt_document(note.provenance), RECEIPT_SCHEME)


DOCUMENTS: dict[str, Callable[[Session, Note], dict[str, Any] | None]] = {
    TRACE_SCHEME: trace_of,
    RECEIPT_SCHEME: receipt_of,
}


def document_at(session: Session, uri: str) -> dict[str, Any] | None:
    """The document that a URI of ours names; None when its note is gone, or for any other URI."""
    scheme, _, rest = uri.partition(":")
    make = DOCUMENTS.get(scheme)
    note = session.notes.with_id(rest.strip("/").removesuffix(".txt"))
    return make(session, note) if make and note else None


def _line_now(target: Text, link: Link, shown: Sequence[Snippet]) -> int:
    """Where a line that the model was shown is by now. Raises `ValueError` where it is gone, or
    what it stands in is there more than once.
    """
    around = [s for s in shown if s.path == link.path and s.start_line <= link.line <= s.end_line]
    if not around or around[0].file_hash == content_hash(target.content):
        return link.line
    first, lines = around[0].start_line, split_lines(around[0].text)
    now = split_lines(target.content)
    starts = [at for at, line in enumerate(now) if line == lines[0]]
    found = [at for at in starts if now[at : at + len(lines)] == lines]
    if len(found) != 1:
        raise ValueError("the lines are not there, or more than once")
    return found[0] + 1 + link.line - first


def _as_data(session: Session, note: Note, document: TraceDocument, scheme: str) -> dict[str, Any]:
    text = Text(document.text)
    encoding = session.client.encoding
    shown = [p.snippet for p in note.provenance.receipt.shown] if note.provenance else []
    references = []
    for link in document.links:
        with suppress(Failure, ValueError):  # a file that is gone has no place to go to
            uri = session.uri_of(note.root, link.path)
            target = session.text_of(uri)
            line = _line_now(target, link, shown)
            span = target.lines_span(line, line)
            references.append(
                {
                    "range": to_lsp.plain_range(text, link.span, encoding),
                    "target": {"uri": uri, "range": to_lsp.plain_range(target, span, encoding)},
                }
            )
    return {
        "uri": f"{scheme}:/{note.id}.txt",
        "title": document.title,
        "text": document.text,
        "references": references,
    }
