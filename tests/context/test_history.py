"""What past commits teach: terms of messages and changes, kept packed, which widen a search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from context import git as git_module
from context.errors import HistoryUnreadable
from context.evidence import Signal
from context.evidence.translation import translated_terms
from context.git import read_changes, read_history
from context.history import CommitRow, build, change_terms, known_changes, pack, unpack
from context.store import Reader, index_folder
from context.suspects import locate
from context.workspace import Workspace
from tests.repositories import commit, git, new_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = new_repository(tmp_path / "repository")
    commit(folder, "Start", {"pay.py": "def settle():\n    pass\n", "tests/test_pay.py": "x = 1\n"})
    commit(folder, "Invoice was charged twice", {"pay.py": "def settle():\n    ledger.post()\n"})
    commit(folder, "Invoice lost its tax", {"pay.py": "def settle():\n    ledger.round()\n"})
    return folder


def _row(name: str, message: str) -> CommitRow:
    return CommitRow(name * 40, 1, message, ("a.py",))


def test_changed_lines_of_code_are_read_without_those_of_tests(
    repository: Path, tmp_path: Path
) -> None:
    read = read_history(repository, tmp_path / "shadow", known=None)
    assert read is not None
    found = read.commits
    changes = read_changes(tmp_path / "shadow", found)
    newest, middle, first = (changes[commit.id] for commit in found)
    assert newest == "    ledger.post()\n    ledger.round()\n"
    assert "ledger.post" in middle
    assert "settle" in first
    assert "x = 1" not in first


def test_a_missing_object_costs_its_own_commit_only(repository: Path, tmp_path: Path) -> None:
    read = read_history(repository, tmp_path / "shadow", known=None)
    assert read is not None
    found = read.commits
    blob = git(repository, "rev-parse", "HEAD:pay.py")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    changes = read_changes(tmp_path / "shadow", found)
    assert not changes.get(found[0].id)
    assert "ledger.post" in changes[found[1].id]


def test_lines_that_look_like_a_patch_are_only_text(repository: Path, tmp_path: Path) -> None:
    trap = "diff --git a/tests/x.py b/tests/x.py\n+++ b/tests/x.py\n@@ -1 +1 @@\nmarker = 1\n"
    commit(repository, "A patch in a string", {"trap.py": trap})
    read = read_history(repository, tmp_path / "shadow", known=None)
    assert read is not None
    found = read.commits
    assert "marker = 1" in read_changes(tmp_path / "shadow", found[:1])[found[0].id]


def test_changes_that_cannot_be_read_now_are_not_taken_for_none(tmp_path: Path) -> None:
    with pytest.raises(HistoryUnreadable):
        read_changes(tmp_path / "none", [CommitRow("a" * 40, 0, "x", ("a.py",))])


def test_a_history_is_the_same_after_packing() -> None:
    commits = [_row("b", "Parser drops commas"), _row("a", "Parser starts")]
    changes = {commits[0].id: change_terms("comma comma token"), commits[1].id: {}}
    history = build(commits, changes)
    back = unpack(pack(history))
    assert back.commit_ids == history.commit_ids
    assert back.vocabulary == history.vocabulary
    assert known_changes(back) == changes
    assert back.is_complete
    query = {"comma": 1.0, "parser": 0.5}
    assert np.array_equal(back.message_scores(query), history.message_scores(query))
    assert back.message_scores(query)[0] > back.message_scores(query)[1]


def test_a_cut_packed_history_is_refused() -> None:
    with pytest.raises(ValueError, match="cut"):
        unpack(pack(build([_row("a", "One message")], {}))[:-4])


def test_an_empty_history_scores_nothing() -> None:
    history = unpack(pack(build([], {})))
    assert not len(history.message_scores({"any": 1.0}))
    assert translated_terms({"any": 1.0}, history) == {}


def test_words_lead_to_the_identifiers_that_were_changed_with_them() -> None:
    commits = [_row(c, f"Invoice {c}") for c in "ab"] + [_row(c, f"Docs {c}") for c in "cdefghij"]
    changes = {c.id: change_terms("readme") for c in commits}
    changes[commits[0].id] = changes[commits[1].id] = change_terms("ledger")
    found = translated_terms({"invoice": 1.0}, build(commits, changes))
    assert found == {"ledger": 1.0}


async def test_indexing_learns_the_past_once_and_what_is_new_later(
    repository: Path, tmp_path: Path
) -> None:
    async def learned() -> tuple[str, ...]:
        workspace = await Workspace.open(repository, tmp_path / "cache")
        try:
            await workspace.index(lambda _: None)
        finally:
            await workspace.close()
        reader = Reader(index_folder(repository, tmp_path / "cache") / "index.sqlite")
        try:
            history = reader.history()
            assert history is not None
            assert history.is_complete
            return history.commit_ids
        finally:
            reader.close()

    first = await learned()
    assert len(first) == 3
    assert await learned() == first
    newest = commit(repository, "More", {"pay.py": "def settle():\n    pass\n"})
    assert await learned() == (newest, *first)


async def test_trouble_with_git_forgets_nothing_that_was_learned(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = await Workspace.open(repository, tmp_path / "cache")
    try:
        await workspace.index(lambda _: None)
        before = workspace._store.commits()
        assert len(before) == 3
        commit(repository, "More", {"pay.py": "def settle():\n    pass\n"})
        with monkeypatch.context() as without:
            without.setattr("context.git.program", lambda _: None)
            await workspace.index(lambda _: None)
        history = workspace._store.history()
        assert workspace._store.commits() == before
        assert history is not None
        assert len(history.commit_ids) == 3
        await workspace.index(lambda _: None)
        assert len(workspace._store.commits()) == 4
    finally:
        await workspace.close()


async def test_a_merge_at_the_head_is_read_once(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "checkout", "-q", "-b", "side", "HEAD~1")
    commit(repository, "Aside", {"side.py": "x = 1\n"})
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-edit", "side")
    logs: list[str] = []
    log = git_module._log
    monkeypatch.setattr(git_module, "_log", lambda *given: logs.append(given[2]) or log(*given))
    workspace = await Workspace.open(repository, tmp_path / "cache")
    try:
        for _ in range(3):
            await workspace.index(lambda _: None)
        assert logs == [git(repository, "rev-parse", "HEAD")]
        assert len(workspace._store.commits()) == 4
    finally:
        await workspace.close()


async def test_a_report_in_other_words_finds_what_such_reports_changed(
    repository: Path, tmp_path: Path
) -> None:
    others = {f"part{n}.py": f"def part{n}():\n    return {n}\n" for n in range(12)}
    for name, text in others.items():
        commit(repository, f"Add {name}", {name: text})
    workspace = await Workspace.open(repository, tmp_path / "cache")
    try:
        await workspace.index(lambda _: None)
    finally:
        await workspace.close()
    reader = Reader(index_folder(repository, tmp_path / "cache") / "index.sqlite")
    try:
        found = locate(reader, "The invoice is wrong again")
        assert found.suspects[0].symbol == "settle"
        signals = {e.signal for e in found.suspects[0].evidence}
        assert {Signal.HISTORY, Signal.FEEDBACK} <= signals
        off = frozenset({Signal.HISTORY, Signal.FEEDBACK, Signal.TRANSLATION, Signal.RECENCY})
        assert locate(reader, "The invoice is wrong again", without=off).suspects == ()
    finally:
        reader.close()
