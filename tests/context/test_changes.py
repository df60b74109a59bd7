"""What differs from HEAD, by function; and nothing that the repository says is run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from context.changes import changed_lines, is_changed
from context.errors import ContextError
from context.suspicion import suspicion
from context.workspace import Workspace
from tests.repositories import commit, git, new_repository

BEFORE = "import os\n\n\ndef a(x):\n    return x\n\n\ndef b(x):\n    y = x\n    return y\n"


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncIterator[Workspace]:
    root = new_repository(tmp_path / "p")
    commit(root, "first", {"m.py": BEFORE, "sub/n.py": BEFORE, "same.py": "x = 1\n"})
    opened = await Workspace.open(root, tmp_path / "cache")
    yield opened
    await opened.close()


async def _indexed(workspace: Workspace) -> None:
    await workspace.index(lambda _: None)


async def test_nothing_changed_is_nothing(workspace: Workspace) -> None:
    await _indexed(workspace)
    assert await workspace.changes() == []


async def test_changed_functions_come_with_their_lines_and_what_they_were(
    workspace: Workspace,
) -> None:
    (workspace.root / "m.py").write_text(BEFORE.replace("y = x", "y = x + 1"))
    (workspace.root / "new.py").write_text("def c():\n    return 3\n")
    (workspace.root / ".env").write_text("KEY=1\n")
    await _indexed(workspace)
    changed, new = await workspace.changes()
    assert (changed.path, changed.symbol, changed.changed) == ("m.py", "b", ((9, 9),))
    assert changed.before == "def b(x):\n    y = x\n    return y"
    assert (new.path, new.symbol, new.before) == ("new.py", "c", "")


async def test_a_folder_or_a_file_limits_it(workspace: Workspace) -> None:
    for name in ("m.py", "sub/n.py"):
        (workspace.root / name).write_text(BEFORE.replace("return x", "return -x"))
    await _indexed(workspace)
    assert [p.path for p in await workspace.changes(["sub"])] == ["sub/n.py"]
    assert [p.path for p in await workspace.changes(["m.py"])] == ["m.py"]
    assert [p.path for p in await workspace.changes(["su"])] == []


async def test_an_open_buffer_counts_and_line_ends_do_not(workspace: Workspace) -> None:
    (workspace.root / "sub/n.py").write_bytes(BEFORE.replace("\n", "\r\n").encode("utf-8-sig"))
    await _indexed(workspace)
    await workspace.set_overlay("m.py", BEFORE.replace("import os", "import sys"))
    (part,) = await workspace.changes()
    assert (part.path, part.symbol, part.changed, part.before) == (
        "m.py",
        None,
        ((1, 1),),
        "import os",
    )


async def test_a_deletion_is_seen_where_it_was(workspace: Workspace) -> None:
    (workspace.root / "m.py").write_text(BEFORE.replace("    y = x\n", ""))
    await _indexed(workspace)
    (part,) = await workspace.changes()
    assert (part.symbol, part.changed) == ("b", ((8, 9),))


async def test_without_a_history_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    workspace = await Workspace.open(tmp_path / "p", tmp_path / "cache")
    try:
        with pytest.raises(ContextError, match="no git history"):
            await workspace.changes()
    finally:
        await workspace.close()


async def test_nothing_of_the_repositorys_own_configuration_runs(
    workspace: Workspace, tmp_path: Path
) -> None:
    canary = tmp_path / "ran"
    for key in ("core.fsmonitor", "filter.x.clean", "filter.x.smudge", "diff.external"):
        git(workspace.root, "config", key, f"touch {canary}")
    (workspace.root / ".gitattributes").write_text("*.py filter=x diff=x\n")
    (workspace.root / "m.py").write_text(BEFORE.replace("y = x", "y = 2"))
    await _indexed(workspace)
    assert [p.symbol for p in await workspace.changes()] == ["b"]
    assert not canary.exists()


def test_hunks_name_both_sides() -> None:
    assert changed_lines("a\nb\nc", "a\nB\nc\nd") == [(2, 2, 2, 2), (4, 4, 4, 3)]
    assert changed_lines("a\n\nb", "a\nb") == []
    assert not is_changed("a\r\nb", "\ufeffa\nb")


def test_code_with_bounds_is_read_before_code_without() -> None:
    plain = "def a(x):\n    return x\n"
    risky = "def b(x):\n    while x[i - 1] <= n / 2:\n        pass\n"
    assert suspicion(risky) > suspicion(plain) >= 0
