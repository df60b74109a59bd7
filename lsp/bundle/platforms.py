"""Which machine a bundle is for: its wheel tags, and what its markers in the lock file mean."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from packaging import tags
from packaging.markers import default_environment

from lsp.bundle.installer import ARCHITECTURES, BundleError, this_platform

_EXAMPLES = "manylinux_2_28_x86_64, macosx_14_0_arm64 or win_amd64"
_OLD_NAMES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}

_MARKERS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
}


@dataclass(frozen=True, slots=True)
class Target:
    """A machine and a Python. `is_here`: pip can install for it without being told about it."""

    platform: str  # as installer.py names it, e.g. linux-x86_64
    wheel_platforms: tuple[str, ...]  # tags of wheels that run there, best first
    python: str  # "3.12"
    machine: str  # as the lock file's markers call it
    is_here: bool

    def marker_environment(self) -> Mapping[str, str]:
        here: dict[str, str] = {k: str(v) for k, v in default_environment().items()}
        if self.is_here:
            return here
        # The patch level is not known: only markers of the lock file that compare minors are exact.
        return (
            here
            | _MARKERS[self.platform.partition("-")[0]]
            | {
                "platform_machine": self.machine,
                "python_version": self.python,
                "python_full_version": f"{self.python}.0",
            }
        )


def target(platform_tag: str | None, python: str | None) -> Target:
    """The target of `--platform` and `--python`, this machine where one is left out.

    Raises `BundleError` for a tag or a version that is none.
    """
    running = ".".join(map(str, sys.version_info[:2]))
    if python is not None and not re.fullmatch(r"3\.\d{1,2}", python):
        raise BundleError(f"--python is a version such as {running}, not {ascii(python)[:20]}.")
    if platform_tag is None:
        names = tuple(dict.fromkeys(tags.platform_tags()))
        is_here = python in (None, running)
        return Target(this_platform(), names, python or running, platform.machine(), is_here)
    name, machine, names = _of_tag(platform_tag)
    return Target(name, names, python or running, machine, is_here=False)


def _of_tag(tag: str) -> tuple[str, str, tuple[str, ...]]:
    for (major, minor), old in _OLD_NAMES.items():
        tag = re.sub(f"^{old}_", f"manylinux_{major}_{minor}_", tag)
    if found := re.fullmatch(r"manylinux_2_(\d{1,2})_(x86_64|aarch64)", tag):
        newest, machine = int(found[1]), found[2]
        names: list[str] = []
        for minor in range(newest, 4, -1):  # a wheel for an older glibc runs as well
            names.append(f"manylinux_2_{minor}_{machine}")
            if old_name := _OLD_NAMES.get((2, minor)):
                names.append(f"{old_name}_{machine}")
        names.append(f"linux_{machine}")
        return f"linux-{ARCHITECTURES.get(machine, machine)}", machine, tuple(names)
    if found := re.fullmatch(r"macosx_(\d{2})_(\d{1,2})_(arm64|x86_64)", tag):
        version, machine = (int(found[1]), int(found[2])), found[3]
        return f"macos-{machine}", machine, tuple(tags.mac_platforms(version, machine))
    if found := re.fullmatch(r"win_(amd64|arm64)", tag):
        machine = ARCHITECTURES.get(found[1], found[1])
        return f"windows-{machine}", found[1].upper(), (tag,)
    raise BundleError(f"--platform is a wheel's tag such as {_EXAMPLES}, not {ascii(tag)[:40]}.")
