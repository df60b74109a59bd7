"""Which weights fit this machine, with what context, and why: arithmetic over the catalogue.

A model takes its weights, a KV cache that grows with the context, buffers for what is computed, and
what the runtime takes for itself. `need` adds these up; `fits` compares with the memory that is
free; `best` picks one. Knows nothing of drivers (models/gpus.py) and loads nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.backends import Thinks
from models.backends.loading import KvType
from models.catalog import CatalogEntry, catalog
from models.gpus import Gpu

N_BATCH = 256  # tokens computed at once, as in models/backends/llama_cpp.py; a test compares
# Of one number in the KV cache: 16-bit floats, and blocks of 32 with a 16-bit scale.
KV_ITEM_BYTES = {KvType.F16: 2.0, KvType.Q8_0: 34 / 32, KvType.Q4_0: 18 / 32}
LOGIT_BYTES = 4
# What a process of ours has beside the model: Python, the tokenizer, llama.cpp. Measured on Linux
# with both Qwen2.5-Coder at 4,096 to 32,768 tokens: 150 to 162 MiB together with the buffers.
RUNTIME_BYTES = 100 << 20
GPU_RUNTIME_BYTES = 500 << 20  # what CUDA keeps for itself; a guess, not measured
SPARE_SHARE = 0.9  # of the free memory, that a person can go on working
CONTEXTS = (4_096, 8_192, 16_384, 32_768, 65_536, 131_072)
WANTED_N_CTX = 8_192  # a trace of 1,536 tokens, 900 of code, and room; smaller means cutting
# Memory read per second while writing on a CPU: 26 tokens/s times 1.12 GB, measured on 2 cores of
# an AMD EPYC. Other machines have a third to five times of it.
CPU_BYTES_PER_S = 29e9
PLEASANT_TOKENS_PER_S = 10.0  # below it a trace takes a minute; a guess


class Place(StrEnum):
    """Where a model can run."""

    GPU = "gpu"  # all of it
    SPLIT = "split"  # some layers on the GPU, the others in memory
    MEMORY = "memory"  # on the CPU
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a model takes, by what for."""

    weights: int
    kv_cache: int
    buffers: int
    runtime: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.buffers + self.runtime


@dataclass(frozen=True, slots=True)
class Machine:
    gpus: tuple[Gpu, ...]
    free_memory_bytes: int

    @property
    def gpu_bytes(self) -> int:
        """Together: llama.cpp puts whole layers on each card."""
        return sum(gpu.usable_bytes for gpu in self.gpus)


@dataclass(frozen=True, slots=True)
class Fit:
    """How one entry fits. `n_ctx` is the largest context that does, `need` what it then takes."""

    entry: CatalogEntry
    place: Place
    n_ctx: int  # 0 when it fits nowhere
    need: Need
    gpu_layers: int  # of entry.shape.n_layers
    cpu_tokens_per_s: float | None  # an estimate, where the CPU writes

    @property
    def is_pleasant(self) -> bool:
        return self.place is Place.GPU or (self.cpu_tokens_per_s or 0) >= PLEASANT_TOKENS_PER_S


def need(
    entry: CatalogEntry,
    n_ctx: int,
    *,
    runtime_bytes: int = RUNTIME_BYTES,
    kv_type: KvType = KvType.F16,
) -> Need:
    """What the entry takes with a context of `n_ctx` tokens.

    KV cache: two vectors a layer, KV head and token. Buffers: the scores over the vocabulary for
    one batch, the largest; those of the attention are not kept (flash attention, which llama.cpp
    takes where it can).
    """
    shape = entry.shape
    n_numbers = 2 * shape.n_layers * shape.n_kv_heads * shape.head_dim * n_ctx
    kv_cache = int(n_numbers * KV_ITEM_BYTES[kv_type])
    buffers = N_BATCH * LOGIT_BYTES * shape.n_vocabulary
    return Need(entry.weights_bytes, kv_cache, buffers, runtime_bytes)


def default_context(entry: CatalogEntry, free_bytes: int, kv_type: KvType) -> int:
    """The wanted context, or the smaller one that fits; the smallest where none does."""
    room = int(free_bytes * SPARE_SHARE)
    fitting = [
        n_ctx
        for n_ctx in CONTEXTS
        if n_ctx <= min(WANTED_N_CTX, entry.n_ctx_trained)
        and need(entry, n_ctx, kv_type=kv_type).total <= room
    ]
    return max(fitting, default=min(CONTEXTS[0], entry.n_ctx_trained))


def fits(machine: Machine, entries: Sequence[CatalogEntry] | None = None) -> list[Fit]:
    """Each entry on this machine, in the catalogue's order."""
    return [_fit(entry, machine) for entry in (catalog() if entries is None else entries)]


def best(found: Sequence[Fit]) -> Fit | None:
    """The one to take: what is pleasant with a good context, else pleasant, else what runs at all.

    Among those the largest; a model trained to think before one that is only asked to, except
    among the smallest, where those for code are the default until someone has measured otherwise.
    """
    for suits in (
        lambda f: f.is_pleasant and f.n_ctx >= WANTED_N_CTX,
        lambda f: f.is_pleasant,
        lambda f: f.place is not Place.NOWHERE,
    ):
        if suitable := [fit for fit in found if suits(fit)]:
            return max(suitable, key=_merit)
    return None


def _merit(fit: Fit) -> tuple[float, bool]:
    thinks = fit.entry.thinks is Thinks.TRAINED
    return round(fit.entry.weights_bytes / 1e9, 1), thinks is not fit.entry.is_small


def _fit(entry: CatalogEntry, machine: Machine) -> Fit:
    gpu_room = int(machine.gpu_bytes * SPARE_SHARE)
    room = int(machine.free_memory_bytes * SPARE_SHARE)
    if n_ctx := _largest_context(entry, gpu_room, GPU_RUNTIME_BYTES):
        needed = need(entry, n_ctx, runtime_bytes=GPU_RUNTIME_BYTES)
        return Fit(entry, Place.GPU, n_ctx, needed, entry.shape.n_layers, None)
    tokens_per_s = CPU_BYTES_PER_S / max(1, entry.weights_bytes)
    layers = _gpu_layers(entry, gpu_room)
    shared = any(gpu.is_shared for gpu in machine.gpus)
    if layers and not shared and (n_ctx := _largest_context(entry, room + gpu_room, RUNTIME_BYTES)):
        on_cpu = 1 - layers / entry.shape.n_layers
        n_ctx = min(n_ctx, WANTED_N_CTX)
        needed = need(entry, n_ctx, runtime_bytes=GPU_RUNTIME_BYTES)
        return Fit(entry, Place.SPLIT, n_ctx, needed, layers, tokens_per_s / on_cpu)
    if n_ctx := _largest_context(entry, room, RUNTIME_BYTES):
        return Fit(entry, Place.MEMORY, n_ctx, need(entry, n_ctx), 0, tokens_per_s)
    return Fit(entry, Place.NOWHERE, 0, need(entry, CONTEXTS[0]), 0, None)


def _largest_context(entry: CatalogEntry, room: int, runtime_bytes: int) -> int:
    """Tokens; 0 when not even the smallest context fits."""
    fitting = [
        n_ctx
        for n_ctx in CONTEXTS
        if n_ctx <= entry.n_ctx_trained
        and need(entry, n_ctx, runtime_bytes=runtime_bytes).total <= room
    ]
    return max(fitting, default=0)


def _gpu_layers(entry: CatalogEntry, gpu_room: int) -> int:
    """Whole layers, with their part of the KV cache, that the GPU holds."""
    n_ctx = min(WANTED_N_CTX, entry.n_ctx_trained)
    needed = need(entry, n_ctx, runtime_bytes=GPU_RUNTIME_BYTES)
    layer = (needed.weights + needed.kv_cache) / entry.shape.n_layers
    left = gpu_room - needed.buffers - needed.runtime
    return max(0, min(entry.shape.n_layers - 1, int(left / layer)))
