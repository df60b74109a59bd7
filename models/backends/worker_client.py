"""llama.cpp behind the `Backend` protocol: which process is started, and what it is to load."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from context.child import Child
from models import hardware
from models.backends import ModelInfo
from models.backends.loading import Drafts, FlashAttention, KvType, LoadSettings
from models.backends.worker_backend import WorkerBackend
from models.catalog import CatalogEntry
from models.recommend import default_context, need
from models.weights import check_for_load
from models.worker import LOAD_SETTINGS

# Address space of the worker beyond weights and context: libraries, buffers, and what the C library
# reserves for each thread. A guess with room to spare; it is to stop a leak, not to measure.
EXTRA_MEMORY_BYTES, THREAD_MEMORY_BYTES = 4 << 30, 160 << 20
# Threads that wait for each other (OpenMP's, on Linux) sleep soon instead of turning in circles, as
# they do by default for a time in which somebody else could have used the core.
_ENVIRONMENT = {"GOMP_SPINCOUNT": "500", "KMP_BLOCKTIME": "1"}


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may set of the worker; None and 0 stand for what suits this machine."""

    n_ctx: int | None = None  # tokens
    n_threads: int | None = None
    n_gpu_layers: int = -1  # -1: all
    kv_type: KvType = KvType.F16
    flash_attention: FlashAttention = FlashAttention.AUTO
    drafts: Drafts = Drafts.PROMPT
    idle_unload_s: float = 0.0  # 0: never


class LlamaCppBackend(WorkerBackend):
    """A catalogue entry's model in a worker process. Make with `start`, end with `close`."""

    cancel_s = 2.0  # the abort callback answers in milliseconds on a CPU

    def __init__(self, entry: CatalogEntry, file: Path, options: Options) -> None:
        super().__init__({"n_ctx": 0, "device": "not loaded"}, options.idle_unload_s)
        self._entry = entry
        self._file = file
        self._options = options

    @classmethod
    async def start(
        cls, entry: CatalogEntry, file: Path, options: Options = Options()
    ) -> LlamaCppBackend:
        """Load the weights. Raises `WeightsRefused` before llama.cpp sees a file it should not."""
        return await cls(entry, file, options)._started()

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(
            name=self._entry.name,
            digest=self._entry.sha256,
            backend="llama.cpp",
            device=self._loaded["device"],
            n_ctx=self._loaded["n_ctx"],
            thinks=self._entry.thinks,
            sampling=self._entry.sampling.values,
            fills_gaps=self._entry.fim is not None,
            is_small=self._entry.is_small,
        )

    async def _open(self) -> Child:
        await asyncio.to_thread(check_for_load, self._entry, self._file)
        return await Child.start("models.worker", name="model", env=_ENVIRONMENT)

    def _load_params(self) -> Any:
        return LOAD_SETTINGS.dump_python(self._load_settings(), mode="json")

    def _load_settings(self) -> LoadSettings:
        options, free = self._options, hardware.free_memory_bytes()
        n_ctx = options.n_ctx or default_context(self._entry, free, options.kv_type)
        n_ctx = min(n_ctx, self._entry.n_ctx_trained)
        n_threads = options.n_threads or hardware.n_threads()
        return LoadSettings(
            model=self._entry.name,
            file=str(self._file),
            n_ctx=n_ctx,
            n_threads=n_threads,
            yields_cores=options.n_threads is None,
            n_gpu_layers=options.n_gpu_layers,
            kv_type=options.kv_type,
            flash_attention=options.flash_attention,
            drafts=options.drafts,
            max_memory_bytes=need(self._entry, n_ctx).total
            + n_threads * THREAD_MEMORY_BYTES
            + EXTRA_MEMORY_BYTES,
        )
