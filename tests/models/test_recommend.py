"""Which weights fit: arithmetic that can be done by hand, and GPUs as systems tell of them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from models.backends.worker_client import LlamaCppBackend
from models.catalog import entry_named
from models.gpus import Api, Gpu, find_gpus, read_smi
from models.hardware import cgroup_free_bytes, free_memory_bytes
from models.recommend import N_BATCH, Machine, Place, best, fits, need
from tests.lsp.client import ROOT

GB = 1_000_000_000


def card(total_gb: float, free_gb: float | None = None) -> Gpu:
    free = int((total_gb if free_gb is None else free_gb) * GB)
    return Gpu("a card", Api.CUDA, int(total_gb * GB), free, has_driver=True, is_shared=False)


def choice(memory_gb: float, *gpus: Gpu) -> tuple[str, Place] | None:
    chosen = best(fits(Machine(gpus, int(memory_gb * GB))))
    return (chosen.entry.name, chosen.place) if chosen else None


def test_the_kv_cache_is_two_vectors_a_layer_head_and_token() -> None:
    needed = need(entry_named("deepseek-r1-distill-llama-8b"), 8_192)
    assert needed.kv_cache == 2 * 32 * 8 * 128 * 2 * 8_192 == 1 << 30
    assert needed.buffers == 256 * 4 * 128_256
    assert needed.total == 4_920_737_216 + needed.kv_cache + needed.buffers + needed.runtime


def test_the_batch_is_the_workers() -> None:
    source = (ROOT / "models/backends/llama_cpp.py").read_text(encoding="utf-8")
    assert f"N_BATCH = {N_BATCH} " in source


@pytest.mark.model
async def test_the_arithmetic_is_near_what_the_real_worker_takes(backend: LlamaCppBackend) -> None:
    """The session's worker has read prompts by now or not: its buffers are reserved either way."""
    await backend.count_tokens(["x"])
    pid = backend.worker_pid
    assert pid is not None
    taken = psutil.Process(pid).memory_info().rss
    needed = need(entry_named("qwen2.5-coder-0.5b"), backend.info.n_ctx)
    assert 0.75 * needed.total < taken < 1.15 * needed.total


@pytest.mark.parametrize(
    ("memory_gb", "gpus", "expected"),
    [
        (16, (card(8),), ("deepseek-r1-0528-qwen3-8b", Place.GPU)),
        (16, (card(12),), ("deepseek-r1-0528-qwen3-8b", Place.GPU)),
        (32, (card(16),), ("deepseek-r1-distill-qwen-14b", Place.GPU)),
        (64, (card(25.3),), ("deepseek-r1-distill-qwen-32b", Place.GPU)),
        (64, (card(32),), ("deepseek-r1-distill-qwen-32b", Place.GPU)),
        (128, (card(80),), ("deepseek-r1-distill-llama-70b", Place.GPU)),
        (128, (card(32), card(32)), ("deepseek-r1-distill-llama-70b", Place.GPU)),
        (16, (card(24, free_gb=2),), ("qwen2.5-coder-1.5b", Place.SPLIT)),
        (16, (), ("qwen2.5-coder-1.5b", Place.MEMORY)),
        (1.2, (), ("qwen2.5-coder-0.5b", Place.MEMORY)),
        (0.5, (), None),
    ],
)
def test_the_largest_that_is_pleasant_is_taken(
    memory_gb: float, gpus: tuple[Gpu, ...], expected: tuple[str, Place] | None
) -> None:
    assert choice(memory_gb, *gpus) == expected


def test_a_context_never_passes_what_the_model_was_trained_for() -> None:
    for fit in fits(Machine((card(500),), 500 * GB)):
        assert fit.place is Place.GPU
        assert fit.n_ctx == fit.entry.n_ctx_trained


def test_a_model_too_large_for_the_card_is_split_by_layers() -> None:
    found = {fit.entry.name: fit for fit in fits(Machine((card(12),), 64 * GB))}
    fit = found["deepseek-r1-distill-qwen-32b"]
    assert fit.place is Place.SPLIT
    assert 20 < fit.gpu_layers < 40
    assert fit.cpu_tokens_per_s is not None


def test_a_card_whose_driver_does_not_answer_counts_for_nothing() -> None:
    dead = Gpu("NVIDIA GPU", Api.CUDA, None, None, has_driver=False, is_shared=False)
    assert choice(16, dead) == ("qwen2.5-coder-1.5b", Place.MEMORY)


def test_smi_is_read_and_what_it_cannot_say_is_left_out() -> None:
    """The form that NVIDIA documents for --format=csv,noheader,nounits."""
    said = "NVIDIA H100 80GB HBM3, 81559, 81079\nNVIDIA GB10, [N/A], [N/A]\nOdd, Name, 8192, 100\n"
    found = read_smi(said)
    assert [(gpu.name, gpu.total_bytes, gpu.free_bytes) for gpu in found] == [
        ("NVIDIA H100 80GB HBM3", 81_559 << 20, 81_079 << 20),
        ("Odd, Name", 8_192 << 20, 100 << 20),
    ]
    assert read_smi("") == []


def test_cards_are_found_in_the_kernels_own_files(tmp_path: Path) -> None:
    for name, vendor, more in (
        ("card0", "0x1002", {"mem_info_vram_total": "17163091968", "mem_info_vram_used": "4096"}),
        ("card1", "0x8086", {}),
        ("card2", "0x10de", {}),
        ("card3", "0x1234", {}),
        ("card0-DP-1", "0x1002", {}),
    ):
        device = tmp_path / name / "device"
        device.mkdir(parents=True)
        for file, text in {"vendor": vendor, **more}.items():
            (device / file).write_text(f"{text}\n")
    found = [
        gpu for gpu in find_gpus(tmp_path) if gpu.name in ("AMD GPU", "Intel GPU", "NVIDIA GPU")
    ]
    amd = next(gpu for gpu in found if gpu.name == "AMD GPU")
    assert (amd.total_bytes, amd.free_bytes) == (17_163_091_968, 17_163_087_872)
    assert amd.api in (Api.ROCM, Api.VULKAN)
    assert next(gpu for gpu in found if gpu.name == "Intel GPU").usable_bytes == 0
    assert all(not gpu.has_driver for gpu in found if gpu.name == "NVIDIA GPU")


def test_a_containers_limit_counts_where_it_is_lower(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("1:name=systemd:/old\n0::/user/postil\n")
    inner = tmp_path / "fs" / "user" / "postil"
    inner.mkdir(parents=True)
    assert cgroup_free_bytes(own, tmp_path / "fs") is None
    for folder, limit in ((inner, "max"), (inner.parent, "2000000")):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("1500000\n")
        (folder / "memory.stat").write_text("anon 900000\ninactive_file 400000\nfile 500000\n")
    assert cgroup_free_bytes(own, tmp_path / "fs") == 900_000
    assert cgroup_free_bytes(tmp_path / "nothing", tmp_path / "fs") is None
    assert 0 < free_memory_bytes() <= psutil.virtual_memory().total
