"""Every wheel of a bundle: what the lock file names for the target, ours, llama.cpp's and pip's."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from lsp.bundle.installer import BundleError
from lsp.bundle.llama_wheel import run_pip
from lsp.bundle.platforms import Target

# The installer runs pip out of this wheel, so that the clean machine needs none.
PIP = "pip==26.3 --hash=sha256:f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
_GLIBC = re.compile(rb"GLIBC_2\.(\d{1,2})\b")
_LIBRARY = re.compile(r"\.so(\.\d+)*$")


@dataclass(frozen=True, slots=True)
class Locked:
    """One requirement of the lock file that the target needs."""

    name: str  # canonical
    version: str
    line: str  # for pip, with the hashes and without the marker


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel file and what its own metadata says."""

    file: Path
    name: str  # canonical
    version: str
    metadata: Message

    @property
    def licence(self) -> str:
        """An SPDX expression, or the words of older metadata; empty where it says nothing."""
        says = self.metadata.get("License-Expression") or self.metadata.get("License") or ""
        if says and "\n" not in says:
            return str(says).strip()
        classifiers = self.metadata.get_all("Classifier", [])
        found = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: ")]
        return " / ".join(found)


def read_lock(text: str, target: Target) -> list[Locked]:
    """The lines whose markers hold on the target. Raises `BundleError`."""
    environment = dict(target.marker_environment())
    found = []
    for line in re.sub(r"\\\n\s*", "", text).split("\n"):
        wanted, _, hashes = line.partition(" --hash=")
        if not wanted.strip() or wanted.startswith("#"):
            continue
        try:
            requirement = Requirement(wanted)
        except InvalidRequirement as error:
            raise BundleError(f"The lock file has a line that is none: {wanted[:60]}") from error
        if requirement.marker is None or requirement.marker.evaluate(environment):
            exact = f"{requirement.name}{requirement.specifier}"
            version = str(requirement.specifier).removeprefix("==")
            line = f"{exact} --hash={hashes.strip()}"
            found.append(Locked(canonicalize_name(requirement.name), version, line))
    return found


def download(locked: Sequence[Locked], target: Target, folder: Path) -> None:
    """Fetch the locked wheels through pip, by digest. Raises `BundleError`."""
    lines = folder.with_suffix(".txt")
    lines.write_text("\n".join(one.line for one in locked) + "\n", encoding="utf-8")
    common = ["--no-deps", "--require-hashes", "-r", str(lines)]
    if target.is_here:
        run_pip(["wheel", *common, "-w", str(folder)])
        return
    arguments = ["download", *common, "--only-binary", ":all:", "-d", str(folder)]
    for name in target.wheel_platforms:
        arguments += ["--platform", name]
    run_pip([*arguments, "--python-version", target.python, "--implementation", "cp"])


def add_own_and_pip(root: Path, folder: Path) -> None:
    """Our own wheel out of the source tree, and pip's."""
    run_pip(["wheel", "--no-deps", "-w", str(folder), str(root)])
    lines = folder.with_suffix(".pip.txt")
    lines.write_text(PIP + "\n", encoding="utf-8")
    run_pip(["download", "--no-deps", "--require-hashes", "-r", str(lines), "-d", str(folder)])


def add_given(
    given: Sequence[Path], locked: Sequence[Locked], target: Target, folder: Path
) -> None:
    """Copy wheels that the user names in place of locked ones. Raises `BundleError`."""
    versions = {one.name: one.version for one in locked}
    for file in given:
        try:
            name, version, _, wheel_tags = parse_wheel_filename(file.name)
        except InvalidWheelFilename as error:
            raise BundleError(f"{file.name} is no wheel; --wheel takes a .whl file.") from error
        if versions.get(name) != str(version):
            raise BundleError(
                f"{file.name} is {name} {version} and the lock has "
                f"{versions.get(name, 'no such package')}; give a wheel of what is locked."
            )
        fitting = {"any", *target.wheel_platforms}
        if not any(tag.platform in fitting for tag in wheel_tags):
            raise BundleError(f"{file.name} does not run on {target.platform}; give another wheel.")
        try:
            shutil.copyfile(file, folder / file.name)
        except OSError as error:
            raise BundleError(f"{file} cannot be read ({error.strerror}); name a wheel.") from error


def read_wheels(folder: Path) -> list[Wheel]:
    """By name. Raises `BundleError` when two of one package came."""
    wheels = []
    for file in sorted(folder.glob("*.whl")):
        name, version, _, _ = parse_wheel_filename(file.name)
        wheels.append(Wheel(file, name, str(version), _metadata(file)))
    names = [wheel.name for wheel in wheels]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BundleError(f"There are two wheels of {twice[0]}; take the one given away.")
    return sorted(wheels, key=lambda wheel: wheel.name)


def needed_glibc(wheels: Sequence[Wheel]) -> str:
    """The newest version of glibc's symbols in any library: the oldest that all can run on."""
    newest = 0
    for wheel in wheels:
        with zipfile.ZipFile(wheel.file) as archive:
            for info in archive.infolist():
                if _LIBRARY.search(info.filename):
                    found = _GLIBC.findall(archive.read(info))
                    newest = max([newest, *map(int, found)])
    return f"2.{newest}" if newest else ""


def _metadata(file: Path) -> Message:
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"[^/]+\.dist-info/METADATA", name):
                return message_from_bytes(archive.read(name))
    raise BundleError(f"{file.name} has no metadata; give a whole wheel.")
