"""The air-gap bundle for real: made here, carried, installed by a stranger without a network."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.carried import CleanMachine, clean_machine, postil, python
from tests.models.weights import SMALL, models_folder, small_model

pytestmark = [
    pytest.mark.bundle,
    pytest.mark.model,
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's"),
    pytest.mark.timeout(1_800),  # the first time, pip may have to compile llama.cpp
]
REQUIREMENT = "llama-cpp-python==0.3.36"  # as locked; pip has it in its cache after the set-up


@dataclass(frozen=True, slots=True)
class Bundle:
    archive: Path
    installer: Path
    key: Path
    said: str  # by the command that made it


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("made")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    subprocess.run([*pip, REQUIREMENT], check=True)
    wheel = next(folder.glob("*.whl"))
    assert postil("bundle", "key", "--out", "acme.key", cwd=folder).code == 0
    small_model()
    made = postil(
        "bundle", "make", "--out", "postil.bundle", "--key", "acme.key", "--model", SMALL,
        "--wheel", str(wheel), cwd=folder, POSTIL_MODELS_DIR=str(models_folder()),
        SOURCE_DATE_EPOCH="1767225600",
    )  # fmt: skip
    assert made.code == 0, made.output
    return Bundle(
        folder / "postil.bundle", folder / "postil-install.py", folder / "acme.key.pub", made.output
    )


@pytest.fixture
def machine(bundle: Bundle) -> Iterator[CleanMachine]:
    with tempfile.TemporaryDirectory(prefix="postil-clean-") as name:
        yield clean_machine(Path(name), [bundle.archive, bundle.installer, bundle.key])


def test_the_archive_holds_what_an_enterprise_asks_for(bundle: Bundle) -> None:
    with zipfile.ZipFile(bundle.archive) as archive:
        names = set(archive.namelist())
        said = json.loads(archive.read("manifest.json"))
        bill = json.loads(archive.read("sbom.cdx.json"))
        assert archive.testzip() is None
    assert said["made_at"] == "2026-01-01T00:00:00Z"
    assert names - {"manifest.json", "manifest.sig"} == {e["path"] for e in said["entries"]}
    for needed in (
        "wheels/postil-0.1.0-py3-none-any.whl",
        "editors/nvim/lua/postil/init.lua",
        "licences/llama.cpp/LICENSE",
        f"licences/weights/{SMALL}/LICENSE",
        f"models/{small_model()[0].file}",
    ):
        assert needed in names
    grammars = [name for name in names if name.startswith("wheels/tree_sitter_")]
    assert len(grammars) == 16
    wheels = [name for name in names if name.startswith("wheels/")]
    bricks = {component["bom-ref"] for component in bill["components"]}
    assert len([ref for ref in bricks if ref.startswith("wheel:")]) == len(wheels)
    assert f"weights:{SMALL}" in bricks
    assert "postil-install.py verify" in bundle.said


def test_the_harness_would_have_caught_a_connection(machine: CleanMachine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = ("127.0.0.1", server.getsockname()[1])
        probe = f"import socket; socket.create_connection({address!r}, 5)"
        assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
        assert "unreachable" in machine.run(python(), "-c", probe).output


def test_three_commands_without_a_network_end_with_the_demo(machine: CleanMachine) -> None:
    key = ("--key", "acme.key.pub")
    verified = machine.run(python(), "postil-install.py", "verify", "postil.bundle", *key)
    assert verified.code == 0, verified.output
    assert "sound: Postil 0.1.0 for linux-" in verified.output
    to = machine.home / "postil"
    strict = ("sh", "-c", 'umask 077; exec "$@"', "sh")
    installed = machine.run(
        *strict, python(), "postil-install.py", "install", "postil.bundle", *key, "--to", str(to)
    )
    assert installed.code == 0, installed.output
    assert "require('postil').setup" in installed.output
    assert {path.name for path in machine.home.iterdir()} == {"postil"}
    weights = to / "venv" / "share" / "postil" / "models" / small_model()[0].file
    assert stat.S_IMODE(weights.stat().st_mode) == 0o444
    for folder in (to, to / "editors" / "nvim", weights.parent, to / "licences"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755, f"others cannot read {folder}"
    # One thread and little thinking: beside other programs two threads wait for each other.
    quick = ("env", "POSTIL_EFFORT=quick", "POSTIL_N_THREADS=1")
    assert (to / "manifest.sig").stat().st_size == 64
    demo = machine.run(*quick, str(to / "bin" / "postil"), "demo")
    assert demo.code == 0, demo.output
    assert "InvalidStateError" in demo.output
    assert "The guilty function is JsonRPCProtocol._handle_response: suspect" in demo.output
    assert f"{SMALL} on CPU" in demo.output
    assert "== What is right and what is not" in demo.output


def test_one_changed_byte_in_the_weights_leaves_nothing_installed(machine: CleanMachine) -> None:
    archive = machine.carried / "postil.bundle"
    with zipfile.ZipFile(archive) as opened:
        info = opened.getinfo(f"models/{small_model()[0].file}")
    with archive.open("r+b") as content:
        content.seek(info.header_offset + info.file_size // 2)
        byte = content.read(1)[0]
        content.seek(-1, os.SEEK_CUR)
        content.write(bytes([byte ^ 1]))
    done = machine.run(
        python(), "postil-install.py", "install", archive.name, "--key", "acme.key.pub",
        "--to", str(machine.home / "postil"),
    )  # fmt: skip
    assert done.code == 3
    assert f"models/{small_model()[0].file} is not what was signed" in done.output
    assert list(machine.home.iterdir()) == []
