"""What this machine has for a model: memory and cores. Asks the system, decides nothing else."""

from __future__ import annotations

import os

import psutil

SMALL_N_CTX, NORMAL_N_CTX = 4_096, 8_192
SMALL_MEMORY_BYTES = 3 << 30  # below it, a smaller context; a guess


def free_memory_bytes() -> int:
    return int(psutil.virtual_memory().available)


def n_threads() -> int:
    """Physical cores that this process may use: hyper-threads slow llama.cpp down."""
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


def n_ctx(free_bytes: int) -> int:
    return SMALL_N_CTX if free_bytes < SMALL_MEMORY_BYTES else NORMAL_N_CTX
