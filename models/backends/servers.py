"""What an OpenAI-compatible server is, found out once, and how each kind is asked.

All of them have /v1/models and streamed completions; they differ in how a grammar is given, in
whether token ids can be sent instead of text, and in the defaults that must be switched off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from models.backends import Sampling
from models.backends.endpoint import Format, format_of
from models.backends.http_client import Http, quoted
from models.errors import EndpointRefused, ModelError

N_CTX_UNKNOWN = 8_192  # tokens; a guess for servers that do not say, which refuse what is too long
TOP_K = 50  # as in our own worker
REPEAT_WINDOW = 256  # tokens, likewise
_STRUCTURED_SINCE = (0, 11)  # the version of vLLM that knows structured_outputs


class ServerKind(StrEnum):
    LLAMA_CPP = "llama.cpp server"
    LLAMA_CPP_PYTHON = "llama-cpp-python"
    VLLM = "vLLM"
    SGLANG = "SGLang"
    OTHER = "OpenAI-compatible"  # DeepSeek's API and what we do not know: chat, no grammar


@dataclass(frozen=True, slots=True)
class Server:
    """One model of one server."""

    kind: ServerKind
    model: str
    n_ctx: int  # tokens; a guess where the server does not say
    format: Format
    has_structured_outputs: bool = True  # vLLM's newer name for a grammar

    @property
    def continues(self) -> bool:
        return self.format.template is not None

    @property
    def obeys_grammar(self) -> bool:
        return self.continues and self.kind is not ServerKind.OTHER

    @property
    def takes_token_ids(self) -> bool:
        return self.kind in (ServerKind.LLAMA_CPP, ServerKind.VLLM)


async def identify(http: Http) -> Server:
    """Ask the server what it is. Raises `EndpointRefused` when it has not the model asked for."""
    endpoint = http.endpoint
    listing = await http.get("/v1/models")
    rows = listing.get("data") if isinstance(listing, dict) else None
    models = [r for r in rows or [] if isinstance(r, dict) and isinstance(r.get("id"), str)]
    if not models:
        raise EndpointRefused(
            f"The server at {endpoint.url} lists no model; check the settings endpoints and "
            "endpoint_kind."
        )
    row = next((r for r in models if r["id"] == endpoint.model), None)
    if row is None and endpoint.model:
        names = ", ".join(quoted(r["id"]) for r in models[:5])
        raise EndpointRefused(
            f"The server at {endpoint.url} has no model “{endpoint.model}”; it has: {names}."
        )
    row = row or models[0]
    kind = await _kind(http, str(row.get("owned_by", "")))
    format_ = format_of(row["id"], endpoint.format)
    if kind is ServerKind.OTHER and endpoint.format == "auto":
        format_ = replace(format_, template=None)  # such a server may have no plain completions
    server = Server(kind, row["id"], _positive(row.get("max_model_len")), format_)
    if kind is ServerKind.VLLM:
        version = await http.try_get("/version")
        server = replace(server, has_structured_outputs=_is_new(version))
    if kind is ServerKind.LLAMA_CPP:
        properties = await http.try_get("/props")
        server = replace(server, n_ctx=_llama_n_ctx(properties))
    return server


async def _kind(http: Http, owner: str) -> ServerKind:
    match owner:
        case "vllm":
            return ServerKind.VLLM
        case "sglang":
            return ServerKind.SGLANG
        case "llamacpp":
            return ServerKind.LLAMA_CPP
    if owner == "me":  # llama-cpp-python's; its own tokenizer's path makes sure
        try:
            counted = await http.post("/extras/tokenize/count", {"input": "a"})
        except ModelError:
            return ServerKind.OTHER
        if isinstance(counted, dict) and "count" in counted:
            return ServerKind.LLAMA_CPP_PYTHON
    return ServerKind.OTHER


def completion_fields(
    server: Server, sampling: Sampling, grammar: str | None
) -> Mapping[str, object]:
    """What goes into a completion's body beside what all servers share."""
    chosen: dict[str, object] = {}
    match server.kind:
        case ServerKind.LLAMA_CPP | ServerKind.LLAMA_CPP_PYTHON:
            chosen = {"top_k": TOP_K, "min_p": 0.0, "repeat_penalty": sampling.repeat_penalty}
            if server.kind is ServerKind.LLAMA_CPP:
                chosen |= {"repeat_last_n": REPEAT_WINDOW, "cache_prompt": True}
            if grammar is not None:
                chosen["grammar"] = grammar
        case ServerKind.VLLM:
            chosen = _top_k_and_penalty(sampling) | {"min_p": 0.0, "add_special_tokens": False}
            if grammar is not None and server.has_structured_outputs:
                chosen["structured_outputs"] = {"grammar": grammar}
            elif grammar is not None:
                chosen["guided_grammar"] = grammar
        case ServerKind.SGLANG:
            chosen = _top_k_and_penalty(sampling)
            if grammar is not None:
                chosen["ebnf"] = grammar
        case ServerKind.OTHER:
            pass
    return chosen


def _top_k_and_penalty(sampling: Sampling) -> dict[str, object]:
    """Said outright: the defaults of vLLM and SGLang come from a file beside the weights."""
    return {"top_k": TOP_K, "repetition_penalty": sampling.repeat_penalty}


def _positive(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else N_CTX_UNKNOWN


def _is_new(version: object) -> bool:
    words = str(version.get("version", "")) if isinstance(version, dict) else ""
    numbers = words.split(".")[:2]
    if len(numbers) < 2 or not all(n.isdigit() for n in numbers):
        return True
    return (int(numbers[0]), int(numbers[1])) >= _STRUCTURED_SINCE


def _llama_n_ctx(properties: object) -> int:
    settings = properties.get("default_generation_settings") if isinstance(properties, dict) else {}
    return _positive(settings.get("n_ctx") if isinstance(settings, dict) else None)
