"""The plugin as people install it: as a package, by its folder, and as lazy.nvim would load it.

lazy.nvim itself is on no package registry, so it is not run: what it does with a `dir` and `opts`
is put the folder on the runtimepath, source its plugin/ and call `require(name).setup(opts)`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.neovim import PLUGIN, run_script
from tests.e2e.scripted import postil_on_path, write_workspace

pytestmark = pytest.mark.editor


def _lua_list(values: list[str]) -> str:
    return "{ " + ", ".join(json.dumps(value) for value in values) + " }"


def _as_package(home: Path) -> tuple[Path, str]:
    place = home / "DATA" / "nvim" / "site" / "pack" / "postil" / "start" / "postil"
    shutil.copytree(PLUGIN, place)
    return place, f"require('postil').setup({{ cmd = {_lua_list(_command(home))} }})"


def _by_folder(home: Path) -> tuple[Path, str]:
    place = home / "anywhere"
    shutil.copytree(PLUGIN, place)
    return place, (
        f"vim.opt.runtimepath:prepend({json.dumps(str(place))})\n"
        f"require('postil').setup({{ cmd = {_lua_list(_command(home))} }})"
    )


def _as_lazy_does(home: Path) -> tuple[Path, str]:
    place = home / "lazy"
    shutil.copytree(PLUGIN, place)
    return place, (
        f"local spec = {{ dir = {json.dumps(str(place))}, "
        f"opts = {{ cmd = {_lua_list(_command(home))} }} }}\n"
        "vim.opt.runtimepath:prepend(spec.dir)\n"
        "vim.cmd.source(spec.dir .. '/plugin/postil.lua')\n"
        "require('postil').setup(spec.opts)"
    )


def _command(home: Path) -> list[str]:
    postil_on_path(home)
    return [str(home / "bin" / "postil"), "serve"]


@pytest.mark.parametrize("install", [_as_package, _by_folder, _as_lazy_does])
def test_the_plugin_works_where_it_is_installed(
    install: Callable[[Path], tuple[Path, str]], tmp_path: Path
) -> None:
    place, configuration = install(tmp_path)
    (tmp_path / "CONFIG" / "nvim").mkdir(parents=True)
    (tmp_path / "CONFIG" / "nvim" / "init.lua").write_text(configuration + "\n")
    project = tmp_path / "project"
    model = write_workspace(project)
    (project / ".git").mkdir()
    look = "health" if install is _as_package else ""  # slow, and the same in each
    run_script(
        tmp_path, "installed.lua", str(project), str(place), look, init=None, POSTIL_MODEL=model
    )
