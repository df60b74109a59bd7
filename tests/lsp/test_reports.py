"""A report on the command line is read wherever it comes from, whatever its size and encoding."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from context.report import MAX_REPORT, EmptyReport, read_report
from lsp.commands.reports import END_BYTES, read_ends, read_report_argument

REPORT = "Traceback: größe 😀\r\nValueError: x\r\n"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_by_its_mark(tmp_path: Path, codec: str) -> None:
    file = tmp_path / "a report.txt"
    file.write_bytes(REPORT.encode(codec))
    assert read_report_argument(str(file)) == REPORT


def test_utf_16_of_the_other_order_and_broken_bytes_are_read() -> None:
    assert read_ends(io.BytesIO(b"\xfe\xff" + REPORT.encode("utf-16-be"))) == REPORT
    assert read_ends(io.BytesIO(b"a\xff\xfe\n")) == "a\ufffd\ufffd\n"
    assert read_ends(io.BytesIO(b"")) == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_read_as_a_shell_gives_it() -> None:
    reader, writer = os.pipe()
    os.write(writer, REPORT.encode())
    os.close(writer)
    try:
        assert read_report_argument(f"/dev/fd/{reader}") == REPORT
    finally:
        os.close(reader)


@pytest.mark.parametrize("n_more", [0, 1, 2])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_of_a_long_log_both_ends_are_held(codec: str, n_more: int) -> None:
    middle = "wörd line\n" * (END_BYTES // 2)
    log = f"head\n{middle}{'x' * n_more}\nValueError: the end 😀"
    found = read_ends(io.BytesIO(log.encode(codec)))
    assert len(found) < len(log)
    assert found.startswith("head\nwörd line\n")
    assert found.endswith(f"{'x' * n_more}\nValueError: the end 😀")
    assert read_report(found).text == read_report(log).text
    assert len(found) > MAX_REPORT


def test_what_is_no_file_is_the_report_and_what_looks_like_one_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "login").mkdir()
    for words in ("it fails", "login", "total", "a/b fails", "x" * 5_000, "e\0f", "3.5"):
        assert read_report_argument(words) == words
    assert capsys.readouterr().err == ""
    for name in ("reports/total-bug.txt", "bug.log", "reports\\bug.txt"):
        assert read_report_argument(name) == name
        assert f"there is no file {name} here" in " ".join(capsys.readouterr().err.split())
    for name in ("./no.txt", "/no/such", "../x", "~/x.log"):
        with pytest.raises(EmptyReport, match="There is no file"):
            read_report_argument(name)
