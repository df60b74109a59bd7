"""Asks llama.cpp what it was built for: `python -P -m models.backends.llama_probe`, JSON on stdout.

Its own process, because loading the library may end one (a missing driver, another CPU), and so
that `postil doctor` never loads it. Loads no weights.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
from collections.abc import Mapping
from typing import Any

import llama_cpp
from llama_cpp import _ggml

from context.serving import guard_stdout

_KINDS = ("cpu", "gpu", "integrated gpu", "accelerator")  # enum ggml_backend_dev_type
_TEXTS = ("ggml_version", "ggml_commit")


def probe() -> Mapping[str, Any]:
    ggml: Any = _ggml.libggml
    info: bytes = llama_cpp.llama_print_system_info()
    found: dict[str, Any] = {
        "version": llama_cpp.__version__,
        "system": info.decode("utf-8", "replace").strip(" |"),
        "supports_gpu": bool(llama_cpp.llama_supports_gpu_offload()),
        "devices": [],
    }
    for name in _TEXTS:
        with contextlib.suppress(AttributeError):  # not in every version
            call = getattr(ggml, name)
            call.restype = ctypes.c_char_p
            found[name] = (call() or b"").decode("utf-8", "replace")
    with contextlib.suppress(AttributeError):
        found["devices"] = _devices(ggml)
    return found


def _devices(ggml: Any) -> list[dict[str, Any]]:
    """What this build can compute on, through ggml's public functions."""
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    for name in ("ggml_backend_dev_name", "ggml_backend_dev_description"):
        getattr(ggml, name).restype = ctypes.c_char_p
        getattr(ggml, name).argtypes = [ctypes.c_void_p]
    ggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    devices = []
    for index in range(ggml.ggml_backend_dev_count()):
        device = ggml.ggml_backend_dev_get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        ggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, *[ctypes.c_void_p] * 2]
        ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        kind = ggml.ggml_backend_dev_type(device)
        devices.append(
            {
                "name": (ggml.ggml_backend_dev_name(device) or b"").decode("utf-8", "replace"),
                "description": (ggml.ggml_backend_dev_description(device) or b"").decode(
                    "utf-8", "replace"
                ),
                "kind": _KINDS[kind] if 0 <= kind < len(_KINDS) else str(kind),
                "free_bytes": free.value,
                "total_bytes": total.value,
            }
        )
    return devices


def main() -> None:
    wire = guard_stdout()  # the library prints as it looks for devices
    with open(wire, "w", encoding="utf-8") as out:
        json.dump(probe(), out)


if __name__ == "__main__":
    main()
