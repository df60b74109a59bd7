"""Every request that reads: once with the server in this process, once as a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from context.text import shortened
from tests.lsp.client import FULL_CAPABILITIES, Client
from tests.lsp.conftest import LOCATE_REPLIES, REPORT, SHOP, StartAny

Script = Callable[[list[str]], str]
PULLING: dict[str, Any] = {
    **FULL_CAPABILITIES,
    "textDocument": {**FULL_CAPABILITIES["textDocument"], "diagnostic": {}},
    "workspace": {**FULL_CAPABILITIES["workspace"], "diagnostics": {"refreshSupport": True}},
}
OPENING: dict[str, Any] = {
    **FULL_CAPABILITIES,
    "textDocument": {
        **FULL_CAPABILITIES["textDocument"],
        "publishDiagnostics": {"codeDescriptionSupport": True},
    },
    "workspace": {**FULL_CAPABILITIES["workspace"], "textDocumentContent": {}},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
}


async def _located(client: Client, shop: Path) -> str:
    uri = client.open(shop / "shop.py")
    await client.command("postil.locate", {"report": REPORT, "uri": uri})
    return uri


NESTING = {"textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": True}}}


async def test_diagnostics_are_asked_for_by_document_and_workspace(
    start_both: StartAny, shop: Path, script: Script
) -> None:
    client = await start_both(POSTIL_MODEL=script(LOCATE_REPLIES))
    client.answers["workspace/diagnostic/refresh"] = None
    reply = await client.initialize(shop, PULLING, pull_diagnostics=True)
    offered = reply["result"]["capabilities"]["diagnosticProvider"]
    assert offered["workspaceDiagnostics"] is True
    uri = await _located(client, shop)
    await client.wait_for(lambda m: m.get("method") == "workspace/diagnostic/refresh")
    document = {"textDocument": {"uri": uri}}
    first = (await client.request("textDocument/diagnostic", document))["result"]
    assert first["kind"] == "full"
    assert {item["code"] for item in first["items"]} == {"suspect", "finding"}
    again = {**document, "previousResultId": first["resultId"]}
    same = (await client.request("textDocument/diagnostic", again))["result"]
    assert same == {"kind": "unchanged", "resultId": first["resultId"]}
    everything = (await client.request("workspace/diagnostic", {"previousResultIds": []}))["result"]
    by_uri = {item["uri"]: item for item in everything["items"]}
    assert by_uri[uri]["resultId"] == first["resultId"]
    await client.command("postil.clear", {})
    known = [{"uri": u, "value": item["resultId"]} for u, item in by_uri.items()]
    after = await client.request("workspace/diagnostic", {"previousResultIds": known})
    assert {item["uri"] for item in after["result"]["items"]} == by_uri.keys()
    assert all(item["items"] == [] for item in after["result"]["items"])
    assert client.notified("textDocument/publishDiagnostics") == [], "never both"


async def test_a_client_that_takes_pushes_is_not_asked_to_pull(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    reply = await client.initialize(shop, PULLING)
    assert "diagnosticProvider" not in reply["result"]["capabilities"]
    await _located(client, shop)
    assert client.notified("textDocument/publishDiagnostics") != []


async def test_findings_that_an_edit_moves_have_another_result_id(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    only_pull = {"textDocument": {"diagnostic": {}}}
    await client.initialize(shop, only_pull)
    uri = await _located(client, shop)
    document = {"textDocument": {"uri": uri}}
    before = (await client.request("textDocument/diagnostic", document))["result"]
    top = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    client.change(uri, 2, top, "# one more line\n")
    after = (await client.request("textDocument/diagnostic", document))["result"]
    assert after["resultId"] != before["resultId"]
    moved = after["items"][0]["range"]["start"]["line"]
    assert moved == before["items"][0]["range"]["start"]["line"] + 1


async def test_the_reasoning_is_a_document_whose_references_lead_into_the_code(
    start_both: StartAny, shop: Path, script: Script
) -> None:
    client = await start_both(POSTIL_MODEL=script(LOCATE_REPLIES))
    client.answers["window/showDocument"] = {"success": True}
    reply = await client.initialize(shop, OPENING)
    content = reply["result"]["capabilities"]["workspace"]["textDocumentContent"]
    assert content == {"schemes": ["postil-trace", "postil-receipt"]}
    uri = await _located(client, shop)
    published = await client.diagnostics(uri, "finding")
    finding = next(d for d in published if d["code"] == "finding")
    trace = (await client.command("postil.trace", {"uri": uri, "line": 6}))["result"]
    assert trace["uri"] == f"postil-trace:/{finding['data']['id']}.txt"
    assert finding["codeDescription"] == {"href": trace["uri"]}
    lines = trace["text"].split("\n")
    targets = {}
    for reference in trace["references"]:
        start, end = reference["range"]["start"], reference["range"]["end"]
        assert start["line"] == end["line"]
        words = lines[start["line"]][start["character"] : end["character"]]
        targets[words] = reference["target"]
    assert targets["`total`".strip("`")]["range"]["start"]["line"] == 4
    assert targets["shop.py:5-7"]["uri"] == uri
    assert not any("mean_price" in words for words in targets), "it was not shown"
    asked = await client.request("workspace/textDocumentContent", {"uri": trace["uri"]})
    assert asked["result"]["text"] == trace["text"]
    receipt = (await client.command("postil.receipt", {"id": finding["data"]["id"]}))["result"]
    assert receipt["uri"].startswith("postil-receipt:/")
    assert "of 900 tokens" in receipt["text"]
    await client.command("postil.trace", {"show": True})
    shown = await client.wait_for(lambda m: m.get("method") == "window/showDocument")
    assert shown["params"]["uri"] == trace["uri"]
    gone = await client.request("workspace/textDocumentContent", {"uri": "postil-trace:/x.txt"})
    assert "not kept any more" in gone["error"]["message"]


async def test_lenses_offer_what_can_be_asked_about_findings_and_functions(
    start_both: StartAny, shop: Path, script: Script
) -> None:
    client = await start_both(POSTIL_MODEL=script(LOCATE_REPLIES))
    reply = await client.initialize(shop, code_lens=True)
    assert "codeLensProvider" in reply["result"]["capabilities"]
    (shop / "shop.py").write_text(SHOP + "\n\ndef long(a):\n    b = a\n    c = b\n    return c\n")
    uri = await _located(client, shop)
    lenses = (await client.request("textDocument/codeLens", {"textDocument": {"uri": uri}}))[
        "result"
    ]
    titles = [(lens["range"]["start"]["line"], lens["command"]["title"]) for lens in lenses]
    assert (5, "Postil: fix") in titles
    assert (13, "Postil: find a bug") in titles
    dismiss = next(x for x in lenses if x["command"]["command"] == "postil.dismiss")
    gone = await client.request("workspace/executeCommand", dismiss["command"])
    assert gone["result"] == {"dismissed": 1}


async def test_symbols_come_from_the_index_where_the_user_wants_them(
    start_both: StartAny, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    text = 'class Größe:\n    """😀"""\n\n    def passt_so(self):\n        pass\n'
    (folder / "größe.py").write_text(text, encoding="utf-8")
    client = await start_both(POSTIL_MODEL="none")
    await client.initialize(folder, NESTING, symbols=True)
    uri = client.open(folder / "größe.py", text)
    tree = (await client.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}}))[
        "result"
    ]
    assert [(s["name"], s["kind"]) for s in tree] == [("Größe", 5)]
    (method,) = tree[0]["children"]
    assert (method["name"], method["kind"]) == ("passt_so", 6)
    assert method["selectionRange"]["start"] == {"line": 3, "character": 8}
    await client.command("postil.locate", {"report": "passt_so is wrong"})  # when it is indexed
    found = (await client.request("workspace/symbol", {"query": "PASST"}))["result"]
    assert [(s["name"], s["containerName"]) for s in found] == [("passt_so", "Größe")]
    assert found[0]["location"]["uri"] == uri
    assert found[0]["location"]["range"]["start"]["line"] == 3
    for query in ("%", "_", "%_%", "ASST\\", ""):
        assert not (await client.request("workspace/symbol", {"query": query}))["result"] or (
            query == "_"
        )


async def test_what_is_switched_off_is_not_offered_and_answers_nothing(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    offered = (await client.initialize(shop))["result"]["capabilities"]
    for name in (
        "codeLensProvider", "documentSymbolProvider", "workspaceSymbolProvider",
        "inlineCompletionProvider", "diagnosticProvider",
    ):  # fmt: skip
        assert name not in offered
    uri = client.open(shop / "shop.py")
    document = {"textDocument": {"uri": uri}}
    place = {**document, "position": {"line": 5, "character": 0}, "context": {"triggerKind": 1}}
    assert (await client.request("textDocument/codeLens", document))["result"] is None
    assert (await client.request("textDocument/documentSymbol", document))["result"] is None
    assert (await client.request("workspace/symbol", {"query": "total"}))["result"] is None
    assert (await client.request("textDocument/inlineCompletion", place))["result"] is None


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "file:///elsewhere/a.py"])
async def test_documents_of_no_folder_get_nothing_and_no_error(
    start_here: StartAny, shop: Path, uri: str
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop, symbols=True, code_lens=True)
    client.open_as(uri, "def a():\n    pass\n")
    document = {"textDocument": {"uri": uri}}
    range_ = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    actions = {**document, "range": range_, "context": {"diagnostics": []}}
    hover = {**document, "position": {"line": 0, "character": 0}}
    assert (await client.request("textDocument/codeLens", document))["result"] is None
    assert (await client.request("textDocument/documentSymbol", document))["result"] is None
    assert (await client.request("textDocument/codeAction", actions))["result"] is None
    assert (await client.request("textDocument/hover", hover))["result"] is None
    diagnostics = (await client.request("textDocument/diagnostic", document))["result"]
    assert (diagnostics["kind"], diagnostics["items"]) == ("full", [])


async def test_actions_depend_on_how_and_for_what_they_are_asked(
    start_both: StartAny, shop: Path, script: Script
) -> None:
    client = await start_both(POSTIL_MODEL=script(LOCATE_REPLIES))
    disabling = {
        **OPENING,
        "textDocument": {
            **OPENING["textDocument"],
            "codeAction": {
                **FULL_CAPABILITIES["textDocument"]["codeAction"],
                "disabledSupport": True,
            },
        },
    }
    await client.initialize(shop, disabling)
    uri = await _located(client, shop)
    published = await client.diagnostics(uri, "finding")
    finding = next(d for d in published if d["code"] == "finding")

    async def titles(context: dict[str, Any], lines: tuple[int, int]) -> dict[str, Any]:
        range_ = {
            "start": {"line": lines[0], "character": 0},
            "end": {"line": lines[1], "character": 0},
        }
        params = {"textDocument": {"uri": uri}, "range": range_, "context": context}
        actions = (await client.request("textDocument/codeAction", params))["result"]
        assert not any("isPreferred" in action for action in actions)
        return {action["title"].removeprefix("Postil: "): action for action in actions}

    moving = await titles({"diagnostics": [], "triggerKind": 2}, (4, 7))
    assert {"simplify", "extract function"} <= moving.keys()
    assert all(action["kind"].startswith("refactor.") for action in moving.values())
    assert await titles({"diagnostics": [], "triggerKind": 2}, (5, 5)) == {}, "no light"
    asked = await titles({"diagnostics": [finding], "triggerKind": 1}, (5, 5))
    first = shortened(finding["message"], 70)
    assert f"show the reasoning for “{first}”" in asked
    assert asked["simplify"]["disabled"] == {"reason": "Select the code first."}
    assert "command" not in asked["simplify"]
    dismiss = asked[f"dismiss “{first}”"]
    assert dismiss["tags"] == asked[f"fix “{first}”"]["tags"], "unmarked it would be listed first"
    assert list(asked).index(dismiss["title"].removeprefix("Postil: ")) == len(asked) - 1
    only = await titles({"diagnostics": [finding], "only": ["refactor"]}, (4, 7))
    assert only.keys() == moving.keys()
    reply = await client.request("workspace/executeCommand", dismiss["command"])
    assert reply["result"] == {"dismissed": 1}


async def test_a_client_without_markdown_reads_the_same_without_its_marks(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop, {"textDocument": {"hover": {"contentFormat": ["plaintext"]}}})
    uri = await _located(client, shop)
    place = {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 8}}
    contents = (await client.request("textDocument/hover", place))["result"]["contents"]
    assert contents["kind"] == "plaintext"
    assert contents["value"].startswith("Cause, as the model sees it\n")
    assert "An empty list has length 0" in contents["value"]
    assert "**" not in contents["value"]
    assert "```" not in contents["value"]


async def test_folders_come_and_go(start_both: StartAny, shop: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "ledger.py").write_text("def reads_ledger():\n    pass\n")
    client = await start_both(POSTIL_MODEL="none")
    await client.initialize(shop)
    uri = client.open(other / "ledger.py")
    ask = {"report": "reads_ledger is wrong", "uri": uri}
    error = (await client.command("postil.locate", ask))["error"]
    assert "is in no open workspace folder" in error["message"]
    folder = {"uri": other.as_uri(), "name": "other"}
    change = {"event": {"added": [folder], "removed": []}}
    client.notify("workspace/didChangeWorkspaceFolders", change)
    found = (await client.command("postil.locate", ask))["result"]
    assert found["suspects"][0]["uri"] == uri
    status = (await client.command("postil.status", {}))["result"]
    assert status["folders"].keys() == {str(shop), str(other)}
    change = {"event": {"added": [], "removed": [folder]}}
    client.notify("workspace/didChangeWorkspaceFolders", change)
    assert (
        "no open workspace folder"
        in (await client.command("postil.locate", ask))["error"]["message"]
    )


async def test_one_odd_diagnostic_of_another_server_leaves_what_can_be_asked(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    at = {"start": {"line": 5, "character": 0}, "end": {"line": 5, "character": 0}}
    odd = [
        {"range": at, "message": "a", "severity": 0},
        {"range": at, "message": "b", "tags": [3]},
        {"range": at, "message": "c", "codeDescription": {}},
        {"message": "d"},
        7,
    ]
    context = {"diagnostics": [*odd, {"range": at, "message": "real"}], "only": [""]}
    params = {"textDocument": {"uri": uri}, "range": at, "context": context}
    actions = (await client.request("textDocument/codeAction", params))["result"]
    titles = [action["title"] for action in actions]
    assert "Postil: fix “real”" in titles
    assert not {"Postil: fix “a”", "Postil: fix “d”"} & {*titles}


async def test_a_change_that_cannot_be_read_loses_the_document_until_it_is_whole_again(
    start_here: StartAny, shop: Path
) -> None:
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop)
    uri = client.open(shop / "shop.py")
    at = {"line": 0, "character": 4_294_967_295}
    client.change(uri, 2, {"start": at, "end": at}, "x")
    told = await client.wait_for(lambda m: m.get("method") == "window/showMessage")
    assert "shop.py" in told["params"]["message"]
    start = {"line": 0, "character": 0}
    client.change(uri, 3, {"start": start, "end": start}, "y")
    assert (await client.command("postil.findBugs", {"uri": uri}))["error"]
    client.open(shop / "shop.py", version=4)
    reply = await client.command("postil.findBugs", {"uri": uri})
    assert "model is switched off" in reply["error"]["message"]


async def test_a_folder_that_is_not_there_keeps_no_other_from_answering_and_may_come_later(
    start_here: StartAny, shop: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(gone, also=[shop], symbols=True)
    await client.wait_for(lambda m: "There is no folder" in str(m.get("params")))
    located = (await client.command("postil.locate", {"report": REPORT}))["result"]
    assert located["suspects"][0]["path"] == "shop.py"
    assert (await client.request("workspace/symbol", {"query": "total"}))["result"]
    status = (await client.command("postil.status", {}))["result"]
    assert status["folders"] == {str(gone): "failed", str(shop): "indexed"}
    gone.mkdir()
    (gone / "late.py").write_text("def late():\n    pass\n")
    uri = client.open(gone / "late.py")
    reply = await client.command("postil.findBugs", {"uri": uri})
    assert "model is switched off" in reply["error"]["message"]


async def test_references_of_a_reasoning_follow_the_lines_that_were_shown(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    uri = await _located(client, shop)
    text = (shop / "shop.py").read_bytes().decode()

    async def lines_of_total() -> set[int]:
        trace = (await client.command("postil.trace", {}))["result"]
        return {
            r["target"]["range"]["start"]["line"]
            for r in trace["references"]
            if trace["text"].split("\n")[r["range"]["start"]["line"]][
                r["range"]["start"]["character"] : r["range"]["end"]["character"]
            ]
            == "total"
        }

    before = await lines_of_total()
    assert before
    at = {"line": 0, "character": 0}
    client.change(uri, 2, {"start": at, "end": at}, "# one\n# two\n")
    assert await lines_of_total() == {line + 2 for line in before}
    whole = {"textDocument": {"uri": uri, "version": 3}, "contentChanges": [{"text": text + text}]}
    client.notify("textDocument/didChange", whole)
    assert await lines_of_total() == set(), "it is there twice"


async def test_the_name_of_a_symbol_is_where_it_is_defined(
    start_here: StartAny, shop: Path
) -> None:
    text = (
        'class A:\n    @app.route("/[f]")\n    def f(f):\n        pass\n\n'
        "    @size.setter\n    def size(self):\n        pass\n"
    )
    client = await start_here(POSTIL_MODEL="none")
    await client.initialize(shop, NESTING, symbols=True)
    (shop / "names.py").write_text(text)
    uri = client.open(shop / "names.py")
    asked = {"textDocument": {"uri": uri}}
    tree = (await client.request("textDocument/documentSymbol", asked))["result"]
    found = {s["name"]: s["selectionRange"]["start"] for s in tree[0]["children"]}
    assert found == {"f": {"line": 2, "character": 8}, "size": {"line": 6, "character": 8}}


async def test_findings_between_two_changes_of_a_whole_text_stay(
    start_here: StartAny, shop: Path, script: Script
) -> None:
    client = await start_here(POSTIL_MODEL=script(LOCATE_REPLIES))
    await client.initialize(shop)
    uri = await _located(client, shop)
    text = f"# first\n{(shop / 'shop.py').read_bytes().decode()}# last\n"
    whole = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": text}]}
    client.notify("textDocument/didChange", whole)
    place = {"textDocument": {"uri": uri}, "position": {"line": 6, "character": 8}}
    hover = (await client.request("textDocument/hover", place))["result"]
    assert "Cause, as the model sees it" in hover["contents"]["value"]
