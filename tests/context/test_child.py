"""Calls to a process of ours end with a result or an error, whatever either side does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from context.child import Child, ChildDied, package_root
from context.serving import PARENT


@pytest.fixture
async def parser() -> AsyncIterator[Child]:
    child = await Child.start("context.parsing", name="parser")
    yield child
    await child.close()


async def test_an_error_of_who_hears_an_event_is_the_callers(parser: Child, tmp_path: Path) -> None:
    def refuse(event: Any) -> None:
        raise RuntimeError("no room for it")

    files = [[f"{n}.py", "python"] for n in range(3)]
    params = {"root": str(tmp_path), "files": files, "named_at_once": 1}
    with pytest.raises(RuntimeError, match="no room for it"):
        await parser.call("parse_files", params, on_event=refuse)
    asked = {"text": "def f(:\n", "language": "python"}
    assert await parser.call("problems", asked), "and the process answers the next call"


async def test_what_is_no_message_of_ours_ends_the_process(parser: Child) -> None:
    parser._deliver = lambda message: message["nothing"]  # type: ignore[method-assign]
    with pytest.raises(ChildDied):
        await parser.call("problems", {"text": "", "language": "python"})
    assert not parser.alive


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the end of stdin has to do")
@pytest.mark.parametrize(
    ("parent", "told", "code"), [(1, "1", 0), (1, "77", 1), (300, "300", 0), (300, "77", 1)]
)
def test_a_child_knows_its_parent_also_as_the_first_process_of_a_container(
    parent: int, told: str, code: int
) -> None:
    """77 ended before the child looked; the first process, or some other one, took it in."""
    script = (
        f"import os; os.getppid = lambda: {parent}\n"
        "from context.serving import die_with_parent; die_with_parent()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, PARENT: told, "PYTHONPATH": package_root()},
        check=False,
    )
    assert done.returncode == code
