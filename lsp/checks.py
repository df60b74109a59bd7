"""What `postil doctor` looks at: each check is a row with a verdict and, where it helps, a remedy.

Reads and asks, changes nothing. What is native code (llama.cpp, grammars) is asked in a process of
its own, so that a crash there is a row here.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from context.git import git_version
from context.store import index_size, sqlite_version
from lsp import __version__
from lsp.gpu_build import GpuUse, build_command, build_needs, judge
from lsp.settings import Settings
from models import hardware, weights
from models.catalog import CatalogEntry
from models.errors import ModelError
from models.gpus import Api, Gpu, find_gpus

PROBE_S = 120.0  # a GPU's library compiles kernels the first time
# Versions with the fault of the write-ahead log that two writers can meet (sqlite.org/wal.html).
_WAL_FAULT = ((3, 7, 0), (3, 51, 2))
_LANDLOCK_CREATE_RULESET, _LANDLOCK_VERSION = 444, 1  # the same number on every architecture
FEW_WATCHES = 10_000


class Status(StrEnum):
    FINE = "fine"
    NOTE = "note"  # works, and is worth knowing
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    status: Status
    said: str
    remedy: str = ""  # a command or what to do


def check_all(settings: Settings, root: Path) -> Iterator[Row]:
    """Everything, in the order of a person's interest."""
    yield from versions()
    yield grammars()
    yield index(root, settings)
    found, entry = model_weights(settings)
    yield from found
    yield from gpu(entry)
    yield from sandbox()
    yield from watches()


def versions() -> Iterator[Row]:
    system = f"{platform.system()} {platform.machine()}"
    said = f"{__version__}, Python {platform.python_version()}, {system}"
    yield Row("Postil", Status.FINE, said)
    git = git_version()
    if git:
        yield Row("git", Status.FINE, git)
    else:
        yield Row(
            "git", Status.NOTE, "not found: past commits do not count as evidence",
            "install git where PATH names its folder",
        )  # fmt: skip
    yield sqlite(sqlite_version())


def sqlite(version: str) -> Row:
    number = tuple(int(part) for part in version.split("."))
    if _WAL_FAULT[0] <= number <= _WAL_FAULT[1]:
        return Row(
            "SQLite",
            Status.NOTE,
            f"{version} has a known fault with two writers on one log; Postil has one writer for "
            "an index and does not meet it. Keep the cache folder on a local disk.",
        )
    return Row("SQLite", Status.FINE, version)


def grammars() -> Row:
    told = _probe("context.grammar_probe")
    if isinstance(told, str):
        return Row("grammars", Status.PROBLEM, f"could not be asked: {told}", "install Postil anew")
    broken = told["broken"]
    if broken:
        listed = "; ".join(f"{name} ({why})" for name, why in broken.items())
        return Row("grammars", Status.PROBLEM, f"do not load: {listed}", "install Postil anew")
    return Row("grammars", Status.FINE, f"all {told['languages']} load")


def index(root: Path, settings: Settings) -> Row:
    known = index_size(root, settings.cache_dir)
    if blocked := _unwritable(settings.cache_dir / "index"):
        return Row(
            "index", Status.PROBLEM, f"cannot be written: {blocked} is no folder to write in",
            "name another folder in the setting cache_dir",
        )  # fmt: skip
    if known is None:
        return Row(
            "index", Status.NOTE, f"there is none yet of {root.resolve()}",
            "it is made on first use, or by `postil index`",
        )  # fmt: skip
    files, size = known
    where = f"in {settings.cache_dir}"
    return Row(
        "index", Status.FINE, f"{files} files of {root.resolve()}, {size / 1e6:.1f} MB {where}"
    )


def _unwritable(folder: Path) -> Path | None:
    """The folder, or what is there of its parents, where nothing can be written into it."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    can_write = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    return None if can_write else there


def model_weights(settings: Settings) -> tuple[list[Row], CatalogEntry | None]:
    """The rows, and the model that would be loaded."""
    rows = []
    for entry, file in weights.installed(settings.models_dir):
        try:
            weights.check_for_load(entry, file)
            rows.append(Row("weights", Status.FINE, f"{entry.name}, as the catalogue has them"))
        except ModelError as error:
            remedy = f"postil models remove {entry.name}"
            rows.append(Row("weights", Status.PROBLEM, str(error), remedy))
    if settings.model == "none":
        rows.append(Row("model", Status.NOTE, "switched off (setting model: none)"))
        return rows, None
    if ":" in settings.model:
        rows.append(Row("model", Status.NOTE, f"{settings.model}, as the setting says"))
        return rows, None
    free = hardware.free_memory_bytes()
    try:
        entry, _ = weights.choose(settings.model, settings.models_dir, free)
    except ModelError as error:
        rows.append(Row("model", Status.NOTE, f"{error} Locating works without a model."))
        return rows, None
    said = f"{entry.name} would be loaded (setting model: {settings.model}); "
    rows.append(Row("model", Status.FINE, f"{said}{free / 1e9:.1f} GB of memory are free"))
    return rows, entry


def gpu(entry: CatalogEntry | None) -> Iterator[Row]:
    told = _probe("models.backends.llama_probe")
    if isinstance(told, str):
        yield Row(
            "llama.cpp", Status.PROBLEM, f"does not load: {told}",
            "install llama-cpp-python anew, built on this machine",
        )  # fmt: skip
        return
    kind = "with GPU support" if told["supports_gpu"] else "for the CPU"
    commit = f", ggml {told['ggml_version']} ({told.get('ggml_commit')})" * ("ggml_version" in told)
    yield Row("llama.cpp", Status.FINE, f"llama-cpp-python {told['version']}{commit}, built {kind}")
    verdict = judge(find_gpus(), told, entry, hardware.free_memory_bytes())
    remedy = f"{verdict.command}\n(needs {verdict.needs})" if verdict.command else ""
    status = Status.PROBLEM if verdict.use is GpuUse.IDLE else Status.FINE
    yield Row("GPU", status, verdict.sentence, remedy)


def gpu_advice(settings: Settings, gpus: Sequence[Gpu]) -> str:
    """One sentence when a GPU is here that the model does not use; "" else. Takes a second then."""
    told = _probe("models.backends.llama_probe") if gpus else ""
    if isinstance(told, str):
        return ""
    _, entry = model_weights(settings)
    verdict = judge(gpus, told, entry, hardware.free_memory_bytes())
    if verdict.use is not GpuUse.IDLE:
        return ""
    return f"{verdict.sentence} See `postil doctor`."


def builds() -> dict[str, dict[str, str]]:
    """The command for each kind of GPU, for --json and for installers."""
    told = _probe("models.backends.llama_probe")
    version = told["version"] if isinstance(told, dict) else "VERSION"
    return {
        api.value: {"command": build_command(api, version), "needs": build_needs(api)}
        for api in Api
    }


def sandbox() -> Iterator[Row]:
    """What this system would let a worker be closed off with."""
    if sys.platform != "linux":
        yield Row("sandbox", Status.NOTE, "network namespaces, seccomp and Landlock are Linux's")
        return
    from lsp.offline.enter import Way
    from lsp.offline.proof import why_cannot

    said = []
    for way, name in ((Way.NETNS, "network namespace"), (Way.SECCOMP, "seccomp filter")):
        why_not = why_cannot(way)
        said.append(f"{name}: {'no, ' + why_not if why_not else 'possible'}")
    abi = landlock_abi()
    said.append(f"Landlock: {f'ABI {abi}' if abi else 'no'}")
    yield Row("sandbox", Status.FINE, "; ".join(said))


def landlock_abi() -> int:
    """0 where the kernel has none. Only asks for the version; restricts nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)))


def watches() -> Iterator[Row]:
    limit_file = Path("/proc/sys/fs/inotify/max_user_watches")
    try:
        limit = int(limit_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return  # not Linux: the system has no such limit
    left = limit - watches_used()
    if left < FEW_WATCHES:
        yield Row(
            "watches", Status.NOTE,
            f"{max(0, left)} of {limit} inotify watches are left: changes outside the editor may "
            "be seen only by the walk every 30 seconds",
            "sudo sysctl fs.inotify.max_user_watches=524288",
        )  # fmt: skip
    else:
        yield Row("watches", Status.FINE, f"{left} of {limit} inotify watches are left")


def watches_used() -> int:
    """By this user's processes, as far as they may be looked into."""
    used = 0
    for info in Path("/proc").glob("[0-9]*/fdinfo"):
        with suppress(OSError):
            if info.parent.stat().st_uid != os.geteuid():
                continue
            for descriptor in info.iterdir():
                with suppress(OSError):
                    text = descriptor.read_text(encoding="ascii", errors="replace")
                    used += text.count("inotify wd:")
    return used


def _probe(module: str) -> dict[str, Any] | str:
    """What a module of ours prints as JSON in its own process, or why it did not."""
    root = str(Path(__file__).resolve().parent.parent)
    command: Sequence[str] = [sys.executable, "-P", "-m", module]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PROBE_S,
            env={**os.environ, "PYTHONPATH": root, "PYTHONUTF8": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it did not answer within {PROBE_S:.0f} s"
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().split("\n") or [""])[-1][:200]
        return last or f"its process ended with code {done.returncode}"
    return told
