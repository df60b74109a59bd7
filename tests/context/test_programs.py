"""Programs are the machine's, wherever the server was started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from context.programs import program


def _make_program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("system", ["linux", "win32"])
def test_a_program_of_the_current_folder_is_never_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.chdir(tmp_path)
    for name in ("git", "git.exe", "git.bat"):
        _make_program(tmp_path, name)
        _make_program(tmp_path / "tools", name)
    relative = os.pathsep.join(["", ".", "tools", "./tools"])
    assert program("git", relative) is None
    own = tmp_path / "machine"
    theirs = _make_program(own, "git.exe" if system == "win32" else "git")
    assert program("git", f"{relative}{os.pathsep}{own}") == str(theirs)


def test_a_file_that_cannot_be_run_is_passed_over(tmp_path: Path) -> None:
    _make_program(tmp_path / "a", "git").chmod(0o644)
    _make_program(tmp_path / "b", "git.bat")
    (tmp_path / "c" / "git").mkdir(parents=True)
    theirs = _make_program(tmp_path / "d", "git")
    path = os.pathsep.join(str(tmp_path / name) for name in "abcd")
    assert program("git", path) == str(theirs)
    assert program("git", "") is None
