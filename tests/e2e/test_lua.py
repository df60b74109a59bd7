"""luacheck and StyLua are content with the Lua of the plugin; skipped where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.neovim import PLUGIN, ROOT
from tests.e2e.setup_editors import FOLDER, why_missing

SOURCES = sorted([*PLUGIN.rglob("*.lua"), *(ROOT / "tests" / "e2e").rglob("*.lua")])


def test_luacheck_has_no_warning() -> None:
    if reason := why_missing("luacheck"):
        pytest.skip(reason)
    tool = FOLDER / "luacheck" / "usr"
    lua = shutil.which("lua5.1") or str(tool / "bin" / "lua5.1")
    libraries = [f"{tool}/share/lua/5.1/?.lua", f"{tool}/share/lua/5.1/?/init.lua"]
    native = [str(file.parent / "?.so") for file in tool.glob("lib/*/lua/5.1/lfs.so")]
    _run(
        [lua, str(tool / "bin" / "luacheck"), "--no-color", "--config",
         str(PLUGIN / ".luacheckrc"), *map(str, SOURCES)],
        LUA_PATH=";".join([*libraries, ";"]),
        LUA_CPATH=";".join([*native, ";"]),
    )  # fmt: skip


def test_stylua_would_change_nothing() -> None:
    if reason := why_missing("stylua"):
        pytest.skip(reason)
    command = Path(__file__).with_name("stylua.mjs")
    _run(
        ["node", str(command), str(FOLDER / "stylua"), str(PLUGIN / "stylua.toml"), "--check",
         *map(str, SOURCES)]
    )  # fmt: skip


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
