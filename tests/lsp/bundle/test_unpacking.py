"""Crafted archives: each is refused before or while it is read, and nothing lands outside."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp.bundle.installer import BundleRefused, Entry, check_entries, read_manifest
from tests.lsp.bundle.crafting import (
    DEVICE,
    LICENCE,
    LINK,
    SOUND,
    Member,
    manifest,
    sound,
    unpacked,
    write,
)

MEMBERS = [Member(path, data) for path, data in SOUND.items()]


def check_refused(tmp_path: Path, bundle: Path, why: str) -> None:
    canary = tmp_path / "canary"
    canary.write_text("alive")
    with pytest.raises(BundleRefused, match=why) as caught:
        unpacked(bundle, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert canary.read_text() == "alive"
    assert {path.name for path in tmp_path.iterdir()} <= {bundle.name, "canary", "out"}


def test_a_sound_bundle_is_written_as_it_was(tmp_path: Path) -> None:
    assert unpacked(sound(tmp_path / "b"), tmp_path / "out") == SOUND


def test_a_large_entry_in_the_zip64_form_is_read(tmp_path: Path) -> None:
    bundle, said = tmp_path / "b", manifest({LICENCE: b"MIT\n"})
    write(bundle, said, [])
    with zipfile.ZipFile(bundle, "a") as archive:
        info = zipfile.ZipInfo(LICENCE)
        with archive.open(info, "w", force_zip64=True) as target:
            target.write(b"MIT\n")
    assert unpacked(bundle, tmp_path / "out") == {LICENCE: b"MIT\n"}


def test_another_owners_signature_is_refused(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate()
    bundle = write(tmp_path / "b", manifest(SOUND), MEMBERS, other)
    check_refused(tmp_path, bundle, "not signed with this key")


@pytest.mark.parametrize(
    "members",
    [
        [*MEMBERS, Member("licences/link", b"/etc", LINK)],
        [*MEMBERS, Member("licences/a", b"b", LINK), Member("licences/b", b"/etc", LINK)],
        [Member("licences/x", b"../..", LINK), *MEMBERS],
        [*MEMBERS, Member("/etc/passwd", b"root")],
        [*MEMBERS, Member("../../canary", b"dead")],
        [*MEMBERS, Member("licences\\..\\..\\canary", b"dead")],
        [*MEMBERS, Member("C:/canary", b"dead")],
        [*MEMBERS, Member("licences/tty", b"", DEVICE)],
        [*MEMBERS, Member("licences/", b"")],
        [*MEMBERS, Member("licences/EXTRA", b"more")],
        [*MEMBERS, Member("LICENCES/license", b"twin")],
    ],
)
def test_entries_that_the_owner_did_not_sign_are_refused(
    tmp_path: Path, members: list[Member]
) -> None:
    bundle = write(tmp_path / "b", manifest(SOUND), members)
    check_refused(tmp_path, bundle, "more than its signed manifest names|where .* should be")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_duplicate_is_refused(tmp_path: Path) -> None:
    bundle = write(tmp_path / "b", manifest(SOUND), [MEMBERS[0], *MEMBERS])
    check_refused(tmp_path, bundle, "where editors/nvim/plugin/postil.lua should be")


def test_entries_that_are_missing_or_in_another_order_are_refused(tmp_path: Path) -> None:
    check_refused(tmp_path, write(tmp_path / "b", manifest(SOUND), MEMBERS[1:]), "should be")
    (tmp_path / "out").rmdir()
    bundle = write(tmp_path / "b", manifest(SOUND), MEMBERS[::-1])
    check_refused(tmp_path, bundle, f"where {LICENCE} should be")


def test_links_and_devices_that_were_signed_become_plain_files(tmp_path: Path) -> None:
    """The mode stands in the directory at the archive's end, which is not read."""
    files = {"licences/a": b"b", "licences/b": b"/etc/passwd", "licences/tty": b""}
    members = [Member(p, d, DEVICE if p.endswith("tty") else LINK) for p, d in files.items()]
    assert unpacked(write(tmp_path / "b", manifest(files), members), tmp_path / "out") == files


def test_a_file_below_what_could_be_a_link_is_refused_even_when_signed(tmp_path: Path) -> None:
    files = {"licences/a": b"/etc", "licences/a/passwd": b"root"}
    bundle = sound(tmp_path / "b", files)
    check_refused(tmp_path, bundle, "licences/a both as a file and as a folder")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../canary", "licences/../../canary", "licences/./x", "licences//x",
        "licences/x/", "licences\\x", "licences/..\\x", "C:/x", "licences/C:x", "licences/a\0b",
        "licences/ x", "licences/x ", "licences/x.", "licences/.hidden", "licences/-rf",
        "licences/nul", "licences/COM1.txt", "licences/aux.h/x", "licences/\u2025/x",
        "licences/a\nb", "licences/\u202egnp", "licences/~", "licences/$HOME", "licences/%2e%2e",
        "", "licences/" + "a" * 180, "licences/" + "a/" * 12 + "a",
    ],
)  # fmt: skip
def test_a_signed_name_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(BundleRefused, match=r"no plain path|too long or deep") as caught:
        check_entries([Entry(path, 1, "0" * 64, "licence")])
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("twin", ["licences/a", "licences/A", "LICENCES/a"])
def test_a_signed_duplicate_or_case_twin_is_refused(twin: str) -> None:
    entries = [Entry("licences/a", 1, "0" * 64, "licence"), Entry(twin, 1, "0" * 64, "licence")]
    with pytest.raises(BundleRefused, match=r"twice, or in two cases|LICENCES/a' as"):
        check_entries(entries)


@pytest.mark.parametrize(
    ("path", "kind"), [("bin/postil", "licence"), ("wheels/x", "weights"), ("sbom.json", "sbom")]
)
def test_a_kind_stays_in_its_place(path: str, kind: str) -> None:
    with pytest.raises(BundleRefused, match=f"{path}' as '{kind}'"):
        check_entries([Entry(path, 1, "0" * 64, kind)])


@settings(deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[a-zA-Z0-9_.\-+/\\: ]{0,40}", fullmatch=True))
def test_whatever_name_is_taken_stays_below_the_folder_on_every_system(name: str) -> None:
    path = f"licences/{name}"
    try:
        check_entries([Entry(path, 1, "0" * 64, "licence")])
    except BundleRefused:
        return
    assert PurePosixPath("/to", path).parts == ("/", "to", *path.split("/"))
    windows = PureWindowsPath("C:/to", path)
    assert windows.parts == ("C:\\", "to", *path.split("/"))
    assert not windows.is_reserved()
    assert ".." not in path.split("/")
    assert path.isascii()


def test_compressed_entries_are_refused_so_that_there_are_no_bombs(tmp_path: Path) -> None:
    bomb = b"\0" * 50_000_000
    members = [Member(LICENCE, bomb, method=zipfile.ZIP_DEFLATED)]
    bundle = write(tmp_path / "b", manifest({LICENCE: bomb}), members)
    assert bundle.stat().st_size < 100_000
    check_refused(tmp_path, bundle, "cut short or added to")
    assert not any((tmp_path / "out").iterdir())


def test_a_small_compressed_entry_is_refused(tmp_path: Path) -> None:
    packed = [Member(p, d, method=zipfile.ZIP_DEFLATED) for p, d in SOUND.items()]
    bundle = write(tmp_path / "b", manifest(SOUND), packed)
    check_refused(tmp_path, bundle, f"{LICENCE} is compressed, encrypted or streamed")


def test_sizes_that_would_fill_the_disk_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    said = manifest(SOUND)
    said["entries"][0]["size"] = 1 << 50
    check_refused(tmp_path, write(tmp_path / "b", said, MEMBERS), "cut short or added to")
    assert not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("offset", "value", "why"),
    [
        (6, struct.pack("<H", 1), "encrypted"),
        (6, struct.pack("<H", 8), "streamed"),
        (8, struct.pack("<H", 12), "compressed"),
        (18, struct.pack("<L", 3), "two sizes"),
        (18, struct.pack("<2L", 5, 5), "not the size that was signed"),
        (18, struct.pack("<2L", 0xFFFFFFFF, 0xFFFFFFFF), "not the size that was signed"),
        (26, struct.pack("<H", 60_000), "too long"),
        (28, struct.pack("<H", 60_000), "too long"),
    ],
)
def test_headers_that_say_something_else_are_refused(
    tmp_path: Path, offset: int, value: bytes, why: str
) -> None:
    bundle = sound(tmp_path / "b")
    data = bytearray(bundle.read_bytes())
    at = data.index(LICENCE.encode(), data.index(b"manifest.sig")) - 30
    data[at + offset : at + offset + len(value)] = value
    bundle.write_bytes(data)
    check_refused(tmp_path, bundle, why)


@settings(deadline=None)
@given(data=st.data())
def test_a_changed_byte_anywhere_is_refused_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("flip")
    bundle = sound(folder / "b")
    content = bytearray(bundle.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    bundle.write_bytes(content)
    try:
        assert unpacked(bundle, folder / "out") == SOUND  # e.g. in a date, which is not read
    except BundleRefused:
        return


@settings(deadline=None)
@given(cut=st.integers(0, 2_000))
def test_a_bundle_that_was_cut_short_is_refused(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    bundle = sound(folder / "b")
    whole = bundle.read_bytes()
    end = whole.index(b"PK\x01\x02")  # what follows is not needed
    bundle.write_bytes(whole[: min(cut, end + 3)])
    with pytest.raises(BundleRefused):
        unpacked(bundle, folder / "out")


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    folder = tmp_path_factory.mktemp("noise")
    (folder / "b").write_bytes(noise)
    with pytest.raises(BundleRefused):
        unpacked(folder / "b", folder / "out")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.REGTYPE]
)
def test_a_tar_is_refused_whatever_it_holds(tmp_path: Path, kind: bytes) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        info = tarfile.TarInfo("../canary")
        info.type, info.linkname = kind, "/etc"
        archive.addfile(info)
    (tmp_path / "b").write_bytes(held.getvalue())
    check_refused(tmp_path, tmp_path / "b", "no Postil bundle")


@pytest.mark.parametrize(
    "change",
    [
        {"entries": []},
        {"entries": None},
        {"entries": [{"path": "licences/a"}]},
        {"entries": [{"path": "licences/a", "size": "big", "sha256": "0" * 64, "kind": "licence"}]},
        {"entries": [{"path": "licences/a", "size": -1, "sha256": "0" * 64, "kind": "licence"}]},
        {"entries": [{"path": "licences/a", "size": 1, "sha256": "0" * 63, "kind": "licence"}]},
        {"format": 2},
    ],
)
def test_a_signed_manifest_that_makes_no_sense_is_refused(
    tmp_path: Path, change: Mapping[str, Any]
) -> None:
    bundle = write(tmp_path / "b", manifest(SOUND, **change), MEMBERS)
    check_refused(tmp_path, bundle, "cannot be|cannot be read|no size or digest|has format 2")


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_a_refusal_and_no_crash(value: Any) -> None:
    with pytest.raises(BundleRefused):
        read_manifest(json.dumps(value).encode())
