"""Ignore files, held against git itself."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from context.scan import scan

FILES = (
    "a.py", "keep/b.py", "keep/data.json.py", "build/c.py", "src/build/d.py", "src/x.gen.py",
    "src/kept.gen.py", "logs/e.py", "deep/er/logs/f.py", "docs/g.py", "docs/api/h.py",
)  # fmt: skip


@pytest.mark.parametrize(
    "rules",
    [
        "build/\n", "/build\n", "*.gen.py\n!kept.gen.py\n", "**/logs\n", "docs/*\n!docs/api/\n",
        "*\n!*.*\n!*/\n", "*\n!*/\n!a.py\n", "src\n!src/build\n", "# none\n\n", "/*\n!/keep/\n",
        "docs/**\n", "deep/**/logs/\n", "\\!x\n[a-b].py\n",
    ],
)  # fmt: skip
def test_a_walk_finds_what_git_finds(tmp_path: Path, rules: str) -> None:
    for name in FILES:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text(rules)
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=environment, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "*.py"],
        cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = [file.path for file in scan(tmp_path, Counter())]
    assert sorted(found) == sorted(listed.stdout.split())
