"""What the gate asks about code. It parses nothing and reads no file itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from context.anatomy import Anatomy, CallAt
from context.outline import Outline


class Code(Protocol):
    """A workspace, in this process or another (context/host.py)."""

    async def outline(self, path: str, text: str) -> Outline: ...

    async def anatomy(self, path: str, text: str) -> Anatomy: ...

    async def calls_to(self, path: str, names: Sequence[str]) -> list[CallAt]: ...
