"""One byte flipped anywhere, a file swapped after its check, a forged memory of the check."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models import weights
from models.backends.worker_client import LlamaCppBackend
from models.catalog import CatalogEntry, entry_named
from models.errors import WeightsRefused
from models.weights import check_for_load, opened_checked
from tests.lsp.client import ROOT
from tests.models.hostile_gguf import build
from tests.models.weights import small_model

N_FLIPS = 1_000


def _entry_of(data: bytes) -> CatalogEntry:
    return entry_named("qwen2.5-coder-0.5b").model_copy(
        update={
            "name": "tiny",
            "file": "tiny.gguf",
            "sha256": hashlib.sha256(data).hexdigest(),
            "size_bytes": len(data),
        }
    )


def _flip(file: Path, offset: int) -> None:
    """In place, as a failing disk or someone with an editor does it."""
    with file.open("r+b") as opened:
        opened.seek(offset)
        byte = opened.read(1)
        opened.seek(offset)
        opened.write(bytes([byte[0] ^ 0x10]))


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[CatalogEntry, Path]:
    """A whole file that passes, with its memory of the check."""
    data = build()
    entry = _entry_of(data)
    tmp_path.chmod(0o700)
    file = tmp_path / entry.file
    file.write_bytes(data)
    while not file.with_suffix(".checked.json").is_file():  # not at once: see weights.RACY_NS
        check_for_load(entry, file)
    return entry, file


def test_one_byte_flipped_at_1000_offsets_is_never_loaded(tiny: tuple[CatalogEntry, Path]) -> None:
    entry, file = tiny
    for offset in random.Random(7).sample(range(file.stat().st_size), N_FLIPS):
        _flip(file, offset)
        with pytest.raises(WeightsRefused):
            check_for_load(entry, file)
        _flip(file, offset)
    check_for_load(entry, file)


def test_a_flip_that_hides_its_time_is_seen(tiny: tuple[CatalogEntry, Path]) -> None:
    """Times can be set back; the inode's own cannot."""
    entry, file = tiny
    before = file.stat()
    _flip(file, 9_000)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(WeightsRefused, match="remove it and fetch or import it again"):
        check_for_load(entry, file)


@pytest.mark.skipif(sys.platform != "linux", reason="a path to an open file is Linux's")
def test_what_was_checked_is_what_is_opened_whatever_the_name_means_now(
    tiny: tuple[CatalogEntry, Path],
) -> None:
    entry, file = tiny
    whole = file.read_bytes()
    with opened_checked(entry, file) as opened:
        file.rename(file.with_name("aside"))
        file.write_bytes(b"something else")
        assert Path(opened.path).read_bytes() == whole


def test_a_file_that_is_written_into_while_it_loads_is_noticed(
    tiny: tuple[CatalogEntry, Path],
) -> None:
    entry, file = tiny
    with opened_checked(entry, file) as opened:
        opened.raise_if_changed()
        _flip(file, 9_000)
        with pytest.raises(WeightsRefused, match="changed while it was being loaded"):
            opened.raise_if_changed()


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX's")
def test_a_memory_that_others_could_have_written_is_not_believed(
    tiny: tuple[CatalogEntry, Path],
) -> None:
    """Someone of the group swaps the file and forges the note: the digest is computed."""
    entry, file = tiny
    _flip(file, 6_000)
    status = file.stat()
    mark = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    note = file.with_suffix(".checked.json")
    note.write_text(json.dumps({"mark": mark, "sha256": entry.sha256}))
    for path, mode in ((note, 0o666), (file.parent, 0o770)):
        kept = path.stat().st_mode
        path.chmod(mode)
        with pytest.raises(WeightsRefused):
            check_for_load(entry, file)
        path.chmod(kept)


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX's")
def test_weights_in_a_folder_that_cannot_be_written_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator's folder for all users. Root may write anywhere: a folder is in the way."""
    monkeypatch.setattr(weights, "RACY_NS", 0)
    data = build()
    entry = _entry_of(data)
    file = tmp_path / entry.file
    file.write_bytes(data)
    file.with_suffix(".checked.json").mkdir()
    check_for_load(entry, file)


@pytest.mark.model
async def test_the_real_file_with_one_byte_flipped_is_never_loaded(tmp_path: Path) -> None:
    """First and last byte, header, somewhere in the tensors; then the way that a server goes."""
    entry, whole = small_model()
    tmp_path.chmod(0o700)
    file = tmp_path / entry.file
    shutil.copyfile(whole, file)
    size = file.stat().st_size
    for offset in (0, 3_000_000, random.Random(7).randrange(6_000_000, size), size - 1):
        _flip(file, offset)
        with pytest.raises(WeightsRefused):
            check_for_load(entry, file)
        if offset == size - 1:
            with pytest.raises(WeightsRefused, match=r"is not Qwen2\.5-Coder-0\.5B.*SHA-256"):
                await LlamaCppBackend.start(entry, file)
        _flip(file, offset)


LOADS = """
import sys
from pathlib import Path
from models.backends.llama_cpp import LoadedModel, prepare
from models.backends.loading import LoadSettings
from models.catalog import entry_named
from models.weights import opened_checked
entry = entry_named("qwen2.5-coder-0.5b")
file = Path(sys.argv[1])
with opened_checked(entry, file) as opened:
    file.unlink()
    file.write_bytes(b"GGUF, but something else")
    prepare()
    model = LoadedModel(LoadSettings(entry.name, str(file), n_ctx=512, n_threads=1), opened.path)
print(model.count("def f(x): return x"))
"""


@pytest.mark.model
@pytest.mark.skipif(sys.platform != "linux", reason="a path to an open file is Linux's")
def test_llama_cpp_loads_what_was_checked_though_its_name_leads_elsewhere(tmp_path: Path) -> None:
    entry, whole = small_model()
    file = tmp_path / entry.file
    shutil.copyfile(whole, file)
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOADS, str(file)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert int(done.stdout) > 3, done.stderr
