"""How a command ends: one sentence and a code, whatever the console, the disk or the words are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsp import cli
from lsp.commands import console
from tests.lsp.test_doctor import postil


def test_names_that_the_console_cannot_show_are_written_out(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "日本.py").write_text("def total():\n    return 1\n")
    arguments = ("locate", "total is wrong in 日本.py", "--no-model", "-w", str(folder))
    done = postil(*arguments, PYTHONIOENCODING="cp1252", POSTIL_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert "\\u65e5\\u672c.py" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_a_failure() -> None:
    command = [sys.executable, "-P", "-m", "lsp", "version"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "postil: No space left on device\n")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (PermissionError(13, "Permission denied", "/x/y"), 3, "postil: /x/y: Permission denied\n"),
        (OSError("odd"), 3, "postil: odd\n"),
        (RuntimeError("ours"), 3, "RuntimeError: ours\n"),
    ],
)
def test_what_nobody_foresaw_is_no_answer_of_nothing_found(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: Exception,
    code: int,
    said: str,
) -> None:
    def failing() -> None:
        raise raised

    monkeypatch.setattr(cli, "app", failing)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err.endswith(said)


def test_a_host_without_a_port_is_bad_use() -> None:
    done = postil("serve", "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "give a port with --tcp or --websocket" in done.stderr


def test_a_wrong_setting_is_said_once_in_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "_said", set())
    monkeypatch.setitem(os.environ, "POSTIL_EFFORT", "enormous")
    first, second = console.settings(), console.settings()
    assert first == second
    assert capsys.readouterr().err.count("effort cannot be 'enormous'") == 1
