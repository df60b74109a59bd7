"""Settings while the server runs: asked for, merged, complained about once; trust."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsp.settings import MACHINE_ONLY, Settings, read_settings, settings_schema
from tests.lsp.client import FULL_CAPABILITIES, ROOT, Client, MemoryClient
from tests.lsp.conftest import LOCATE_REPLIES, REPORT, SHOP, StartAny

Script = Callable[[list[str]], str]
CONFIGURED: dict[str, Any] = {
    **FULL_CAPABILITIES,
    "workspace": {
        **FULL_CAPABILITIES["workspace"],
        "configuration": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
    },
}


class Editor:
    """What an editor's settings hold, changed while the server runs."""

    def __init__(self, client: Client, **settings: Any) -> None:
        self.settings = settings
        self.asked: list[Any] = []
        client.answers["workspace/configuration"] = self._answer
        client.answers["client/registerCapability"] = None

    def _answer(self, params: Any) -> list[Any]:
        self.asked.append(params)
        return [dict(self.settings) for _ in params["items"]]


async def _effort(client: Client, wanted: str) -> None:
    """Until the status has this effort: the answer to a question of the server takes its time."""
    while (await client.command("postil.status", {}))["result"]["effort"] != wanted:
        pass


async def test_the_editors_section_is_asked_for_without_a_folder_and_again_when_it_changes(
    start_both: StartAny, shop: Path
) -> None:
    client = await start_both(POSTIL_MODEL="none")
    editor = Editor(client, effort="deep", server_command=["x"], trace={"server": "off"})
    await client.initialize(shop, CONFIGURED, effort="quick")
    registered = await client.wait_for(lambda m: m.get("method") == "client/registerCapability")
    (registration,) = registered["params"]["registrations"]
    assert registration["registerOptions"] == {"section": "postil"}
    await _effort(client, "deep")
    assert editor.asked == [{"items": [{"section": "postil"}]}]
    editor.settings["effort"] = "normal"
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    await _effort(client, "normal")
    editor.settings = {"effort": None}  # not set any more
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    await _effort(client, "quick")
    assert client.notified("window/showMessage") == [], "what only the plugin knows is its own"


async def test_a_setting_that_was_there_at_the_start_can_be_taken_back(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    editor = Editor(client, effort="deep")
    await client.initialize(shop, CONFIGURED, effort="deep", max_suspects=1)
    await client.wait_for(lambda m: m.get("method") == "workspace/configuration")
    await _effort(client, "deep")
    editor.settings = {}
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    await _effort(client, "normal")
    located = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert len(located["suspects"]) == 1, "what was never asked for stays as it was sent"


async def test_a_client_that_is_not_asked_sends_its_settings(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    settings: Any
    for settings in ({"postil": {"effort": "deep"}}, {"effort": "quick"}):
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        await _effort(client, settings.get("effort", "deep"))
    for odd in (None, 3, {"postil": 3}, {"postil": {"effort": ["deep"]}}):
        client.notify("workspace/didChangeConfiguration", {"settings": odd})
        await client.command("postil.status", {})
    said = [m["message"] for m in client.notified("window/showMessage")]
    assert len(said) == 1
    assert "effort cannot be ['deep']" in said[0]


async def test_another_folder_for_indexes_is_used_at_once(
    start_here: StartAny, shop: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    client = await start_here(POSTIL_MODEL="none", POSTIL_CACHE_DIR="")
    editor = Editor(client, cache_dir=str(first), symbols=True)
    await client.initialize(shop, CONFIGURED, cache_dir=str(first))
    client.open(shop / "shop.py", SHOP.replace("def pay", "def settle"))
    assert (await client.command("postil.locate", {"report": REPORT}))["result"]["suspects"]
    editor.settings["cache_dir"] = str(second)
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    while not list(second.glob("index/*/index.sqlite")):
        await client.command("postil.status", {})
    assert (await client.command("postil.locate", {"report": REPORT}))["result"]["suspects"]
    found = await client.request("workspace/symbol", {"query": "settle"})
    assert [symbol["name"] for symbol in found["result"]] == ["settle"]


async def test_a_wrong_value_is_named_once_however_often_it_comes(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    Editor(client, effort="enormous")
    await client.initialize(shop, CONFIGURED)
    for _ in range(3):
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        await client.command("postil.status", {})
    await client.wait_for(lambda m: m.get("method") == "window/showMessage")
    assert len(client.notified("window/showMessage")) == 1


async def test_another_model_is_opened_on_the_next_need_and_the_old_one_closed(
    start_here: StartAny, shop: Path, script: Script, tmp_path: Path
) -> None:
    client = await start_here()
    assert isinstance(client, MemoryClient)
    editor = Editor(client, model=script(LOCATE_REPLIES))
    await client.initialize(shop, CONFIGURED)
    while not (await client.command("postil.status", {}))["result"]["model"].startswith("scripted"):
        pass
    first = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert first["finding"] is not None
    session = client.server.session
    assert session is not None
    before = session.model.opened
    other = tmp_path / "other.json"
    other.write_text(json.dumps(["hm\n</think>", "nonsense"]))
    editor.settings["model"] = f"scripted:{other}"
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    while session.model.opened is not None:
        await client.command("postil.status", {})
    second = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert second["finding"] is None
    assert session.model.opened is not before


async def test_no_file_of_the_workspace_sets_anything(start_here: StartAny, shop: Path) -> None:
    (shop / ".vscode").mkdir()
    (shop / ".vscode" / "settings.json").write_text(
        '{"postil.effort": "deep", "postil.model": "x"}'
    )
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    assert (await client.command("postil.status", {}))["result"]["effort"] == "normal"


async def test_trust_comes_with_the_options_and_changes(start_here: StartAny, shop: Path) -> None:
    client = await start_here(POSTIL_MODEL="none")
    assert isinstance(client, MemoryClient)
    await client.initialize(shop, trusted=False)
    await client.command("postil.status", {})
    session = client.server.session
    assert session is not None
    assert session.trusted is False
    for odd in (None, 3, {"trusted": "yes"}):
        client.notify("postil/trust", odd)
        assert session.trusted is False
    client.notify("postil/trust", {"trusted": True})
    assert session.trusted is True
    assert client.notified("window/showMessage") == [], "it is no setting"


def test_the_schema_has_every_setting_with_its_scope() -> None:
    properties = settings_schema()["properties"]
    assert properties.keys() == Settings.model_fields.keys()
    assert properties["model"]["scope"] == "machine"
    assert properties["effort"]["scope"] == "window"
    assert {n for n, p in properties.items() if p["scope"] == "machine"} == MACHINE_ONLY
    for name in ("check_command", "endpoints", "models_dir", "record"):
        assert name in MACHINE_ONLY
    assert all(p["description"] for p in properties.values())


def test_the_configuration_wins_over_the_options_and_the_environment_over_both() -> None:
    settings, _ = read_settings(
        {"POSTIL_EFFORT": "deep"},
        {"effort": "quick", "max_suspects": 3, "n_threads": 2},
        {"effort": "normal", "max_suspects": 5, "n_threads": None},
    )
    assert (settings.effort.value, settings.max_suspects, settings.n_threads) == ("deep", 5, 2)


def test_vs_code_gives_each_setting_the_scope_of_the_schema() -> None:
    manifest = json.loads((ROOT / "editors/vscode/package.json").read_text(encoding="utf-8"))
    shown = manifest["contributes"]["configuration"]
    sections = shown if isinstance(shown, list) else [shown]
    given = {key: rule for section in sections for key, rule in section["properties"].items()}
    for name, rule in settings_schema()["properties"].items():
        assert given[f"postil.{name}"]["scope"] == rule["scope"], name


async def test_what_is_switched_on_later_is_offered_later_and_taken_back(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    client.answers["client/unregisterCapability"] = None
    editor = Editor(client)
    document = {**FULL_CAPABILITIES["textDocument"], "codeLens": {"dynamicRegistration": True}}
    await client.initialize(shop, {**CONFIGURED, "textDocument": document})
    uri = client.open(shop / "shop.py")
    editor.settings = {"code_lens": True, "inline_completion": True}
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    offered = await client.wait_for(lambda m: "textDocument/codeLens" in str(m.get("params")))
    assert offered["method"] == "client/registerCapability"
    (one,) = offered["params"]["registrations"]
    assert one["registerOptions"] == {"documentSelector": None}
    lenses = await client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert lenses["result"] is not None
    editor.settings = {}
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    taken = await client.wait_for(lambda m: m.get("method") == "client/unregisterCapability")
    assert taken["params"]["unregisterations"] == [{"id": one["id"], "method": one["method"]}]
