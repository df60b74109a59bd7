"""The VS Code extension's manifest and sources, held to the server's tables and to themselves."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lsp.command_table import COMMANDS
from lsp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGIN = ROOT / "editors" / "vscode"
MANIFEST: dict[str, Any] = json.loads((PLUGIN / "package.json").read_text("utf-8"))
TEXTS: dict[str, str] = json.loads((PLUGIN / "package.nls.json").read_text("utf-8"))
PROPERTIES: dict[str, dict[str, Any]] = MANIFEST["contributes"]["configuration"]["properties"]
SOURCES = {file.name: file.read_text("utf-8") for file in (PLUGIN / "src").glob("*.ts")}


def test_the_settings_are_those_of_the_server() -> None:
    ran = subprocess.run(
        [sys.executable, str(PLUGIN / "settings.py")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"run python editors/vscode/settings.py --write\n{ran.stderr}"
    names = {name.removeprefix("postil.") for name in PROPERTIES}
    assert names == {"server_command", *Settings.model_fields}


def test_an_out_of_date_manifest_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("package.json", "package.nls.json"):
        text = (PLUGIN / name).read_text("utf-8").replace("Code shown to the model", "Code sent")
        (tmp_path / name).write_text(text, "utf-8")
    script = runpy.run_path(str(PLUGIN / "settings.py"))
    script["main"].__globals__["HERE"] = tmp_path
    monkeypatch.setattr(sys, "argv", ["settings.py"])
    assert script["main"]() == 1
    assert "package.nls.json: not up to date; use --write" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["settings.py", "--write"])
    assert script["main"]() == 0
    assert (tmp_path / "package.nls.json").read_bytes() == (
        PLUGIN / "package.nls.json"
    ).read_bytes()


@pytest.mark.parametrize(
    "name",
    ["model", "model_digest", "endpoints", "allowed_hosts", "ca_file", "cache_dir", "data_dir",
     "models_dir", "api_key_variable", "record", "server_command", "check_command"],
)  # fmt: skip
def test_a_folder_cannot_choose_what_runs_or_where_code_goes(name: str) -> None:
    assert PROPERTIES[f"postil.{name}"]["scope"] == "machine"


def test_no_setting_of_a_folder_counts_before_it_is_trusted() -> None:
    window = {name for name, about in PROPERTIES.items() if about["scope"] == "window"}
    trust = MANIFEST["capabilities"]["untrustedWorkspaces"]
    assert set(trust["restrictedConfigurations"]) == window
    assert trust["supported"] == "limited"


def test_every_text_of_the_manifest_is_there_and_used() -> None:
    used = set(re.findall(r'"%([\w.]+)%"', json.dumps(MANIFEST)))
    assert used == TEXTS.keys()


def test_every_command_is_registered_and_in_the_palette_under_its_own_name() -> None:
    declared = {row["command"] for row in MANIFEST["contributes"]["commands"]}
    block = SOURCES["extension.ts"].partition("= {\n    locateFromClipboard")[2]
    handlers = "    locateFromClipboard" + block.partition("\n  };")[0]
    registered = re.findall(r"^    '?([\w.]+)'?(?::|,$)", handlers, re.MULTILINE)
    assert declared == {f"postil.{name}" for name in registered}
    assert not declared & COMMANDS.keys()  # the client registers those of the server


def test_the_server_knows_every_command_that_the_extension_sends() -> None:
    own = {row["command"] for row in MANIFEST["contributes"]["commands"]}
    own |= {"postil.status", "postil.suspects", "postil.suspects.focus", "postil.locate.menu"}
    own |= {"postil.hasSuspects", "postil.changeWaiting"}
    text = "\n".join(SOURCES.values())
    sent = set(re.findall(r"'(postil\.\w+)'", text)) - own
    assert sent <= COMMANDS.keys()
    assert {"postil.locate", "postil.rerun", "postil.trace", "postil.receipt"} <= sent


def test_colours_and_icons_are_the_themes_own() -> None:
    text = "\n".join([*SOURCES.values(), json.dumps(MANIFEST)])
    assert not re.search(r"['\"]#[0-9a-fA-F]{3,8}['\"]|rgba?\(", text)
    assert "currentColor" in (PLUGIN / "media" / "postil.svg").read_text()


def test_the_lock_names_no_place_to_download_from() -> None:
    for file in (PLUGIN / "package-lock.json", ROOT / "tests/e2e/vscode/package-lock.json"):
        packages = json.loads(file.read_text("utf-8"))["packages"]
        assert not [name for name, package in packages.items() if "resolved" in package]
        assert all("integrity" in about for name, about in packages.items() if name)


def test_the_keys_and_buttons_of_a_change_belong_to_its_own_diff() -> None:
    contributed = MANIFEST["contributes"]
    bound = [*contributed["keybindings"], *contributed["menus"]["editor/title"]]
    whens = [row["when"] for row in bound if row["command"].endswith("Change")]
    assert len(whens) == 3
    assert all("resourceScheme == postil-change" in when for when in whens)
