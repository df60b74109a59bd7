"""Parts of the VS Code extension by themselves, under Node, with an editor of stubs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.setup_vscode import NotSetUp, Tools, find_tools

HERE = Path(__file__).with_name("vscode")
PARTS = ["changes", "client", "commands", "sentences"]


@pytest.fixture(scope="module")
def tools() -> Tools:
    try:
        return find_tools()
    except NotSetUp as missing:
        pytest.skip(f"VS CODE'S EXTENSION IS NOT TESTED: {missing}")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_extension_does_what_its_tests_say(
    part: str, tools: Tools, tmp_path: Path
) -> None:
    done = subprocess.run(
        [str(tools.node), str(HERE / "run.mjs"), f"{part}.mjs", str(tmp_path / f"{part}.cjs")],
        env={**os.environ, **tools.environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "pass 0" not in done.stdout, "no test was found"


def test_every_part_with_tests_is_run() -> None:
    other = {"run", "vscode", "languageclient"}
    assert {file.stem for file in HERE.glob("*.mjs")} == {*PARTS, *other}
