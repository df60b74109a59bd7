"""What differs from HEAD, by function; and nothing that the repository says is run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context import changes
from context.changes import changed_lines, changed_parts, is_changed
from context.errors import ContextError
from context.languages import language_of
from context.suspicion import suspicion
from context.syntax import outline
from context.workspace import MAX_DIFFERING, Workspace
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
    assert (await workspace.changes()).parts == ()


async def test_changed_functions_come_with_their_lines_and_what_they_were(
    workspace: Workspace,
) -> None:
    (workspace.root / "m.py").write_text(BEFORE.replace("y = x", "y = x + 1"))
    (workspace.root / "new.py").write_text("def c():\n    return 3\n")
    (workspace.root / ".env").write_text("KEY=1\n")
    await _indexed(workspace)
    changed, new = (await workspace.changes()).parts
    assert (changed.path, changed.symbol, changed.changed) == ("m.py", "b", ((9, 9),))
    assert changed.before == "def b(x):\n    y = x\n    return y"
    assert (new.path, new.symbol, new.before) == ("new.py", "c", "")


async def test_a_folder_or_a_file_limits_it(workspace: Workspace) -> None:
    for name in ("m.py", "sub/n.py"):
        (workspace.root / name).write_text(BEFORE.replace("return x", "return -x"))
    await _indexed(workspace)
    assert [p.path for p in (await workspace.changes(["sub"])).parts] == ["sub/n.py"]
    assert [p.path for p in (await workspace.changes(["m.py"])).parts] == ["m.py"]
    assert [p.path for p in (await workspace.changes(["su"])).parts] == []


async def test_an_open_buffer_counts_and_line_ends_do_not(workspace: Workspace) -> None:
    (workspace.root / "sub/n.py").write_bytes(BEFORE.replace("\n", "\r\n").encode("utf-8-sig"))
    await _indexed(workspace)
    await workspace.set_overlay("m.py", BEFORE.replace("import os", "import sys"))
    (part,) = (await workspace.changes()).parts
    assert (part.path, part.symbol, part.changed, part.before) == (
        "m.py",
        None,
        ((1, 1),),
        "import os",
    )


async def test_a_deletion_is_seen_where_it_was(workspace: Workspace) -> None:
    (workspace.root / "m.py").write_text(BEFORE.replace("    y = x\n", ""))
    await _indexed(workspace)
    (part,) = (await workspace.changes()).parts
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
    assert [p.symbol for p in (await workspace.changes()).parts] == ["b"]
    assert not canary.exists()


async def test_line_ends_of_a_checkout_hide_no_change(workspace: Workspace) -> None:
    files = {f"m{n:03}.py": BEFORE for n in range(MAX_DIFFERING + 20)}
    commit(workspace.root, "many", files)
    for name in files:
        (workspace.root / name).write_bytes(BEFORE.replace("\n", "\r\n").encode())
    last = max(files)
    (workspace.root / last).write_text(BEFORE.replace("y = x", "y = x + 1"), newline="\r\n")
    await _indexed(workspace)
    assert [(p.path, p.symbol) for p in (await workspace.changes()).parts] == [(last, "b")]


async def test_more_files_than_are_compared_are_said(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.workspace.MAX_DIFFERING", 1)
    (workspace.root / "m.py").write_text(BEFORE.replace("y = x", "y = x + 1"))
    await _indexed(workspace)
    assert not (await workspace.changes()).is_cut
    (workspace.root / "n.py").write_text(BEFORE)
    await _indexed(workspace)
    changes = await workspace.changes()
    assert [p.path for p in changes.parts] == ["m.py"]
    assert changes.is_cut


async def test_a_submodule_and_a_nested_repository_are_not_new(
    workspace: Workspace, tmp_path: Path
) -> None:
    inner = new_repository(tmp_path / "inner")
    commit(inner, "first", {"deep/i.py": BEFORE})
    git(workspace.root, "submodule", "--quiet", "add", inner.as_uri(), "lib/inner")
    commit(workspace.root, "with a submodule", {})
    commit(new_repository(workspace.root / "nested"), "first", {"n.py": BEFORE})
    (workspace.root / "lib" / "own.py").write_text("def own():\n    pass\n")
    await _indexed(workspace)
    assert "lib/inner/deep/i.py" in await workspace.files()
    assert [(p.path, p.symbol) for p in (await workspace.changes()).parts] == [
        ("lib/own.py", "own")
    ]


def test_a_long_text_that_changed_everywhere_is_compared_in_linear_steps() -> None:
    """difflib alone takes an hour for it."""
    lines = [line for n in range(5_000) for line in (f"def f{n}(x):", "    return x", "", "")]
    indented = [f"    {line}" if line else "" for line in lines]
    (hunk,) = changed_lines("\n".join(lines), "\n".join(indented))
    assert hunk == (1, 19_998, 1, 19_998)
    moved = [*indented[:5_000], *lines[5_000:]]
    assert changed_lines("\n".join(lines), "\n".join(moved)) == [(1, 4_998, 1, 4_998)]


@given(
    st.lists(st.integers(0, 9), max_size=30), st.lists(st.integers(0, 9), max_size=30),
    st.sampled_from([0, 9, 250_000]),
)  # fmt: skip
def test_what_lies_between_hunks_is_the_same(old: list[int], new: list[int], most: int) -> None:
    before, after = ([f"line {n}" for n in side] for side in (old, new))
    with pytest.MonkeyPatch.context() as few:
        few.setattr(changes, "MAX_PAIRS", most)
        hunks = changed_lines("\n".join(before), "\n".join(after))
    for first, last, old_first, old_last in reversed(hunks):
        after[first - 1 : last] = before[old_first - 1 : old_last]
    assert after == before


def test_hunks_name_both_sides() -> None:
    assert changed_lines("a\nb\nc", "a\nB\nc\nd") == [(2, 2, 2, 2), (4, 4, 4, 3)]
    assert changed_lines("a\n\nb", "a\nb") == []
    assert not is_changed("a\r\nb", "\ufeffa\nb")


def test_code_with_bounds_is_read_before_code_without() -> None:
    plain = "def a(x):\n    return x\n"
    risky = "def b(x):\n    while x[i - 1] <= n / 2:\n        pass\n"
    assert suspicion(risky) > suspicion(plain) >= 0


TWICE = (
    "class A {\n  int f(int a) {\n    return 1;\n  }\n\n  int f(String s) {\n"
    "    return s.length();\n  }\n}\n"
)
TWO = "def f():\n    return 1\n\n\nX = 1\n\n\ndef g():\n    return 2\n"
METHODS = "class A:\n    def a(self):\n        return 1\n\n    def b(self):\n        return 2\n"


@pytest.mark.parametrize(
    ("path", "before", "after", "expect"),
    [
        ("A.java", TWICE, TWICE.replace("s.length()", "s.length() - 1"),
         [("A.f", ((7, 7),), "  int f(String s) {\n    return s.length();\n  }")]),
        ("A.java", TWICE,
         TWICE.replace("s.length()", "s.length() - 1").replace("{\n  int f(int", "{\n  int x;\n\n"
                                                               "  int f(int"),
         [(None, ((2, 2),), ""),
          ("A.f", ((9, 9),), "  int f(String s) {\n    return s.length();\n  }")]),
        ("a.py", TWO, TWO.replace("X = 1\n\n\n", ""), [(None, ((4, 5),), "X = 1\n\n")]),
        ("a.py", METHODS, METHODS.replace("    def a(self):\n        return 1\n\n", ""),
         [(None, ((1, 2),), "    def a(self):\n        return 1\n")]),
        ("a.py", TWO, TWO.replace("    return 1\n\n\nX = 1", "    return 3\n\n\nX = 2"),
         [("f", ((2, 2),), "def f():\n    return 1"), (None, ((5, 5),), "X = 1")]),
        ("a.py", "def f():\n    a()\n    b()\n", "def f():\n    a()\n",
         [("f", ((2, 2),), "def f():\n    a()\n    b()")]),
        ("a.py", "def f():\n    a()\n    b()\n    c()\n", "def f():\n    a()\n    c()\n",
         [("f", ((2, 3),), "def f():\n    a()\n    b()\n    c()")]),
        ("a.py", None, "X = 1\nY = 2\n", [(None, ((1, 3),), "")]),
        ("a.py", None, "def f():\n    return 1\n", [("f", ((1, 2),), "")]),
    ],
)  # fmt: skip
def test_changes_are_said_of_the_function_they_are_in(
    path: str, before: str | None, after: str, expect: list[tuple[str | None, object, str]]
) -> None:
    language = language_of(path)
    assert language is not None
    new = outline(after.encode(), language)
    old = outline(before.encode(), language) if before is not None else None
    parts = changed_parts(path, before, after, old, new)
    assert [(p.symbol, p.changed, p.before) for p in parts] == expect
