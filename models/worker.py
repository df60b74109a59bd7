"""The process that holds the model: `python -P -m models.worker`, spoken to by context/child.py.

llama.cpp aborts on some input, may be killed for memory and redirects stdout, so it never shares a
process with the server. Before it reads the weights, the process gives up the network, programs,
writing files and memory beyond its need (context/sandbox.py). One job at a time; a cancel is seen
between tokens, and within a prompt by llama.cpp's abort callback (CPU and some GPU backends).
"""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from context.sandbox import Layer, Sockets, leave_network, limit_resources, refuse_calls
from context.serving import Emit, Method, die_with_parent, guard_stdout, serve
from models.backends import Conversation, Generation
from models.backends.loading import LoadSettings
from models.catalog import entry_named
from models.weights import opened_checked

GENERATION = TypeAdapter(Generation)
CONVERSATION = TypeAdapter(Conversation)
LOAD_SETTINGS = TypeAdapter(LoadSettings)


class Worker:
    """Methods of the process; the model is loaded by the first call."""

    def __init__(self, layers: list[Layer]) -> None:
        self._model: Any = None
        self._layers = layers

    def load(self, params: dict[str, Any], emit: Emit, cancelled: threading.Event) -> Any:
        """Give up what is not needed any more, then read the weights, which may be hostile."""
        from models.backends.llama_cpp import LoadedModel, has_gpu_code, prepare

        del emit, cancelled
        settings = LOAD_SETTINGS.validate_python(params)
        prepare()
        # Drivers map far more than they use, and some speak to a service of theirs.
        on_gpu = has_gpu_code()
        self._layers += limit_resources(None if on_gpu else settings.max_memory_bytes)
        self._layers += refuse_calls(Sockets.LOCAL if on_gpu else Sockets.NONE)
        with opened_checked(entry_named(settings.model), Path(settings.file)) as weights:
            self._model = LoadedModel(settings, weights.path)
            weights.raise_if_changed()
        return {
            "n_ctx": self._model.n_ctx,
            "device": self._model.device,
            "sandbox": [layer.value for layer in self._layers],
        }

    def count(self, params: list[str], emit: Emit, cancelled: threading.Event) -> list[int]:
        del emit, cancelled
        return [self._model.count(text) for text in params]

    def generate(self, params: Any, emit: Emit, cancelled: threading.Event) -> None:
        generation = GENERATION.validate_python(params)
        for piece in self._model.generate(generation, cancelled):
            emit([piece.text, piece.n_tokens, piece.stop_reason])

    def score(self, params: Any, emit: Emit, cancelled: threading.Event) -> list[float]:
        del emit
        conversation = CONVERSATION.validate_python(params["conversation"])
        scored: list[float] = self._model.score(
            Generation(conversation, 0), params["choices"], cancelled
        )
        return scored


def main() -> None:
    wire = guard_stdout()
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the kernel frees a model before a person's editor
            Path("/proc/self/oom_score_adj").write_text("1000")
    layers = leave_network()
    die_with_parent()
    worker = Worker(layers)
    methods: dict[str, Method] = {
        "load": worker.load,
        "count": worker.count,
        "generate": worker.generate,
        "score": worker.score,
    }
    serve(methods, wire)


if __name__ == "__main__":
    main()
