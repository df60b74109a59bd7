"""Whether the llama.cpp that is installed can use the GPUs that are here, and what would change it.

Plain words and one command to copy. The command builds llama-cpp-python anew for the GPU's kind, at
the version that is installed, and touches nothing else.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lsp.accelerators import Accelerator
from models.catalog import CatalogEntry
from models.gpus import Api, Gpu
from models.recommend import Machine, Place, fits


def _accelerator(api: Api) -> Accelerator:
    return Accelerator(api.value)


class GpuUse(StrEnum):
    USED = "used"
    IDLE = "idle"  # there is one, and the model does not run on it
    NONE = "none"


@dataclass(frozen=True, slots=True)
class GpuVerdict:
    """Whether the model runs on a GPU, in one sentence, and the command that would fix it."""

    use: GpuUse
    sentence: str
    command: str = ""
    needs: str = ""  # what that command needs to be there


def build_command(api: Api, version: str, platform: str = sys.platform) -> str:
    """Rebuild llama-cpp-python in this Python; for the shell of the platform."""
    option = " ".join(_accelerator(api).cmake_options)
    pip = (
        "-m pip install --force-reinstall --no-cache-dir --no-deps "
        f"--no-binary llama-cpp-python llama-cpp-python=={version}"
    )
    if platform == "win32":
        return f'$env:CMAKE_ARGS = "{option}"; & "{sys.executable}" {pip}'
    return f'CMAKE_ARGS="{option}" {shlex.quote(sys.executable)} {pip}'


def build_needs(api: Api) -> str:
    return _accelerator(api).needs


def judge(
    gpus: Sequence[Gpu], probe: Mapping[str, Any], entry: CatalogEntry | None, free_memory: int
) -> GpuVerdict:
    """`probe` is what llama_probe.py says; `entry` the model that would be loaded."""
    driven = [gpu for gpu in gpus if gpu.has_driver]
    version = str(probe.get("version", ""))
    if not gpus:
        return GpuVerdict(GpuUse.NONE, "No GPU is known here: the model runs on the CPU.")
    if not driven:
        names = ", ".join(gpu.name for gpu in gpus)
        return GpuVerdict(
            GpuUse.IDLE,
            f"{names}: its driver does not answer, so the model runs on the CPU; "
            "install or load the card's driver.",
        )
    gpu = max(driven, key=lambda one: one.usable_bytes)
    kind = _accelerator(gpu.api).label
    if not probe.get("supports_gpu"):
        return GpuVerdict(
            GpuUse.IDLE,
            f"{gpu.name} is here, but this build of llama.cpp is for the CPU alone: the model "
            f"does not use it. Build it for {kind}:",
            build_command(gpu.api, version),
            build_needs(gpu.api),
        )
    devices = [d for d in probe.get("devices", []) if "gpu" in str(d.get("kind"))]
    if not devices:
        return GpuVerdict(
            GpuUse.IDLE,
            f"This build of llama.cpp can use a GPU, but does not find {gpu.name}: its driver and "
            f"the build may not fit together. Build it anew for {kind}:",
            build_command(gpu.api, version),
            build_needs(gpu.api),
        )
    names = ", ".join(f"{d['name']} ({d['description']})" for d in devices)
    return GpuVerdict(GpuUse.USED, f"llama.cpp uses {names}{_layers(gpus, entry, free_memory)}.")


def _layers(gpus: Sequence[Gpu], entry: CatalogEntry | None, free_memory: int) -> str:
    if entry is None:
        return ""
    (fit,) = fits(Machine(tuple(gpus), free_memory), [entry])
    n_layers = entry.shape.n_layers
    if fit.place in (Place.GPU, Place.SPLIT):
        return f": {fit.gpu_layers} of {n_layers} layers of {entry.name} fit there"
    return f", but no layer of {entry.name} fits into what is free there"
