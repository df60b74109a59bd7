"""Indexing real folders with real parser processes, and asking the index."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from context import indexer as indexer_module
from context.errors import IndexUnavailable, NoWorkspace
from context.host import RemoteWorkspace
from context.indexer import Indexer, IndexSummary, ParserPool
from context.report import EmptyReport
from context.store import Store, index_folder
from context.store import writer as store_module
from context.workspace import Workspace
from tests.context.conftest import OpenWorkspace


async def _index(workspace: Workspace) -> IndexSummary:
    return await workspace.index(lambda _: None)


async def test_files_are_parsed_once_and_reused_by_content(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    (root / "a.py").write_text("def alpha():\n    return 1\n")
    (root / "b.py").write_text("def beta():\n    return alpha()\n")
    workspace = await open_workspace()
    first = await _index(workspace)
    assert (first.files, first.parsed, first.reused) == (2, 2, 0)
    second = await _index(workspace)
    assert (second.parsed, second.reused) == (0, 2)
    (root / "a.py").rename(root / "moved.py")  # the same contents under another name
    third = await _index(workspace)
    assert (third.files, third.parsed, third.reused) == (2, 0, 2)
    (root / "moved.py").write_text("def gamma():\n    return 2\n")
    fourth = await _index(workspace)
    assert (fourth.parsed, fourth.reused) == (1, 1)
    located = await workspace.locate("gamma fails")
    assert located.suspects[0].symbol == "gamma"
    assert all(s.symbol != "alpha" for s in located.suspects)


async def test_what_is_no_source_is_left_out_and_counted(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    (root / ".gitignore").write_text("ignored/\n*.gen.py\n!kept.gen.py\n")
    (root / "ignored").mkdir()
    (root / "ignored" / "x.py").write_text("x = 1\n")
    (root / "a.gen.py").write_text("x = 1\n")
    (root / "kept.gen.py").write_text("x = 1\n")
    (root / "binary.py").write_bytes(b"\0\1\2" * 10)
    (root / "latin.py").write_bytes("# coding: latin-1\nname = 'é'\n".encode("latin-1"))
    (root / "notes.bin").write_text("x")
    (root / "credentials.json").write_text("{}")
    (root / "huge.py").write_bytes(b"x = 1\n" * 700_000)
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.py")
    locked = root / "node_modules"
    locked.mkdir()
    (locked / "m.js").write_text("f()")
    summary = await _index(await open_workspace())
    assert summary.files == 2
    assert summary.skipped == {
        "ignored": 3, "binary": 1, "not code": 3, "too large": 1, "link": 1, "special": 1,
    }  # fmt: skip


@pytest.mark.parametrize("end", ["os.abort()", "time.sleep(600)", "raise MemoryError"])
async def test_a_file_that_stops_the_parser_is_named_and_the_rest_is_indexed(
    root: Path,
    open_workspace: OpenWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    end: str,
) -> None:
    """A stand-in for a grammar that crashes: the parser's start-up hook dies on one file."""
    if "sleep" in end:
        monkeypatch.setattr(indexer_module, "HANG_S", 3.0)
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import os, sys, time\n"
        "def watch(event, args):\n"
        "    if event == 'open' and str(args[0]).endswith('poison.py'):\n"
        f"        {end}\n"
        "sys.addaudithook(watch)\n"
    )
    monkeypatch.setattr(
        "context.child.package_root",
        lambda: os.pathsep.join([str(hook), str(Path(__file__).parent.parent.parent)]),
    )
    for name in ("a", "poison", "z"):
        (root / f"{name}.py").write_text(f"def {name}(): pass\n")
    workspace = await open_workspace()
    summary = await _index(workspace)
    assert summary.files == 2
    assert summary.skipped["quarantined"] == 1
    assert summary.quarantined == ("poison.py",)
    again = await _index(workspace)
    assert again.quarantined == ("poison.py",)
    assert again.parsed == 0


async def test_an_open_buffer_is_what_a_query_sees(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    (root / "a.py").write_text("def saved_name(): pass\n")
    workspace = await open_workspace()
    await _index(workspace)
    await workspace.set_overlay("a.py", "def unsaved_name(): pass\n")
    assert (await workspace.locate("unsaved_name")).suspects[0].symbol == "unsaved_name"
    await _index(workspace)  # the walk must not put the file back
    assert (await workspace.locate("unsaved_name")).suspects
    await workspace.set_overlay("a.py", None)
    assert (await workspace.locate("saved_name")).suspects[0].symbol == "saved_name"


async def test_an_open_buffer_ends_with_its_process_and_is_no_other_ones(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    (root / "a.py").write_text("def saved_name(): pass\n")
    ours = await open_workspace()
    await _index(ours)
    await ours.set_overlay("a.py", "\n\n\ndef unsaved_name(): pass\n")
    theirs = await open_workspace()
    await _index(theirs)
    assert not await theirs.symbols_like("unsaved_name", 5)
    assert await theirs.symbols_like("saved_name", 5)
    assert [s.symbol.start_line for s in await ours.symbols_like("unsaved_name", 5)] == [4]
    await ours.close()
    (root / "a.py").write_text("def changed_on_disk(): pass\n")
    later = await open_workspace()
    assert (await _index(later)).parsed == 1
    located = await later.locate("changed_on_disk() is wrong")
    assert [s.text for s in await later.snippets(located.suspects)] == [
        "def changed_on_disk(): pass"
    ]
    assert not await later.symbols_like("unsaved_name", 5)


async def test_a_damaged_index_is_set_aside_and_built_anew(
    root: Path, tmp_path: Path, open_workspace: OpenWorkspace
) -> None:
    (root / "a.py").write_text("def alpha(): pass\n")
    file = index_folder(root.resolve(), tmp_path / "cache") / "index.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database" * 100)
    workspace = await open_workspace()
    assert (await _index(workspace)).files == 1
    assert file.with_name("index.sqlite.unreadable").exists()


async def test_the_index_is_private_and_outside_the_workspace(
    root: Path, tmp_path: Path, open_workspace: OpenWorkspace
) -> None:
    (root / "a.py").write_text("x = 1\n")
    await _index(await open_workspace())
    folder = index_folder(root.resolve(), tmp_path / "cache")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [p.name for p in root.iterdir()] == ["a.py"]


async def test_wrong_folders_are_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoWorkspace, match=r"There is no folder .*; name the workspace's folder"):
        await Workspace.open(tmp_path / "nowhere", tmp_path / "cache")
    file = tmp_path / "a.py"
    file.touch()
    with pytest.raises(NoWorkspace, match="is a file; name the folder"):
        await Workspace.open(file, tmp_path / "cache")


async def test_an_empty_workspace_and_an_empty_report(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    workspace = await open_workspace()
    assert (await _index(workspace)).files == 0
    assert (await workspace.locate("anything at all")).suspects == ()
    with pytest.raises(EmptyReport, match="the report has no words"):
        await workspace.locate(" \n--\n")


async def test_tests_rank_below_code(root: Path, open_workspace: OpenWorkspace) -> None:
    body = "def parse_header(line):\n    return line.split(':')\n"
    (root / "tests").mkdir()
    (root / "tests" / "test_header.py").write_text(body * 3)
    (root / "header.py").write_text(body)
    workspace = await open_workspace()
    await _index(workspace)
    located = await workspace.locate("parse_header drops what follows a second colon")
    assert located.files[0].path == "header.py"


def _git(root: Path, *arguments: str) -> None:
    environment = {
        **os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }  # fmt: skip
    subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True)


async def test_past_commits_like_the_report_are_evidence(
    root: Path, open_workspace: OpenWorkspace
) -> None:
    _git(root, "init", "-q")
    for name, message in (("cart", "Round the basket's sum"), ("mail", "Send letters twice")):
        (root / f"{name}.py").write_text(f"def {name}(): pass\n")
        _git(root, "add", ".")
        _git(root, "commit", "-q", "-m", message)
    workspace = await open_workspace()
    await _index(workspace)
    located = await workspace.locate("letters are sent twice")
    assert located.files[0].path == "mail.py"
    details = [e.detail for s in located.suspects for e in s.evidence]
    assert any("Send letters twice" in d for d in details)


async def test_a_hostile_git_configuration_runs_nothing(
    root: Path, tmp_path: Path, open_workspace: OpenWorkspace
) -> None:
    """Each key that can name a program names one that leaves a file behind."""
    _git(root, "init", "-q")
    (root / "a.py").write_text("def alpha(): pass\n")
    _git(root, "add", ".")
    _git(root, "commit", "-q", "-m", "Add alpha")
    canary = tmp_path / "canary"
    run = f"touch {canary}; false"
    script = tmp_path / "hooks" / "post-index-change"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\n{run}\n")
    script.chmod(0o755)
    included = tmp_path / "included"
    included.write_text(f'[core]\n\tfsmonitor = "{run}"\n')
    with (root / ".git" / "config").open("a") as config:
        config.write(
            f'[core]\n\tfsmonitor = "{run}"\n\thooksPath = {script.parent}\n\tpager = "{run}"\n'
            f'\teditor = "{run}"\n\tsshCommand = "{run}"\n\taskPass = "{run}"\n'
            f'[filter "x"]\n\tclean = "{run}"\n\tsmudge = "{run}"\n\tprocess = "{run}"\n'
            f'[diff]\n\texternal = "{run}"\n[diff "x"]\n\ttextconv = "{run}"\n\tcommand = "{run}"\n'
            f'[alias]\n\tlog = "!{run}"\n[log]\n\tshowSignature = true\n'
            f'[gpg]\n\tprogram = "{run}"\n[credential]\n\thelper = "!{run}"\n'
            f"[include]\n\tpath = {included}\n[extensions]\n\tpartialClone = evil\n"
            f'[remote "evil"]\n\turl = "ext::sh -c touch% {canary}"\n\tpromisor = true\n'
        )
    (root / ".gitattributes").write_text("* filter=x diff=x\n")
    workspace = await open_workspace()
    await _index(workspace)
    located = await workspace.locate("alpha")
    assert any("Add alpha" in e.detail for s in located.suspects for e in s.evidence)
    assert not canary.exists()
    await asyncio.to_thread(
        subprocess.run, ["git", "status"], cwd=root, check=False, capture_output=True
    )
    assert canary.exists(), "the trap itself must work, or this test proves nothing"


async def test_no_git_at_all_is_no_error(
    root: Path, open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    _git(root, "init", "-q")
    (root / "a.py").write_text("def alpha(): pass\n")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    workspace = await open_workspace()
    await _index(workspace)
    assert (await workspace.locate("alpha")).suspects


async def test_a_disk_that_is_full_while_files_are_indexed_is_said_in_a_sentence(
    root: Path, open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer_module, "PAIRS_AT_ONCE", 1)  # written while the parsers send
    for n in range(200):
        (root / f"m{n}.py").write_text("".join(f"def word_{n}_{i}(): pass\n" for i in range(20)))
    workspace = await open_workspace()
    (pages,) = workspace._store._db.execute("PRAGMA page_count").fetchone()
    workspace._store._db.execute(f"PRAGMA max_page_count = {pages + 20}")
    with pytest.raises(IndexUnavailable, match=r"cannot be written .*full.*; free space"):
        await _index(workspace)
    workspace._store._db.execute("PRAGMA max_page_count = 1000000")
    assert (await _index(workspace)).files == 200


def test_a_full_disk_or_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(IndexUnavailable, match=r"cannot be written .*POSTIL_CACHE_DIR"):
        Store(tmp_path / "cache" / "index" / "index.sqlite")


def test_the_command_prints_one_object(root: Path, tmp_path: Path) -> None:
    import json

    (root / "a.py").write_text("def alpha():\n    return beta()\n")
    environment = {
        **os.environ, "POSTIL_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
    }  # fmt: skip
    command = [sys.executable, "-P", "-m", "lsp"]

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True,
            input=stdin, check=False,
        )  # fmt: skip

    where = ["--workspace", str(root), "--json"]
    indexed = run("index", *where)
    assert json.loads(indexed.stdout)["files"] == 1
    found = run("locate", *where, "--no-model", "-", stdin="alpha is wrong")
    data = json.loads(found.stdout)
    assert found.returncode == 0
    assert data["model"] is None
    assert data["suspects"][0] | {"score": 0, "evidence": []} == {
        "path": "a.py", "symbol": "alpha", "start_line": 1, "end_line": 2, "score": 0,
        "evidence": [],
    }  # fmt: skip
    assert {"signal", "detail"} == set(data["suspects"][0]["evidence"][0])
    assert run("locate", *where, "--no-model", "zzz unheard of").returncode == 1
    empty = run("locate", *where, "--no-model", "-", stdin=" ")
    assert (empty.returncode, empty.stdout) == (2, "")
    assert "the report has no words" in empty.stderr
    nowhere = run("index", "--workspace", str(root / "nowhere"))
    assert nowhere.returncode == 2
    assert "There is no folder" in nowhere.stderr
    assert run("nonsense").returncode == 2


async def test_refreshing_looks_at_what_is_named_and_at_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    for name in ("a/one.py", "a/two.py", "b/three.py", "b/.gitignore", "node_modules/x/y.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("hidden.py\n" if name.endswith("ignore") else "value = 1\n")
    store = Store(tmp_path / "index.sqlite")
    parsers = ParserPool(1)
    indexer = Indexer(root, store, parsers)
    try:
        await indexer.run(lambda _: None)
        assert set(store.paths()) == {"a/one.py", "a/two.py", "b/three.py"}
        listed: list[str] = []
        real = os.scandir
        monkeypatch.setattr(
            os, "scandir", lambda folder: listed.append(str(folder)) or real(folder)
        )
        (root / "b/three.py").write_text("value = 3333\n")
        (root / "b/hidden.py").write_text("value = 1\n")
        (root / "a/one.py").unlink()
        (root / "c").mkdir()
        (root / "c/four.py").write_text("value = 4\n")
        odd = ["../outside.py", "", "a//two.py", "node_modules/x/y.py", "gone/away.py", "a\0.py"]
        await indexer.refresh(["b/three.py", "b/hidden.py", "a/one.py", "c", *odd])
        assert set(store.paths()) == {"a/two.py", "b/three.py", "c/four.py"}
        assert store.paths()["b/three.py"].size_bytes == len("value = 3333\n")
        assert listed == [str(root / "c")]
        shutil.rmtree(root / "a")
        await indexer.refresh(["a"])
        assert set(store.paths()) == {"b/three.py", "c/four.py"}
    finally:
        await parsers.close()
        store.close()


async def test_changed_ignore_rules_concern_every_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name in ("kept.py", "dropped.py"):
        (root / name).write_text("def ledger():\n    pass\n")
    workspace = await Workspace.open(root, tmp_path / "cache")
    try:
        await workspace.index(lambda _: None)
        (root / ".gitignore").write_text("dropped.py\n")
        await workspace.refresh([".gitignore"])
        found = await workspace.locate("the ledger is wrong")
        assert [f.path for f in found.files] == ["kept.py"]
    finally:
        await workspace.close()


async def test_typing_does_not_grow_the_index(
    root: Path, tmp_path: Path, open_workspace: OpenWorkspace
) -> None:
    (root / "a.py").write_text("def saved_name(): pass\n")
    workspace = await open_workspace()
    await _index(workspace)
    file = index_folder(root.resolve(), tmp_path / "cache") / "index.sqlite"

    def rows() -> list[int]:
        with contextlib.closing(sqlite3.connect(file)) as db:
            tables = ("blobs", "docs", "symbols", "details", "segments", "buffers")
            return [db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables]

    sizes = []
    for n in range(12):
        await workspace.set_overlay("a.py", f"def typed_{n % 10}(): pass\n")
        sizes.append(rows())
        assert (await workspace.locate(f"typed_{n % 10}")).suspects[0].symbol == f"typed_{n % 10}"
    assert sizes[1:] == [sizes[0]] * 11
    (root / "a.py").write_text("def typed_1(): pass\n")  # saved as it was typed
    await workspace.set_overlay("a.py", None)
    assert (await workspace.locate("typed_1")).suspects[0].symbol == "typed_1"
    await workspace.set_overlay("a.py", "def other(): pass\n")
    await workspace.set_overlay("a.py", None)
    assert (await workspace.locate("typed_1")).suspects[0].symbol == "typed_1"


async def test_many_small_segments_become_one(
    root: Path, open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_SEGMENTS", 5)
    workspace = await open_workspace()
    for n in range(8):
        (root / f"m{n}.py").write_text(f"def common_name_{n}(): return shared_word\n")
        await workspace.refresh([f"m{n}.py"])
    before = await workspace.locate("shared_word in common_name_3")
    assert workspace._store._number("segments") == 8
    await _index(workspace)
    assert workspace._store._number("merged") == 8
    after = await workspace.locate("shared_word in common_name_3")
    assert [(s.symbol, s.score) for s in after.suspects] == [
        (s.symbol, s.score) for s in before.suspects
    ]
    (root / "m3.py").unlink()
    await _index(workspace)
    assert all(s.path != "m3.py" for s in (await workspace.locate("shared_word")).suspects)


async def test_open_buffers_are_seen_and_questions_answered_while_files_are_indexed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser's start-up hook stops it on one file, until this test lets it go on."""
    gate, hook = tmp_path / "gate", tmp_path / "hook"
    os.mkfifo(gate)
    hook.mkdir()
    places = os.pathsep.join([str(hook), str(Path(__file__).parent.parent.parent)])
    (hook / "sitecustomize.py").write_text(
        "import os, sys, context.child\n"
        f"context.child.package_root = lambda: {places!r}\n"
        "def watch(event, args):\n"
        "    if event == 'open' and str(args[0]).endswith('slow.py'):\n"
        f"        os.close(os.open({str(gate)!r}, os.O_RDONLY))\n"
        "sys.addaudithook(watch)\n"
    )
    monkeypatch.setattr("context.child.package_root", lambda: places)
    (root / "slow.py").write_text("def slow(): pass\n")
    remote = await RemoteWorkspace.open(root, tmp_path / "cache")
    try:
        index = asyncio.create_task(remote.index(lambda _: None))
        for n in range(8):
            await remote.set_overlay(f"m{n}.py", f"def typed_{n}(): pass\n")
        await asyncio.wait([asyncio.create_task(remote.refresh(["x.py"]))], timeout=0)
        assert (await remote.locate("typed_5 is wrong")).files[0].path == "m5.py"
        assert not index.done()
        opened = await asyncio.to_thread(os.open, gate, os.O_WRONLY)
        assert (await index).files == 1
        os.close(opened)
    finally:
        await remote.close()
