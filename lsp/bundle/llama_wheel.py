"""llama-cpp-python is published as source only: build it once for machines that are not this one.

On a CPU alone, `GGML_NATIVE=OFF` with `GGML_CPU_ALL_VARIANTS` makes one library a level of the
instruction set (14 on x86-64), of which `models/backends/llama_cpp.py` has the best loaded; a
build for this CPU would end on an older one with an illegal instruction. OpenMP stays in, though
it needs libgomp there: without it llama.cpp's threads wait for each other in a loop, and beside two
busy processes on two cores a token took seconds instead of 80 ms. Metal is not built that way:
nobody tried it there.

Wheels are kept in the user's cache under a digest of all that went in. pip's own cache would not
do: it does not know CMAKE_ARGS apart.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lsp.bundle.installer import BundleError

NAME = "llama-cpp-python"
SELECTED_AT_LOAD = (
    "-DGGML_NATIVE=OFF",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
)
# Everything beside the Python code: by default backends and headers land in site-packages/bin,
# lib and include. Images are not Postil's, so the library for them stays out.
PLACED = (
    "-DLLAVA_BUILD=OFF",
    "-DCMAKE_INSTALL_BINDIR=llama_cpp/lib",
    "-DCMAKE_INSTALL_LIBDIR=llama_cpp/lib",
    "-DCMAKE_INSTALL_INCLUDEDIR=llama_cpp/include",
)
_UPDATE = re.compile(r"update llama\.cpp to [\w-]+/llama\.cpp@([0-9a-f]{7,40})")


class Accelerator(StrEnum):
    """What llama.cpp is built for; the switches are those of its documentation."""

    CPU = "cpu"
    CUDA = "cuda"
    METAL = "metal"
    VULKAN = "vulkan"
    ROCM = "rocm"

    def cmake_args(self, system: str) -> tuple[str, ...]:
        rpath = ("-DCMAKE_INSTALL_RPATH=$ORIGIN",) if system == "linux" else ()
        match self:
            case Accelerator.CPU:
                return (*SELECTED_AT_LOAD, *PLACED, *rpath)
            case Accelerator.CUDA:
                return (*SELECTED_AT_LOAD, "-DGGML_CUDA=ON", *PLACED, *rpath)
            case Accelerator.VULKAN:
                return (*SELECTED_AT_LOAD, "-DGGML_VULKAN=ON", *PLACED, *rpath)
            case Accelerator.ROCM:
                return (*SELECTED_AT_LOAD, "-DGGML_HIP=ON", *PLACED, *rpath)
            case Accelerator.METAL:
                return ("-DGGML_NATIVE=OFF", "-DGGML_METAL=ON", *PLACED)


@dataclass(frozen=True, slots=True)
class LlamaWheel:
    """A wheel, the upstream commit in it, and licence texts that it does not carry itself."""

    file: Path
    llama_cpp_commit: str  # empty where it could not be read
    licences: tuple[Path, ...]


def llama_wheel(
    requirement: str, accelerator: Accelerator, cache: Path, say: Callable[[str], None]
) -> LlamaWheel:
    """From the cache, or built now: about 10 minutes on 2 cores. Raises `BundleError`.

    `requirement` is the lock file's own line with its hashes, so that the source is checked.
    """
    args = " ".join(accelerator.cmake_args(sys.platform))
    machine = f"{sys.platform} {platform.machine()}"
    key = hashlib.sha256("\n".join((requirement, args, machine)).encode()).hexdigest()[:16]
    folder = cache / "wheels" / f"{NAME}-{accelerator}-{key}"
    if kept := _kept(folder):
        return kept
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as name:
        working, result = Path(name), Path(name) / "result"
        result.mkdir()
        say(f"building {NAME} for {accelerator} (about 10 minutes on 2 cores; kept afterwards) ...")
        source = _source(requirement, working)
        commit = _take_from_source(source, result / "licences")
        run_pip(["wheel", "--no-cache-dir", "--no-deps", "-w", str(result), str(source)], args)
        wheel = next(result.glob("*.whl"))
        note = {"wheel": wheel.name, "sha256": _sha256(wheel), "commit": commit, "cmake_args": args}
        (result / "built.json").write_text(json.dumps(note, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        result.rename(folder)
    kept = _kept(folder)
    assert kept is not None
    return kept


def run_pip(arguments: list[str], cmake_args: str | None = None) -> None:
    """pip of this environment with the user's own index settings. Raises `BundleError`."""
    environ = dict(os.environ)
    if cmake_args is not None:
        environ["CMAKE_ARGS"] = cmake_args
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        errors = [line for line in done.stderr.split("\n") if "error" in line.lower()]
        last = (errors or done.stderr.strip().split("\n") or [""])[-1][:300]
        raise BundleError(
            f"pip {arguments[0]} failed ({last.strip()}); mend that and run it again."
        )


def _kept(folder: Path) -> LlamaWheel | None:
    try:
        note = json.loads((folder / "built.json").read_text(encoding="utf-8"))
        wheel = folder / note["wheel"]
        if _sha256(wheel) != note["sha256"]:
            return None
        return LlamaWheel(wheel, note["commit"], tuple(sorted((folder / "licences").iterdir())))
    except (OSError, ValueError, KeyError):
        return None  # never built, or damaged: build it


def _source(requirement: str, working: Path) -> Path:
    lines, folder = working / "llama.txt", working / "source"
    lines.write_text(requirement + "\n", encoding="utf-8")
    checked = ["--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(lines)]
    run_pip(["download", *checked, "-d", str(folder)])
    return next(folder.glob("*.tar.gz"))


def _take_from_source(source: Path, licences: Path) -> str:
    """llama.cpp's commit, from the binding's change log; its licences into a folder."""
    licences.mkdir()
    commit = ""
    with tarfile.open(source) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            content = archive.extractfile(member)
            if content is None:
                continue
            if path == "CHANGELOG.md" and (found := _UPDATE.search(content.read().decode())):
                commit = found[1]  # the first is the newest
            elif re.fullmatch(r"vendor/llama\.cpp/(LICENSE|licenses/LICENSE[\w.-]*)", path):
                (licences / path.rpartition("/")[2]).write_bytes(content.read())
    return commit


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
