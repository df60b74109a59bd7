"""Ollama's own API against exchanges as its documentation has them: see exchanges/ollama.json.

No Ollama runs here, so this shows that we send and read what is documented, and no more.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from models.asking import Answer, ask
from models.backends import Conversation, Generation, Message, StopReason, Thinks
from models.backends.endpoint import EndpointKind, parse_endpoint
from models.backends.ollama import OllamaBackend
from models.errors import CannotScore, ContextFull, EndpointBroke, EndpointRefused
from models.prompts import Grammar, grammar
from models.replies import parse_place
from tests.models.servers import ScriptedServer, recorded, reply, scripted, stream

DOCUMENTED: Any = recorded("ollama.json")
HELLO = Conversation((Message("user", "Say <|im_end|> hello."),))


def _lines(name: str) -> list[bytes]:
    return [json.dumps(event).encode() + b"\n" for event in DOCUMENTED[name]]


@asynccontextmanager
async def _ollama(model: str = "", **answers: Any) -> AsyncIterator[tuple[Any, ScriptedServer]]:
    given = {
        "api__tags": reply(200, DOCUMENTED["tags"]),
        "api__show": reply(200, DOCUMENTED["show"]),
        "api__generate": stream(*_lines("generate")),
        "api__chat": stream(*_lines("chat")),
    }
    async with scripted(**{**given, **answers}) as server:
        endpoint = parse_endpoint(server.url, (), kind=EndpointKind.OLLAMA, model=model)
        backend = await OllamaBackend.open(endpoint)
        try:
            yield backend, server
        finally:
            await backend.close()


async def _ask(backend: OllamaBackend) -> Answer:
    return await ask(
        backend,
        HELLO,
        grammar=grammar(Grammar.PLACE),
        thinking_tokens=0,
        max_answer_tokens=100,
        on_event=lambda _: None,
    )


async def test_the_model_is_looked_up_with_its_digest_and_context() -> None:
    async with _ollama() as (backend, server):
        info = backend.info
    assert (info.name, info.backend, info.device) == ("qwen2.5-coder:0.5b", "Ollama", server.url)
    assert info.digest.startswith("4ff64a7f")
    assert info.n_ctx == 16_384
    assert info.thinks is Thinks.ELICITED
    assert (info.continues, info.obeys_grammar) == (True, False)


async def test_our_own_prompt_goes_out_raw_with_a_context_and_a_schema() -> None:
    async with _ollama() as (backend, server):
        answer = await _ask(backend)
    assert parse_place(answer.text).cause == "It may be empty."
    body = server.asked[-1].body
    assert (body["raw"], body["options"]["num_ctx"], body["truncate"]) == (True, 16_384, False)
    assert body["prompt"].startswith("<|im_start|>user\nSay <| im_end|> hello.<|im_end|>\n")
    assert body["prompt"].endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert list(body["format"]["properties"]) == ["file", "first_line", "last_line", "cause"]


async def test_counts_and_the_end_are_read() -> None:
    async with _ollama() as (backend, _):
        pieces = [p async for p in backend.generate(Generation(HELLO, 50))]
    assert (pieces[-1].n_tokens, pieces[-1].stop_reason) == (27, StopReason.END)


async def test_a_model_without_a_template_of_ours_is_chatted_with() -> None:
    async with _ollama("some-reasoner") as (backend, server):
        assert backend.info.continues is False
        answer = await _ask(backend)
    assert parse_place(answer.text).first_line == 5
    assert answer.trace.text == "An empty list has no mean."
    assert server.asked[-1].path == "/api/chat"
    assert server.asked[-1].body["messages"][0]["content"] == "Say <| im_end|> hello."


def _of_context(n_ctx: int) -> Any:
    info = {"model_info": {"some.context_length": n_ctx}}
    return reply(200, DOCUMENTED["show"] | info)


async def test_a_chat_with_a_small_context_gets_what_is_left_of_it() -> None:
    async with _ollama("some-reasoner", api__show=_of_context(4_096)) as (backend, server):
        assert backend.info.n_ctx == 4_096
        assert parse_place((await _ask(backend)).text).first_line == 5
    options = server.asked[-1].body["options"]
    assert 3_900 < options["num_predict"] < options["num_ctx"] == 4_096


async def test_a_context_that_holds_no_answer_is_named_with_its_size() -> None:
    async with _ollama("some-reasoner", api__show=_of_context(400)) as (backend, server):
        with pytest.raises(ContextFull, match="takes 400 tokens and the question has about"):
            await _ask(backend)
        assert server.asked[-1].path == "/api/show", "nothing was sent"


async def test_a_model_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(EndpointRefused, match=r"no model “gone”; it has: “qwen2.5-coder:0.5b”"):
        async with _ollama("gone"):
            pass
    with pytest.raises(EndpointRefused, match="get one with `ollama pull`"):
        async with _ollama(api__tags=reply(200, {"models": []})):
            pass


async def test_a_model_that_was_removed_meanwhile() -> None:
    async with _ollama(api__generate=reply(404, DOCUMENTED["missing"])) as (backend, _):
        with pytest.raises(EndpointRefused, match="correct the setting endpoint_model"):
            await _ask(backend)


async def test_a_stream_that_ends_before_it_is_done_and_an_error_inside_it() -> None:
    first = _lines("generate")[0]
    async with _ollama(api__generate=stream(first)) as (backend, _):
        with pytest.raises(EndpointBroke, match="stopped before its answer ended"):
            await _ask(backend)
    error = b'{"error": "llama runner process has terminated"}\n'
    async with _ollama(api__generate=stream(first, error)) as (backend, _):
        with pytest.raises(EndpointBroke, match="runner process has terminated"):
            await _ask(backend)


async def test_a_prompt_that_ollama_would_cut_silently_is_refused() -> None:
    long = Conversation((Message("user", "word " * 12_000),))
    async with _ollama() as (backend, server):
        with pytest.raises(ContextFull, match="lower the setting context_tokens"):
            _ = [p async for p in backend.generate(Generation(long, 10))]
        assert server.asked[-1].path == "/api/show", "nothing was sent"
        with pytest.raises(CannotScore):
            await backend.score(HELLO, ["a"])
        with pytest.raises(CannotScore):
            await backend.token_logs(HELLO, "a")
