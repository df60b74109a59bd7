"""Edits in the bytes of files: as patches that git takes, and written as a whole or not at all."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from context.errors import NoSuchPlace
from context.parsing import decode
from lsp.commands import fix
from lsp.commands.patches import Change, change_of, patch_lines, write_changes
from tests.repositories import new_repository

NAMES = ["a.py", "my file.py", "größe/😀 x.py", 'quo"te.py', "back\\slash.py", "tab\tname.py"]
CONTENTS = [
    b"a\nb\nc\n",
    b"a\r\nb\r\nc\r\n",
    b"\xef\xbb\xbfa\nb\nc",
    "# größe\n a\n b\n".encode("latin-1"),
    b"# coding: cp1251\nb = '\xe9'\nc\n",
    b"a\fx\nb\r\x85 c\n",
    b"b",
]


def _changed(root: Path, path: str, raw: bytes) -> Change:
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_bytes(raw)
    text = decode(raw)
    return change_of(root, path, text, text.replace("b", "bb\nB", 1))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("raw", CONTENTS)
def test_git_applies_the_patch_of_each_name_and_encoding(
    tmp_path: Path, name: str, raw: bytes
) -> None:
    root = new_repository(tmp_path / "work")
    change = _changed(root, name, raw)
    patch = b"".join(patch_lines(change))
    subprocess.run(["git", "-C", str(root), "apply"], input=patch, check=True)
    assert (root / name).read_bytes() == change.new == raw.replace(b"b", b"bb\nB", 1)


def test_what_an_encoding_cannot_say_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("größe\n".encode("latin-1"))
    with pytest.raises(NoSuchPlace, match=r"a.py is in latin-1, which has no '→'"):
        change_of(tmp_path, "a.py", "größe\n", "→\n")
    raw = b"# coding: cp932\nx = '\x87\x90'\n"  # two spellings of one character
    (tmp_path / "b.py").write_bytes(raw)
    with pytest.raises(NoSuchPlace, match="would change other bytes"):
        change_of(tmp_path, "b.py", decode(raw), "")
    with pytest.raises(NoSuchPlace, match="has changed"):
        change_of(tmp_path, "a.py", "other\n", "")
    with pytest.raises(NoSuchPlace, match="cannot be read"):
        change_of(tmp_path, "gone.py", "", "")


def _two(root: Path) -> list[Change]:
    return [_changed(root, "a.py", b"b\n"), _changed(root, "b.py", b"ab\n")]


def _state(root: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in root.iterdir()}


def test_all_files_are_written(tmp_path: Path) -> None:
    changes = _two(tmp_path)
    write_changes(tmp_path, changes)
    assert _state(tmp_path) == {change.path: change.new for change in changes}


def test_when_a_file_has_changed_no_other_is_written(tmp_path: Path) -> None:
    changes = _two(tmp_path)
    (tmp_path / "b.py").write_bytes(b"else\n")
    before = _state(tmp_path)
    with pytest.raises(OSError, match="it has changed"):
        write_changes(tmp_path, changes)
    assert _state(tmp_path) == before


@pytest.mark.parametrize("fault", ["mkstemp", "chmod", "replace"])
def test_when_the_second_file_cannot_be_written_the_first_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    changes = _two(tmp_path)
    before = _state(tmp_path)
    calls: list[int] = []
    module = tempfile if fault == "mkstemp" else os
    real = getattr(module, fault)

    def failing(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise PermissionError(13, "Permission denied", "b.py")
        return real(*given, **named)

    monkeypatch.setattr(module, fault, failing)
    with pytest.raises(PermissionError):
        write_changes(tmp_path, changes)
    assert _state(tmp_path) == before


def test_an_edit_that_cannot_be_written_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    changes = _two(tmp_path)

    def failing(*given: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied", "shop")

    monkeypatch.setattr(tempfile, "mkstemp", failing)
    with pytest.raises(SystemExit) as ended:
        fix._write(tmp_path, changes)
    printed = capfdbinary.readouterr()
    assert ended.value.code == 3
    assert printed.out == b"".join(line for change in changes for line in patch_lines(change))
    assert b"nothing was changed (shop: Permission denied)" in printed.err
