"""A backend that says what it is told to: for tests, and for trying an editor without weights."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from models.backends import (
    Conversation,
    Generation,
    ModelInfo,
    Piece,
    StopReason,
    Thinks,
    TokenLog,
)
from models.errors import ModelUnavailable

_TOKEN = re.compile(r"\s*\S+|\s+$")  # a word with the space before it


class ScriptedBackend:
    """Gives each reply once, in order; the last one again and again. Records what it was asked."""

    def __init__(
        self,
        replies: Sequence[str],
        *,
        scores: Sequence[float] = (),
        unlikely: Sequence[str] = (),
        thinks: Thinks = Thinks.ELICITED,
        piece_delay_s: float = 0.0,
    ) -> None:
        if not replies:
            raise ModelUnavailable("A scripted model needs at least one reply.")
        self._replies = list(replies)
        self._scores = list(scores)
        self._unlikely = tuple(unlikely)  # words that `token_logs` finds improbable
        self._delay_s = piece_delay_s
        self.asked: list[Generation] = []
        self.n_cancelled = 0
        self.info = ModelInfo("scripted", "", "scripted", "none", 8_192, thinks, fills_gaps=True)

    @classmethod
    def from_file(cls, file: Path) -> ScriptedBackend:
        """A JSON list of replies, or {"replies": [...], "piece_delay_s": 0.05} to watch it stream.

        Raises `ModelUnavailable` when it is neither.
        """
        try:
            replies = json.loads(file.read_text(encoding="utf-8"))
            delay_s = 0.0
            if isinstance(replies, dict):
                delay_s = float(replies.get("piece_delay_s", 0.0))
                replies = replies.get("replies")
        except (OSError, ValueError, TypeError) as error:
            raise ModelUnavailable(f"{file} cannot be read as a JSON list of replies.") from error
        if not isinstance(replies, list) or not all(isinstance(r, str) for r in replies):
            raise ModelUnavailable(f"{file} is not a JSON list of texts.")
        return cls(replies, piece_delay_s=delay_s)

    def wake(self) -> bool:
        return True

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_TOKEN.findall(text)) for text in texts]

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        self.asked.append(generation)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        stop_at = min((at for s in generation.stop if (at := reply.find(s)) >= 0), default=None)
        tokens = _TOKEN.findall(reply if stop_at is None else reply[:stop_at])
        finished = False
        try:
            for number, token in enumerate(tokens, 1):
                if number > generation.max_new_tokens:
                    finished = True
                    yield Piece("", number - 1, StopReason.LENGTH)
                    return
                await asyncio.sleep(self._delay_s)
                yield Piece(token, number)
            finished = True
            reason = StopReason.END if stop_at is None else StopReason.STOP_TEXT
            yield Piece("", len(tokens), reason)
        finally:
            self.n_cancelled += not finished

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        self.asked.append(Generation(conversation, 0))
        return (self._scores + [float("-inf")] * len(choices))[: len(choices)]

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        self.asked.append(Generation(conversation, 0))
        return [
            TokenLog(token.start(), -4.0 if token[0].strip() in self._unlikely else -0.1, -0.1, 0.2)
            for token in _TOKEN.finditer(text)
        ]

    async def close(self) -> None:
        return None
