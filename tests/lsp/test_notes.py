"""What was said of places: how it follows a text that is edited, reloaded or changed on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from context.text import Span, Text, content_hash
from lsp import applied
from lsp.applied import AppliedEdits
from lsp.documents import Change, Document
from lsp.others import OtherDiagnostics
from lsp.traces import Kind, Note, Notes
from models.findings import Edit, Exact, Proposal

ROOT = Path("/w")
CODE = "def f():\n    return 1\n\n\ndef g():\n    return 2\n"


def _noted(marked: str) -> tuple[Notes, str]:
    """Notes with one at what stands between « and », and the text without the two."""
    before, code, after = marked.replace("»", "«").split("«")
    notes = Notes()
    text = before + code + after
    span = Span(len(before), len(before) + len(code))
    notes.add(Note(Kind.FINDING, "file:///w/a.py", span, "m", "h", ROOT), Text(text))
    return notes, text


def check_met(marked: str, text: str, expect: str | None) -> None:
    """`expect`: the code that the note stands on in another text; None when it is gone."""
    notes, before = _noted(marked)
    assert notes.meet("file:///w/a.py", Text(text)) == (before != text)
    found = [Text(text).slice(note.span) for note in notes.of("file:///w/a.py")]
    assert found == ([] if expect is None else [expect])


def test_notes_move_with_edits_before_them_and_die_with_their_code() -> None:
    notes, text = Notes(), Text("x" * 40)
    notes.add(Note(Kind.FINDING, "u", Span(10, 20), "m", "h", ROOT), text)
    notes.follow("u", [Change(0, 2, 5)], text)
    assert notes.of("u")[0].span == Span(13, 23)
    notes.follow("u", [Change(23, 23, 4), Change(30, 31, 0)], text)
    assert notes.of("u")[0].span == Span(13, 23)
    notes.follow("u", [Change(15, 16, 1)], text)
    assert notes.of("u") == []
    assert notes.uris() == []


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("def f():\n«    return 1»\n", "import os\n\ndef f():\n    return 1\n"),
        ("a\n«b»\nc\n", "a\nb\nd\nc\n"),
        ("a\n«b\nc»", "b\nc\na\n"),
        ("a\n«b»\nc\na\n", "new\na\nb\na\nc\n"),
        ("é😀\n«b»\n", "é😀\r\nb\r\n"),
        ("«b»\n", "b\n"),
    ],
)
def test_a_note_stays_with_its_code_in_a_text_that_was_changed_elsewhere(
    marked: str, text: str
) -> None:
    _, code, _ = marked.replace("»", "«").split("«")
    check_met(marked, text, expect=code)


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("def f():\n«    return 1»\n", "def f():\n    return 2\n"),
        ("a\n«b»\nc\n", ""),
        ("a\n«b»\nc\n", "x\nb\ny\nb\nz\n"),
        ("a\n«b»\nc\n", "x\nbb\ny b\n"),
        ("a\n«»\nc\n", "x\n\ny\n"),
    ],
)
def test_a_note_whose_code_is_gone_or_not_clear_is_dropped(marked: str, text: str) -> None:
    check_met(marked, text, expect=None)


def test_a_note_is_found_by_every_spelling_of_its_uri() -> None:
    notes, text = Notes(), Text(CODE)
    notes.add(Note(Kind.SUSPECT, "file:///c:/%28a%29/b%20c.py", Span(0, 8), "m", "h", ROOT), text)
    theirs = "file:///c%3A/(a)/b c.py"
    assert notes.at(theirs, 3) == notes.of(theirs)[0]
    notes.add(Note(Kind.SUSPECT, theirs, Span(0, 8), "m", "h", ROOT), text)
    assert len(notes.of(theirs)) == 1, "the same remark, whoever spells it"
    notes.follow(theirs, [Change(0, 0, 1)], Text("\n" + CODE))
    assert notes.of("file:///c:/%28a%29/b%20c.py")[0].span == Span(1, 9)
    assert len(notes.uris()) == 1


def test_a_note_of_a_newer_text_takes_the_older_ones_along() -> None:
    notes, _ = _noted(CODE.replace("    return 2", "«    return 2»"))
    now = "import os\n" + CODE
    span = Span(now.index("def f"), now.index("def f") + 8)
    notes.add(Note(Kind.SUSPECT, "file:///w/a.py", span, "s", "h", ROOT), Text(now))
    found = [Text(now).slice(note.span) for note in notes.of("file:///w/a.py")]
    assert found == ["    return 2", "def f():"]
    assert notes.text("file:///w/a.py").content == now


def _proposed(before: str, after: str) -> Proposal:
    edit = Edit("(a)/b.py", Span(0, len(before)), before, after, content_hash(before), "why")
    return Proposal("a title", (edit,), (), 0, Exact("Jedi", 1, (), None))


def test_an_applied_edit_is_seen_in_a_file_that_is_opened_afterwards() -> None:
    awaited = AppliedEdits()
    proposal = _proposed("a\n", "b\n")
    root = Path("/w").absolute()
    awaited.await_(root, proposal, lambda path: f"file:///w/{path}", lambda _: "a\n")
    theirs = Document("file:///w/%28a%29/b.py", "python", 1, Text("a\n"))
    assert awaited.seen(theirs) is None
    seen = awaited.seen(Document(theirs.uri, "python", 2, Text("b\n")))
    assert seen is not None
    found, (note,) = seen
    assert (found, note.kind, note.root, note.span) == (proposal, Kind.APPLIED, root, Span(0, 1))


def test_a_fix_that_is_not_taken_costs_typing_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    awaited = AppliedEdits()
    awaited.await_(Path("/w"), _proposed("a\n", "b\n"), lambda _: "u", lambda _: "a\n")
    monkeypatch.setattr(applied, "content_hash", lambda _: pytest.fail("it was hashed"))
    assert awaited.seen(Document("u", "python", 1, Text("a\n# more\n"))) is None


def test_what_other_servers_say_is_forgotten_by_every_spelling() -> None:
    others = OtherDiagnostics()
    start = types.Position(2, 0)
    others.seen("file:///w/%28a%29.py", [types.Diagnostic(types.Range(start, start), "m")])
    (found,) = others.of(Path("/w"))
    assert (found.path, found.line) == ("(a).py", 3)
    others.forget("file:///w/(a).py")
    assert others.of(Path("/w")) == []
