"""How a model is to be loaded: what the parent tells the worker. No llama.cpp in here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class KvType(StrEnum):
    """How keys and values of the context are kept; smaller ones leave room for more context."""

    F16 = "f16"
    Q8_0 = "q8_0"  # half the memory
    Q4_0 = "q4_0"  # a quarter, and answers get worse


class FlashAttention(StrEnum):
    AUTO = "auto"  # on where it pays: on a GPU, and with a quantised cache, which needs it
    ON = "on"
    OFF = "off"


class Drafts(StrEnum):
    PROMPT = "prompt"  # guess from what was read and written before (drafts.py)
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """Sizes in tokens."""

    model: str  # its name in the catalogue
    file: str
    n_ctx: int
    n_threads: int
    yields_cores: bool = True  # fewer threads while others need the cores
    n_gpu_layers: int = -1  # -1: all; matters only to a build of llama.cpp for a GPU
    kv_type: KvType = KvType.F16
    flash_attention: FlashAttention = FlashAttention.AUTO
    drafts: Drafts = Drafts.PROMPT
    max_memory_bytes: int | None = None  # None: no limit
