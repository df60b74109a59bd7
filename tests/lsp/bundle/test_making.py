"""The parts of making a bundle that need no registry: targets, lock, wheels, licences, SBOM."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lsp.accelerators import Accelerator
from lsp.bundle import installer
from lsp.bundle.installer import BundleError, BundleRefused
from lsp.bundle.licences import given_texts, weights_licences, wheel_licences
from lsp.bundle.llama_wheel import NAME, cmake_args
from lsp.bundle.make import plugin_files, source_tree
from lsp.bundle.manifest import BundleEntry, BundleManifest, EntryKind, made_at
from lsp.bundle.platforms import target
from lsp.bundle.sbom import Described, sbom
from lsp.bundle.wheels import Wheel, add_given, needed_glibc, read_lock, read_wheels
from lsp.commands.bundle import Extra
from models.catalog import entry_named

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "requirements.lock").read_text()
APACHE = "\n                Apache License\n           Version 2.0, January 2004\n"


def make_wheel(
    folder: Path, name: str, files: Mapping[str, str | bytes], metadata: str = ""
) -> Wheel:
    project, version = name.split("-")[:2]
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}.whl", "w") as archive:
        text = f"Metadata-Version: 2.4\nName: {project}\nVersion: {version}\n{metadata}\n"
        archive.writestr(f"{project}-{version}.dist-info/METADATA", text)
        for path, data in files.items():
            archive.writestr(f"{project}-{version}.dist-info/{path}", data)
    return next(w for w in read_wheels(folder) if w.file.name == f"{name}.whl")


def test_the_lock_file_is_read_for_this_machine() -> None:
    locked = {one.name: one for one in read_lock(LOCK, target(None, None))}
    assert locked["pygls"].version == "2.1.1"
    assert NAME in locked
    assert sum(name.startswith("tree-sitter-") for name in locked) == 16
    assert all(" --hash=sha256:" in one.line and ";" not in one.line for one in locked.values())


def test_the_lock_with_an_extra_is_the_other_and_what_the_extra_needs() -> None:
    for extra in Extra:
        text = (ROOT / f"requirements-{extra}.lock").read_text()
        for tag in (None, "win_amd64"):
            there = target(tag, "3.12" if tag else None)
            plain, more = read_lock(LOCK, there), read_lock(text, there)
            assert {one.line for one in plain} <= {one.line for one in more}
            added = {one.name for one in more} - {one.name for one in plain}
            assert added == {"anyio", "h11", "httpcore2", "httpx2", "idna", "truststore"}


@pytest.mark.parametrize(
    ("tag", "python", "platform", "colorama", "numpy"),
    [
        ("win_amd64", "3.12", "windows-x86_64", {"colorama"}, "2.5"),
        ("manylinux_2_28_x86_64", "3.11", "linux-x86_64", set(), "2.4"),
        ("manylinux2014_aarch64", "3.13", "linux-arm64", set(), "2.5"),
        ("macosx_14_0_arm64", "3.14", "macos-arm64", set(), "2.5"),
    ],
)
def test_another_machines_markers_are_followed(
    tag: str,
    python: str,
    platform: str,
    colorama: set[str],
    numpy: str,
) -> None:
    there = target(tag, python)
    locked = {one.name: one.version for one in read_lock(LOCK, there)}
    assert there.platform == platform
    assert locked.keys() & {"colorama"} == colorama
    assert locked["numpy"].startswith(numpy)


def test_wheels_for_an_older_glibc_are_taken_and_for_a_newer_not() -> None:
    names = target("manylinux_2_28_x86_64", None).wheel_platforms
    assert {"manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"} <= {*names}
    assert "manylinux_2_34_x86_64" not in names


@pytest.mark.parametrize("tag", ["linux", "win32", "manylinux_2_28_sparc", "--help", ""])
def test_a_platform_that_is_none_is_named_with_examples(tag: str) -> None:
    with pytest.raises(BundleError, match="such as manylinux_2_28_x86_64"):
        target(tag, None)


def test_a_python_that_is_none_is_refused() -> None:
    with pytest.raises(BundleError, match=r"--python is a version such as 3\."):
        target(None, "three")


def test_each_accelerator_has_its_documented_switch_and_no_build_is_for_this_cpu_alone() -> None:
    wanted = {"cuda": "CUDA", "metal": "METAL", "vulkan": "VULKAN", "rocm": "HIP"}
    for accelerator in Accelerator:
        args = cmake_args(accelerator, "linux")
        assert "-DGGML_NATIVE=OFF" in args
        switches = [
            a for a in args if a.removeprefix("-DGGML_").removesuffix("=ON") in wanted.values()
        ]
        assert switches == ([f"-DGGML_{wanted[accelerator]}=ON"] if accelerator in wanted else [])


def test_a_given_wheel_must_be_what_is_locked_and_run_there(tmp_path: Path) -> None:
    there = target("manylinux_2_28_x86_64", "3.12")
    locked, folder = read_lock(LOCK, there), tmp_path / "wheels"
    folder.mkdir()
    good = make_wheel(tmp_path / "a", "llama_cpp_python-0.3.36-py3-none-linux_x86_64", {})
    add_given([good.file], locked, there, folder)
    assert [wheel.name for wheel in read_wheels(folder)] == [NAME]
    for name, why in (
        ("llama_cpp_python-0.3.35-py3-none-linux_x86_64", "lock has 0.3.36"),
        ("leftpad-1.0-py3-none-any", "lock has no such package"),
        ("llama_cpp_python-0.3.36-py3-none-win_amd64", "does not run on linux-x86_64"),
    ):
        with pytest.raises(BundleError, match=why):
            add_given([make_wheel(tmp_path / name, name, {}).file], locked, there, folder)
    with pytest.raises(BundleError, match="no wheel"):
        add_given([tmp_path / "x.tar.gz"], locked, there, folder)
    with pytest.raises(BundleError, match="cannot be read"):
        add_given([tmp_path / good.file.name], locked, there, folder)


def test_two_wheels_of_one_package_are_refused(tmp_path: Path) -> None:
    make_wheel(tmp_path / "w", "one-1.0-py3-none-any", {})
    with pytest.raises(BundleError, match="two wheels of one"):
        make_wheel(tmp_path / "w", "one-1.0-py2-none-any", {})


def test_the_oldest_glibc_is_read_out_of_the_libraries(tmp_path: Path) -> None:
    library = b"\x7fELF GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.17\0GLIBC_PRIVATE\0"
    wheel = make_wheel(
        tmp_path, "one-1.0-py3-none-any", {"a/b.so.1": library, "c.txt": "GLIBC_2.99"}
    )
    assert needed_glibc([wheel]) == "2.34"
    assert needed_glibc([]) == ""


def test_licence_texts_are_taken_wherever_wheels_keep_them(tmp_path: Path) -> None:
    wheels = [
        make_wheel(tmp_path / "1", "one-1.0-py3-none-any", {"licenses/deep/LICENSE": "A"}),
        make_wheel(tmp_path / "2", "two-1.0-py3-none-any", {"COPYING.txt": "B", "RECORD": ""}),
        make_wheel(tmp_path / "3", "three-1.0-py3-none-any", {"licenses/.my licence": "C"}),
    ]
    wheel_licences(wheels, tmp_path / "out")
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    found = {p.relative_to(tmp_path / "out").as_posix(): p.read_text() for p in files}
    assert found == {
        "one-1.0/deep/LICENSE": "A",
        "two-1.0/COPYING.txt": "B",
        "three-1.0/_my_licence": "C",
    }


def test_a_wheel_without_a_licence_text_stops_the_bundle(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "one-1.0-py3-none-any", {}, "License-Expression: MIT")
    with pytest.raises(BundleError, match="carries no licence text"):
        wheel_licences([wheel], tmp_path / "out")


def test_weights_travel_with_the_text_of_their_licence(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "w", "one-1.0-py3-none-any", {"licenses/LICENSE": APACHE})
    qwen, distill = entry_named("qwen2.5-coder-0.5b"), entry_named("deepseek-r1-distill-qwen-1.5b")
    weights_licences([qwen], {}, [wheel], tmp_path / "out")
    text = tmp_path / "out" / "weights" / "qwen2.5-coder-0.5b" / "LICENSE"
    assert text.read_text() == APACHE
    with pytest.raises(BundleError, match=r"under MIT, its base under Apache-2\.0 .*--licence"):
        given_texts([qwen, distill], {})
    given = tmp_path / "MIT.txt"
    given.write_text("MIT, of its holder")
    texts = given_texts([distill], {distill.name: given})
    weights_licences([distill], texts, [wheel], tmp_path / "out")
    assert (
        tmp_path / "out" / "weights" / distill.name / "LICENSE"
    ).read_text() == given.read_text()
    with pytest.raises(BundleError, match=r"no such model"):
        given_texts([qwen], {distill.name: given})
    with pytest.raises(BundleError, match=r"cannot be read"):
        given_texts([qwen], {qwen.name: tmp_path / "no-such"})
    with pytest.raises(BundleError, match=r"No wheel has the Apache-2\.0 text"):
        weights_licences([qwen], {}, [], tmp_path / "out")


def describe(tmp_path: Path) -> Described:
    wheels = [
        make_wheel(tmp_path / "1", "one-1.0-py3-none-any", {}, "License-Expression: MIT OR 0BSD"),
        make_wheel(tmp_path / "2", "two-2.0-py3-none-any", {}, "License: as you like"),
        make_wheel(tmp_path / "3", "llama_cpp_python-0.3.36-py3-none-any", {}, "License: MIT"),
        make_wheel(
            tmp_path / "4",
            "old-1-py3-none-any",
            {},
            "Classifier: License :: OSI Approved :: BSD License",
        ),
    ]
    return Described(
        version="0.1.0",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        wheels=[(wheel, "ab" * 32) for wheel in wheels],
        weights=[(entry_named("deepseek-r1-distill-qwen-1.5b"), 1_000)],
        plugins=["nvim"],
        llama_cpp_commit="0c1e57098",
    )


def test_the_sbom_is_cyclonedx_1_6_by_its_own_schema(tmp_path: Path) -> None:
    data = sbom(describe(tmp_path)).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data) is None
    bill = json.loads(data)
    components = {c["bom-ref"]: c for c in bill["components"]}
    assert bill["specVersion"] == "1.6"
    assert components["llama.cpp"]["version"] == "0c1e57098"
    weights = components["weights:deepseek-r1-distill-qwen-1.5b"]
    assert weights["type"] == "machine-learning-model"
    sha256 = entry_named("deepseek-r1-distill-qwen-1.5b").sha256
    assert weights["hashes"] == [{"alg": "SHA-256", "content": sha256}]
    assert components["wheel:one"]["licenses"] == [{"expression": "MIT OR 0BSD"}]
    assert components["wheel:two"]["licenses"] == [{"license": {"name": "as you like"}}]
    assert components["wheel:old"]["licenses"] == [{"license": {"name": "BSD License"}}]


def test_the_same_contents_make_the_same_sbom(tmp_path: Path) -> None:
    assert sbom(describe(tmp_path / "a")) == sbom(describe(tmp_path / "b"))


def _manifest(path: str) -> BundleManifest:
    entry = BundleEntry(path=path, size=3, sha256="ab" * 32, kind=EntryKind.LICENCE)
    return BundleManifest(
        postil="0.1.0",
        platform="linux-x86_64",
        python="3.11",
        glibc="2.34",
        accelerator="cpu",
        made_at=made_at("1767225600", 0.0),
        key="00",
        entries=(entry,),
    )


def test_the_installer_reads_what_the_maker_writes() -> None:
    read = installer.read_manifest(_manifest("licences/a").to_bytes())
    assert (read.python, read.glibc, read.made_at) == ("3.11", "2.34", "2026-01-01T00:00:00Z")
    assert read.entries == (installer.Entry("licences/a", 3, "ab" * 32, "licence"),)


def test_a_manifest_that_the_installer_would_refuse_is_not_signed() -> None:
    with pytest.raises(BundleRefused, match="no plain path"):
        _manifest("licences/../a").to_bytes()


def test_every_kind_has_a_place() -> None:
    assert {str(kind) for kind in EntryKind} == installer.PLACES.keys()


def test_bundles_are_made_from_a_source_tree() -> None:
    assert (source_tree() / "editors" / "nvim").is_dir()


def make_editors(folder: Path) -> Path:
    for name in ("README.md", "nvim/lua/postil.lua", "vscode/package.json", "vscode/src/a.ts"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def make_vsix(file: Path, publisher: str) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "extension/package.json", json.dumps({"publisher": publisher, "name": "postil"})
        )
    return file


def test_an_extension_goes_into_a_bundle_only_when_it_is_built(tmp_path: Path) -> None:
    editors = make_editors(tmp_path / "editors")
    plain = {"editors/README.md", "editors/nvim/lua/postil.lua"}
    assert plugin_files(editors, None).keys() == plain
    built = make_vsix(editors / "vscode" / "postil.vsix", "postil")
    (editors / "vscode" / "node_modules").mkdir()
    make_vsix(editors / "vscode" / "node_modules" / "other.vsix", "other")
    assert plugin_files(editors, None) == plugin_files(editors, built)
    assert plugin_files(editors, None).keys() == {*plain, "editors/vscode/postil.vsix"}


def test_an_extension_built_elsewhere_is_taken_when_it_is_ours(tmp_path: Path) -> None:
    editors = make_editors(tmp_path / "editors")
    ours, other = make_vsix(tmp_path / "a.vsix", "postil"), make_vsix(tmp_path / "b.vsix", "other")
    assert plugin_files(editors, ours)["editors/vscode/postil.vsix"] == ours
    with pytest.raises(BundleError, match=r"b\.vsix is another extension, other\.postil"):
        plugin_files(editors, other)
    for broken in (tmp_path / "gone.vsix", editors / "README.md"):
        with pytest.raises(BundleError, match="cannot be read as an extension for VS Code"):
            plugin_files(editors, broken)
