"""The process that holds a Transformers model: `python -P -m models.transformers_worker`.

The same methods and the same rules as models/worker.py: one job at a time, its own process because
native code may abort or be killed for memory. The hub is switched off before anything is imported;
before it reads the weights, the process gives up the network and starting programs.
"""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from context.sandbox import Sockets, refuse_calls
from context.serving import Emit
from models.model_process import ModelProcess, run

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class TransformersProcess(ModelProcess):
    def load(self, params: Any, emit: Emit, cancelled: threading.Event) -> dict[str, Any]:
        from models.backends.transformers_model import LoadedModel, uses_gpu

        del emit, cancelled
        # After the imports, which ask the system what it is; a GPU's driver speaks to its service.
        self.layers += refuse_calls(Sockets.LOCAL if uses_gpu() else Sockets.NONE)
        self.model = LoadedModel(Path(params["folder"]), params["n_ctx"], params["n_threads"])
        return {**self.loaded(), "template": self.model.template}


if __name__ == "__main__":
    os.environ.update(OFFLINE)
    tempfile.gettempdir()  # is kept: libraries ask for it, and later it is not found by writing
    run(TransformersProcess)
