"""What the gate asks of a workspace, answered in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from context.anatomy import Anatomy, CallAt
from context.dissecting import dissect
from context.languages import language_of
from context.meaning import checked_outline
from context.outline import Outline
from context.text import encode


class ParsedHere:
    """`others`: further files of the workspace by path; each call by name there is a use."""

    def __init__(self, others: Mapping[str, str] | None = None) -> None:
        self._others = dict(others or {})

    async def outline(self, path: str, text: str) -> Outline:
        language = language_of(path)
        if language is None:
            return Outline("text", (), (), (), (), ())
        return checked_outline(encode(text), language)

    async def anatomy(self, path: str, text: str) -> Anatomy:
        language = language_of(path)
        return dissect(text, language) if language else Anatomy((), (), "")

    async def calls_to(self, path: str, names: Sequence[str]) -> list[CallAt]:
        return [
            CallAt(other, call)
            for other, text in self._others.items()
            if other != path
            for call in (await self.anatomy(other, text)).calls
            if call.name in names
        ]
