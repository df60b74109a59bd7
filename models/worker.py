"""The process that holds the model: `python -P -m models.worker`, spoken to by context/child.py.

llama.cpp aborts on some input, may be killed for memory and redirects stdout, so it never shares a
process with the server. Before it reads the weights, the process gives up the network, programs,
writing files and memory beyond its need (context/sandbox.py). One job at a time; a cancel is seen
between tokens, and within a prompt by llama.cpp's abort callback (CPU and some GPU backends).
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from context.sandbox import Sockets, limit_resources, refuse_calls
from context.serving import Emit
from models.backends.loading import LoadSettings
from models.catalog import entry_named
from models.model_process import ModelProcess, run
from models.weights import opened_checked

LOAD_SETTINGS = TypeAdapter(LoadSettings)


class LlamaCppProcess(ModelProcess):
    def load(self, params: Any, emit: Emit, cancelled: threading.Event) -> dict[str, Any]:
        from models.backends.llama_cpp import LoadedModel, has_gpu_code, prepare

        del emit, cancelled
        settings = LOAD_SETTINGS.validate_python(params)
        prepare()
        # Drivers map far more than they use, and some speak to a service of theirs.
        on_gpu = has_gpu_code()
        self.layers += limit_resources(None if on_gpu else settings.max_memory_bytes)
        self.layers += refuse_calls(Sockets.LOCAL if on_gpu else Sockets.NONE)
        with opened_checked(entry_named(settings.model), Path(settings.file)) as weights:
            self.model = LoadedModel(settings, weights.path)
            weights.raise_if_changed()
        return self.loaded()


if __name__ == "__main__":
    run(LlamaCppProcess)
