"""Log-probabilities of given continuations, from servers that can be brought to tell them.

Choices are walked as a tree: what is asked at one depth goes out at once, and a server reads the
prompt before it once. vLLM tells the probability of any token by its id. The others tell the most
probable next tokens by their text; of a text that is not among them only an upper bound is known.
The echoed prompt's probabilities are not used: llama-cpp-python's are one token off.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

from models.backends.http_client import Http
from models.backends.servers import Server
from models.errors import CannotScore, EndpointRefused, EndpointUnavailable

N_TOLD = 100  # most probable tokens asked for by text
MAX_BRANCHES = 32  # places in the tree of texts, each a request
AT_ONCE = 4


async def score_token_ids(
    http: Http, server: Server, prompt: list[int], choices: Sequence[list[int]]
) -> list[float]:
    """Nats, summed over a choice's tokens. Raises `CannotScore`."""
    scores = [0.0 if ids else -math.inf for ids in choices]
    for depth in range(max(map(len, choices), default=0)):
        asked = sorted({tuple(ids[:depth]) for ids in choices if len(ids) > depth})
        wanted = sorted({ids[depth] for ids in choices if len(ids) > depth})
        found = await _next_ids(http, server, [[*prompt, *path] for path in asked], wanted)
        by_path = dict(zip(asked, found, strict=True))
        for number, ids in enumerate(choices):
            if len(ids) > depth:
                logs = by_path[tuple(ids[:depth])]
                if ids[depth] not in logs:
                    raise CannotScore("This vLLM is too old to tell the probability of a token.")
                scores[number] += logs[ids[depth]]
    return scores


async def score_texts(
    http: Http, server: Server, prompt: str, choices: Sequence[str]
) -> list[float]:
    """The same for a server that tells probable next tokens by their text."""
    scores = [0.0 if text else -math.inf for text in choices]
    rest = dict(enumerate(choices))  # what is still to be scored of each
    n_asked = 0
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(path: str) -> Mapping[str, float]:
        async with gate:
            return await _next_texts(http, server, prompt + path)

    while open_ := {number: text for number, text in rest.items() if text}:
        paths = sorted({choices[n].removesuffix(text) for n, text in open_.items()})
        n_asked += len(paths)
        if n_asked > MAX_BRANCHES:
            raise CannotScore("These are too many choices for this server.")
        told = dict(zip(paths, await asyncio.gather(*map(ask, paths)), strict=True))
        for number, text in open_.items():
            logs = told[choices[number].removesuffix(text)]
            token = max((t for t in logs if t and text.startswith(t)), key=len, default="")
            scores[number] += logs[token] if token else min(logs.values())
            rest[number] = text[len(token) :] if token else ""
    return scores


async def _next_ids(
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
        found = [
            {int(name.removeprefix("token_id:")): float(log) for name, log in logs.items()}
            for logs in (row["logprobs"]["top_logprobs"][0] for row in rows)
        ]
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise CannotScore("This server gives no probabilities that could be read.") from error
    if len(found) != len(prompts):
        raise CannotScore("This server does not answer several prompts at once.")
    return found


async def _next_texts(http: Http, server: Server, prompt: str) -> Mapping[str, float]:
    body: dict[str, Any] = {
        "model": server.model,
        "prompt": prompt,
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": N_TOLD,
        "min_tokens": 1,  # an end of the turn would come without probabilities
        "ignore_eos": True,  # the same for llama.cpp's own
    }
    try:
        answer = await http.post("/v1/completions", body)
    except (EndpointUnavailable, EndpointRefused) as error:
        if "logprobs" not in str(error):
            raise
        raise CannotScore("This server was not started so that it keeps probabilities.") from error
    try:
        told = answer["choices"][0]["logprobs"]
        if "content" in told:  # llama.cpp's own server: as chats have it
            rows = told["content"][0]["top_logprobs"]
            return {row["token"]: float(row["logprob"]) for row in rows} or _none_told()
        return {t: float(log) for t, log in told["top_logprobs"][0].items()} or _none_told()
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise CannotScore("This server gives no probabilities that could be read.") from error


def _none_told() -> Mapping[str, float]:
    raise CannotScore("This server gives no probabilities.")
