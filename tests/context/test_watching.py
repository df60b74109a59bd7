"""The system's own events, on real folders."""

from __future__ import annotations

import os
import queue
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from context import watching
from context.watching import Watcher

Heard = queue.Queue[list[str] | None]
Watch = Callable[[], Heard]


@pytest.fixture
def watch(root: Path) -> Iterator[Watch]:
    watchers: list[Watcher] = []

    def run() -> Heard:
        heard: Heard = queue.Queue()
        watcher = Watcher(root, heard.put)
        watchers.append(watcher)
        assert watcher.start() is None
        return heard

    yield run
    for watcher in watchers:
        watcher.close()


def _until(heard: Heard, path: str) -> None:
    """Wait for a report that speaks of `path`, or of everything."""
    while (paths := heard.get(timeout=20)) is not None:
        if path in paths:
            return


def test_new_changed_moved_and_deleted_files_are_told(root: Path, watch: Watch) -> None:
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("a")
    heard = watch()
    (root / "top.py").write_text("new")
    _until(heard, "top.py")
    (root / "src" / "a.py").write_text("changed")
    _until(heard, "src/a.py")
    (root / "src" / "a.py").rename(root / "src" / "b.py")
    _until(heard, "src/b.py")
    (root / "src" / "b.py").unlink()
    _until(heard, "src/b.py")


def test_a_folder_that_is_moved_in_is_told(root: Path, watch: Watch, tmp_path: Path) -> None:
    (root / "src").mkdir()
    heard = watch()
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    (tmp_path / "outside" / "deep" / "x.py").write_text("x")
    shutil.move(tmp_path / "outside", root / "src" / "inside")
    _until(heard, "src/inside")


def test_a_folder_that_is_made_later_is_watched_with_all_in_it(root: Path, watch: Watch) -> None:
    heard = watch()
    for _ in range(2):  # and made anew
        (root / "new" / "deep").mkdir(parents=True)
        paths: list[str] | None = []
        for n in range(20):  # the first may be there before it is watched, and is told with "new"
            if paths is None or any(path.startswith("new/deep/a") for path in paths):
                break
            (root / "new" / "deep" / f"a{n}.py").write_text("x")
            paths = heard.get(timeout=20)
        else:
            pytest.fail(f"told last: {paths}")
        shutil.rmtree(root / "new")
        _until(heard, "new")


def test_reading_and_what_is_left_out_wake_nothing(root: Path, watch: Watch) -> None:
    for name in ("src", ".git", "node_modules", "build"):
        (root / name).mkdir()
    (root / ".gitignore").write_text("build/\n")
    (root / "src" / "a.py").write_text("a")
    heard = watch()
    for _ in range(20):
        (root / "src" / "a.py").read_text()
    (root / ".git" / "index").write_text("x")
    (root / "node_modules" / "m.js").write_text("x")
    (root / "build" / "out.py").write_text("x")
    (root / "src" / "last.py").write_text("x")
    assert heard.get(timeout=20) == ["src/last.py"]


def test_thousands_of_changes_are_one_report_of_everything(root: Path, watch: Watch) -> None:
    (root / "src").mkdir()
    heard = watch()
    for n in range(watching.MAX_PATHS + 50):
        (root / "src" / f"f{n}.py").touch()
    while heard.get(timeout=20) is not None:
        pass


def test_too_many_folders_are_walked_instead(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/sys/fs/inotify").exists():
        pytest.skip("the budget is Linux's")
    monkeypatch.setattr(watching, "MAX_FOLDERS", 3)
    for n in range(4):
        (root / f"d{n}").mkdir()
    said = Watcher(root, lambda _: None).start()
    assert said == "project has more than 3 folders; it is walked instead"


def test_no_more_watches_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for a used-up limit: the real one is the whole user's."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(watching.Observer, "schedule", refuse)
    said = Watcher(root, lambda _: None).start()
    assert said is not None
    assert "the system gives no more watches" in said
