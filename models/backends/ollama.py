"""Ollama's own API: /api/generate with our own rendering, or /api/chat where we have no template.

It takes no grammar of our kind; answers in JSON are held to a schema (`format`), the others are
read and asked for once more when they cannot be. It has no tokenizer to ask and gives no
probabilities. A context size goes with each request, since its default cuts long prompts silently.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from models.backends import Conversation, Generation, ModelInfo, Piece, StopReason, TokenLog
from models.backends.endpoint import Endpoint, Format, format_of
from models.backends.http_client import PATIENT, Framing, Http, Patience, Pause, quoted
from models.backends.openai import estimated_tokens
from models.backends.servers import TOP_K
from models.errors import CannotScore, ContextFull, EndpointBroke, EndpointRefused
from models.prompts.marks import neutral_messages, neutral_prompt
from models.replies import json_schema_of

MAX_N_CTX = 16_384  # tokens asked for: a larger context takes memory on the server; a guess


@dataclass(frozen=True, slots=True)
class _Model:
    name: str
    digest: str
    n_ctx: int
    format: Format


class OllamaBackend:
    """One model of one Ollama. Make with `open`, end with `close`."""

    def __init__(self, http: Http, model: _Model) -> None:
        self._http = http
        self._model = model

    @classmethod
    async def open(
        cls, endpoint: Endpoint, patience: Patience = PATIENT, pause: Pause = asyncio.sleep
    ) -> OllamaBackend:
        """Look the model up. Raises `ModelError`."""
        http = Http(endpoint, patience, pause)
        try:
            return cls(http, await _look_up(http))
        except BaseException:
            await http.close()
            raise

    @property
    def info(self) -> ModelInfo:
        model = self._model
        return ModelInfo(
            name=model.name,
            digest=model.digest,
            backend="Ollama",
            device=self._http.endpoint.shown,
            n_ctx=model.n_ctx,
            thinks=model.format.thinks,
            continues=model.format.template is not None,
            obeys_grammar=False,
        )

    def wake(self) -> bool:
        return True  # when a server loads its model is its own affair

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """A high estimate."""
        return [estimated_tokens(text) for text in texts]

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        path, body = self._request(generation)
        n_tokens = 0
        async with aclosing(self._http.events(path, body, Framing.LINES)) as events:
            async for event in events:
                text, thinking = _texts(event)
                if text or thinking:
                    n_tokens += 1
                    yield Piece(text, n_tokens, thinking=thinking)
                if n_tokens > generation.max_new_tokens:  # it does not keep to what was asked
                    yield Piece("", n_tokens, StopReason.LENGTH)
                    return
                if event.get("done") is True:
                    yield Piece("", _count(event, n_tokens), _reason(event))
                    return
        raise EndpointBroke(
            f"The server at {self._http.endpoint.url} stopped before its answer ended; ask again."
        )

    async def score(self, conversation: Conversation, choices: Sequence[str]) -> list[float]:
        raise CannotScore("Ollama gives no probabilities of given texts.")

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        raise CannotScore("Ollama gives no probabilities of given texts.")

    async def close(self) -> None:
        await self._http.close()

    def _request(self, generation: Generation) -> tuple[str, Mapping[str, Any]]:
        model, sampling, conversation = self._model, generation.sampling, generation.conversation
        body: dict[str, Any] = {
            "model": model.name,
            "stream": True,
            "truncate": False,
            "shift": False,
            "options": {
                "num_ctx": model.n_ctx,
                "num_predict": generation.max_new_tokens,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": TOP_K,
                "min_p": 0.0,
                "repeat_penalty": sampling.repeat_penalty,
                "seed": sampling.seed,
                "stop": list(generation.stop),
            },
        }
        if generation.grammar and (schema := json_schema_of(generation.grammar)):
            body["format"] = schema
        template = model.format.template
        if template is None:
            messages = neutral_messages(conversation.messages)
            body["messages"] = [{"role": m.role, "content": m.content} for m in messages]
            n_tokens, path = sum(estimated_tokens(m.content) for m in messages), "/api/chat"
        else:
            body |= {"prompt": neutral_prompt(conversation, template), "raw": True}
            n_tokens, path = estimated_tokens(body["prompt"]), "/api/generate"
        if n_tokens + generation.max_new_tokens > model.n_ctx:  # older ones would cut it silently
            raise ContextFull(
                f"The prompt has about {n_tokens} tokens and Ollama is asked for a context of "
                f"{model.n_ctx}; lower the setting context_tokens."
            )
        return path, body


async def _look_up(http: Http) -> _Model:
    endpoint = http.endpoint
    listing = await http.get("/api/tags")
    rows = listing.get("models") if isinstance(listing, dict) else None
    models = [r for r in rows or [] if isinstance(r, dict) and isinstance(r.get("name"), str)]
    if not models:
        raise EndpointRefused(f"Ollama at {endpoint.url} has no model; get one with `ollama pull`.")
    wanted = endpoint.model
    row = next((r for r in models if r["name"] in (wanted, f"{wanted}:latest")), None)
    if row is None and wanted:
        names = ", ".join(quoted(r["name"]) for r in models[:5])
        raise EndpointRefused(f"Ollama at {endpoint.url} has no model “{wanted}”; it has: {names}.")
    row = row or models[0]
    shown = await http.post("/api/show", {"model": row["name"]})
    details = shown.get("model_info") if isinstance(shown, dict) else None
    trained = next(
        (
            value
            for name, value in (details or {}).items()
            if name.endswith(".context_length") and isinstance(value, int) and value > 0
        ),
        MAX_N_CTX,
    )
    digest = row.get("digest")
    return _Model(
        name=row["name"],
        digest=digest.removeprefix("sha256:") if isinstance(digest, str) else "",
        n_ctx=min(trained, MAX_N_CTX),
        format=format_of(row["name"], endpoint.format),
    )


def _texts(event: Mapping[str, Any]) -> tuple[str, str]:
    """(answer, thinking): /api/generate has them at the top, /api/chat in the message."""
    message = event.get("message")
    source = message if isinstance(message, dict) else event
    text = source.get("content" if source is message else "response") or ""
    thinking = source.get("thinking") or ""
    return (
        text if isinstance(text, str) else "",
        thinking if isinstance(thinking, str) else "",
    )


def _reason(event: Mapping[str, Any]) -> StopReason:
    return StopReason.LENGTH if event.get("done_reason") == "length" else StopReason.END


def _count(event: Mapping[str, Any], at_least: int) -> int:
    count = event.get("eval_count")
    return count if isinstance(count, int) else at_least
