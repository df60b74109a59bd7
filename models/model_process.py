"""What the processes that hold a model have in common: how they start, count, write and score.

Native code may abort, be killed for memory or print on stdout, so it never shares a process with
the server. One job at a time; a cancel is seen between tokens. Spoken to by context/child.py.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from abc import ABC, abstractmethod
from dataclasses import astuple
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from context.sandbox import Layer, gpu_devices, keep_writes_below, leave_network
from context.serving import Emit, die_with_parent, guard_stdout, serve
from models.backends import Conversation, Generation

GENERATION = TypeAdapter(Generation)
CONVERSATION = TypeAdapter(Conversation)


class ModelProcess(ABC):
    """Methods of the process; the model is loaded by the first call."""

    def __init__(self, layers: list[Layer]) -> None:
        self.model: Any = None
        self.layers = layers  # what holds in this process; `load` adds to it

    @abstractmethod
    def load(self, params: Any, emit: Emit, cancelled: threading.Event) -> dict[str, Any]:
        """Give up what is not needed any more, then read the weights, which may be hostile."""

    def loaded(self) -> dict[str, Any]:
        return {
            "n_ctx": self.model.n_ctx,
            "device": self.model.device,
            "sandbox": [layer.value for layer in self.layers],
        }

    def count(self, params: list[str], emit: Emit, cancelled: threading.Event) -> list[int]:
        del emit, cancelled
        return [self.model.count(text) for text in params]

    def generate(self, params: Any, emit: Emit, cancelled: threading.Event) -> None:
        generation = GENERATION.validate_python(params)
        for piece in self.model.generate(generation, cancelled):
            emit([piece.text, piece.n_tokens, piece.stop_reason])

    def score(self, params: Any, emit: Emit, cancelled: threading.Event) -> list[float]:
        del emit
        conversation = CONVERSATION.validate_python(params["conversation"])
        scored: list[float] = self.model.score(conversation, params["choices"], cancelled)
        return scored

    def token_logs(
        self, params: Any, emit: Emit, cancelled: threading.Event
    ) -> list[tuple[int, float, float, float, str]]:
        del emit
        conversation = CONVERSATION.validate_python(params["conversation"])
        found = self.model.token_logs(conversation, params["text"], cancelled)
        return [astuple(one) for one in found]


def run(kind: type[ModelProcess]) -> None:
    """Be such a process until the parent goes."""
    wire = guard_stdout()
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the kernel frees a model before a person's editor
            Path("/proc/self/oom_score_adj").write_text("1000")
    layers = leave_network()
    die_with_parent()
    layers += keep_writes_below(gpu_devices())  # before there are threads, which it would not hold
    process = kind(layers)
    methods = {
        "load": process.load,
        "count": process.count,
        "generate": process.generate,
        "score": process.score,
        "token_logs": process.token_logs,
    }
    serve(methods, wire)
