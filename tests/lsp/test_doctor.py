"""postil doctor, as a user runs it, and its words about GPUs that are not here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lsp import checks
from lsp.checks import Status, gpu_advice, sqlite
from lsp.gpu_build import GpuUse, build_command, judge
from lsp.settings import Settings, read_settings
from models.catalog import entry_named
from models.gpus import Api, Gpu
from tests.lsp.client import ROOT
from tests.models.hostile_gguf import build

GB = 1_000_000_000
CPU_BUILD: dict[str, Any] = {"version": "0.3.36", "supports_gpu": False, "devices": []}
CUDA_BUILD: dict[str, Any] = {
    "version": "0.3.36",
    "supports_gpu": True,
    "devices": [
        {"name": "CUDA0", "description": "NVIDIA H100", "kind": "gpu"},
        {"name": "CPU", "description": "AMD EPYC", "kind": "cpu"},
    ],
}
H100 = Gpu("NVIDIA H100", Api.CUDA, 80 * GB, 79 * GB, has_driver=True, is_shared=False)


def postil(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "lsp", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The real command's rows on this machine, the last of a title."""
    folder = tmp_path_factory.mktemp("workspace")
    done = postil("doctor", "-w", str(folder), "--json", POSTIL_CACHE_DIR=str(folder / "cache"))
    told = json.loads(done.stdout)
    assert set(told["gpu_builds"]) == {"cuda", "metal", "vulkan", "rocm"}
    return {row["title"]: row for row in told["rows"]}


@pytest.mark.model
def test_what_is_here_is_said_in_full(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["grammars"]["said"] == "all 17 load"
    assert "there is none yet" in rows["index"]["said"]
    assert "llama-cpp-python 0.3." in rows["llama.cpp"]["said"]
    assert "ggml 0." in rows["llama.cpp"]["said"]
    assert rows["weights"]["status"] == "fine"
    assert "would be loaded" in rows["model"]["said"]
    if sys.platform == "linux":
        assert "possible" in rows["sandbox"]["said"]
        assert "Landlock" in rows["sandbox"]["said"]
        assert "inotify watches are left" in rows["watches"]["said"]


def test_the_index_of_the_workspace_is_counted(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text("def f(): pass\n")
    cache = str(tmp_path / "cache")
    assert postil("index", "-w", str(code), POSTIL_CACHE_DIR=cache).returncode == 0
    row = checks.index(code, Settings(cache_dir=Path(cache)))
    assert row.status is Status.FINE
    assert row.said.startswith("1 files of ")


def test_an_index_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "notdir").touch()
    row = checks.index(tmp_path, Settings(cache_dir=tmp_path / "notdir" / "x"))
    assert row.status is Status.PROBLEM
    assert row.said == f"cannot be written: {tmp_path / 'notdir'} is no folder to write in"
    assert checks.index(tmp_path, Settings(cache_dir=tmp_path / "new")).status is Status.NOTE
    done = postil("doctor", "-w", str(tmp_path / "no-such"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no folder" in done.stderr


def test_damaged_weights_are_a_problem_with_its_remedy(tmp_path: Path) -> None:
    entry = entry_named("qwen2.5-coder-0.5b")
    (tmp_path / entry.file).write_bytes(build()[:500])
    found, _ = checks.model_weights(Settings(models_dir=tmp_path))
    assert found[0].status is Status.PROBLEM
    assert "cut off in its header" in found[0].said
    assert found[0].remedy == "postil models remove qwen2.5-coder-0.5b"


def test_a_machine_without_weights_is_told_how_to_get_them(tmp_path: Path) -> None:
    found, entry = checks.model_weights(Settings(models_dir=tmp_path))
    assert entry is None
    assert "postil models fetch" in found[-1].said
    assert "Locating works without a model" in found[-1].said


def test_sqlites_fault_is_known_by_its_versions() -> None:
    for version in ("3.7.0", "3.40.1", "3.51.2"):
        assert sqlite(version).status is Status.NOTE
    for version in ("3.6.23", "3.51.3", "3.53.0"):
        assert sqlite(version).status is Status.FINE


def test_a_gpu_that_the_build_cannot_use_comes_with_the_command() -> None:
    verdict = judge([H100], CPU_BUILD, entry_named("qwen2.5-coder-1.5b"), 16 * GB)
    assert verdict.use is GpuUse.IDLE
    assert "for the CPU alone" in verdict.sentence
    assert 'CMAKE_ARGS="-DLLAVA_BUILD=OFF -DGGML_CUDA=ON"' in verdict.command
    assert "--force-reinstall --no-cache-dir" in verdict.command
    assert "llama-cpp-python==0.3.36" in verdict.command
    assert "nvcc" in verdict.needs


def test_a_gpu_in_use_is_said_with_its_layers() -> None:
    whole = judge([H100], CUDA_BUILD, entry_named("deepseek-r1-distill-qwen-32b"), 16 * GB)
    assert whole.use is GpuUse.USED
    assert "64 of 64 layers of deepseek-r1-distill-qwen-32b" in whole.sentence
    small = Gpu("RTX", Api.CUDA, 12 * GB, 12 * GB, has_driver=True, is_shared=False)
    part = judge([small], CUDA_BUILD, entry_named("deepseek-r1-distill-qwen-32b"), 64 * GB)
    layers = int(part.sentence.partition(" of 64 layers")[0].rpartition(" ")[2])
    assert 10 < layers < 64


def test_a_build_that_finds_no_card_and_a_card_without_its_driver() -> None:
    blind = judge([H100], {**CUDA_BUILD, "devices": CUDA_BUILD["devices"][1:]}, None, 16 * GB)
    assert blind.use is GpuUse.IDLE
    assert "does not find NVIDIA H100" in blind.sentence
    dead = Gpu("NVIDIA GPU", Api.CUDA, None, None, has_driver=False, is_shared=False)
    assert "driver does not answer" in judge([dead], CPU_BUILD, None, 16 * GB).sentence
    assert judge([], CPU_BUILD, None, 16 * GB).use is GpuUse.NONE


def test_a_gpu_that_lies_idle_is_one_sentence_for_the_status() -> None:
    card = Gpu("A card", Api.CUDA, 8 << 30, 8 << 30, has_driver=True, is_shared=False)
    settings, _ = read_settings({"POSTIL_MODEL": "none"})
    advice = gpu_advice(settings, [card])
    assert "A card" in advice
    assert advice.endswith("See `postil doctor`.")
    assert "\n" not in advice
    assert gpu_advice(settings, []) == ""


def test_each_kind_of_gpu_has_a_command_for_each_shell() -> None:
    options = {
        Api.CUDA: "-DGGML_CUDA=ON",
        Api.METAL: "-DGGML_METAL=ON",
        Api.VULKAN: "-DGGML_VULKAN=ON",
        Api.ROCM: "-DGGML_HIP=ON",
    }
    for api, option in options.items():
        assert option in build_command(api, "1.2", "linux")
        told = f'$env:CMAKE_ARGS = "-DLLAVA_BUILD=OFF {option}"; & "'
        assert build_command(api, "1.2", "win32").startswith(told)


def test_a_library_that_does_not_load_is_a_row_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "_probe", lambda module: "libcudart.so.12: cannot open")
    (row,) = checks.gpu(None)
    assert row.status is Status.PROBLEM
    assert "libcudart" in row.said
    assert checks.grammars().status is Status.PROBLEM
