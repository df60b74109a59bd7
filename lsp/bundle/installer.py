"""Check and install a Postil bundle with nothing but Python: the whole of `postil-install.py`.

    python3 postil-install.py verify BUNDLE --key KEY.pub
    python3 postil-install.py install BUNDLE --key KEY.pub [--to DIR]

`postil bundle make` writes a copy of this file beside the archive. It stands alone (and is longer
than other files for it), because on the machine it runs on nothing is installed yet, and it opens
no connection. It is also the module that
`postil bundle verify` and `install` call.

Two things are our own here that a library would do better elsewhere. *Ed25519* (RFC 8032,
verification only): code out of an archive that is not verified yet may not check itself, and
Python's own library has no signatures. *Reading the archive*: it is a zip of stored entries, read
once from front to back. The first two entries are the manifest and its signature; from then on
each header must be exactly the one that the signed manifest names next, so that links, devices,
duplicates, compressed and further entries have no way in. The central directory is not read.

BundleError                something about the bundle or this machine; one sentence for the user
├── BundleRefused          the archive, its signature or the key is not what it should be
└── InstallFailed          the archive is good, this machine lacks something; nothing was left
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
# Where each kind of entry may stand: a name that ends in a slash is a folder.
PLACES = {
    "wheel": "wheels/",
    "weights": "models/",
    "plugin": "editors/",
    "licence": "licences/",
    "sbom": "sbom.cdx.json",
    "requirements": "requirements.txt",
}
MAX_MANIFEST_BYTES = 8 << 20  # a real one has 40 kB
MAX_ENTRIES = 20_000
MAX_PATH_LENGTH, MAX_DEPTH = 180, 12  # Windows takes 260 with the folder before it
OVERHEAD_BYTES = 1_024  # of the zip format for one entry, both headers, generously
CHUNK_BYTES = 1 << 20
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_ZIP64 = struct.Struct("<2H2Q")
ARCHITECTURES = {"amd64": "x86_64", "aarch64": "arm64"}  # two names for one thing
# A library that the system lacks is found out before the installation gets its name.
_SELF_CHECK = (
    "import lsp.cli, context.syntax; "
    "from models.backends.llama_cpp import LIBRARIES, load_backends; load_backends(LIBRARIES)"
)
_KEY_PREFIX = bytes.fromhex("302a300506032b6570032100")  # DER before the 32 bytes, RFC 8410


class BundleError(Exception):
    """Base; the text is one sentence that says what failed and what to do."""


class BundleRefused(BundleError):
    pass


class InstallFailed(BundleError):
    pass


@dataclass(frozen=True)
class Entry:
    path: str
    size: int
    sha256: str
    kind: str


@dataclass(frozen=True)
class Manifest:
    """What this side needs of it; lsp/bundle/manifest.py writes it."""

    postil: str
    platform: str  # as `this_platform` names it
    python: str  # "3.11"
    glibc: str  # the oldest that the wheels run on; empty where that does not matter
    made_at: str
    entries: tuple[Entry, ...]
    signed: bytes = b""  # the manifest as it stood in the archive, and its signature
    signature: bytes = b""

    def size_bytes(self, kind: str = "") -> int:
        return sum(entry.size for entry in self.entries if kind in ("", entry.kind))


# ---------------------------------------------------------------- the signature (RFC 8032, 5.1)

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
if TYPE_CHECKING:  # Python 3.8 should get as far as the sentence that says which one is needed
    _Point = tuple[int, int, int, int]  # extended coordinates: X, Y, Z, T; x = X/Z, xy = T/Z
_BASE_Y = 4 * pow(5, -1, _P) % _P


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the Ed25519 signature is the key's for this message. Takes milliseconds.

    Not in constant time, which only matters to who computes with a secret.
    """
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key = _decode(public_key)
    s = int.from_bytes(signature[32:], "little")
    if key is None or s >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    k = int.from_bytes(digest, "little") % _ORDER
    base = _decode(_BASE_Y.to_bytes(32, "little"))
    assert base is not None
    x, y, z, t = _times(k, key)
    return _encode(_add(_times(s, base), (-x % _P, y, z, -t % _P))) == signature[:32]


def _add(a: _Point, b: _Point) -> _Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    g, h = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    p, q, r, s = f - e, h - g, h + g, f + e
    return p * q % _P, r * s % _P, q * r % _P, p * s % _P


def _times(scalar: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _decode(data: bytes) -> _Point | None:
    """The point of 32 bytes, or nothing where no point has that encoding."""
    number = int.from_bytes(data, "little")
    y, is_odd = number & ((1 << 255) - 1), number >> 255
    if y >= _P:
        return None
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(x_squared, (_P + 3) // 8, _P)
    if (x * x - x_squared) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - x_squared) % _P or (x == 0 and is_odd):
        return None
    if x & 1 != is_odd:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point: _Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def read_public_key(file: Path) -> bytes:
    """The 32 bytes of a PEM file (SubjectPublicKeyInfo). Raises `BundleRefused`."""
    try:
        text = file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise BundleRefused(
            f"The key {file} cannot be read; name the owner's .pub file."
        ) from error
    found = re.fullmatch(
        r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]{40,400})-----END PUBLIC KEY-----\s*",
        text,
    )
    try:
        data = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except ValueError:
        data = b""
    if len(data) != 44 or not data.startswith(_KEY_PREFIX):
        raise BundleRefused(f"{file} is no Ed25519 public key in PEM; name the owner's .pub file.")
    return data[12:]


# ---------------------------------------------------------------- the manifest and the archive


def read_manifest(data: bytes) -> Manifest:
    """The manifest, once its signature is known to be right. Raises `BundleRefused`."""
    try:
        raw: dict[str, Any] = json.loads(data)
        if raw["format"] != FORMAT:
            raise BundleRefused(
                f"The bundle has format {ascii(raw['format'])[:20]} and this installer reads "
                f"{FORMAT}; take the postil-install.py that was made with it."
            )
        entries = tuple(
            Entry(str(e["path"]), int(e["size"]), str(e["sha256"]), str(e["kind"]))
            for e in raw["entries"]
        )
        manifest = Manifest(
            postil=str(raw["postil"]),
            platform=str(raw["platform"]),
            python=str(raw["python"]),
            glibc=str(raw["glibc"]),
            made_at=str(raw["made_at"]),
            entries=entries,
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleRefused(
            "The signed manifest cannot be read; have the bundle made again."
        ) from error
    check_entries(manifest.entries)
    return manifest


def check_entries(entries: Sequence[Entry]) -> None:
    """Names, kinds and sizes that can be written anywhere safely. Raises `BundleRefused`.

    The manifest is signed, and is held to this all the same: a key in the wrong hands, or a
    mistake of who made the bundle, must not write outside the new folder.
    """
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise BundleRefused(f"The bundle names {len(entries)} files, which cannot be right.")
    files: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        shown = ascii(entry.path)[:80]
        parts = entry.path.split("/")
        if not all(
            _PART.fullmatch(p) and p[-1] != "." and not _RESERVED.fullmatch(p) for p in parts
        ):
            raise BundleRefused(f"The bundle names {shown}, which is no plain path; refused.")
        if len(entry.path) > MAX_PATH_LENGTH or len(parts) > MAX_DEPTH:
            raise BundleRefused(f"The bundle names {shown}, which is too long or deep; refused.")
        place = PLACES.get(entry.kind, "")
        if not place or not (
            entry.path.startswith(place) if place.endswith("/") else entry.path == place
        ):
            raise BundleRefused(f"The bundle has {shown} as {ascii(entry.kind)[:20]}; refused.")
        if entry.size < 0 or not re.fullmatch("[0-9a-f]{64}", entry.sha256):
            raise BundleRefused(f"The bundle gives {shown} no size or digest; refused.")
        lower = entry.path.lower()
        if lower in files:
            raise BundleRefused(f"The bundle names {shown} twice, or in two cases; refused.")
        files.add(lower)
        folders.update("/".join(lower.split("/")[:n]) for n in range(1, len(parts)))
    if clash := sorted(files & folders):
        raise BundleRefused(f"The bundle has {clash[0]} both as a file and as a folder; refused.")


def open_signed(source: IO[bytes], archive_bytes: int, public_key: bytes) -> Manifest:
    """Read the first two entries and check everything that can be before the rest is read."""
    manifest_size = _read_header(source, MANIFEST)
    if manifest_size > MAX_MANIFEST_BYTES:
        raise BundleRefused("The bundle's manifest is too large to be one; refused.")
    data = _read_exactly(source, manifest_size)
    if _read_header(source, SIGNATURE) != 64:
        raise BundleRefused("The bundle's signature has the wrong length; refused.")
    signature = _read_exactly(source, 64)
    if not is_signed(public_key, data, signature):
        raise BundleRefused(
            "The bundle is not signed with this key: it was changed on the way, or the key is "
            "another owner's; do not use it."
        )
    manifest = replace(read_manifest(data), signed=data, signature=signature)
    least = source.tell() + manifest.size_bytes()
    most = least + OVERHEAD_BYTES * (len(manifest.entries) + 3)
    if not least <= archive_bytes <= most:
        raise BundleRefused(
            f"The bundle has {archive_bytes} bytes where {least} to {most} are right: it was cut "
            "short or added to; copy it again."
        )
    return manifest


def read_entries(source: IO[bytes], manifest: Manifest) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Each entry with its content in pieces; a piece's reader raises `BundleRefused` at the end
    unless the digest is right. Every content must be read before the next entry is asked for."""
    for entry in manifest.entries:
        if _read_header(source, entry.path) != entry.size:
            raise BundleRefused(f"{entry.path} has not the size that was signed; refused.")
        yield entry, _checked(source, entry)
    if _read_exactly(source, 4) != b"PK\x01\x02":
        raise BundleRefused("The bundle holds more than its signed manifest names; refused.")


def _checked(source: IO[bytes], entry: Entry) -> Iterator[bytes]:
    digest, left = hashlib.sha256(), entry.size
    while left:
        chunk = _read_exactly(source, min(CHUNK_BYTES, left))
        left -= len(chunk)
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != entry.sha256:
        raise BundleRefused(f"{entry.path} is not what was signed; copy the bundle again.")


def _read_header(source: IO[bytes], expected: str) -> int:
    """The size of the entry that starts here, which must be a stored one with this name."""
    fields = _LOCAL_HEADER.unpack(_read_exactly(source, _LOCAL_HEADER.size))
    mark, _, flags, method, _, _, _, packed, size, n_name, n_extra = fields
    if mark != b"PK\x03\x04":
        raise BundleRefused(
            f"The file is no Postil bundle, or {expected} is missing from it; refused."
        )
    if n_name > 1_024 or n_extra > 1_024:
        raise BundleRefused("The bundle has an entry with a header that is too long; refused.")
    name, extra = _read_exactly(source, n_name), _read_exactly(source, n_extra)
    if name != expected.encode("ascii"):
        raise BundleRefused(
            f"The bundle holds {ascii(name.decode('utf-8', 'replace'))[:80]} where {expected} "
            "should be; refused."
        )
    if flags or method:
        raise BundleRefused(f"{expected} is compressed, encrypted or streamed; refused.")
    if size == packed == 0xFFFFFFFF and len(extra) == _ZIP64.size:
        tag, length, size, packed = _ZIP64.unpack(extra)
        if (tag, length) != (1, 16):
            raise BundleRefused(f"{expected} has a header that cannot be read; refused.")
    if size != packed:
        raise BundleRefused(f"{expected} has two sizes; refused.")
    return int(size)


def _read_exactly(source: IO[bytes], size: int) -> bytes:
    try:
        data = source.read(size)
    except OSError as error:
        raise BundleRefused(f"The bundle cannot be read ({error}); copy it again.") from error
    if len(data) != size:
        raise BundleRefused("The bundle ends too early; copy it again.")
    return data


def unpack(source: IO[bytes], manifest: Manifest, folder: Path) -> None:
    """Write every entry as a plain file below `folder`, which is fresh and nobody else's."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    for entry, content in read_entries(source, manifest):
        file = folder.joinpath(*entry.path.split("/"))
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, flags, 0o644), "wb") as target:
            for chunk in content:
                target.write(chunk)


# ---------------------------------------------------------------- verify and install


def verify(bundle: Path, key: Path) -> Manifest:
    """Check signature and every digest; writes nothing. Raises `BundleError`."""
    public_key = read_public_key(key)
    with _open(bundle) as source:
        manifest = open_signed(source, bundle.stat().st_size, public_key)
        _say(f"signed by {fingerprint(public_key)}; checking {_size(manifest.size_bytes())} ...")
        for _, content in read_entries(source, manifest):
            for _ in content:
                pass
    return manifest


def install(bundle: Path, key: Path, to: Path) -> Manifest:
    """Verify while unpacking, build the environment beside, and rename it to `to` at the end.

    Raises `BundleError`; then nothing of it is left.
    """
    to = Path(os.path.abspath(to))
    public_key = read_public_key(key)
    if os.path.lexists(to):
        raise InstallFailed(f"{to} is there already; move it away, or name another with --to.")
    with _open(bundle) as source:
        manifest = open_signed(source, bundle.stat().st_size, public_key)
        check_machine(manifest)
        staging = _staging(to, manifest.size_bytes() * 2)
        umask = os.umask(0o022)  # a strict one of an administrator would shut the users out
        try:
            _say(
                f"signed by {fingerprint(public_key)}; unpacking {_size(manifest.size_bytes())} ..."
            )
            unpack(source, manifest, staging)
            _say("installing the packages ...")
            _make_environment(staging)
            _put_in_place(staging, to, manifest)
            staging.rename(to)
        except OSError as error:
            raise InstallFailed(
                f"The installation could not be written ({error}); mend that and run it again."
            ) from error
        finally:
            os.umask(umask)
            shutil.rmtree(staging, ignore_errors=True)  # nothing is there after the rename
    return manifest


def this_platform() -> str:
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(
        sys.platform, sys.platform
    )
    machine = platform.machine().lower()
    return f"{system}-{ARCHITECTURES.get(machine, machine)}"


def check_machine(manifest: Manifest) -> None:
    """Raises `InstallFailed` where the wheels cannot run."""
    if manifest.platform != this_platform():
        raise InstallFailed(
            f"This bundle is for {manifest.platform} and this machine is {this_platform()}; have "
            "one made with --platform."
        )
    python = ".".join(map(str, sys.version_info[:2]))
    if manifest.python != python or platform.python_implementation() != "CPython":
        raise InstallFailed(
            f"This bundle is for CPython {manifest.python} and this is {python}; run the same with "
            f"python{manifest.python}, or have one made with --python {python}."
        )
    libc, version = platform.libc_ver()
    if manifest.glibc and (libc != "glibc" or _numbers(version) < _numbers(manifest.glibc)):
        raise InstallFailed(
            f"This bundle needs glibc {manifest.glibc} and this system has {libc or 'another C'} "
            f"{version or 'library'}; have one made on an older system."
        )


def _staging(to: Path, needed_bytes: int) -> Path:
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(to.parent).free
        if free < needed_bytes:
            raise InstallFailed(
                f"{to.parent} has {_size(free)} free and {_size(needed_bytes)} are needed; name a "
                "folder on another disk with --to."
            )
        return Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
    except OSError as error:
        raise InstallFailed(
            f"{to.parent} cannot be written ({error.strerror}); name another folder with --to."
        ) from error


def _make_environment(staging: Path) -> None:
    """A venv from the wheels alone, with the pip that came along: none is needed here."""
    venv, wheels = staging / "venv", staging / "wheels"
    _run([sys.executable, "-I", "-m", "venv", "--without-pip", str(venv)], "making the environment")
    python = _scripts(venv) / ("python.exe" if os.name == "nt" else "python")
    pips = sorted(wheels.glob("pip-*.whl"))
    if not pips:
        raise BundleRefused("The bundle has no pip wheel; have it made again.")
    command = [
        str(python), "-I", str(pips[0] / "pip"), "--isolated", "install", "--no-index",
        "--find-links", str(wheels), "--require-hashes", "--no-deps", "--no-cache-dir", "--quiet",
        "--disable-pip-version-check", "-r", str(staging / "requirements.txt"),
    ]  # fmt: skip
    _run(command, "installing the packages")
    _run([str(python), "-I", "-c", _SELF_CHECK], "loading what was installed")
    for script in _scripts(venv).iterdir():
        if not script.name.startswith("python"):
            script.unlink()  # they name the folder that is renamed at the end


def _put_in_place(staging: Path, to: Path, manifest: Manifest) -> None:
    """Weights where lsp/settings.py looks for them, read-only; the command; open to all users."""
    models = staging / "venv" / "share" / "postil" / "models"
    models.parent.mkdir(parents=True)
    (staging / "models").mkdir(exist_ok=True)
    (staging / "models").rename(models)
    for file in models.rglob("*"):
        if file.is_file():
            file.chmod(0o444)
    shutil.rmtree(staging / "wheels")
    (staging / "bin").mkdir()
    command = staging / "bin" / launcher(to).name
    command.write_text(launcher_text(to), encoding="utf-8", newline="")
    command.chmod(0o755)
    (staging / MANIFEST).write_bytes(manifest.signed)  # what was installed, for an audit
    (staging / SIGNATURE).write_bytes(manifest.signature)
    staging.chmod(0o755)


def launcher(to: Path) -> Path:
    return to / "bin" / ("postil.cmd" if os.name == "nt" else "postil")


def launcher_text(to: Path) -> str:
    """-P keeps the folder in which an editor starts it from shadowing modules."""
    if os.name == "nt":
        return '@"%~dp0..\\venv\\Scripts\\python.exe" -P -m lsp %*\r\n'
    quoted = "'" + str(to / "venv" / "bin" / "python").replace("'", "'\\''") + "'"
    return f'#!/bin/sh\nexec {quoted} -P -m lsp "$@"\n'


def server_command(to: Path) -> list[str]:
    """What an editor starts, without a shell, which a .cmd would need."""
    if os.name == "nt":
        return [str(to / "venv" / "Scripts" / "python.exe"), "-P", "-m", "lsp", "serve"]
    return [str(launcher(to)), "serve"]


def _neovim_data() -> str:
    return "~/AppData/Local/nvim-data" if os.name == "nt" else "~/.local/share/nvim"


def next_steps(to: Path) -> Iterable[str]:
    """How to go on, for each editor whose plugin came along."""
    command = str(launcher(to))
    served = server_command(to)
    yield f"Postil is in {to}. Try it:\n    {command} demo"
    if (to / "editors" / "nvim").is_dir():
        yield (
            f"Neovim 0.11+: copy {to / 'editors' / 'nvim'} to "
            f"{_neovim_data()}/site/pack/postil/start/postil and add to your init.lua\n"
            # Lua reads the strings of JSON, but not its \\u.
            f"    require('postil').setup({{ cmd = {{ "
            f"{', '.join(json.dumps(part, ensure_ascii=False) for part in served)} }} }})"
        )
    for vsix in sorted((to / "editors").glob("vscode/*.vsix")):
        yield (
            f"VS Code: code --install-extension {vsix}\n    and add to your user settings\n"
            f'    "postil.server_command": {json.dumps(served)}'
        )
    yield f"Any other client of the Language Server Protocol starts\n    {' '.join(served)}"


def _scripts(venv: Path) -> Path:
    return venv / ("Scripts" if os.name == "nt" else "bin")


def _run(command: Sequence[str], title: str) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=kept)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2][:300]
        raise InstallFailed(f"{title[0].upper()}{title[1:]} failed: {last}")


def _open(bundle: Path) -> IO[bytes]:
    try:
        return bundle.open("rb")
    except OSError as error:
        raise BundleRefused(
            f"{bundle} cannot be read ({error.strerror}); name the bundle."
        ) from error


def fingerprint(public_key: bytes) -> str:
    """The first half of the key's SHA-256, to be compared by eye with what its owner published."""
    return hashlib.sha256(public_key).hexdigest()[:32]


def default_folder() -> Path:
    local = os.environ.get("LOCALAPPDATA", "") if os.name == "nt" else ""
    return Path(local or Path.home() / ".local" / "share") / "postil"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="postil-install.py", description="Check, install Postil.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, title in (("verify", "check a bundle"), ("install", "check and install a bundle")):
        command = commands.add_parser(name, help=title)
        command.add_argument("bundle", type=Path)
        command.add_argument(
            "--key", type=Path, required=True, help="the owner's public key (.pub)"
        )
        if name == "install":
            command.add_argument("--to", type=Path, default=default_folder(), help="a new folder")
    options = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a folder's name must not end what is installed
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if options.command == "verify":
            report_verified(verify(options.bundle, options.key))
        else:
            install(options.bundle, options.key, options.to)
            print("\n".join(next_steps(Path(os.path.abspath(options.to)))))
    except BundleError as error:
        _say(f"postil-install: {error}")
        return 3
    except KeyboardInterrupt:
        _say("postil-install: stopped; nothing was installed")
        return 130
    return 0


def report_verified(manifest: Manifest) -> None:
    print(
        f"sound: Postil {manifest.postil} for {manifest.platform} with Python {manifest.python}, "
        f"made {manifest.made_at}, {len(manifest.entries)} files"
    )


if __name__ == "__main__":
    sys.exit(main())
