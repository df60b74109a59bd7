"""The process that holds a Transformers model: `python -P -m models.transformers_worker`.

The same methods and the same rules as models/worker.py: one job at a time, its own process because
native code may abort or be killed for memory. The hub is switched off before anything is imported;
before it reads the weights, the process gives up the network and starting programs.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

from context.sandbox import Layer, Sockets, leave_network, refuse_calls
from context.serving import Emit, Method, die_with_parent, guard_stdout, serve
from models.worker import CONVERSATION, GENERATION

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class Worker:
    """Methods of the process; the model is loaded by the first call."""

    def __init__(self, layers: list[Layer]) -> None:
        self._model: Any = None
        self._layers = layers

    def load(self, params: dict[str, Any], emit: Emit, cancelled: threading.Event) -> Any:
        from models.backends.transformers_model import LoadedModel, uses_gpu

        del emit, cancelled
        # After the imports, which ask the system what it is; a GPU's driver speaks to its service.
        self._layers += refuse_calls(Sockets.LOCAL if uses_gpu() else Sockets.NONE)
        self._model = model = LoadedModel(
            Path(params["folder"]), params["n_ctx"], params["n_threads"]
        )
        return {
            "n_ctx": model.n_ctx,
            "device": model.device,
            "template": model.template,
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
        scored: list[float] = self._model.score(conversation, params["choices"], cancelled)
        return scored


def main() -> None:
    os.environ.update(OFFLINE)
    wire = guard_stdout()
    layers = leave_network()
    die_with_parent()
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the kernel frees a model before a person's editor
            Path("/proc/self/oom_score_adj").write_text("1000")
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
