"""Log-probabilities of given continuations, from servers that can be brought to tell them.

vLLM tells those of any tokens at the next place, so choices are walked as a tree of tokens: all
that is asked at one depth goes in one request, and the prompt before it is read once (its prefix
cache). llama-cpp-python and SGLang give those of the prompt itself when it is echoed. llama.cpp's
own server and chats give none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from models.backends.http_client import Http
from models.backends.servers import Server, ServerKind
from models.errors import CannotScore, EndpointUnavailable

MAX_ECHOED = 16  # choices, each of which has the whole prompt read


async def score_choices(
    http: Http,
    server: Server,
    prompt: list[int] | str,
    choices: Sequence[str],
    tokens: Sequence[list[int]],
) -> list[float]:
    """Nats, summed over a choice's tokens. Raises `CannotScore`."""
    if server.kind is ServerKind.VLLM and isinstance(prompt, list):
        return await _by_tree(http, server, prompt, tokens)
    if server.kind in (ServerKind.LLAMA_CPP_PYTHON, ServerKind.SGLANG) and isinstance(prompt, str):
        if len(choices) > MAX_ECHOED:
            raise CannotScore(f"This server scores no more than {MAX_ECHOED} choices at a time.")
        return [await _by_echo(http, server, prompt, choice) for choice in choices]
    raise CannotScore(f"{server.kind.value} gives no probabilities that could be used.")


async def _by_tree(
    http: Http, server: Server, prompt: list[int], tokens: Sequence[list[int]]
) -> list[float]:
    scores = [0.0 if ids else -math.inf for ids in tokens]
    for depth in range(max(map(len, tokens), default=0)):
        asked = sorted({tuple(ids[:depth]) for ids in tokens if len(ids) > depth})
        wanted = sorted({ids[depth] for ids in tokens if len(ids) > depth})
        found = await _next_tokens(http, server, [[*prompt, *path] for path in asked], wanted)
        by_path = dict(zip(asked, found, strict=True))
        for number, ids in enumerate(tokens):
            if len(ids) > depth:
                logs = by_path[tuple(ids[:depth])]
                if ids[depth] not in logs:
                    raise CannotScore("This vLLM is too old to tell the probability of a token.")
                scores[number] += logs[ids[depth]]
    return scores


async def _next_tokens(
    http: Http, server: Server, prompts: list[list[int]], wanted: list[int]
) -> list[dict[int, float]]:
    """For each prompt, the log-probability of each wanted token as the next one."""
    body = {
        "model": server.model,
        "prompt": prompts,
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": 1,
        "logprob_token_ids": wanted,
        "return_tokens_as_token_ids": True,
    }
    answer = await http.post("/v1/completions", body)
    try:
        rows = sorted(answer["choices"], key=lambda row: row["index"])
        found = [_by_id(row["logprobs"]["top_logprobs"][0]) for row in rows]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise CannotScore("This server gives no probabilities that could be read.") from error
    if len(found) != len(prompts):
        raise CannotScore("This server does not answer several prompts at once.")
    return found


def _by_id(logs: dict[str, float]) -> dict[int, float]:
    """From names like token_id:19."""
    return {int(name.removeprefix("token_id:")): float(log) for name, log in logs.items()}


async def _by_echo(http: Http, server: Server, prompt: str, choice: str) -> float:
    body: dict[str, Any] = {
        "model": server.model,
        "prompt": prompt + choice,
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": 1,
        "echo": True,
    }
    try:
        answer = await http.post("/v1/completions", body)
    except EndpointUnavailable as error:  # llama-cpp-python says 500 for what it cannot do
        if "logprobs" not in str(error):
            raise
        raise CannotScore("This server was not started so that it keeps probabilities.") from error
    try:
        logs = answer["choices"][0]["logprobs"]
        rows = list(zip(logs["text_offset"], logs["token_logprobs"], strict=True))
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise CannotScore("This server gives no probabilities that could be read.") from error
    end = len(prompt) + len(choice)
    inside = [log for offset, log in rows if len(prompt) <= offset < end and log is not None]
    if not inside:
        raise CannotScore("This server does not tell the probabilities of a prompt.")
    return float(sum(inside))
