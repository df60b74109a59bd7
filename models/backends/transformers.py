"""Transformers behind the `Backend` protocol: which process is started, and what it is to load."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

from context.child import Child
from models import hardware
from models.backends import ModelInfo, Thinks
from models.backends.worker_backend import WorkerBackend
from models.errors import ModelUnavailable
from models.folders import check_folder

N_CTX = 8_192  # tokens, where the model takes as many; a guess
_NEEDED = ("torch", "transformers", "tokenizers", "safetensors", "llguidance")


class TransformersBackend(WorkerBackend):
    """A folder's model in a process of its own. Make with `start`, end with `close`."""

    cancel_s = 5.0  # a step of a large model on a CPU takes a second

    def __init__(self, folder: Path, digest: str, n_threads: int, n_ctx: int) -> None:
        super().__init__({"n_ctx": n_ctx, "device": "not loaded", "template": ""})
        self._folder = folder
        self._digest = digest
        self._params = {"folder": str(folder), "n_ctx": n_ctx, "n_threads": n_threads}

    @classmethod
    async def start(
        cls, folder: Path, digest: str, *, n_threads: int | None = None, n_ctx: int = N_CTX
    ) -> TransformersBackend:
        """Load the weights. Raises `ModelUnavailable`, `WeightsRefused` before anything is read."""
        if any(importlib.util.find_spec(name) is None for name in _NEEDED):
            raise ModelUnavailable(
                "Transformers is not installed by default: pip install 'postil[transformers]'."
            )
        return await cls(folder, digest, n_threads or hardware.n_threads(), n_ctx)._started()

    @property
    def info(self) -> ModelInfo:
        is_r1 = self._loaded["template"] == "deepseek-r1"
        return ModelInfo(
            name=self._folder.name,
            digest=self._digest,
            backend="Transformers",
            device=self._loaded["device"],
            n_ctx=self._loaded["n_ctx"],
            thinks=Thinks.TRAINED if is_r1 else Thinks.ELICITED,
        )

    async def _open(self) -> Child:
        """The folder's digest is checked again before each load."""
        await asyncio.to_thread(check_folder, self._folder, self._digest)
        return await Child.start("models.transformers_worker", name="model")

    def _load_params(self) -> Any:
        return self._params
