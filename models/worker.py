"""The process that holds the model: `python -P -m models.worker`, spoken to by context/child.py.

llama.cpp aborts on some input, may be killed for memory and redirects stdout, so it never shares a
process with the server. One job at a time; a cancel is seen between tokens, and within a prompt by
llama.cpp's abort callback (CPU and some GPU backends).
"""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from context.child import Emit, Method, die_with_parent, guard_stdout, serve
from models.backends import Conversation, Generation

GENERATION = TypeAdapter(Generation)
CONVERSATION = TypeAdapter(Conversation)


class Worker:
    """Methods of the process; the model is loaded by the first call."""

    def __init__(self) -> None:
        self._model: Any = None

    def load(self, params: dict[str, Any], emit: Emit, cancelled: threading.Event) -> Any:
        from models.backends.llama_cpp import LoadedModel

        del emit, cancelled
        self._model = LoadedModel(
            params["path"], params["template"], params["n_ctx"], params["n_threads"]
        )
        return {"n_ctx": self._model.n_ctx, "device": self._model.device}

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
    die_with_parent()
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the kernel frees a model before a person's editor
            Path("/proc/self/oom_score_adj").write_text("1000")
    worker = Worker()
    methods: dict[str, Method] = {
        "load": worker.load,
        "count": worker.count,
        "generate": worker.generate,
        "score": worker.score,
    }
    serve(methods, wire)


if __name__ == "__main__":
    main()
