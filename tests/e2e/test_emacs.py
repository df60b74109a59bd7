"""Emacs 28 and 30 with eglot: a report, its diagnostics, a hover, an edit of two files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.scripted import ROOT, documented, postil_on_path, write_workspace
from tests.e2e.setup_editors import FOLDER, why_missing


def _emacs(name: str) -> tuple[list[str], dict[str, str]]:
    """The command of an unpacked Emacs, and what it needs to find its own files there."""
    system = FOLDER / name / "usr"
    (version,) = [p for p in (system / "share" / "emacs").iterdir() if p.name[0].isdigit()]
    (image,) = system.glob(f"libexec/emacs/{version.name}/*/emacs*.pdmp")
    libraries = sorted({str(file.parent) for file in system.glob("lib/*/*.so.*")})
    environment = {
        "EMACSLOADPATH": str(version / "lisp"),
        "EMACSDATA": str(version / "etc"),
        "EMACSDOC": str(version / "etc"),
        "EMACSPATH": str(image.parent),
        "LD_LIBRARY_PATH": os.pathsep.join(libraries),
        "POSTIL_TEST_ELPA": str(system / "share" / "emacs" / "site-lisp" / "elpa-src"),
    }
    return [str(system / "bin" / "emacs-nox"), f"--dump-file={image}"], environment


@pytest.mark.editor
@pytest.mark.parametrize("name", ["emacs-28", "emacs-30"])
def test_eglot_shows_a_finding_and_applies_an_edit_of_two_files(name: str, tmp_path: Path) -> None:
    said = _run(name, "emacs.el", documented("Emacs with eglot", "elisp"), tmp_path)
    assert f"Emacs {name.removeprefix('emacs-')}." in said, said


@pytest.mark.editor
def test_lsp_mode_does_the_same(tmp_path: Path) -> None:
    configuration = documented("Emacs with lsp-mode", "elisp")
    said = _run("emacs-28", "emacs-lsp-mode.el", configuration, tmp_path)
    assert "lsp-mode in Emacs 28." in said, said


def _run(name: str, script: str, configuration: str, folder: Path) -> str:
    """What a scenario prints. Fails when one of its checks does."""
    if reason := why_missing(name):
        pytest.skip(reason)
    project, written = folder / "project", folder / "configuration.el"
    model = write_workspace(project)
    written.write_text(configuration)
    command, environment = _emacs(name)
    done = subprocess.run(
        [*command, "--batch", "-Q", "-l", str(Path(__file__).with_name(script)), str(project)],
        env={
            **os.environ,
            **environment,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "POSTIL_CACHE_DIR": str(folder / "cache"),
            "POSTIL_DATA_DIR": str(folder / "data"),
            "POSTIL_MODEL": model,
            "POSTIL_TEST_CONFIGURATION": str(written),
            "PATH": postil_on_path(folder),
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    shown = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, shown
    assert "FAILED" not in shown, shown
    return done.stdout
