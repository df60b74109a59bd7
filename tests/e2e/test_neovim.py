"""Real Neovim with our plugin, the real server, and once the real small model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pygls
import pytest

from lsp.commands import demo_provoke
from tests.e2e.neovim import run_script
from tests.models.weights import models_folder


@pytest.mark.editor
@pytest.mark.model
@pytest.mark.timeout(600)  # the real model beside other work
def test_a_report_ends_in_a_finding_whose_reasoning_is_read_by_hover(tmp_path: Path) -> None:
    project = tmp_path / "project"
    package = Path(pygls.__file__).parent
    shutil.copytree(package, project / "pygls", ignore=shutil.ignore_patterns("__pycache__"))
    (project / ".root").touch()
    provoked = subprocess.run(
        [sys.executable, "-P", str(Path(demo_provoke.__file__)), "late"],
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "InvalidStateError" in provoked.stderr
    report = tmp_path / "report.txt"
    report.write_text(provoked.stderr)
    output = run_script(
        tmp_path,
        "locate.lua",
        str(project),
        str(report),
        limit_s=560,
        POSTIL_MODEL="qwen2.5-coder-0.5b",
        POSTIL_MODELS_DIR=str(models_folder()),
        POSTIL_EFFORT="quick",
        POSTIL_CONTEXT_TOKENS="600",
    )
    assert "ok it shows what the model was shown" in output


@pytest.mark.editor
def test_a_change_over_two_files_is_asked_for_applied_and_undone(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".root").touch()
    (project / "rates.py").write_text("def old_rate():\n    return 3\n")
    (project / "caller.py").write_text(
        "from rates import old_rate\n\n\ndef pay():\n    return old_rate()\n"
    )
    change = (
        "REASON: The function is called rate now, here and where it is called.\n"
        "FILE: F1\n<<<<<<< SEARCH\n    return old_rate()\n=======\n    return rate()\n"
        ">>>>>>> REPLACE\n"
        "FILE: F2\n<<<<<<< SEARCH\ndef old_rate():\n=======\ndef rate():\n>>>>>>> REPLACE\n"
    )
    thinking = "Both files name it.\n</think>"
    replies = tmp_path / "replies.json"
    replies.write_text(json.dumps([thinking, change, thinking, change]))
    output = run_script(tmp_path, "edit.lua", str(project), POSTIL_MODEL=f"scripted:{replies}")
    assert "ok undo works there" in output
