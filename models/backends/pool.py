"""Several servers with the same model behind one backend, as a team's cluster is used.

A request goes to the server with the fewest outstanding ones, or to the one that has read the
beginning of its prompt, as long as that one is not much busier. A server that fails is set aside
and opened again with back-off; a request of which nothing was written yet goes to another one. One
that comes back with another model stays aside: what an answer says of itself must be true.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from models.backends import Backend, Conversation, Generation, ModelInfo, Piece, TokenLog
from models.errors import (
    EndpointBroke,
    EndpointRefused,
    EndpointUnavailable,
    ModelError,
    ModelUnavailable,
)

logger = logging.getLogger(__name__)

BUSIER = 2  # outstanding requests that a read prompt is worth; a guess
SHARED_SHARE = 0.5  # of a prompt that must have been read there to count; a guess
REMEMBERED = 32  # prompts a server
FIRST_PAUSE_S, MAX_PAUSE_S = 1.0, 60.0  # between two tries to open a server that failed
FAILURES = (EndpointUnavailable, EndpointRefused, EndpointBroke)

Open = Callable[[], Awaitable[Backend]]
Clock = Callable[[], float]
_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class _Member:
    """One server, open or set aside."""

    open: Open
    backend: Backend | None = None
    error: ModelError | None = None
    running: Counter[Backend] = field(default_factory=Counter)  # requests, also of replaced ones
    n_failures: int = 0
    retry_at: float = 0.0
    last_used: int = 0
    prompts: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    opening: asyncio.Task[None] | None = None

    @property
    def outstanding(self) -> int:
        return self.running.total()


class PoolBackend:
    """Make with `start`, end with `close`. Any number of callers at a time."""

    def __init__(self, opens: Sequence[Open], clock: Clock = time.monotonic) -> None:
        self._members = [_Member(open_) for open_ in opens]
        self._clock = clock
        self._uses = itertools.count(1)
        self._model = ""  # its name, once it is known

    @classmethod
    async def start(cls, opens: Sequence[Open], clock: Clock = time.monotonic) -> PoolBackend:
        """Open all servers at once. Raises the first one's `ModelError` when none can be."""
        pool = cls(opens, clock)
        await asyncio.gather(*map(pool._open, pool._members))
        opened = [m.backend.info for m in pool._members if m.backend is not None]
        names = sorted({info.name for info in opened})
        if len(names) > 1:
            await pool.close()
            raise ModelUnavailable(
                f"The endpoints have different models ({', '.join(names)}); set endpoint_model to "
                "one that all have."
            )
        if not opened:
            error = pool._members[0].error
            assert error is not None
            raise error
        (pool._model,) = names
        return pool

    @property
    def info(self) -> ModelInfo:
        """Of the servers together: what all of them can do."""
        infos = [m.backend.info for m in self._members if m.backend is not None]
        if len(self._members) == 1:
            return infos[0]
        return replace(
            infos[0],
            backend=" and ".join(sorted({info.backend for info in infos})),
            device=f"{self.n_in_use} of {len(self._members)} servers: "
            + ", ".join(info.device for info in infos),
            n_ctx=min(info.n_ctx for info in infos),
            continues=all(info.continues for info in infos),
            obeys_grammar=all(info.obeys_grammar for info in infos),
        )

    @property
    def n_in_use(self) -> int:
        """Servers that are not set aside."""
        return sum(m.error is None for m in self._members)

    def wake(self) -> bool:
        return True

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return await self._call("", lambda b: b.count_tokens(texts))

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        return await self._call(_prompt(conversation), lambda b: b.score(conversation, choices))

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        return await self._call(_prompt(conversation), lambda b: b.token_logs(conversation, text))

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        prompt = _prompt(generation.conversation)
        tried: set[_Member] = set()
        while True:
            member = await self._choose(prompt, tried)
            tried.add(member)
            begun = False
            async with self._using(member, prompt) as backend:
                try:
                    async with aclosing(backend.generate(generation)) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                    return
                except FAILURES as error:
                    self._set_aside(member, error)
                    if begun or len(tried) == len(self._members):
                        raise

    async def close(self) -> None:
        for member in self._members:
            if member.opening is not None:
                member.opening.cancel()
                with suppress(asyncio.CancelledError):
                    await member.opening
            if member.backend is not None:
                await member.backend.close()
            for backend in [*member.running]:
                await backend.close()

    async def _call(self, prompt: str, ask: Callable[[Backend], Awaitable[_T]]) -> _T:
        tried: set[_Member] = set()
        while True:
            member = await self._choose(prompt, tried)
            tried.add(member)
            async with self._using(member, prompt) as backend:
                try:
                    return await ask(backend)
                except FAILURES as error:
                    self._set_aside(member, error)
                    if len(tried) == len(self._members):
                        raise

    async def _choose(self, prompt: str, tried: set[_Member]) -> _Member:
        """A server that was not tried yet; one that was set aside only when no other is left."""
        for member in self._members:
            if member.error is not None and self._clock() >= member.retry_at:
                self._open_again(member)
        left = [m for m in self._members if m not in tried]
        usable = [m for m in left if m.error is None]
        if not usable:
            member, model = min(left, key=lambda m: m.retry_at), self._model
            await asyncio.shield(self._open_again(member))
            if self._model != model:  # this request was worded for the other one
                raise EndpointUnavailable(
                    f"The server has the model {self._model} now and not {model}; ask again."
                )
            if member.error is not None and len(tried) + 1 == len(self._members):
                raise member.error
            if member.error is not None:
                tried.add(member)
                return await self._choose(prompt, tried)
            usable = [member]
        least = min(usable, key=lambda m: (m.outstanding, m.last_used))
        read = max(usable, key=lambda m: (_shared(prompt, m.prompts), -m.outstanding))
        is_worth = _shared(prompt, read.prompts) >= SHARED_SHARE * max(len(prompt), 1)
        if is_worth and read.outstanding <= least.outstanding + BUSIER:
            return read
        return least

    @asynccontextmanager
    async def _using(self, member: _Member, prompt: str) -> AsyncIterator[Backend]:
        backend = member.backend
        assert backend is not None
        member.running[backend] += 1
        member.last_used = next(self._uses)
        if prompt:
            member.prompts.append(prompt)
        try:
            yield backend
        finally:
            member.running[backend] -= 1
            if not member.running[backend]:
                del member.running[backend]
                if backend is not member.backend:  # replaced meanwhile; this was its last request
                    await backend.close()

    def _set_aside(self, member: _Member, error: ModelError) -> None:
        pause_s = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2**member.n_failures)
        member.error, member.n_failures = error, member.n_failures + 1
        member.retry_at = self._clock() + pause_s
        member.prompts.clear()  # a server that starts anew has read nothing
        logger.info("an endpoint is set aside for %.0f s: %s", pause_s, error)

    def _open_again(self, member: _Member) -> asyncio.Task[None]:
        if member.opening is None or member.opening.done():
            member.opening = asyncio.ensure_future(self._open(member))
        return member.opening

    async def _open(self, member: _Member) -> None:
        """Open a server, or set it aside (longer each time)."""
        try:
            backend = await member.open()
        except ModelError as error:
            self._set_aside(member, error)
            return
        name = backend.info.name
        if self._model and name != self._model:
            if len(self._members) > 1:
                await backend.close()
                self._set_aside(member, _another_model(backend.info, self._model))
                return
            self._model = name
        old, member.backend = member.backend, backend
        member.error, member.n_failures = None, 0
        if old is not None and old is not backend and not member.running[old]:
            await old.close()


def _another_model(info: ModelInfo, model: str) -> ModelError:
    return EndpointRefused(
        f"One of the endpoints has another model now ({info.name} at {info.device}, the others "
        f"{model}); set endpoint_model to one that all have."
    )


def _prompt(conversation: Conversation) -> str:
    texts = [message.content for message in conversation.messages]
    return "\n".join([*texts, conversation.assistant_prefix])


def _shared(prompt: str, others: Sequence[str]) -> int:
    """The most code points with which the prompt begins like one of the others."""
    return max((_common(prompt, other) for other in others), default=0)


def _common(a: str, b: str) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
