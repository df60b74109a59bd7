"""What all jobs do while they work and with what comes of it: report, refuse, note."""

from __future__ import annotations

from pathlib import Path

from context.text import content_hash
from lsp import to_lsp
from lsp.asking import asking_by
from lsp.documents import name_of
from lsp.errors import Stale
from lsp.progress import Progress
from lsp.session import Session
from lsp.traces import Kind, Note, finding_id
from models.asking import Answering, Asking, OnEvent, Thinking
from models.findings import Finding


def reporter(progress: Progress) -> OnEvent:
    text = ""

    def on_event(event: Thinking | Answering) -> None:
        nonlocal text
        text += event.text
        what = "thinking" if isinstance(event, Thinking) else "answering"
        progress.stream(what, to_lsp.visible(event.text))
        tail = to_lsp.visible(" ".join(text[-80:].split()))
        progress.report(f"{what}: …{tail}")

    return on_event


async def asking_of(session: Session, progress: Progress) -> Asking:
    """How a job asks, by the settings. Raises `ModelUnavailable`, `WeightsRefused`."""
    return asking_by(session.settings, await session.backend(), reporter(progress))


def refuse_if_stale(session: Session, uri: str, file_hash: str) -> None:
    if content_hash(session.text_of(uri).content) != file_hash:
        raise Stale(name_of(uri))


DISMISSED = "The model found only what you have dismissed before."


def note_finding(session: Session, root: Path, finding: Finding) -> bool:
    """Show a finding; False when the user has dismissed it before."""
    uri = session.uri_of(root, finding.path)
    text = session.text_of(uri)
    if content_hash(text.content) != finding.file_hash:
        raise Stale(finding.path)
    note = Note(
        kind=Kind.FINDING,
        uri=uri,
        root=root,
        span=text.lines_span(finding.start_line, finding.end_line),
        message=to_lsp.visible(finding.cause),
        hover=to_lsp.finding_hover(finding),
        symbol=finding.symbol or "",
        cause=finding.cause,
        provenance=finding.provenance,
        id=finding_id(finding),
    )
    is_kept = session.notes.add(note, text)
    session.publish(uri)
    return is_kept
