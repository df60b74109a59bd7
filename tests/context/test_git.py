"""History is read from every kind of repository, and no repository gets a program run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from context.errors import HistoryUnreadable
from context.git import MAX_PATHS, export_tree, git_version, read_history, read_tree
from context.history import CommitRow
from tests.repositories import commit, git, new_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = new_repository(tmp_path / "repository")
    commit(folder, "Add the reader", {"src/reader.py": "a = 1\n", "README": "x\n"})
    commit(folder, "Fix: größer\n\nIt was too small.", {"src/größe.py": "b = 1\n"})
    return folder


def _history(root: Path, tmp_path: Path) -> list[CommitRow]:
    found = read_history(root, tmp_path / "shadow", known=None)
    assert found is not None
    return found.commits


def test_commits_come_newest_first_with_messages_and_paths(
    repository: Path, tmp_path: Path
) -> None:
    newest, oldest = _history(repository, tmp_path)
    assert newest.message == "Fix: größer\n\nIt was too small."
    assert newest.paths == ("src/größe.py",)
    assert newest.id == git(repository, "rev-parse", "HEAD")
    assert newest.time_s >= oldest.time_s > 1_500_000_000
    assert set(oldest.paths) == {"README", "src/reader.py"}


def test_an_unchanged_head_is_not_read_again(repository: Path, tmp_path: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert read_history(repository, tmp_path / "shadow", known=head) is None


def test_a_folder_inside_a_repository_sees_its_own_paths(repository: Path, tmp_path: Path) -> None:
    paths = [commit.paths for commit in _history(repository / "src", tmp_path)]
    assert paths == [("größe.py",), ("reader.py",)]


def test_the_limit_holds_and_a_sweeping_commit_says_nothing(
    repository: Path, tmp_path: Path
) -> None:
    many = {f"gen/{n}.py": "x\n" for n in range(MAX_PATHS + 1)}
    commit(repository, "Reformat everything", many)
    found = read_history(repository, tmp_path / "shadow", known=None, limit=2)
    assert found is not None
    assert [c.message.partition("\n")[0] for c in found.commits] == ["Fix: größer"]


def test_packed_refs_and_a_detached_head_are_followed(repository: Path, tmp_path: Path) -> None:
    git(repository, "pack-refs", "--all")
    git(repository, "gc", "-q")
    assert len(_history(repository, tmp_path)) == 2
    git(repository, "checkout", "-q", "--detach", "HEAD~1")
    assert len(_history(repository, tmp_path)) == 1


def test_a_worktree_is_read(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"), "HEAD~1")
    commit(tmp_path / "side", "Only here", {"side.py": "c = 1\n"})
    messages = [commit.message for commit in _history(tmp_path / "side", tmp_path)]
    assert messages == ["Only here", "Add the reader"]


def test_a_submodule_is_read(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "submodule", "--quiet", "add", repository.as_uri(), "inner")
    assert len(_history(outer / "inner", tmp_path)) == 2


def test_a_shallow_clone_ends_at_its_boundary(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "shallow")
    assert [c.message.partition("\n")[0] for c in _history(tmp_path / "shallow", tmp_path)] == [
        "Fix: größer"
    ]


def test_sha256_repositories_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    git(folder, "init", "-q", "--object-format=sha256")
    only = commit(folder, "One", {"a.py": "x\n"})
    assert len(only) == 64
    assert [c.id for c in _history(folder, tmp_path)] == [only]


def test_a_git_file_that_points_elsewhere_is_not_followed(repository: Path, tmp_path: Path) -> None:
    thief = tmp_path / "thief"
    thief.mkdir()
    (thief / ".git").write_text(f"gitdir: {repository / '.git'}\n")
    assert _history(thief, tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("HEAD", ""),
        ("HEAD", "ref: refs/heads/gone\n"),
        ("HEAD", "ref: ../../../../etc/passwd\n"),
        ("HEAD", "ref: refs/heads/../../../x\n"),
        ("HEAD", "ref: refs/heads/loop\n"),
        ("HEAD", "--upload-pack=touch\n"),
        ("refs/heads/main", "\udcff\x00 rubbish"),
        ("refs/heads/main", "--all"),
    ],
)
def test_a_broken_repository_has_no_history(
    repository: Path, tmp_path: Path, name: str, content: str
) -> None:
    (repository / ".git" / "refs/heads/loop").write_text("ref: refs/heads/loop\n")
    (repository / ".git" / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    assert _history(repository, tmp_path) == []


def test_no_repository_has_no_history(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert _history(tmp_path / "plain", tmp_path) == []


def test_a_history_that_is_there_and_cannot_be_read_is_not_taken_for_none(
    repository: Path, tmp_path: Path
) -> None:
    main = repository / ".git" / "refs" / "heads" / "main"
    head = main.read_text()
    main.write_text("f" * 40 + "\n")
    with pytest.raises(HistoryUnreadable, match="Git could not read the history of repository"):
        _history(repository, tmp_path)
    main.write_text(head)
    shutil.rmtree(repository / ".git" / "objects")
    with pytest.raises(HistoryUnreadable):
        _history(repository, tmp_path)


def test_several_may_read_one_history_at_once(repository: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        read = [pool.submit(_history, repository, tmp_path) for _ in range(12)]
        trees = [pool.submit(read_tree, repository, tmp_path / "shadow") for _ in range(12)]
    assert [len(found.result()) for found in read] == [2] * 12
    assert [len(tree.result() or ()) for tree in trees] == [3] * 12


def test_a_folder_of_a_large_repository_has_its_own_last_commits(
    repository: Path, tmp_path: Path
) -> None:
    for n in range(5):
        commit(repository, f"Elsewhere {n}", {"README": f"{n}\n"})
    found = read_history(repository / "src", tmp_path / "shadow", known=None, limit=2)
    assert found is not None
    assert [c.paths for c in found.commits] == [("größe.py",), ("reader.py",)]


def test_an_exported_tree_is_what_was_committed(tmp_path: Path) -> None:
    """Whatever its own attributes ask for on the way out."""
    files = {
        ".gitattributes": "/tests export-ignore\nver.py export-subst\nw.py text eol=crlf\n"
        "i.py ident\nu.py working-tree-encoding=UTF-16\n",
        "tests/t.py": "x = 1\n",
        "ver.py": 'V = "$Format:%H$"\n',
        "i.py": "# $Id$\n",
        "u.py": "u = 1\n",
        "w.py": "x = 1\ny = 2\n",
    }
    folder = new_repository(tmp_path / "repository")
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-16" if name == "u.py" else "utf-8")
    head = commit(folder, "All of it", {})
    _history(folder, tmp_path)
    export_tree(folder, tmp_path / "shadow", head, tmp_path / "out")
    written = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert written == {name: text.encode() for name, text in files.items()}


def test_a_fifo_for_a_head_does_not_hang(repository: Path, tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.fail("this platform has no FIFOs: give this test a condition")
    (repository / ".git" / "HEAD").unlink()
    os.mkfifo(repository / ".git" / "HEAD")
    assert _history(repository, tmp_path) == []


def test_without_git_on_the_machine_it_is_said(repository: Path, tmp_path: Path) -> None:
    """In a process of its own: GitPython looks for git when it is imported."""
    script = (
        "import sys; from pathlib import Path; from context.git import read_history\n"
        "from context.errors import HistoryUnreadable\n"
        "try:\n    read_history(Path(sys.argv[1]), Path(sys.argv[2]), known=None)\n"
        "except HistoryUnreadable as error:\n    print(error)"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script, str(repository), str(tmp_path / "shadow")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PATH": str(empty)},
    )
    assert done.stdout.strip() == "There is no git to read the history of repository with."


_HOSTILE = """
[core]
    fsmonitor = {run}
    hooksPath = {hooks}
    sshCommand = {run}
    pager = {run}
    editor = {run}
    askPass = {run}
    gitProxy = {run}
    alternateRefsCommand = {run}
    attributesFile = {attributes}
[pager]
    log = {run}
[log]
    showSignature = true
[gpg]
    program = {run}
[diff]
    external = {run}
[diff "evil"]
    textconv = {run}
    command = {run}
[filter "evil"]
    clean = {run}
    smudge = {run}
    process = {run}
    required = true
[alias]
    log = !{run}
[credential]
    helper = !{run}
[uploadpack]
    packObjectsHook = {run}
[extensions]
    partialClone = origin
[remote "origin"]
    url = ext::{run}
    promisor = true
    uploadpack = {run}
[include]
    path = {included}
"""


def _arm(repository: Path, folder: Path, canary: Path) -> Path:
    """Write every key that makes git run something; each would make `canary`."""
    folder.mkdir()
    run = folder / "run.sh"
    run.write_text(f"#!/bin/sh\ntouch '{canary}'\n")
    run.chmod(0o755)
    hooks = folder / "hooks"
    hooks.mkdir()
    for hook in ("post-checkout", "post-index-change", "fsmonitor-watchman", "pre-commit"):
        shutil.copy2(run, hooks / hook)
        (repository / ".git" / "hooks").mkdir(exist_ok=True)
        shutil.copy2(run, repository / ".git" / "hooks" / hook)
    attributes = folder / "attributes"
    attributes.write_text("* diff=evil filter=evil\n")
    (repository / ".gitattributes").write_text("* diff=evil filter=evil\n")
    (repository / ".git" / "info").mkdir(exist_ok=True)
    shutil.copy2(attributes, repository / ".git" / "info" / "attributes")
    included = folder / "included"
    included.write_text(f"[core]\n    fsmonitor = {run}\n")
    with (repository / ".git" / "config").open("a") as config:
        config.write(
            _HOSTILE.format(run=run, hooks=hooks, attributes=attributes, included=included)
        )
    (repository / "src" / "reader.py").write_text("changed = 1\n")
    return run


def test_a_hostile_configuration_runs_nothing(repository: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    _arm(repository, tmp_path / "armed", canary)
    assert len(_history(repository, tmp_path)) == 2
    assert not canary.exists()
    subprocess.run(  # the trap is live: git itself walks into it
        ["git", "-C", str(repository), "status"], capture_output=True, check=False
    )
    assert canary.exists()


def test_a_missing_object_is_not_asked_of_a_hostile_remote(
    repository: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    _arm(repository, tmp_path / "armed", canary)
    tree = subprocess.run(
        ["git", "--git-dir", str(repository / ".git"), "rev-parse", "HEAD~1^{tree}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    canary.unlink(missing_ok=True)
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(HistoryUnreadable):
        _history(repository, tmp_path)
    assert not canary.exists()


def test_a_git_in_the_folder_where_the_server_was_started_is_not_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = repository / "git"
    fake.write_text(f"#!/bin/sh\ntouch {tmp_path / 'was_run'}\n")
    fake.chmod(0o755)
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", os.environ["PATH"]]))
    assert len(_history(repository, tmp_path)) == 2
    assert git_version()
    assert not (tmp_path / "was_run").exists()
