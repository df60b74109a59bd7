"""Ignore files, held against git itself."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from context.ignore import is_junction
from context.scan import scan
from tests.repositories import commit, git, new_repository

ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

FILES = (
    "a.py", "keep/b.py", "keep/data.json.py", "build/c.py", "src/build/d.py", "src/x.gen.py",
    "src/kept.gen.py", "logs/e.py", "deep/er/logs/f.py", "docs/g.py", "docs/api/h.py",
)  # fmt: skip


@pytest.mark.parametrize(
    "rules",
    [
        "build/\n", "/build\n", "*.gen.py\n!kept.gen.py\n", "**/logs\n", "docs/*\n!docs/api/\n",
        "*\n!*.*\n!*/\n", "*\n!*/\n!a.py\n", "src\n!src/build\n", "# none\n\n", "/*\n!/keep/\n",
        "docs/**\n", "deep/**/logs/\n", "\\!x\n[a-b].py\n", "docs/**\n!docs/g.py\n",
        "/*\n!src/**\n", "deep/**/\n", "*.py\n!src/\n", "\ufeffbuild/\n", "**/build/**\n",
    ],
)  # fmt: skip
def test_a_walk_finds_what_git_finds(tmp_path: Path, rules: str) -> None:
    for name in FILES:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text(rules)
    _new_repository(tmp_path)
    assert _found(tmp_path) == _git_lists(tmp_path)


def test_rules_above_the_workspace_hold_in_it(tmp_path: Path) -> None:
    for name in ("pkg/in/dist/x.py", "pkg/in/a.py", "pkg/in/b_gen.py", "pkg/in/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    _new_repository(tmp_path)
    (tmp_path / ".gitignore").write_text("dist/\n/pkg/in/c.py\n")
    (tmp_path / "pkg" / ".gitignore").write_text("*_gen.py\n")
    assert _found(tmp_path / "pkg/in") == _git_lists(tmp_path / "pkg/in") == ["a.py"]


def test_a_folder_that_is_ignored_itself_is_seen_by_who_opens_it(tmp_path: Path) -> None:
    """A home folder under version control ignores all but its settings."""
    (tmp_path / "work" / "project").mkdir(parents=True)
    (tmp_path / "work" / "project" / "a.py").write_text("x = 1\n")
    _new_repository(tmp_path)
    for rules in ("*\n", "/work\n", "project/\n"):
        (tmp_path / ".gitignore").write_text(rules)
        assert _found(tmp_path / "work" / "project") == ["a.py"]


def test_a_worktree_shares_the_rules_of_its_repository(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, "first", {"a.py": "x = 1\n"})
    (repository / ".git" / "info" / "exclude").write_text("own.py\n")
    git(repository, "worktree", "add", "-q", str(tmp_path / "side"))
    (tmp_path / "side" / "own.py").write_text("x = 1\n")
    assert _found(tmp_path / "side") == ["a.py"]


def test_a_junction_is_no_folder_of_the_workspace() -> None:
    """Windows' own; a stand-in, because no other system can make one."""
    assert is_junction(cast(os.stat_result, SimpleNamespace(st_reparse_tag=0xA0000003)))
    assert not is_junction(Path(__file__).lstat())


def _found(root: Path) -> list[str]:
    return sorted(file.path for file in scan(root, Counter()))


def _new_repository(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, env=ENVIRONMENT, check=True)


def _git_lists(folder: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "*.py"],
        cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return sorted(listed.stdout.split())
