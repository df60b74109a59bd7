"""What llama.cpp can be built for: the one place for its switches.

Only the standard library: lsp/bootstrap.py reads this before anything is installed. The switches
are those of llama.cpp's documentation on building it.
"""

from __future__ import annotations

from enum import StrEnum

# llama.cpp's library for images and sound: Postil reads neither, and it takes long to compile.
LEFT_OUT = "-DLLAVA_BUILD=OFF"


class Accelerator(StrEnum):
    CPU = "cpu"
    CUDA = "cuda"
    METAL = "metal"
    VULKAN = "vulkan"
    ROCM = "rocm"

    @property
    def label(self) -> str:
        return {
            Accelerator.CPU: "the CPU",
            Accelerator.CUDA: "CUDA",
            Accelerator.METAL: "Metal",
            Accelerator.VULKAN: "Vulkan",
            Accelerator.ROCM: "ROCm",
        }[self]

    @property
    def cmake_options(self) -> tuple[str, ...]:
        own: dict[Accelerator, tuple[str, ...]] = {
            Accelerator.CPU: (),
            Accelerator.CUDA: ("-DGGML_CUDA=ON",),
            Accelerator.METAL: ("-DGGML_METAL=ON",),
            Accelerator.VULKAN: ("-DGGML_VULKAN=ON",),
            Accelerator.ROCM: ("-DGGML_HIP=ON",),
        }
        return (LEFT_OUT, *own[self])

    @property
    def needs(self) -> str:
        """What must be installed to build for it, beside a C++ compiler and CMake."""
        return {
            Accelerator.CPU: "nothing else",
            Accelerator.CUDA: "the CUDA toolkit (nvcc)",
            Accelerator.METAL: "Xcode's command line tools",
            Accelerator.VULKAN: "the Vulkan SDK (headers, loader and glslc)",
            Accelerator.ROCM: "ROCm with hipcc; name your card in -DAMDGPU_TARGETS",
        }[self]
