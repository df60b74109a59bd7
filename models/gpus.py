"""Which GPUs this machine has and how much memory they have: asks drivers and the system, no more.

NVIDIA: nvidia-smi by its absolute path, else NVML itself. AMD and Intel under Linux: the kernel's
files under /sys/class/drm. Apple: memory is shared, so a part of it counts. What cannot be known
without a driver's own library (AMD and Intel under Windows) is not guessed. Whether this build of
llama.cpp can use a GPU is another question: lsp/commands/doctor.py asks it.
"""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import psutil

from context.programs import program

SMI_TIMEOUT_S = 10.0  # a driver that wakes its card takes seconds
# Metal lets a program use two thirds to three quarters of the memory; a guess, not measured.
APPLE_SHARE = 0.67
_SMI_PLACES = (
    "/usr/bin/nvidia-smi",
    "/usr/lib/wsl/lib/nvidia-smi",
    "C:/Windows/System32/nvidia-smi.exe",
)
_NVML_NAMES = ("libnvidia-ml.so.1", "nvml.dll")
_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}


class Api(StrEnum):
    """The part of llama.cpp that would drive it."""

    CUDA = "cuda"
    METAL = "metal"
    ROCM = "rocm"
    VULKAN = "vulkan"


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    api: Api
    total_bytes: int | None  # None: not known
    free_bytes: int | None
    has_driver: bool  # whether its own driver answers
    is_shared: bool  # it takes the machine's memory and has none of its own

    @property
    def usable_bytes(self) -> int:
        """What a model may take now; 0 when it is not known or nothing drives it."""
        if not self.has_driver:
            return 0
        return self.free_bytes if self.free_bytes is not None else self.total_bytes or 0


def find_gpus(drm: Path = Path("/sys/class/drm")) -> list[Gpu]:
    """All GPUs that can be seen from here; an empty list where there is none."""
    if sys.platform == "darwin":
        return _apple()
    nvidia = _from_smi() or _from_nvml()
    others = _from_drm(drm)
    if nvidia:
        others = [gpu for gpu in others if gpu.api is not Api.CUDA]
    return [*nvidia, *others]


def read_smi(csv: str) -> list[Gpu]:
    """From `nvidia-smi --query-gpu=name,memory.total,memory.free --format=csv,noheader,nounits`."""
    found = []
    for line in csv.strip().split("\n"):
        name, *numbers = [cell.strip() for cell in line.rsplit(",", 2)]
        if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
            total, free = (int(number) << 20 for number in numbers)
            found.append(Gpu(name, Api.CUDA, total, free, has_driver=True, is_shared=False))
    return found


@cache
def _smi() -> str | None:
    """Found once, by an absolute path."""
    places = (place for place in _SMI_PLACES if Path(place).is_file())
    return next(places, None) or program("nvidia-smi")


def _from_smi() -> list[Gpu]:
    smi = _smi()
    if smi is None:
        return []
    query = "--query-gpu=name,memory.total,memory.free"
    try:
        done = subprocess.run(
            [smi, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            check=False,
            timeout=SMI_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return read_smi(done.stdout) if done.returncode == 0 else []


def _from_nvml() -> list[Gpu]:
    """The library under nvidia-smi: containers often have it without the program."""
    for name in _NVML_NAMES:
        with suppress(OSError):
            nvml = ctypes.CDLL(name)
            if nvml.nvmlInit_v2() != 0:
                return []
            try:
                return _nvml_devices(nvml)
            finally:
                nvml.nvmlShutdown()
    return []


def _nvml_devices(nvml: ctypes.CDLL) -> list[Gpu]:
    count = ctypes.c_uint()
    if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return []
    found = []
    for index in range(count.value):
        device = ctypes.c_void_p()
        memory = (ctypes.c_ulonglong * 3)()  # nvmlMemory_t: total, free, used
        title = ctypes.create_string_buffer(96)  # NVML_DEVICE_NAME_V2_BUFFER_SIZE
        if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) != 0:
            continue
        if nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) != 0:
            continue
        nvml.nvmlDeviceGetName(device, title, 96)
        name = title.value.decode("utf-8", "replace")
        found.append(Gpu(name, Api.CUDA, memory[0], memory[1], has_driver=True, is_shared=False))
    return found


def _from_drm(drm: Path) -> list[Gpu]:
    """Cards as the Linux kernel shows them, one folder a card."""
    found = []
    for card in sorted(drm.glob("card[0-9]*")):
        if "-" in card.name:
            continue  # a connector of a card
        device = card / "device"
        vendor = _VENDORS.get(_text(device / "vendor"))
        match vendor:
            case "AMD":
                total = _number(device / "mem_info_vram_total")
                used = _number(device / "mem_info_vram_used")
                free = total - used if total is not None and used is not None else None
                # The kernel's side of ROCm; without it a card may still be driven by Vulkan.
                api = Api.ROCM if Path("/dev/kfd").exists() else Api.VULKAN
                name = _text(device / "product_name") or "AMD GPU"
                found.append(Gpu(name, api, total, free, has_driver=True, is_shared=False))
            case "Intel":
                found.append(
                    Gpu("Intel GPU", Api.VULKAN, None, None, has_driver=True, is_shared=True)
                )
            case "NVIDIA":  # seen by the kernel; its own driver did not answer before
                found.append(
                    Gpu("NVIDIA GPU", Api.CUDA, None, None, has_driver=False, is_shared=False)
                )
            case _:
                continue
    return found


def _apple() -> list[Gpu]:
    if platform.machine() != "arm64":
        return []  # Intel Macs: llama.cpp's Metal is not worth it there
    memory = psutil.virtual_memory()
    total = int(memory.total * APPLE_SHARE)
    free = min(total, int(memory.available))
    return [Gpu("Apple GPU", Api.METAL, total, free, has_driver=True, is_shared=True)]


def _text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace").strip()
    return ""


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.isdecimal() else None
