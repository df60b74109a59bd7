"""The record: what a model was asked and what came of it, in a file that shows tampering.

One line of JSON an entry, each with the hash of the one before (a hash chain), only ever appended.
It holds digests and sizes, not source text, unless the user wants that. A chain shows that an entry
in its midst was changed or taken out; that the last ones were cut off shows only against a head
hash that was kept elsewhere: `postil log verify` prints it for that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from context.secrets import without_secrets
from models.findings import Agreement, Exact, Proposal, Provenance

FIRST = "0" * 64  # stands for the hash before the first entry
TAIL_BYTES = 1 << 16  # read from the end to find the last entry; one is far smaller without text


class Level(StrEnum):
    """What is recorded."""

    OFF = "off"
    DIGESTS = "digests"
    TEXT = "text"  # and the traces, causes and edits


class Outcome(StrEnum):
    FINDING = "finding"
    NO_BUG = "no bug"
    EXPLAINED = "explained"
    OFFERED = "offered"  # edits that passed the gate
    REFUSED = "refused"  # by the gate
    FAILED = "failed"
    APPLIED = "applied"  # by the user


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one question, or of an edit that was applied."""

    at: str  # UTC, ISO 8601
    task: str
    outcome: Outcome
    detail: str  # the refusing check, or the kind of failure; no source text
    model: str
    model_digest: str  # SHA-256 of the weights; empty where a server does not say
    backend: str
    prompt_digest: str  # SHA-256 of the messages
    files: tuple[tuple[str, str], ...]  # (path, `b2sum -l 128` of its text as UTF-8)
    shown_tokens: int
    thinking_tokens: int
    text: str = ""
    n_agreeing: int = 1  # answers that agree, of n_asked
    n_asked: int = 1


@dataclass(frozen=True, slots=True)
class Chain:
    """What a walk of the whole record found."""

    n_entries: int
    head: str  # hash of the last entry that is right
    broken_line: int | None  # 1-based; None when all are right


class RecordUnwritable(Exception):
    """One sentence for the user; the work goes on without the record."""


class Record:
    """One file; several processes may append to it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def append(self, entry: Entry) -> str:
        """The new head. Raises `RecordUnwritable`."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
            descriptor = os.open(self.file, flags, 0o600)
            # Without a buffer, which would keep what did not fit and write it when it is closed.
            with os.fdopen(descriptor, "r+b", buffering=0) as opened, _locked(opened):
                line = _line(entry, _last_hash(opened))
                _append_whole(opened, line)
                return str(json.loads(line)["hash"])
        except OSError as error:
            raise RecordUnwritable(
                f"The record at {self.file} cannot be written ({error.strerror}); make room or "
                "set record to off."
            ) from error

    def entries(self) -> Iterator[dict[str, Any]]:
        """As they stand in the file, right or wrong; lines that are no JSON are left out."""
        for line in self._lines():
            with contextlib.suppress(ValueError):
                if isinstance(entry := json.loads(line), dict):
                    yield entry

    def verify(self) -> Chain:
        """Walk the chain to its end or to the first line that does not fit."""
        head, n_entries = FIRST, 0
        for line in self._lines():
            found = _hash_of(line, head)
            if found is None:
                return Chain(n_entries, head, n_entries + 1)
            head, n_entries = found, n_entries + 1
        return Chain(n_entries, head, None)

    def _lines(self) -> Iterator[bytes]:
        try:
            with self.file.open("rb") as opened:
                yield from opened
        except FileNotFoundError:
            return


def entry_of(
    task: str,
    outcome: Outcome,
    provenance: Provenance,
    *,
    detail: str = "",
    text: str = "",
    level: Level = Level.DIGESTS,
    now: datetime | None = None,
) -> Entry:
    files = {p.snippet.path: p.snippet.file_hash for p in provenance.receipt.shown}
    agreement = provenance.agreement or Agreement(1, 1)
    return Entry(
        at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
        task=task,
        outcome=outcome,
        detail=detail,
        model=provenance.model.name,
        model_digest=provenance.model.digest,
        backend=provenance.model.backend,
        prompt_digest=provenance.prompt_digest,
        files=tuple(files.items()),
        shown_tokens=provenance.receipt.used_tokens,
        thinking_tokens=provenance.trace.n_tokens,
        text=_kept(f"{provenance.trace.text}\n\n{text}".strip(), level),
        n_agreeing=agreement.n_agreeing,
        n_asked=agreement.n_asked,
    )


def _kept(text: str, level: Level) -> str:
    """What the user wants in the record; never a secret, which an edit has back in its place."""
    return without_secrets(text) if level is Level.TEXT else ""


def exact_entry(
    task: str,
    outcome: Outcome,
    exact: Exact,
    *,
    detail: str = "",
    text: str = "",
    level: Level = Level.DIGESTS,
    now: datetime | None = None,
) -> Entry:
    """Of edits that no model wrote; where one chose the name, with what it was asked."""
    if exact.planned is not None:
        entry = entry_of(
            task, outcome, exact.planned, detail=detail, text=text, level=level, now=now
        )
        return replace(entry, files=tuple(dict([*exact.files, *entry.files]).items()))
    return Entry(
        at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
        task=task,
        outcome=outcome,
        detail=detail,
        model="",
        model_digest="",
        backend=exact.by,
        prompt_digest="",
        files=exact.files,
        shown_tokens=0,
        thinking_tokens=0,
        text=_kept(text, level),
    )


def proposal_entry(proposal: Proposal, outcome: Outcome, task: str, level: Level) -> Entry:
    """`outcome`: offered, refused or applied. The checks of the gate that refused are named."""
    checks = ", ".join(dict.fromkeys(refusal.check for refusal in proposal.refusals))
    texts = [edit.new_text for edit in proposal.edits] + [new.text for new in proposal.new_files]
    text = "\n\n".join(texts)
    origin = proposal.provenance
    if isinstance(origin, Exact):
        return exact_entry(task, outcome, origin, detail=checks, text=text, level=level)
    return entry_of(task, outcome, origin, detail=checks, text=text, level=level)


def _line(entry: Entry, previous: str) -> bytes:
    data = {**asdict(entry), "previous": previous}
    return _canonical({**data, "hash": _digest(data)}) + b"\n"


def _hash_of(line: bytes, previous: str) -> str | None:
    """The hash of a line that is whole and follows `previous`, else None."""
    try:
        data = json.loads(line)
        claimed = data.pop("hash")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    is_right = (
        line.endswith(b"\n")
        and data.get("previous") == previous
        and claimed == _digest(data)
        and line == _canonical({**data, "hash": claimed}) + b"\n"
    )
    return str(claimed) if is_right else None


def _last_hash(opened: IO[bytes]) -> str:
    """Of the last line; what a crash left half-written is ended first, and shows in a walk."""
    size = opened.seek(0, os.SEEK_END)
    if not size:
        return FIRST
    reach = TAIL_BYTES
    while True:
        opened.seek(max(0, size - reach))
        tail = opened.read()
        lines = tail.rstrip(b"\n").split(b"\n")
        if len(lines) > 1 or reach >= size:
            break
        reach *= 4
    if not tail.endswith(b"\n"):
        opened.write(b"\n")
    for line in reversed(lines):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(json.loads(line)["hash"])
    return FIRST


def _append_whole(opened: IO[bytes], line: bytes) -> None:
    """All of it or, on a full disk, nothing: a piece would look like tampering ever after."""
    size, rest = opened.seek(0, os.SEEK_END), line
    try:
        while rest:
            rest = rest[opened.write(rest) :]
    except OSError:
        with contextlib.suppress(OSError):
            opened.truncate(size)
        raise


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(data)).hexdigest()


def _canonical(data: dict[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


@contextlib.contextmanager
def _locked(opened: IO[bytes]) -> Iterator[None]:
    """Keep other processes of ours from appending meanwhile."""
    try:
        import fcntl
    except ImportError:  # Windows: a lock on the first byte of the file
        import msvcrt

        lock, unlock = getattr(msvcrt, "LK_LOCK"), getattr(msvcrt, "LK_UNLCK")  # noqa: B009
        locking = getattr(msvcrt, "locking")  # noqa: B009
        opened.seek(0)
        locking(opened.fileno(), lock, 1)
        try:
            yield
        finally:
            opened.seek(0)
            locking(opened.fileno(), unlock, 1)
    else:
        fcntl.flock(opened, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(opened, fcntl.LOCK_UN)
