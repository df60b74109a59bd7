"""Findings and their places, while files are opened, closed, changed, deleted and left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lsp.client import Client
from tests.lsp.conftest import LOCATE_REPLIES, REPORT, SHOP, StartAny
from tests.lsp.test_requests import PULLING

Script = Callable[[list[str]], str]
TOP = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


def _close(client: Client, uri: str) -> None:
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


async def _problems(client: Client, uri: str) -> list[tuple[str, int]]:
    """(code, line) of what a client that keeps diagnostics by URI shows for one, by now."""
    await client.command("postil.status", {})
    told = [p for p in client.notified("textDocument/publishDiagnostics") if p["uri"] == uri]
    return [(d["code"], d["range"]["start"]["line"]) for d in told[-1]["diagnostics"]]


async def _hover(client: Client, uri: str, line: int) -> Any:
    place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": 8}}
    return (await client.request("textDocument/hover", place))["result"]


async def test_a_finding_in_a_closed_file_is_there_however_the_editor_spells_its_uri(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    (shop / "(group)").mkdir()
    file = (shop / "shop.py").rename(shop / "(group)" / "shop.py")
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    found = (await client.command("postil.locate", {"report": REPORT}))["result"]["finding"]
    ours, theirs = file.as_uri(), file.as_uri().replace("%28", "(").replace("%29", ")")
    assert found["uri"] == ours != theirs
    shown = await _problems(client, ours)
    assert ("finding", 5) in shown
    client.open_as(theirs, SHOP)
    assert "Cause, as the model sees it" in (await _hover(client, theirs, 5))["contents"]["value"]
    assert await _problems(client, theirs) == shown
    assert await _problems(client, ours) == [], "not twice in a list that is kept by URI"
    trace = await client.command("postil.trace", {"uri": theirs, "line": 6})
    assert theirs in {r["target"]["uri"] for r in trace["result"]["references"]}
    client.change(theirs, 2, TOP, "#\n")
    assert ("finding", 6) in await _problems(client, theirs)
    _close(client, theirs)
    await client.command("postil.clear", {})
    assert await _problems(client, theirs) == []


async def test_a_client_that_asks_is_told_by_its_own_spelling(
    start_here: StartAny, shop: Path
) -> None:
    file = (shop / "shop.py").rename(shop / "(shop).py")
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop, PULLING, pull_diagnostics=True)
    await client.command("postil.locate", {"report": REPORT.replace("shop.py", "(shop).py")})
    ours, theirs = file.as_uri(), file.as_uri().replace("%28", "(").replace("%29", ")")

    async def ask(known: dict[str, str]) -> dict[str, Any]:
        previous = [{"uri": uri, "value": value} for uri, value in known.items()]
        reply = await client.request("workspace/diagnostic", {"previousResultIds": previous})
        return {i["uri"]: i for i in reply["result"]["items"] if "shop" in i["uri"][-12:]}

    first = (await ask({}))[ours]
    answered = await ask({theirs: first["resultId"]})
    assert answered.keys() == {theirs}, "as the client has it"
    client.open_as(theirs, SHOP)
    answered = await ask({ours: first["resultId"]})
    assert answered[ours]["items"] == []
    assert answered[theirs]["items"] == first["items"] != []


async def test_what_was_not_saved_takes_no_finding_away_and_moves_none(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    uri = client.open(shop / "shop.py")
    shown = await _problems(client, uri)
    assert ("finding", 5) in shown
    client.change(uri, 2, TOP, "# 1\n# 2\n# 3\n")
    assert ("finding", 8) in await _problems(client, uri)
    _close(client, uri)
    assert await _problems(client, uri) == shown
    client.open(shop / "shop.py")
    assert await _hover(client, uri, 5) is not None


async def test_findings_follow_a_file_that_changes_on_disk(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    file = shop / "shop.py"
    uri, shown = file.as_uri(), await _problems(client, file.as_uri())
    file.write_bytes(b"import os\nimport sys\n" + SHOP.encode())
    told = {"changes": [{"uri": uri, "type": 2}]}
    client.notify("workspace/didChangeWatchedFiles", told)
    assert await _problems(client, uri) == [(code, line + 2) for code, line in shown]
    file.write_bytes(b"import os\n" + SHOP.encode())  # and nobody tells
    client.open(file)
    assert await _problems(client, uri) == [(code, line + 1) for code, line in shown]
    _close(client, uri)
    file.write_bytes(SHOP.replace("sum(prices)", "0").encode())
    client.notify("workspace/didChangeWatchedFiles", told)
    left = await _problems(client, uri)
    assert left == [(code, line) for code, line in shown if line != 5] != shown


async def test_findings_in_a_deleted_folder_are_taken_back(
    start_here: StartAny, shop: Path
) -> None:
    (shop / "old").mkdir()
    file = (shop / "shop.py").rename(shop / "old" / "shop.py")
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    uri, other = file.as_uri(), (shop / "rules.py").as_uri()
    kept = await _problems(client, other)
    assert await _problems(client, uri) != []
    file.unlink()
    file.parent.rmdir()
    told = {"changes": [{"uri": file.parent.as_uri(), "type": 3}]}
    client.notify("workspace/didChangeWatchedFiles", told)
    assert await _problems(client, uri) == []
    assert await _problems(client, other) == kept


async def test_a_folder_that_is_removed_takes_its_findings_along(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    await client.command("postil.locate", {"report": REPORT})
    uri = (shop / "shop.py").as_uri()
    assert await _problems(client, uri) != []
    event = {"added": [], "removed": [{"uri": shop.as_uri(), "name": "shop"}]}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    assert await _problems(client, uri) == []


async def test_a_result_id_changes_with_each_line_that_moves(
    start_here: StartAny, shop: Path
) -> None:
    """Also where no offset does: here a space becomes the end of a line."""
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop, {"textDocument": {"diagnostic": {}}})
    uri = client.open(shop / "shop.py")
    await client.command("postil.locate", {"report": REPORT, "uri": uri})
    document = {"textDocument": {"uri": uri}}
    before = (await client.request("textDocument/diagnostic", document))["result"]
    space = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 5}}
    client.change(uri, 2, space, "\n")
    again = {**document, "previousResultId": before["resultId"]}
    after = (await client.request("textDocument/diagnostic", again))["result"]
    lines = [item["range"]["start"]["line"] for item in before["items"]]
    assert [item["range"]["start"]["line"] for item in after["items"]] == [n + 1 for n in lines]


async def test_typing_beside_a_finding_reads_no_other_file(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    await client.command("postil.locate", {"report": REPORT})
    (shop / "rules.py").unlink()  # what would have to be read
    client.change(uri, 2, TOP, "#\n")
    await client.command("postil.status", {})
    told = [p for p in client.notified("textDocument/publishDiagnostics") if p["uri"] == uri]
    (finding,) = (d for d in told[-1]["diagnostics"] if d["code"] == "finding")
    places = {r["location"]["uri"] for r in finding["relatedInformation"]}
    assert (shop / "rules.py").as_uri() in places


async def test_a_change_that_cannot_be_is_said_once_and_the_document_is_left_alone(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    await client.command("postil.locate", {"report": REPORT})
    client.change(uri, 1, TOP, "#\n")
    client.change(uri, 2, TOP, "#\n")
    assert await _problems(client, uri) == []
    said = [p["message"] for p in client.notified("window/showMessage")]
    words = "Postil has lost track of shop.py; close it in the editor and open it again."
    assert said.count(words) == 1
    target = {"uri": uri, "version": 2, "first_line": 6, "last_line": 6, "detail": "fails"}
    assert (await client.command("postil.fix", target))["error"]["message"] == words
    assert await _hover(client, uri, 5) is None
    _close(client, uri)
    client.open(shop / "shop.py", version=1)
    await client.command("postil.locate", {"report": REPORT})
    assert await _hover(client, uri, 5) is not None


async def test_a_file_is_named_as_people_know_it(start_here: StartAny, shop: Path) -> None:
    file = (shop / "shop.py").rename(shop / "my shop.py")
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    uri = client.open(file, version=2)
    target = {"uri": uri, "version": 1, "first_line": 6, "last_line": 6}
    error = (await client.command("postil.fix", target))["error"]
    assert error["message"].startswith("my shop.py has changed")


async def test_a_document_with_unsaved_lines_is_known_to_every_folder_around_it(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    """A server that comes back, a hot exit, a folder in a folder."""
    (shop / "inner").mkdir()
    file = (shop / "shop.py").rename(shop / "inner" / "shop.py")
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop, also=[file.parent])
    uri = client.open(file, "# not saved\n" + SHOP)
    located = await client.command("postil.locate", {"report": REPORT})
    assert located["result"]["suspects"][0]["start_line"] == 6
    assert ("finding", 5) in await _problems(client, uri), "it is for the text with the line"
    trace = await client.command("postil.trace", {"uri": uri, "line": 6})
    assert uri in {r["target"]["uri"] for r in trace["result"]["references"]}


async def test_a_document_that_was_open_before_its_folder_is_known_to_it(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(None)
    client.open(shop / "shop.py", "def charges_a_surcharge():\n    pass\n")
    event = {"added": [{"uri": shop.as_uri(), "name": "shop"}], "removed": []}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    located = await client.command("postil.locate", {"report": "surcharge is wrong"})
    assert [s["symbol"] for s in located["result"]["suspects"]] == ["charges_a_surcharge"]


async def test_a_document_that_is_opened_twice_is_known_as_the_second_time(
    start_here: StartAny, shop: Path
) -> None:
    """As some clients do when a document gets another language, or is read again."""
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    client.open(shop / "shop.py", "# not saved\n" + SHOP)
    first = await client.command("postil.locate", {"report": REPORT})
    client.open(shop / "shop.py", version=2)
    second = await client.command("postil.locate", {"report": REPORT})
    starts = [r["result"]["suspects"][0]["start_line"] for r in (first, second)]
    assert starts == [6, 5]
