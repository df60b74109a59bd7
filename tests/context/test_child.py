"""Calls to a process of ours end with a result or an error, whatever either side does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from context.child import Child, ChildDied


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
