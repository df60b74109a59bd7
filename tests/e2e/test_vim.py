"""Vim with ALE: a report in a buffer, its diagnostics, a hover, an edit of two files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.scripted import ROOT, documented, postil_on_path, write_workspace
from tests.e2e.setup_editors import FOLDER, why_missing


def _vim() -> tuple[str, dict[str, str]]:
    """The system's Vim where there is one with channels, else the unpacked one."""
    unpacked = FOLDER / "vim-ale" / "usr"
    own = unpacked / "bin" / "vim.basic"
    if own.exists():
        libraries = sorted({str(file.parent) for file in unpacked.glob("lib/*/*.so.*")})
        (runtime,) = (unpacked / "share" / "vim").glob("vim[0-9]*")
        return str(own), {
            "VIMRUNTIME": str(runtime),
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
        }
    system = shutil.which("vim")
    assert system, "apt found a Vim that is installed, and it is not on the PATH"
    return system, {}


@pytest.mark.editor
def test_ale_shows_a_finding_and_applies_an_edit_of_two_files(tmp_path: Path) -> None:
    if reason := why_missing("vim-ale"):
        pytest.skip(reason)
    project, output = tmp_path / "project", tmp_path / "output"
    model = write_workspace(project)
    (project / ".git").mkdir()
    configuration = tmp_path / "configuration.vim"
    configuration.write_text(documented("Vim with ALE", "vim"))
    vim, environment = _vim()
    done = subprocess.run(
        [vim, "-Nu", str(Path(__file__).with_name("vimrc")), "-es",
         "-S", str(Path(__file__).with_name("ale.vim")), "caller.py"],
        cwd=project,
        env={
            **os.environ,
            **environment,
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "POSTIL_CACHE_DIR": str(tmp_path / "cache"),
            "POSTIL_DATA_DIR": str(tmp_path / "data"),
            "POSTIL_MODEL": model,
            "POSTIL_TEST_ALE": str(FOLDER / "vim-ale" / "usr" / "share" / "vim-ale"),
            "POSTIL_TEST_CONFIGURATION": str(configuration),
            "PATH": postil_on_path(tmp_path),
            "POSTIL_TEST_OUTPUT": str(output),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )  # fmt: skip
    shown = output.read_text() if output.exists() else f"{done.stdout}\n{done.stderr}"
    assert "FAILED" not in shown, shown
    assert len([line for line in shown.split("\n") if line.startswith("ok ")]) == 6, shown
