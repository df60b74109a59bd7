"""How files become text before they are parsed: encodings, and what is no file to read."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest

from context.parsing import MAX_FILE_BYTES, Skipped, decode, read_source


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("name = 'é'".encode(), "name = 'é'"),
        (codecs.BOM_UTF8 + b"x = 1", "x = 1"),
        ("# -*- coding: cp1252 -*-\nx = '€'".encode("cp1252"), "# -*- coding: cp1252 -*-\nx = '€'"),
        ("#!/bin/python\n# vim: set fileencoding=koi8-r :\nд".encode("koi8-r"),
         "#!/bin/python\n# vim: set fileencoding=koi8-r :\nд"),
        (b"# coding: no-such-code\nx = '\xe9'", "# coding: no-such-code\nx = '\xe9'"),
        (b"caf\xe9\r\n\x0c", "caf\xe9\r\n\x0c"),
        (b"", ""),
    ],
)  # fmt: skip
def test_text_is_read_in_the_encoding_that_it_has(source: bytes, text: str) -> None:
    assert decode(source) == text


def test_a_zero_byte_near_the_start_is_no_text() -> None:
    with pytest.raises(Skipped, match="binary"):
        decode(b"x" * 8_000 + b"\0")
    assert decode(b"x" * 9_000 + b"\0").endswith("\0")


@pytest.mark.skipif(os.name == "nt", reason="no links and pipes there without rights")
def test_links_pipes_and_folders_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to(tmp_path / "real.py")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    assert read_source(tmp_path, "real.py") == "x = 1\n"
    with pytest.raises(Skipped, match="unreadable"):
        read_source(tmp_path, "link.py")
    with pytest.raises(Skipped, match="special"):
        read_source(tmp_path, "pipe.py")
    with pytest.raises(Skipped):
        read_source(tmp_path, "folder.py")
    with pytest.raises(Skipped, match="unreadable"):
        read_source(tmp_path, "gone.py")


def test_a_very_large_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "big.py").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(Skipped, match="too large"):
        read_source(tmp_path, "big.py")
