"""Document sync against an independent model that works on encoded units, in three encodings."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from context.text import Text
from lsp import from_lsp, to_lsp
from lsp.documents import Documents, Lost, name_of, replacement
from lsp.errors import Failure
from lsp.from_lsp import Encoding

UNIT_BYTES = {Encoding.UTF8: ("utf-8", 1), Encoding.UTF16: ("utf-16-le", 2),
              Encoding.UTF32: ("utf-32-le", 4)}  # fmt: skip
PIECES = st.lists(
    st.sampled_from(["a", "b", "é", "😀", "\n", "\r\n", "\r", "\x0c", "\u2028", "\x85", " "]),
    max_size=14,
).map("".join)


def _lines(content: str) -> list[str]:
    """Lines with their ends; written apart from the code under test."""
    lines, line, at = [], "", 0
    while at < len(content):
        end = "\r\n" if content.startswith("\r\n", at) else content[at]
        at += len(end)
        line += end
        if end in ("\n", "\r", "\r\n"):
            lines.append(line)
            line = ""
    return [*lines, line]


def _unit_offset(content: str, position: types.Position, encoding: Encoding) -> int:
    """Byte offset of a position in the encoded text, clamped to the line."""
    codec, size = UNIT_BYTES[encoding]
    lines = _lines(content)
    if position.line >= len(lines):
        return len(content.encode(codec))
    before = sum(len(line.encode(codec)) for line in lines[: position.line])
    body = lines[position.line].rstrip("\r\n")
    return before + min(position.character * size, len(body.encode(codec)))


@settings(deadline=None)
@given(PIECES, st.lists(PIECES, max_size=4), st.sampled_from(list(Encoding)), st.data())
def test_incremental_changes_agree_with_the_model(
    content: str, changes: list[str], encoding: Encoding, data: st.DataObject
) -> None:
    documents = Documents()
    documents.open(types.TextDocumentItem("file:///a", "x", 0, content))
    codec, _ = UNIT_BYTES[encoding]
    for version, new in enumerate(changes, 1):
        text = Text(content)
        places = [at for at in range(len(content) + 1) if not _splits_eol(text, at)]
        first, last = sorted(data.draw(st.sampled_from(places)) for _ in range(2))
        range_ = types.Range(
            to_lsp.position(text, first, encoding), to_lsp.position(text, last, encoding)
        )
        encoded = content.encode(codec)
        a, b = (_unit_offset(content, p, encoding) for p in (range_.start, range_.end))
        content = (encoded[:a] + new.encode(codec) + encoded[b:]).decode(codec)
        change = types.TextDocumentContentChangePartial(range=range_, text=new)
        document, _ = documents.change("file:///a", version, [change], encoding)
        assert document.text.content == content
        assert document.text.line_starts == Text(content).line_starts


N_EDITS = 50_000
ALPHABET = ["a", "bc", "é", "😀", "\n", "\r\n", "\r", "\x0c", "\u2028", "\x85", "", " ", "\ud800"]


@pytest.mark.parametrize("encoding", list(Encoding))
def test_50_000_random_edits_never_diverge_from_an_array_of_units(encoding: Encoding) -> None:
    """Another model than above: code units in an array, as an editor has them.

    A third of the edits for each encoding, lone surrogates among them; some positions lie past the
    ends of their lines, which means the ends.
    """
    chance = random.Random(encoding.value)
    documents = Documents()
    documents.open(types.TextDocumentItem("file:///a", "x", 0, ""))
    chars: list[str] = []
    for version in range(1, N_EDITS // len(Encoding) + 2):
        if len(chars) > 300:
            chars = chars[:20]
            whole = types.TextDocumentContentChangeWholeDocument(text="".join(chars))
            documents.change("file:///a", version, [whole], encoding)
            continue
        first, last = sorted(_random_place(chars, chance) for _ in range(2))
        range_ = types.Range(
            _units(chars, first, encoding, chance), _units(chars, last, encoding, chance)
        )
        new = "".join(chance.choices(ALPHABET, k=chance.randrange(4)))
        change = types.TextDocumentContentChangePartial(range=range_, text=new)
        document, _ = documents.change("file:///a", version, [change], encoding)
        chars[first:last] = new
        assert document.text.content == "".join(chars)


def _random_place(chars: list[str], chance: random.Random) -> int:
    """Any place but the middle of a CRLF, which no position can name."""
    at = chance.randint(0, len(chars))
    return at - 1 if chars[max(at - 1, 0) : at + 1] == ["\r", "\n"] else at


def _units(
    chars: list[str], place: int, encoding: Encoding, chance: random.Random
) -> types.Position:
    """The position of a place, found by walking the array; sometimes past the end of its line."""
    line = start = 0
    for at in range(place):
        is_crlf = chars[at : at + 2] == ["\r", "\n"]
        if chars[at] in ("\n", "\r") and not is_crlf:
            line, start = line + 1, at + 1
    size = UNIT_BYTES[encoding][1]
    codec = UNIT_BYTES[encoding][0]
    before = "".join(chars[start:place]).encode(codec, "surrogatepass")
    at_end = place == len(chars) or chars[place] in ("\n", "\r")
    past = chance.choice([0, 0, 0, 7]) if at_end else 0
    return types.Position(line, len(before) // size + past)


def _splits_eol(text: Text, offset: int) -> bool:
    return text.content[max(offset - 1, 0) : offset + 1] == "\r\n"


@pytest.mark.parametrize("encoding", list(Encoding))
def test_positions_past_a_lines_end_or_inside_a_character_are_clamped(encoding: Encoding) -> None:
    text = Text("a😀b\r\nnext")
    assert from_lsp.offset(text, types.Position(0, 99), encoding) == 3
    assert from_lsp.offset(text, types.Position(9, 0), encoding) == len(text)
    if encoding is not Encoding.UTF32:
        assert from_lsp.offset(text, types.Position(0, 2), encoding) == 1


WHOLE = types.TextDocumentContentChangeWholeDocument(text="z")
INVERTED = types.TextDocumentContentChangePartial(
    range=types.Range(types.Position(0, 2), types.Position(0, 1)), text="z"
)


@pytest.mark.parametrize(
    ("version", "change", "why"),
    [(3, WHOLE, "version 3 came after version 3"), (4, INVERTED, "ends before it starts")],
)
def test_a_change_that_cannot_be_loses_the_document_until_its_whole_text_comes(
    version: int, change: types.TextDocumentContentChangeEvent, why: str
) -> None:
    documents = Documents()
    documents.open(types.TextDocumentItem("file:///a", "x", 3, "abc"))
    with pytest.raises(Lost, match=why):
        documents.change("file:///a", version, [change], Encoding.UTF16)
    assert documents.is_lost("file:///a")
    assert documents.get("file:///a") is None
    start = types.Range(types.Position(0, 0), types.Position(0, 0))
    good = types.TextDocumentContentChangePartial(range=start, text="x")
    with pytest.raises(Failure, match="is lost") as refused:
        documents.change("file:///a", 5, [good], Encoding.UTF16)
    assert not isinstance(refused.value, Lost), "it is said once"
    document, _ = documents.change("file:///a", 6, [WHOLE, good], Encoding.UTF16)
    assert documents.get("file:///a") == document
    assert (document.text.content, document.version) == ("xz", 6)
    with pytest.raises(Lost):
        documents.change("file:///a", 6, [WHOLE], Encoding.UTF16)
    documents.open(types.TextDocumentItem("file:///a", "x", 1, "new"))
    assert not documents.is_lost("file:///a")


def test_a_change_of_what_is_not_open_is_refused() -> None:
    with pytest.raises(Failure, match="not open"):
        Documents().change("file:///b", 4, [WHOLE], Encoding.UTF16)


def test_a_document_is_found_by_every_spelling_of_its_uri() -> None:
    documents = Documents()
    documents.open(types.TextDocumentItem("file:///c%3A/(a)/é.py", "python", 1, "x"))
    ours = "file:///c:/%28a%29/%C3%A9.py"
    document = documents.get(ours)
    assert document is not None
    assert document.uri == documents.spelled(ours) == "file:///c%3A/(a)/é.py"
    documents.close(ours)
    assert documents.get(document.uri) is None
    assert documents.spelled(ours) == document.uri, "the editor knows it by that, open or not"
    assert documents.spelled("untitled:1") == "untitled:1"


@given(PIECES, PIECES)
def test_a_replacement_makes_the_one_text_of_the_other(old: str, new: str) -> None:
    change = replacement(old, new)
    middle = new[change.start : change.start + change.n_new]
    assert old[: change.start] + middle + old[change.end :] == new
    if old == new:
        assert (change.n_new, change.end) == (0, change.start)


@pytest.mark.parametrize(
    ("uri", "name"),
    [("file:///a/my%20shop.py", "my shop.py"), ("untitled:a/Untitled-1", "Untitled-1")],
)
def test_people_read_names_and_no_escapes(uri: str, name: str) -> None:
    assert name_of(uri) == name


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c.py", "/a/b c.py"), ("file:///c%3A/x.py", "c:/x.py"),
        ("FILE://localhost/a", "/a"), ("file:///%F0%9F%98%80.py", "/😀.py"),
    ],
)  # fmt: skip
def test_uris_become_paths(uri: str, path: str) -> None:
    assert str(from_lsp.path(uri)).replace("\\", "/") == path


def test_what_is_no_file_has_no_path() -> None:
    for uri in ("untitled:Untitled-1", "https://example.org/a.py", "git:/a", "nonsense"):
        assert from_lsp.path(uri) is None


HOSTILE = st.text(alphabet=st.sampled_from("`~[]()!<>ab:/ \n\r\u202e\u200b\x1b\x00"), max_size=60)


@settings(deadline=None)
@given(HOSTILE)
def test_no_words_end_their_block_or_stay_invisible(words: str) -> None:
    block = to_lsp.fenced(words)
    opening, *body, closing = block.split("\n")
    fence = opening.removesuffix("text")
    assert closing == fence
    assert all(not line.strip().startswith(fence) for line in body)
    assert not any(c in block for c in "\u202e\u200b\x1b\x00")
