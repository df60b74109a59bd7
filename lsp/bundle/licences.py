"""Licence texts that travel with a bundle: of every wheel, of llama.cpp, and of the weights."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lsp.bundle.installer import BundleError
from lsp.bundle.wheels import Wheel
from models.catalog import CatalogEntry

_TEXT = re.compile(
    r"[^/]+\.dist-info/(licenses/.+|[^/]*(licen[cs]e|copying|notice|authors)[^/]*)", re.IGNORECASE
)
_APACHE = re.compile(r"^\s*Apache License\s+Version 2\.0, January 2004")


def wheel_licences(wheels: Sequence[Wheel], folder: Path) -> None:
    """licences/NAME-VERSION/..., as the wheel has them. Raises `BundleError` where one has none."""
    for wheel in wheels:
        texts = _texts(wheel)
        if not texts:
            raise BundleError(
                f"{wheel.file.name} carries no licence text, so it may not be handed on like this; "
                "give a wheel of it that does with --wheel."
            )
        for path, data in texts.items():
            _write(folder / f"{wheel.name}-{wheel.version}", path, data)


def given_texts(entries: Sequence[CatalogEntry], given: Mapping[str, Path]) -> dict[str, bytes]:
    """The text of each licence that was given, by the model's name.

    Raises `BundleError` where one cannot be read or belongs to none of the models, and where one is
    missing: licences other than Apache's name a holder, or are the model's own, and cannot be had
    from elsewhere.
    """
    texts = {}
    for name, file in given.items():
        if name not in {entry.name for entry in entries}:
            raise BundleError(f"--licence {name}: the bundle has no such model; name one with it.")
        try:
            texts[name] = file.read_bytes()
        except OSError as error:
            raise BundleError(f"The licence {file} cannot be read; name a text file.") from error
    for entry in entries:
        is_apache = entry.licence == "Apache-2.0" and entry.base_licence is None
        if entry.name not in texts and not is_apache:
            also = f", its base under {entry.base_licence}" if entry.base_licence else ""
            raise BundleError(
                f"{entry.name} is under {entry.licence}{also}, whose text must travel with it: "
                f"give it with --licence {entry.name}=FILE."
            )
    return texts


def weights_licences(
    entries: Sequence[CatalogEntry],
    given: Mapping[str, bytes],
    wheels: Sequence[Wheel],
    folder: Path,
) -> None:
    """licences/weights/NAME/LICENSE: as in `given_texts`, or the Apache licence of a wheel.

    Raises `BundleError` where no wheel has that.
    """
    for entry in entries:
        text = given[entry.name] if entry.name in given else _apache(wheels)
        _write(folder / "weights" / entry.name, "LICENSE", text)


def _apache(wheels: Sequence[Wheel]) -> bytes:
    for wheel in wheels:
        for data in _texts(wheel).values():
            if _APACHE.match(data.decode("utf-8", "replace")):
                return data
    raise BundleError("No wheel has the Apache-2.0 text; give it with --licence NAME=FILE.")


def _texts(wheel: Wheel) -> dict[str, bytes]:
    """Paths below the metadata's folder, in an order that does not depend on the archive's."""
    with zipfile.ZipFile(wheel.file) as archive:
        names = sorted(n for n in archive.namelist() if _TEXT.fullmatch(n) and not n.endswith("/"))
        return {
            name.partition("/")[2].removeprefix("licenses/"): archive.read(name) for name in names
        }


def _write(folder: Path, path: str, data: bytes) -> None:
    """Names that the installer does not take (spaces, leading dots) are made plain."""
    parts = [re.sub(r"^[^A-Za-z0-9_]+|[^A-Za-z0-9._+-]", "_", part) for part in path.split("/")]
    file = folder.joinpath(*parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def copy_files(files: Sequence[Path], folder: Path) -> None:
    """Texts that stand beside a wheel rather than in it."""
    for file in files:
        _write(folder, file.name, file.read_bytes())
