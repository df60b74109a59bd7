"""The server while a weight file is malformed: one sentence, and the next request works."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog import entry_named
from tests.lsp.conftest import REPORT, Start
from tests.models.hostile_gguf import build, crafted

CASES = {
    "a truncated file": (build()[:1_000], "is cut off in its header: copy it again."),
    "huge counts": (
        build(n_rows=(1 << 63) - 1),
        "it announces more tensors or metadata than any model has, or none.",
    ),
    "nested arrays": (
        dict(crafted())["500 nested arrays"],
        "an array has items of an unknown type.",
    ),
    "overlapping tensors": (dict(crafted())["overlap at 160"], "two tensors overlap."),
    "no weights at all": (b"<html>Sign in</html>", "is no GGUF file"),
    "another model's header": (build(), "it has 12320 bytes and not 491400064"),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_malformed_file_is_said_and_the_server_goes_on(
    start: Start, shop: Path, tmp_path: Path, case: str
) -> None:
    data, sentence = CASES[case]
    entry = entry_named("qwen2.5-coder-0.5b")
    models = tmp_path / "models"
    models.mkdir()
    (models / entry.file).write_bytes(data)
    client = await start(POSTIL_MODELS_DIR=str(models))
    await client.initialize(shop)
    for _ in range(2):  # the second one too: it is not loaded then either
        result = (await client.command("postil.locate", {"report": REPORT}))["result"]
        assert result["suspects"][0]["symbol"] == "total"
        assert result["finding"] is None
        assert sentence in result["without_model"]
    refused = await client.command(
        "postil.findBugs",
        {"uri": client.open(shop / "shop.py"), "version": 1, "first_line": 5, "last_line": 7},
    )
    assert sentence in refused["error"]["message"]
    assert (await client.command("postil.status", None))["result"]["effort"] == "normal"
    assert await client.exit() == 0
