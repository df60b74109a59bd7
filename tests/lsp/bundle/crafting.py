"""Bundles made by hand, sound and hostile, with a real key. Small, and of no use but to be read."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lsp.bundle import installer
from lsp.bundle.signing import make_key, public_bytes, read_private_key

LICENCE, LINK, DEVICE = "licences/LICENSE", stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o666
SOUND = {LICENCE: b"MIT\n", "editors/nvim/plugin/postil.lua": b"-- lua\n", "wheels/a.whl": b"PK"}


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a zip as it is written; `mode` goes into the central directory."""

    name: str
    data: bytes
    mode: int = stat.S_IFREG | 0o644
    method: int = zipfile.ZIP_STORED


@cache
def owner() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"owner").digest())


def public_key() -> bytes:
    return public_bytes(owner())


def key_files(folder: Path) -> tuple[Path, Path]:
    """A fresh pair as `postil bundle key` writes it."""
    private = folder / "owner.key"
    return private, make_key(private)


def manifest(files: Mapping[str, bytes], **changes: Any) -> dict[str, Any]:
    kinds = {place.partition("/")[0]: kind for kind, place in installer.PLACES.items()}
    return {
        "format": 1,
        "postil": "0.1.0",
        "platform": installer.this_platform(),
        "python": "3.11",
        "glibc": "",
        "made_at": "2026-01-01T00:00:00Z",
        "entries": [
            {
                "path": path,
                "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "kind": kinds.get(path.partition("/")[0], "licence"),
            }
            for path, data in files.items()
        ],
    } | changes


def write(
    file: Path,
    said: Mapping[str, Any],
    members: Sequence[Member],
    key: Ed25519PrivateKey | Path | None = None,
) -> Path:
    """A zip with this manifest, signed, and then exactly these members."""
    signer = read_private_key(key) if isinstance(key, Path) else key or owner()
    data = json.dumps(said).encode()
    with zipfile.ZipFile(file, "w") as archive:
        first = [Member(installer.MANIFEST, data), Member(installer.SIGNATURE, signer.sign(data))]
        for member in (*first, *members):
            info = zipfile.ZipInfo(member.name)
            info.external_attr = member.mode << 16
            info.compress_type = member.method
            archive.writestr(info, member.data)
    return file


def sound(file: Path, files: Mapping[str, bytes] = SOUND, key: Path | None = None) -> Path:
    return write(file, manifest(files), [Member(p, d) for p, d in files.items()], key)


def unpacked(bundle: Path, folder: Path) -> dict[str, bytes]:
    """What the installer writes from it. Raises `BundleRefused`."""
    folder.mkdir()
    with bundle.open("rb") as source:
        said = installer.open_signed(source, bundle.stat().st_size, public_key())
        installer.unpack(source, said, folder)
    found = {}
    for path in folder.rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or path.is_file()
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found
