"""What a server does wrong, one typed error with one sentence each; from a scripted server."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from models.asking import ask
from models.backends import Conversation, Generation, Message, Piece, StopReason, Thinks
from models.backends.endpoint import parse_endpoint
from models.backends.http_client import PATIENT, Patience
from models.backends.openai import OpenAIBackend
from models.errors import (
    CannotScore,
    ContextFull,
    EndpointBroke,
    EndpointRefused,
    EndpointUnavailable,
    ModelError,
    ReplyUnusable,
)
from models.findings import CutReason
from models.prompts import Grammar, grammar
from tests.models.servers import Answer, ScriptedServer, free_port, in_turn, reply, scripted, sse
from tests.models.servers import stream as streamed

ASKED = Generation(Conversation((Message("user", "Say hello."),)), 20)
QUICK = Patience(connect_s=5.0, first_s=0.2, between_s=0.2)
OK = '{"file": "F1", "first_line": 1, "last_line": 1, "cause": "The list may be empty."}'


def _delta(reason: str | None = None, **delta: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


async def _no_pause(seconds: float) -> None:
    PAUSES.append(seconds)


PAUSES: list[float] = []


@asynccontextmanager
async def _chat(
    answer: Answer, patience: Patience = PATIENT, **answers: Answer
) -> AsyncIterator[tuple[OpenAIBackend, ScriptedServer]]:
    """A backend for a server that only chats, and that server."""
    PAUSES.clear()
    async with scripted(v1__chat__completions=answer, **answers) as server:
        endpoint = parse_endpoint(server.url, (), key="k-secret", key_variable="TEAM_KEY")
        backend = await OpenAIBackend.open(endpoint, patience, _no_pause)
        try:
            yield backend, server
        finally:
            await backend.close()


async def _pieces(backend: OpenAIBackend) -> list[Piece]:
    return [piece async for piece in backend.generate(ASKED)]


async def _error(answer: Answer, kind: type[ModelError], patience: Patience = PATIENT) -> str:
    """The sentence of the error that an answer leads to."""
    async with _chat(answer, patience) as (backend, _):
        with pytest.raises(kind) as raised:
            await _pieces(backend)
    assert type(raised.value) is kind
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert "k-secret" not in sentence
    return sentence


async def test_a_whole_answer_with_comments_and_both_line_ends_is_read() -> None:
    body = b": ping\r\n\r\n" + sse(_delta(content="Hel")) + b"event: x\nid: 1\n"
    body += sse(_delta(content="lo")) + sse(_delta("stop")).replace(b"\n", b"\r\n")
    body += sse({"choices": [], "usage": {"completion_tokens": 7}}, "[DONE]")
    async with _chat(streamed(body[:40], body[40:41], body[41:])) as (backend, server):
        pieces = await _pieces(backend)
    assert "".join(p.text for p in pieces) == "Hello"
    request = server.asked[-1]
    assert request.headers["authorization"] == "bearer k-secret"
    assert request.body["messages"] == [{"role": "user", "content": "Say hello."}]
    assert "grammar" not in request.body


async def test_no_server() -> None:
    endpoint = parse_endpoint(f"http://127.0.0.1:{await free_port()}", ())
    with pytest.raises(EndpointUnavailable, match="No server answers at http:"):
        await OpenAIBackend.open(endpoint)


async def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> None:  # no look-up leaves this machine in a test
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    endpoint = parse_endpoint("http://nowhere.invalid", ("nowhere.invalid",))
    with pytest.raises(EndpointUnavailable, match="is not known; check its name and the network"):
        await OpenAIBackend.open(endpoint)


async def test_a_certificate_is_trusted_only_where_its_authority_is_named(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    async with scripted(tls) as server:
        with pytest.raises(EndpointRefused, match=r"no certificate.*set ca_file"):
            await OpenAIBackend.open(parse_endpoint(server.url, ()))
        backend = await OpenAIBackend.open(parse_endpoint(server.url, (), ca_file=file))
        await backend.close()
    assert backend.info.name == "m"


async def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    endpoint = parse_endpoint("https://127.0.0.1:1", (), ca_file=file)
    with pytest.raises(EndpointRefused, match="cannot be read as a certificate"):
        await OpenAIBackend.open(endpoint)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_not_accepted(status: int) -> None:
    said = await _error(reply(status, {"error": {"message": "bad key"}}), EndpointRefused)
    assert f"does not accept the key ({status}); set TEAM_KEY to one" in said


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = reply(302, b"", {"Location": "http://evil.example/"})
    assert "not followed" in await _error(elsewhere, EndpointRefused)


async def test_a_path_that_is_not_there() -> None:
    said = await _error(reply(404, {"detail": "Not Found"}), EndpointRefused)
    assert "check the settings endpoints and endpoint_kind" in said


async def test_a_model_that_is_not_there() -> None:
    body = {"error": {"message": "The model `x` does not exist.", "code": 404}}
    assert "correct the setting endpoint_model" in await _error(reply(404, body), EndpointRefused)


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 9000.",
        "the request exceeds the available context size, try increasing it",
        "Requested tokens (5009) exceed context window of 2048",
        "prompt too long",
    ],
)
async def test_a_prompt_that_is_too_long(words: str) -> None:
    said = await _error(reply(400, {"error": {"message": words}}), ContextFull)
    assert "lower the setting context_tokens" in said


async def test_other_refusals_quote_the_server_short_and_harmless() -> None:
    said = await _error(reply(422, {"detail": "no \x1b[31m\nthanks" + "x" * 900}), EndpointRefused)
    assert "“no [31m thanksxxx" in said
    assert len(said) < 300
    assert "no reason given" in await _error(
        reply(400, {"error": {"message": "\x00"}}), EndpointRefused
    )


async def test_a_broken_server_is_not_asked_again() -> None:
    async with _chat(reply(500, b"<html>oops</html>")) as (backend, server):
        with pytest.raises(EndpointUnavailable, match="<html>oops</html>"):
            await _pieces(backend)
        assert sum(r.path == "/v1/chat/completions" for r in server.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_three_times_with_growing_pauses(status: int) -> None:
    said = await _error(reply(status, {"error": "busy"}), EndpointUnavailable)
    assert f"too busy ({status}, 3 tries); ask again later" in said
    first, second = PAUSES
    assert 0.5 <= first <= 0.75
    assert 1.0 <= second <= 1.5


async def test_a_busy_server_that_names_a_time_is_asked_again_then() -> None:
    busy = reply(429, {}, {"Retry-After": "7"})
    good = streamed(sse(_delta("stop", content="Hi"), "[DONE]"))
    async with _chat(in_turn(busy, good)) as (backend, _):
        assert [p.text for p in await _pieces(backend)] == ["Hi", ""]
    (pause,) = PAUSES
    assert 7 <= pause <= 10.5


async def test_a_busy_server_that_names_too_long_a_time_is_not_waited_for() -> None:
    said = await _error(reply(503, {}, {"Retry-After": "3600"}), EndpointUnavailable)
    assert "1 tries" in said
    assert PAUSES == []


async def test_silence_before_the_first_token() -> None:
    silent = streamed(asyncio.Event())
    said = await _error(silent, EndpointUnavailable, QUICK)
    assert "said nothing for 0.2 seconds" in said


async def test_silence_between_two_tokens() -> None:
    silent = streamed(sse(_delta(content="Hel")), asyncio.Event())
    assert "said nothing for 0.2 seconds" in await _error(silent, EndpointBroke, QUICK)


async def test_a_stream_that_is_cut_in_the_middle() -> None:
    cut = streamed(sse(_delta(content="Hel")), ended=False)
    assert "stopped in the middle of its answer" in await _error(cut, EndpointBroke)


async def test_a_stream_that_ends_in_order_but_too_early() -> None:
    early = streamed(sse(_delta(content="Hel")))
    assert "stopped before its answer ended" in await _error(early, EndpointBroke)


@pytest.mark.parametrize(
    "why", ["abort", "error", "content_filter", "insufficient_system_resource"]
)
async def test_an_answer_that_the_server_gave_up_is_not_taken_as_whole(why: str) -> None:
    given_up = streamed(sse(_delta(content="Hel"), _delta(why, content=""), "[DONE]"))
    said = await _error(given_up, EndpointBroke)
    assert f"stopped before its answer ended ({why}); ask again" in said
    assert f"({why})" in await _error(streamed(sse(_delta(why), "[DONE]")), EndpointUnavailable)


async def test_an_empty_stream() -> None:
    assert "stopped before its answer" in await _error(streamed(), EndpointUnavailable)
    empty = streamed(sse("[DONE]"))
    assert "stopped before its answer" in await _error(empty, EndpointUnavailable)


async def test_an_event_that_is_no_json() -> None:
    assert "no JSON" in await _error(streamed(sse("{'a': 1}")), EndpointBroke)
    assert "unknown form" in await _error(streamed(sse("[1]")), EndpointBroke)


async def test_a_line_without_an_end() -> None:
    endless = streamed(*[b"data: " + b"x" * 300_000] * 5)
    assert "a line without an end" in await _error(endless, EndpointBroke)


async def test_an_error_inside_the_stream() -> None:
    broken = streamed(sse(_delta(content="Hel"), {"error": {"message": "CUDA out of memory"}}))
    assert "could not do it: “CUDA out of memory”" in await _error(broken, EndpointBroke)


async def test_models_that_are_no_json_or_none() -> None:
    async with scripted(v1__models=reply(200, b"<html>")) as server:
        with pytest.raises(EndpointRefused, match="no JSON; check the setting endpoints"):
            await OpenAIBackend.open(parse_endpoint(server.url, ()))
    async with scripted(v1__models=reply(200, {"data": []})) as server:
        with pytest.raises(EndpointRefused, match="lists no model"):
            await OpenAIBackend.open(parse_endpoint(server.url, ()))


async def test_a_server_that_never_stops_is_stopped_at_the_budget() -> None:
    endless = streamed(*[sse(_delta(content="a "))] * 400, asyncio.Event())
    async with _chat(endless) as (backend, _):
        pieces = await _pieces(backend)
        assert pieces[-1].stop_reason is StopReason.LENGTH
        assert len(pieces) == ASKED.max_new_tokens + 2


async def test_closing_the_answer_closes_the_connection_at_once() -> None:
    hold = asyncio.Event()
    open_ended = streamed(sse(_delta(content="Hel")), hold, *[sse(_delta(content="x"))] * 500)
    async with _chat(open_ended) as (backend, server):
        generation = backend.generate(ASKED)
        assert (await anext(generation)).text == "Hel"
        server.closed.clear()
        await generation.aclose()
        hold.set()
        async with asyncio.timeout(5):
            await server.closed.wait()


async def test_no_proxy_is_taken_from_the_environment_and_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    caplog.set_level(logging.INFO)
    async with _chat(streamed(sse(_delta("stop", content="Hi"), "[DONE]"))) as (backend, _):
        assert await _pieces(backend)
    assert "Say hello" not in caplog.text
    assert "k-secret" not in caplog.text
    assert "127.0.0.1" not in caplog.text


# --- chats, whose thinking and answer come in one reply ------------------------------------------


def _reply(*deltas: dict[str, str], reason: str = "stop") -> Answer:
    events = [_delta(**delta) for delta in deltas]
    return streamed(sse(*events, _delta(reason), "[DONE]"))


async def _ask(backend: OpenAIBackend, form: Grammar = Grammar.PLACE, **more: Any) -> Any:
    return await ask(
        backend,
        ASKED.conversation,
        grammar=grammar(form),
        thinking_tokens=96,
        max_answer_tokens=100,
        on_event=lambda _: None,
        **more,
    )


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_a_reasoning_field_becomes_the_trace(field: str) -> None:
    answer = _reply(
        {field: "Look at "}, {field: "line 1."}, {"content": OK[:9]}, {"content": OK[9:]}
    )
    async with _chat(answer) as (backend, _):
        found = await _ask(backend)
    assert (found.text, found.trace.text) == (OK, "Look at line 1.")
    assert (found.trace.n_tokens, found.trace.cut) == (2, CutReason.NONE)


async def test_thinking_tags_in_the_content_become_the_trace() -> None:
    answer = _reply({"content": "<th"}, {"content": f"ink>Hm.</think>\n\n{OK}"})
    async with _chat(answer) as (backend, _):
        found = await _ask(backend)
    assert (found.text, found.trace.text) == (OK, "Hm.")


async def test_an_answer_with_words_around_it_is_read() -> None:
    answer = _reply({"content": f"Sure!\n```json\n{OK}\n```\nHope this helps."})
    async with _chat(answer) as (backend, _):
        assert (await _ask(backend)).text == OK
    block = "```python\nx = 1\n```\n\nREASON: It was wrong before.\nBye!"
    async with _chat(_reply({"content": f"Here:\n{block}"})) as (backend, _):
        found = await _ask(backend, Grammar.REWRITE, answer_prefix="```\nx = 1\n")
    assert found.text == "```python\nx = 1\n```\nREASON: It was wrong before."
    edit = "REASON: Why.\nFILE: F1\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"
    async with _chat(_reply({"content": f"Of course.\n{edit}\nDone."})) as (backend, _):
        assert (await _ask(backend, Grammar.EDITS)).text.startswith(edit)


async def test_an_answer_that_cannot_be_read_is_asked_for_once_more() -> None:
    answer = in_turn(_reply({"content": "It is line 1."}), _reply({"content": OK}))
    async with _chat(answer) as (backend, server):
        assert (await _ask(backend)).text == OK
        again = server.asked[-1].body["messages"][-1]["content"]
        assert "could not be used" in again
        assert "It is line 1." in again
    async with _chat(_reply({"content": "It is line 1."})) as (backend, server):
        with pytest.raises(ReplyUnusable, match="not the JSON"):
            await _ask(backend)
        assert sum(r.path == "/v1/chat/completions" for r in server.asked) == 2


async def test_a_chat_that_never_stops_thinking_is_said() -> None:
    answer = _reply({"reasoning_content": "and so on "}, reason="length")
    async with _chat(answer) as (backend, _):
        with pytest.raises(ReplyUnusable, match="still thinking after 7100 tokens"):
            await _ask(backend)


async def test_a_chat_says_what_it_cannot_do_and_estimates_high() -> None:
    async with _chat(_reply({"content": "x"})) as (backend, _):
        info = backend.info
        assert (info.continues, info.obeys_grammar) == (False, False)
        assert info.thinks is Thinks.ELICITED
        with pytest.raises(CannotScore, match="only chats"):
            await backend.score(ASKED.conversation, ["a", "b"])
        assert await backend.count_tokens(["def f(): pass", "😀"]) == [5, 2]


async def test_marks_in_a_chats_messages_are_broken_up() -> None:
    generation = Generation(Conversation((Message("user", "a <|im_end|> b"),)), 5)
    async with _chat(_reply({"content": "x"})) as (backend, server):
        _ = [p async for p in backend.generate(generation)]
    assert server.asked[-1].body["messages"][0]["content"] == "a <| im_end|> b"


# --- other kinds of servers, by what they say of themselves --------------------------------------


@pytest.mark.parametrize(
    ("owner", "field", "value"),
    [
        ("vllm", "structured_outputs", {"grammar": "root ::= [a]"}),
        ("sglang", "ebnf", "root ::= [a]"),
        ("llamacpp", "grammar", "root ::= [a]"),
    ],
)
async def test_each_kind_of_server_gets_its_grammar_in_its_own_way(
    owner: str, field: str, value: object
) -> None:
    row = {"id": "qwen2.5-coder-7b", "owned_by": owner, "max_model_len": 4_000}
    completion = {"choices": [{"text": "a", "finish_reason": "stop"}]}
    async with scripted(
        v1__models=reply(200, {"data": [row]}),
        version=reply(200, {"version": "0.32.0"}),
        props=reply(200, {"default_generation_settings": {"n_ctx": 4_000}}),
        v1__completions=streamed(sse(completion, "[DONE]")),
        tokenize=reply(200, {"tokens": [1, 2], "count": 2}),
    ) as server:
        backend = await OpenAIBackend.open(parse_endpoint(server.url, ()))
        asked = Generation(Conversation((Message("user", "a <|im_end|>"),)), 5, "root ::= [a]")
        text = "".join([p.text async for p in backend.generate(asked)])
        await backend.close()
    assert (text, backend.info.n_ctx) == ("a", 4_000)
    body = server.asked[-1].body
    assert body[field] == value
    if owner == "sglang":  # takes no token ids from us
        assert "a <| im_end|>" in body["prompt"]
    else:
        pieces = [r.body for r in server.asked if r.path == "/tokenize"]
        assert body["prompt"] == [1, 2] * len(pieces)
        assert all("a <|im_end|>" not in str(piece) for piece in pieces)


async def test_an_old_vllm_gets_its_grammar_in_the_old_way() -> None:
    row = {"id": "qwen2.5-coder-7b", "owned_by": "vllm"}
    completion = {"choices": [{"text": "a", "finish_reason": "length"}]}
    async with scripted(
        v1__models=reply(200, {"data": [row]}),
        version=reply(200, {"version": "0.9.2"}),
        v1__completions=streamed(sse(completion, "[DONE]")),
    ) as server:
        backend = await OpenAIBackend.open(parse_endpoint(server.url, ()))
        asked = Generation(ASKED.conversation, 5, "root ::= [a]")
        assert [p.text async for p in backend.generate(asked)] == ["a", ""]
        await backend.close()
    assert server.asked[-1].body["guided_grammar"] == "root ::= [a]"
