"""Settings: sources, wrong values, and one truth in README and plugin."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lsp.backend import open_backend
from lsp.settings import Settings, read_settings
from models.errors import ModelUnavailable
from tests.lsp import lua_settings

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_environment_wins_over_the_editor() -> None:
    settings, complaints = read_settings(
        {"POSTIL_EFFORT": "deep", "PATH": "/bin"}, {"effort": "quick", "max_suspects": 3}
    )
    assert (settings.effort.value, settings.max_suspects, complaints) == ("deep", 3, [])


def test_each_wrong_value_is_named_and_left_at_its_default() -> None:
    settings, complaints = read_settings({"POSTIL_CONTEXT_TOKENS": "lots"}, {"n_threads": -1})
    assert settings == read_settings({})[0]
    assert len(complaints) == 2
    assert any("context_tokens cannot be 'lots'" in c for c in complaints)


def test_a_list_with_several_wrong_items_is_named_once() -> None:
    settings, complaints = read_settings({}, {"endpoints": [1, 2], "check_command": [None, 3, "x"]})
    assert settings == read_settings({})[0]
    assert len(complaints) == 2
    assert any("endpoints cannot be [1, 2]" in complaint for complaint in complaints)


PATHS = ["cache_dir", "data_dir", "models_dir", "ca_file"]


@pytest.mark.parametrize("name", PATHS)
def test_an_empty_path_is_not_set(name: str, tmp_path: Path) -> None:
    default = getattr(read_settings({})[0], name)
    for found, complaints in (
        read_settings({f"POSTIL_{name.upper()}": ""}),
        read_settings({}, {name: ""}),
        read_settings({}, None, {name: ""}),
    ):
        assert (getattr(found, name), complaints) == (default, [])
    found, _ = read_settings({f"POSTIL_{name.upper()}": ""}, {name: str(tmp_path)}, {name: ""})
    assert getattr(found, name) == tmp_path


@pytest.mark.parametrize("name", PATHS)
def test_a_tilde_is_the_home_folder_and_a_relative_path_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = getattr(read_settings({})[0], name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    found, complaints = read_settings({}, {name: "~/größe x"})
    assert (getattr(found, name), complaints) == (tmp_path / "größe x", [])
    for wrong in (".", "a/b", "~nobody-of-this-name/x", " "):
        monkeypatch.undo()
        found, complaints = read_settings({}, {name: wrong})
        assert getattr(found, name) == default
        assert complaints == [
            f"The setting {name} cannot be {wrong!r} (give its whole path); its default is used."
        ]


def test_every_path_may_be_empty() -> None:
    fields = Settings.model_fields.items()
    assert {name for name, field in fields if "Path" in str(field.annotation)} == set(PATHS)


def test_the_readme_has_every_setting_with_its_default() -> None:
    chapter = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| (\w+) \| ([^|]+) \|", chapter, re.MULTILINE))
    rows.pop("name")
    assert rows.keys() == Settings.model_fields.keys()
    for name, default in rows.items():
        value = Settings.model_fields[name].default
        shown = "none" if value in ("", (), None) else str(getattr(value, "value", value))
        shown = {True: "on", False: "off"}[value] if isinstance(value, bool) else shown
        if name not in ("cache_dir", "data_dir", "models_dir"):
            assert shown == default.strip(), name


def test_the_neovim_plugin_knows_every_setting_with_its_type_and_bounds() -> None:
    assert lua_settings.FILE.read_text(encoding="utf-8") == lua_settings.rendered(), (
        "run python -m tests.lsp.lua_settings"
    )


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("python -m pytest -q", ("python", "-m", "pytest", "-q")),
        ("python, -m, pytest", ("python", "-m", "pytest")),
        ("'my tests/run' -x", ("my tests/run", "-x")),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="quotes stay there")
def test_a_check_command_is_read_as_a_shell_would(written: str, words: tuple[str, ...]) -> None:
    settings, wrong = read_settings({"POSTIL_CHECK_COMMAND": written}, {})
    assert (settings.check_command, wrong) == (words, [])


def test_a_check_command_with_an_open_quote_is_refused() -> None:
    settings, wrong = read_settings({"POSTIL_CHECK_COMMAND": "pytest 'a"}, {})
    assert settings.check_command == ()
    assert "close its quotes" in wrong[0]


def test_lists_are_lists_in_the_editor_and_have_commas_in_the_environment() -> None:
    by_editor, _ = read_settings({}, {"endpoints": ["http://127.0.0.1:1", "http://127.0.0.1:2"]})
    by_environment, complaints = read_settings(
        {"POSTIL_ENDPOINTS": "http://127.0.0.1:1, http://127.0.0.1:2,", "POSTIL_ALLOWED_HOSTS": ""}
    )
    assert by_editor.endpoints == by_environment.endpoints
    assert (len(by_editor.endpoints), by_environment.allowed_hosts, complaints) == (2, (), [])
    _, complaints = read_settings({"POSTIL_ENDPOINT_KIND": "soap"})
    assert "endpoint_kind cannot be 'soap'" in complaints[0]


async def test_endpoints_without_the_extra_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)  # as if it were not there
    settings, _ = read_settings({}, {"endpoints": ["http://127.0.0.1:1"]})
    with pytest.raises(ModelUnavailable, match=r"pip install 'postil\[network\]'"):
        await open_backend(settings)
