"""Transformers behind the `Backend` protocol: the parent's side of models/transformers_worker.py.

One job at a time, in the order asked. Closing a stream cancels in the worker, which looks between
any two steps; one that does not obey is killed. A worker that died is replaced on next use, and
whoever waited gets `ModelCrashed`.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from context.child import Child, ChildDied, ChildError
from models import hardware
from models.backends import (
    Conversation,
    Generation,
    ModelInfo,
    Piece,
    StopReason,
    Thinks,
    TokenLog,
)
from models.errors import ContextFull, ModelCrashed, ModelError, ModelUnavailable
from models.folders import check_folder
from models.model_process import CONVERSATION, GENERATION

CANCEL_S = 5.0  # from a cancel to SIGKILL: a step of a large model on a CPU takes a second
N_CTX = 8_192  # tokens, where the model takes as many; a guess
_NEEDED = ("torch", "transformers", "tokenizers", "safetensors", "llguidance")
_DONE = object()


class TransformersBackend:
    """A folder's model in a process of its own. Make with `start`, end with `close`."""

    def __init__(self, folder: Path, digest: str, n_threads: int, n_ctx: int) -> None:
        self._folder = folder
        self._digest = digest
        self._params = {"folder": str(folder), "n_ctx": n_ctx, "n_threads": n_threads}
        self._child: Child | None = None
        self._loaded: dict[str, Any] = {"n_ctx": n_ctx, "device": "not loaded", "template": ""}
        self._turn = asyncio.Lock()

    @classmethod
    async def start(
        cls, folder: Path, digest: str, *, n_threads: int | None = None, n_ctx: int = N_CTX
    ) -> TransformersBackend:
        """Load the weights. Raises `ModelUnavailable`, `WeightsRefused` before anything is read."""
        if any(importlib.util.find_spec(name) is None for name in _NEEDED):
            raise ModelUnavailable(
                "Transformers is not installed by default: pip install 'postil[transformers]'."
            )
        backend = cls(folder, digest, n_threads or hardware.n_threads(), n_ctx)
        async with backend._turn:
            await backend._worker()
        return backend

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

    @property
    def sandbox(self) -> tuple[str, ...]:
        """What the worker gave up before it read the weights; empty where the system has none."""
        return tuple(self._loaded.get("sandbox", ()))

    @property
    def worker_pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        async with self._turn:
            counts: list[int] = await self._call("count", list(texts))
        return counts

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        asked = CONVERSATION.dump_python(conversation, mode="json")
        async with self._turn:
            scores: list[float] = await self._call(
                "score", {"conversation": asked, "choices": list(choices)}
            )
        return scores

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        asked = CONVERSATION.dump_python(conversation, mode="json")
        async with self._turn:
            found = await self._call("token_logs", {"conversation": asked, "text": text})
        return [TokenLog(*one) for one in found]

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        params = GENERATION.dump_python(generation, mode="json")
        events: asyncio.Queue[Any] = asyncio.Queue()
        async with self._turn:
            child = await self._worker()
            call = asyncio.ensure_future(child.call("generate", params, on_event=events.put_nowait))
            call.add_done_callback(lambda _: events.put_nowait(_DONE))
            try:
                while (event := await events.get()) is not _DONE:
                    text, n_tokens, reason = event
                    yield Piece(text, n_tokens, StopReason(reason) if reason else None)
                await _outcome(call)
            finally:
                if not call.done():
                    await child.stop(call, CANCEL_S, "count", [])

    async def close(self) -> None:
        if self._child is not None:
            await self._child.close()

    async def _call(self, method: str, params: Any) -> Any:
        child = await self._worker()
        call = asyncio.ensure_future(child.call(method, params))
        try:
            return await _outcome(asyncio.shield(call))
        except asyncio.CancelledError:
            await child.stop(call, CANCEL_S, "count", [])
            raise

    async def _worker(self) -> Child:
        """The process, with the folder's digest checked again before each load."""
        if self._child is None or not self._child.alive:
            await asyncio.to_thread(check_folder, self._folder, self._digest)
            self._child = await Child.start("models.transformers_worker", name="model")
            self._loaded = await _outcome(self._child.call("load", self._params))
        return self._child


async def _outcome(call: Any) -> Any:
    try:
        return await call
    except ChildDied as error:
        raise ModelCrashed(
            "The model's process ended unexpectedly; ask again, it is started anew."
        ) from error
    except ChildError as error:
        kinds = {"ContextFull": ContextFull, "ModelUnavailable": ModelUnavailable}
        raise kinds.get(error.kind, ModelError)(str(error)) from error
