"""Servers with OpenAI's API: llama.cpp's and llama-cpp-python's, vLLM, SGLang, DeepSeek's.

Where we have a template for the server's model and the server takes plain completions, the prompt
is our own rendering, as in the worker: the answer can begin with a prefix, thinking is closed at
its budget, and a prompt that begins alike is read once. Elsewhere the server's chat is used, and
`ModelInfo.continues` says so.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from models.backends import Conversation, Generation, ModelInfo, Piece, StopReason, TokenLog
from models.backends.endpoint import Endpoint
from models.backends.http_client import PATIENT, Framing, Http, Patience, Pause
from models.backends.server_scores import score_texts, score_token_ids
from models.backends.servers import Server, ServerKind, completion_fields, identify
from models.errors import (
    CannotScore,
    ContextFull,
    EndpointBroke,
    EndpointUnavailable,
    ModelError,
)
from models.prompts.marks import neutral_messages, neutral_prompt, prompt_parts

AT_ONCE = 8  # requests to a server's tokenizer at a time
BYTES_PER_TOKEN = (
    3.0  # of code, where a server has no tokenizer to ask; low, so that nothing is cut
)
_STOP = {"stop": StopReason.END, "length": StopReason.LENGTH}
# What is said of an answer that was given up: by vLLM and SGLang, by routers, by DeepSeek's API.
_GIVEN_UP = {"abort", "error", "content_filter", "insufficient_system_resource"}


class OpenAIBackend:
    """One model of one server. Make with `open`, end with `close`."""

    def __init__(self, http: Http, server: Server) -> None:
        self._http = http
        self._server = server
        self._mark_ids: dict[str, list[int]] = {}

    @classmethod
    async def open(
        cls,
        endpoint: Endpoint,
        patience: Patience = PATIENT,
        pause: Pause = asyncio.sleep,
    ) -> OpenAIBackend:
        """Find out what the server is. Raises `ModelError`."""
        http = Http(endpoint, patience, pause)
        try:
            return cls(http, await identify(http))
        except BaseException:
            await http.close()
            raise

    @property
    def info(self) -> ModelInfo:
        server = self._server
        return ModelInfo(
            name=server.model,
            digest="",  # a server does not say what its weights are
            backend=server.kind.value,
            device=self._http.endpoint.shown,
            n_ctx=server.n_ctx,
            thinks=server.format.thinks,
            continues=server.continues,
            obeys_grammar=server.obeys_grammar,
        )

    def wake(self) -> bool:
        return True  # when a server loads its model is its own affair

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """By the server's tokenizer, or a high estimate where it has none."""
        match self._server.kind:
            case ServerKind.SGLANG | ServerKind.OTHER:
                return [estimated_tokens(text) for text in texts]
            case _:
                gate = asyncio.Semaphore(AT_ONCE)

                async def count(text: str) -> int:
                    async with gate:
                        return await self._count(text)

                return list(await asyncio.gather(*map(count, texts)))

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        path, body = await self._request(generation)
        n_tokens, reason, given_up, said_anything = 0, None, "", False
        async with aclosing(self._http.events(path, body, Framing.SSE)) as events:
            async for event in events:
                n_tokens = _completion_tokens(event) or n_tokens
                choice = _choice(event)
                if choice is None:
                    continue
                if (finish := str(choice.get("finish_reason"))) in _GIVEN_UP:
                    given_up = f" ({finish})"
                    break
                reason = _reason(choice) or reason
                text, thinking = _texts(choice)
                if text or thinking:
                    said_anything = True
                    n_tokens += 1
                    yield Piece(text, n_tokens, thinking=thinking)
                if n_tokens > generation.max_new_tokens:  # it does not keep to what was asked
                    reason = StopReason.LENGTH
                    break
        if reason is None:
            if not said_anything:
                await self._explain(path, body)
            kind = EndpointBroke if said_anything else EndpointUnavailable
            raise kind(
                f"The server at {self._http.endpoint.url} stopped before its answer ended"
                f"{given_up}; ask again."
            )
        yield Piece("", n_tokens, reason)

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        if not self._server.continues:
            raise CannotScore("A server that only chats gives no probabilities.")
        if self._server.kind is ServerKind.VLLM:
            ids = [await self._tokenize(choice) for choice in choices]
            prompt = await self._token_ids(conversation)
            return await score_token_ids(self._http, self._server, prompt, ids)
        template = self._server.format.template
        assert template is not None
        text = neutral_prompt(conversation, template)
        return await score_texts(self._http, self._server, text, choices)

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        raise CannotScore("Servers are not asked for the probability of a whole text.")

    async def close(self) -> None:
        await self._http.close()

    async def _request(self, generation: Generation) -> tuple[str, Mapping[str, Any]]:
        """(path, body) of a generation."""
        server, sampling = self._server, generation.sampling
        body: dict[str, Any] = {
            "model": server.model,
            "max_tokens": generation.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if generation.stop:
            body["stop"] = list(generation.stop)
        if server.kind is not ServerKind.OTHER:
            body["seed"] = sampling.seed
        if server.format.template is None:
            messages = neutral_messages(generation.conversation.messages)
            body["messages"] = [{"role": m.role, "content": m.content} for m in messages]
            return "/v1/chat/completions", body
        body["prompt"] = await self._prompt(generation.conversation)
        body |= completion_fields(server, sampling, generation.grammar)
        return "/v1/completions", body

    async def _prompt(self, conversation: Conversation) -> str | list[int]:
        """Text where nothing in it looks like a template's mark, else token ids, else other text.

        A server finds special tokens anywhere in a text. Ids keep what is only written like one
        what it is; where a server takes none, a space is put into it.
        """
        template = self._server.format.template
        assert template is not None
        parts = prompt_parts(conversation, template)
        if not parts.holds_marks:
            return "".join(parts.pieces)
        if self._server.takes_token_ids:
            return await self._token_ids(conversation)
        return neutral_prompt(conversation, template)

    async def _token_ids(self, conversation: Conversation) -> list[int]:
        template = self._server.format.template
        assert template is not None
        pieces = prompt_parts(conversation, template).pieces
        ids: list[int] = []
        for piece in pieces:
            ids.extend(await self._tokenize(piece))
        if len(ids) >= self._server.n_ctx:
            raise ContextFull(
                f"The prompt has {len(ids)} tokens and the server takes {self._server.n_ctx}; show "
                "less."
            )
        return ids

    async def _tokenize(self, text: str) -> list[int]:
        if len(text) <= 32 and text in self._mark_ids:
            return self._mark_ids[text]
        if self._server.kind is ServerKind.VLLM:
            body = {"model": self._server.model, "prompt": text, "add_special_tokens": False}
        else:  # llama.cpp's; our pieces hold marks only where marks are meant
            body = {"content": text, "add_special": False, "parse_special": True}
        answer = await self._http.post("/tokenize", body)
        found = answer.get("tokens") if isinstance(answer, dict) else None
        if not isinstance(found, list) or not all(isinstance(t, int) for t in found):
            raise ModelError(f"The tokenizer of {self._http.endpoint.url} gives no tokens.")
        if len(text) <= 32:
            self._mark_ids[text] = found
        return found

    async def _count(self, text: str) -> int:
        if self._server.kind is not ServerKind.LLAMA_CPP_PYTHON:
            return len(await self._tokenize(text))
        body = {"model": self._server.model, "input": text}
        answer = await self._http.post("/extras/tokenize/count", body)
        count = answer.get("count") if isinstance(answer, dict) else None
        if not isinstance(count, int):
            raise ModelError(f"The tokenizer of {self._http.endpoint.url} gives no count.")
        return count

    async def _explain(self, path: str, body: Mapping[str, Any]) -> None:
        """Ask again for one token without streaming, since the stream ended without a word.

        llama-cpp-python closes a stream whose prompt is too long, and says so only where it does
        not stream. Raises what the server then says; comes back when it answers.
        """
        if self._server.kind is not ServerKind.LLAMA_CPP_PYTHON:
            return
        plain = {k: v for k, v in body.items() if k not in ("stream", "stream_options", "grammar")}
        await self._http.post(path, {**plain, "max_tokens": 1})


def estimated_tokens(text: str) -> int:
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


def _choice(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first choice; None for events that only count."""
    choices = event.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    return choices[0]


def _texts(choice: Mapping[str, Any]) -> tuple[str, str]:
    """(answer, thinking) of one event: completions have `text`, chats a `delta`."""
    if isinstance(text := choice.get("text"), str):
        return text, ""
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return "", ""
    thinking = delta.get("reasoning_content") or delta.get("reasoning") or ""
    content = delta.get("content") or ""
    return (
        content if isinstance(content, str) else "",
        thinking if isinstance(thinking, str) else "",
    )


def _reason(choice: Mapping[str, Any]) -> StopReason | None:
    finish = choice.get("finish_reason")
    if finish is None:
        return None
    if finish == "stop" and isinstance(choice.get("stop_reason"), str):  # vLLM's: the text it met
        return StopReason.STOP_TEXT
    return _STOP.get(str(finish), StopReason.END)


def _completion_tokens(event: Mapping[str, Any]) -> int | None:
    usage = event.get("usage")
    found = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return found if isinstance(found, int) else None
