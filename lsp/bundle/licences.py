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


def weights_licences(
    entries: Sequence[CatalogEntry],
    given: Mapping[str, Path],
    wheels: Sequence[Wheel],
    folder: Path,
) -> None:
    """licences/weights/NAME/LICENSE: given, or the Apache licence as a wheel under it has it.

    Other licences name a holder, or are the model's own, and cannot be had from elsewhere.
    Raises `BundleError` where a text is missing.
    """
    for entry in entries:
        if file := given.get(entry.name):
            try:
                text = file.read_bytes()
            except OSError as error:
                raise BundleError(
                    f"The licence {file} cannot be read; name a text file."
                ) from error
        elif entry.licence == "Apache-2.0" and entry.base_licence is None:
            text = _apache(wheels)
        else:
            also = f", its base under {entry.base_licence}" if entry.base_licence else ""
            raise BundleError(
                f"{entry.name} is under {entry.licence}{also}, whose text must travel with it: "
                f"give it with --licence {entry.name}=FILE."
            )
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
