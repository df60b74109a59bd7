"""The record: what it holds, and which changes of it are noticed."""

from __future__ import annotations

import errno
import io
import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from context.window import Receipt, Role, ShownPiece, Snippet
from models.audit import (
    FIRST,
    Level,
    Outcome,
    Record,
    RecordUnwritable,
    entry_of,
    proposal_entry,
)
from models.backends import ModelInfo, Thinks
from models.citations import Citations
from models.findings import CutReason, Proposal, Provenance, Refusal, Trace

MODEL = ModelInfo("tiny", "ab" * 32, "llama.cpp", "CPU", 4_096, Thinks.ELICITED)
CODE = "launch_code = 'do not record me'"


def provenance() -> Provenance:
    snippet = Snippet("src/a.py", 1, 1, None, CODE, Role.SUSPECT, "why", "cd" * 32)
    receipt = Receipt(900, 12, (ShownPiece("F1", snippet, 12),), ())
    trace = Trace(f"I see {CODE}", 9, 0.5, CutReason.NONE, Thinks.ELICITED)
    return Provenance(MODEL, trace, receipt, "ef" * 32, Citations())


def filled(tmp_path: Path, count: int = 5) -> Record:
    record = Record(tmp_path / "data" / "record.jsonl")
    for n in range(count):
        record.append(entry_of(f"task {n}", Outcome.FINDING, provenance(), text=CODE))
    return record


def test_an_entry_says_who_was_asked_about_which_files_and_holds_no_text(tmp_path: Path) -> None:
    record = filled(tmp_path, 1)
    (entry,) = record.entries()
    assert entry["model_digest"] == MODEL.digest
    assert entry["files"] == [["src/a.py", "cd" * 32]]
    assert (entry["shown_tokens"], entry["thinking_tokens"]) == (12, 9)
    assert entry["prompt_digest"] == "ef" * 32
    assert entry["previous"] == FIRST
    assert "launch" not in record.file.read_text()
    assert record.file.stat().st_mode & 0o077 == 0


def test_text_is_kept_only_where_the_user_wants_it(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.jsonl")
    record.append(entry_of("fix", Outcome.FINDING, provenance(), text="a cause", level=Level.TEXT))
    (entry,) = record.entries()
    assert CODE in entry["text"]
    assert entry["text"].endswith("a cause")


def test_a_refusal_names_the_check(tmp_path: Path) -> None:
    refused = Proposal("Fix", (), (Refusal("anchor", "x"), Refusal("anchor", "y")), 0, provenance())
    entry = proposal_entry(refused, Outcome.REFUSED, "fix", Level.DIGESTS)
    assert (entry.outcome, entry.detail) == (Outcome.REFUSED, "anchor")


def test_an_untouched_chain_is_right_to_its_end(tmp_path: Path) -> None:
    record = filled(tmp_path)
    chain = record.verify()
    assert (chain.n_entries, chain.broken_line) == (5, None)
    assert chain.head == list(record.entries())[-1]["hash"]
    assert Record(tmp_path / "none.jsonl").verify().n_entries == 0


def changed(lines: list[bytes]) -> list[bytes]:
    lines[2] = lines[2].replace(b"task 2", b"task 9")
    return lines


def rehashed(lines: list[bytes]) -> list[bytes]:
    data = json.loads(lines[2])
    data["task"] = "task 9"
    lines[2] = json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    return lines


@pytest.mark.parametrize(
    ("tamper", "line"),
    [
        (changed, 3),
        (rehashed, 3),
        (lambda lines: lines[:2] + lines[3:], 3),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3),
        (lambda lines: [*lines[:4], lines[4].rstrip(b"\n")], 5),
        (lambda lines: [*lines, b'{"hash": 3}\n'], 6),
        (lambda lines: [*lines, b"[]\n"], 6),
        (lambda lines: [*lines, b"\xff\xfe\n"], 6),
    ],
)
def test_what_was_changed_taken_out_or_put_in_is_noticed(
    tmp_path: Path, tamper: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    record = filled(tmp_path)
    with record.file.open("rb") as opened:
        lines = list(opened)
    record.file.write_bytes(b"".join(tamper(lines)))
    assert record.verify().broken_line == line


def test_a_line_that_a_crash_left_half_written_does_not_swallow_the_next(tmp_path: Path) -> None:
    record = filled(tmp_path, 2)
    with record.file.open("ab") as opened:
        opened.write(b'{"at": "2026')
    record.append(replace(entry_of("after", Outcome.FAILED, provenance())))
    assert [e["task"] for e in record.entries()] == ["task 0", "task 1", "after"]
    assert record.verify().broken_line == 3


class FullDisk(io.FileIO):
    """A file on a disk that has room for some bytes of a line, and for nothing after them."""

    has_room = True

    def write(self, data: Any) -> int:
        if not self.has_room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.has_room = False
        return super().write(data[:20])


def test_a_disk_that_was_full_once_does_not_make_the_record_look_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = filled(tmp_path, 2)
    before = record.file.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("models.audit.os.fdopen", lambda file, *_, **__: FullDisk(file, "r+b"))
        with pytest.raises(RecordUnwritable, match=r"No space left on device.*make room"):
            record.append(entry_of("lost", Outcome.FINDING, provenance()))
    assert record.file.read_bytes() == before
    record.append(entry_of("after", Outcome.FINDING, provenance()))
    assert (record.verify().n_entries, record.verify().broken_line) == (3, None)


def _append_some(file: str, name: str) -> None:
    for n in range(30):
        Record(Path(file)).append(entry_of(f"{name} {n}", Outcome.FINDING, provenance()))


def test_two_processes_append_to_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    file = str(tmp_path / "record.jsonl")
    both = [context.Process(target=_append_some, args=(file, name)) for name in "ab"]
    for process in both:
        process.start()
    for process in both:
        process.join()
    chain = Record(Path(file)).verify()
    assert (chain.n_entries, chain.broken_line) == (60, None)


def test_a_record_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordUnwritable, match=r"cannot be written .*; make room or set record"):
        Record(tmp_path / "file" / "record.jsonl").append(
            entry_of("x", Outcome.FAILED, provenance())
        )
