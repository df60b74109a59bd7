"""The set-up of VS Code for the tests: what it says when something is missing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e import setup_vscode
from tests.e2e.setup_vscode import NotSetUp


def test_an_editor_that_is_not_set_up_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTIL_EDITORS_DIR", str(tmp_path))
    with pytest.raises(NotSetUp, match=r"run python tests/e2e/setup_vscode\.py"):
        setup_vscode.find_editor()


def test_who_may_not_install_packages_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    with pytest.raises(NotSetUp, match=r"install the packages chromium libkrb5-dev .* run again"):
        setup_vscode.install_debian_packages()


def test_a_failed_step_shows_its_last_lines_and_leaves_nothing_behind(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def build(target: Path) -> None:
        script = "print('node-gyp: no compiler'); raise SystemExit(7)"
        with setup_vscode.staged(target) as staging:
            (staging / "half").touch()
            setup_vscode.run_step("building the tool", [sys.executable, "-c", script], {})

    with pytest.raises(NotSetUp, match=r"building the tool failed \(exit 7\)"):
        build(tmp_path / "tool")
    assert "node-gyp: no compiler" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_another_run_has_installed_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "tool"
    with setup_vscode.staged(target) as staging:
        (staging / "mine").touch()
        target.mkdir()
        (target / "theirs").touch()
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["theirs"]


def test_a_failure_is_said_loudly_and_is_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["setup_vscode.py"])
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    assert setup_vscode.main() == 1
    assert "!! VS CODE IS NOT TESTED: install the packages" in capfd.readouterr().err
