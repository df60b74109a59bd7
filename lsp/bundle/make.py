"""Make a bundle: collect, describe, sign, and write two files, the archive and its installer.

Runs where the registries can be reached, through pip and the user's own index settings. The same
inputs give the same bytes, except for the date, which SOURCE_DATE_EPOCH sets.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import lsp
from lsp import __version__
from lsp.accelerators import Accelerator
from lsp.bundle import installer, licences, sbom, wheels
from lsp.bundle.installer import BundleError
from lsp.bundle.llama_wheel import NAME as LLAMA
from lsp.bundle.llama_wheel import Upstream, llama_wheel, upstream
from lsp.bundle.manifest import BundleEntry, BundleManifest, EntryKind
from lsp.bundle.platforms import Target
from lsp.bundle.signing import public_bytes, read_private_key
from models.catalog import CatalogEntry

INSTALLER_NAME = "postil-install.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip can say
_ZIP64_FROM = (1 << 31) - 1  # as zipfile itself decides


@dataclass(frozen=True, slots=True)
class Order:
    """What to make. Files of `weights` are already known to be what the catalogue means."""

    out: Path
    key: Path
    target: Target
    accelerator: Accelerator
    weights: Sequence[tuple[CatalogEntry, Path]]
    cache: Path
    made_at: datetime
    given_wheels: Sequence[Path] = ()
    given_licences: Mapping[str, Path] = field(default_factory=dict)
    vsix: Path | None = None  # VS Code's extension; the tree's built one unless given
    lock: str = "requirements.lock"  # of the tree; with an extra's packages it is another


@dataclass(frozen=True, slots=True)
class Made:
    archive: Path
    installer: Path
    manifest: BundleManifest
    archive_sha256: str
    installer_sha256: str


@dataclass(frozen=True, slots=True)
class _Piece:
    path: str  # in the archive
    file: Path  # here
    kind: EntryKind


def make(order: Order, say: Callable[[str], None]) -> Made:
    """Raises `BundleError`; a failure leaves neither file."""
    root = source_tree()
    key = read_private_key(order.key)
    beside = order.out.parent / INSTALLER_NAME
    if not order.out.parent.is_dir():
        raise BundleError(f"There is no folder {order.out.parent}; make it, or name another.")
    if order.out.exists():
        raise BundleError(f"{order.out} is there already and is not overwritten; name another.")
    with tempfile.TemporaryDirectory(prefix="postil-bundle-") as name:
        pieces = _collect(order, root, Path(name), say)
        say("computing digests ...")
        entries = [_entry(piece) for piece in pieces]
        manifest = BundleManifest(
            postil=__version__,
            platform=order.target.platform,
            python=order.target.python,
            glibc=wheels.needed_glibc(wheels.read_wheels(Path(name) / "wheels"))
            if order.target.platform.startswith("linux")
            else "",
            accelerator=str(order.accelerator),
            made_at=order.made_at,
            key=installer.fingerprint(public_bytes(key)),
            entries=tuple(entries),
        )
        data = manifest.to_bytes()
        say(f"writing {order.out} ...")
        _write_archive(order.out, data, key.sign(data), pieces, entries)
    try:
        shutil.copyfile(installer.__file__, beside)
    except OSError as error:
        order.out.unlink()
        raise BundleError(f"{beside} could not be written: {error.strerror}.") from error
    return Made(order.out, beside, manifest, sha256_of(order.out), sha256_of(beside))


def source_tree() -> Path:
    """Where pyproject.toml, the lock file and the plugins are. Raises `BundleError`."""
    root = Path(lsp.__file__).resolve().parent.parent
    for needed in ("pyproject.toml", "requirements.lock", "editors", "LICENSE"):
        if not (root / needed).exists():
            raise BundleError(
                "A bundle is made from Postil's source tree, which this installation is not; run "
                "`python3 lsp/bootstrap.py setup` in a checkout and its .venv/bin/postil."
            )
    return root


def _collect(order: Order, root: Path, working: Path, say: Callable[[str], None]) -> list[_Piece]:
    """All files of the bundle but the manifest, by their paths in it."""
    # What was given is looked at first: building takes minutes.
    found = plugin_files(root / "editors", order.vsix)
    entries = [entry for entry, _ in order.weights]
    given = licences.given_texts(entries, order.given_licences)
    collected, source = _wheels(order, root, working / "wheels", say)
    texts = working / "licences"
    licences.wheel_licences(collected, texts)
    licences.weights_licences(entries, given, collected, texts)
    licences.copy_files(source.licences, texts / "llama.cpp")
    licences.copy_files([root / "LICENSE"], texts)
    digests = {wheel.name: sha256_of(wheel.file) for wheel in collected}
    (working / "requirements.txt").write_text(_requirements(collected, digests), "utf-8")
    plugins = [_Piece(path, file, EntryKind.PLUGIN) for path, file in found.items()]
    if not any(piece.path.endswith(".vsix") for piece in plugins):
        say("going without VS Code's extension: npm ci && npm run package in editors/vscode")
    described = sbom.Described(
        version=__version__,
        made_at=order.made_at,
        wheels=[(wheel, digests[wheel.name]) for wheel in collected],
        weights=[(entry, file.stat().st_size) for entry, file in order.weights],
        plugins=sorted({p.path.split("/")[1] for p in plugins if p.path.count("/") > 1}),
        llama_cpp_commit=source.llama_cpp_commit,
    )
    (working / "sbom.cdx.json").write_bytes(sbom.sbom(described))
    written = [path for path in texts.rglob("*") if path.is_file()]
    pieces = [
        *(_Piece(f"wheels/{w.file.name}", w.file, EntryKind.WHEEL) for w in collected),
        *(_Piece(f"models/{e.file}", file, EntryKind.WEIGHTS) for e, file in order.weights),
        *plugins,
        *(_Piece(p.relative_to(working).as_posix(), p, EntryKind.LICENCE) for p in written),
        _Piece("requirements.txt", working / "requirements.txt", EntryKind.REQUIREMENTS),
        _Piece("sbom.cdx.json", working / "sbom.cdx.json", EntryKind.SBOM),
    ]
    return sorted(pieces, key=lambda piece: piece.path)


def _wheels(
    order: Order, root: Path, folder: Path, say: Callable[[str], None]
) -> tuple[list[wheels.Wheel], Upstream]:
    """Every wheel, in a folder; and the source of llama.cpp's."""
    lock = wheels.read_lock((root / order.lock).read_text("utf-8"), order.target)
    folder.mkdir()
    wheels.add_given(order.given_wheels, lock, order.target, folder)
    given = {wheel.name for wheel in wheels.read_wheels(folder)}
    source = upstream(next(w.line for w in lock if w.name == LLAMA), order.cache, say)
    if LLAMA not in given:
        _llama(order, source, folder, say)
    say("collecting wheels ...")
    wheels.download([w for w in lock if w.name not in {*given, LLAMA}], order.target, folder)
    wheels.add_own_and_pip(root, folder)
    return wheels.read_wheels(folder), source


def _llama(order: Order, source: Upstream, folder: Path, say: Callable[[str], None]) -> None:
    """Put a wheel built on this machine into the folder."""
    if order.target.platform != installer.this_platform():
        raise BundleError(
            f"{LLAMA} is published as source only and is not built across platforms; build it on "
            f"{order.target.platform} and give it with --wheel FILE."
        )
    wheel = llama_wheel(source, order.accelerator, order.cache, say)
    shutil.copyfile(wheel, folder / wheel.name)


def plugin_files(editors: Path, vsix: Path | None) -> dict[str, Path]:
    """Every plugin in the tree, by its path in a bundle; of one that is built, the .vsix alone.

    `vsix` stands for VS Code's where it was built elsewhere. Raises `BundleError`.
    """
    files = {"editors/README.md": editors / "README.md"}
    for folder in sorted(path for path in editors.iterdir() if path.is_dir()):
        built = sorted(p for p in folder.rglob("*.vsix") if "node_modules" not in p.parts)
        if folder.name == "vscode" and vsix is not None:
            files["editors/vscode/postil.vsix"] = _checked_vsix(vsix)
        elif built:
            files.update({f"editors/{folder.name}/{file.name}": file for file in built})
        elif not (folder / "package.json").exists():  # a source of a plugin that is not built
            for file in folder.rglob("*"):
                path = file.relative_to(editors)
                if file.is_file() and not any(part.startswith(".") for part in path.parts):
                    files[f"editors/{path.as_posix()}"] = file
    return files


def _checked_vsix(vsix: Path) -> Path:
    """Raises `BundleError` where the file is not our extension."""
    try:
        with zipfile.ZipFile(vsix) as archive:
            manifest = json.loads(archive.read("extension/package.json"))
            known = f"{manifest['publisher']}.{manifest['name']}"
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{vsix} cannot be read as an extension for VS Code.") from error
    if known != "postil.postil":
        raise BundleError(f"{vsix} is another extension, {known}; give Postil's.")
    return vsix


def _requirements(collected: Sequence[wheels.Wheel], digests: Mapping[str, str]) -> str:
    """What the installer gives to pip: exactly the wheels that came along, pip itself excepted."""
    return "".join(
        f"{wheel.name}=={wheel.version} --hash=sha256:{digests[wheel.name]}\n"
        for wheel in collected
        if wheel.name != "pip"
    )


def _entry(piece: _Piece) -> BundleEntry:
    size = piece.file.stat().st_size
    return BundleEntry(path=piece.path, size=size, sha256=sha256_of(piece.file), kind=piece.kind)


def _write_archive(
    out: Path,
    manifest: bytes,
    signature: bytes,
    pieces: Sequence[_Piece],
    entries: Sequence[BundleEntry],
) -> None:
    """A zip of stored entries in the manifest's order, under its name only when it is whole."""
    partial = out.with_name(f"{out.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_info(installer.MANIFEST, len(manifest)), manifest)
            archive.writestr(_info(installer.SIGNATURE, len(signature)), signature)
            for piece, entry in zip(pieces, entries, strict=True):
                info = _info(entry.path, entry.size)
                force = entry.size >= _ZIP64_FROM
                with (
                    piece.file.open("rb") as source,
                    archive.open(info, "w", force_zip64=force) as target,
                ):
                    shutil.copyfileobj(source, target, installer.CHUNK_BYTES)
        partial.replace(out)
    except OSError as error:
        raise BundleError(f"{out} could not be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _info(path: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, _EPOCH)
    info.create_system = 3  # the same bytes wherever it is made
    info.external_attr = 0o100644 << 16
    info.file_size = size
    return info


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
