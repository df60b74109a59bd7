"""The one module that opens connections, and only to an endpoint that the user's settings name.

Needs the extra `network`: a default install has no HTTP client. No proxy and no password is taken
from the environment, no redirect is followed, certificates are checked. Every way in which a server
can fail becomes one of the errors of models/errors.py with one sentence; what a server says is
quoted short and without control characters.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx2 as httpx

from models.backends.endpoint import Endpoint
from models.backends.sse import LineTooLong, data_of, lines
from models.errors import (
    ContextFull,
    EndpointBroke,
    EndpointRefused,
    EndpointUnavailable,
    ModelError,
)

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs an address a request at INFO

MAX_BODY_BYTES = 16 << 20  # a guess: the token ids of a long prompt
MAX_TRIES = 3
MAX_PAUSE_S = 20.0  # a server that asks for more is not waited for; a guess
STALE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
BUSY = (429, 503)  # it may do what is asked a little later
_TOO_LONG = re.compile(
    r"context.{0,12}(length|window|size)|exceed_context|maximum.{0,20}(context|tokens)"
    r"|too many tokens|prompt (is )?too long|longer than the maximum",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(r"model.{0,200}(not found|not exist|unknown)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take, in seconds. A long prompt on a busy server takes its time."""

    connect_s: float = 5.0
    first_s: float = 120.0  # until the first event, the server's own queue included
    between_s: float = 60.0  # between two events


PATIENT = Patience()


class Framing(StrEnum):
    SSE = "server-sent events"
    LINES = "a JSON object a line"


Pause = Callable[[float], Awaitable[object]]


class Http:
    """Requests to one endpoint. Make in the event loop, end with `close`."""

    def __init__(
        self, endpoint: Endpoint, patience: Patience = PATIENT, pause: Pause = asyncio.sleep
    ) -> None:
        self.endpoint = endpoint
        self._patience = patience
        self._pause = pause
        key = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        self._client = httpx.AsyncClient(
            base_url=endpoint.url,
            headers={"User-Agent": "postil", **key},
            verify=_tls(endpoint),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(patience.first_s, connect=patience.connect_s, pool=None),
            limits=httpx.Limits(max_connections=None),
        )

    async def get(self, path: str) -> Any:
        """JSON of a GET. Raises `ModelError`."""
        return await self._json("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """JSON of a POST. Raises `ModelError`."""
        return await self._json("POST", path, body)

    async def try_get(self, path: str) -> Any:
        """JSON of a GET, None where the server has nothing there. Raises `EndpointUnavailable`."""
        try:
            return await self.get(path)
        except EndpointRefused:
            return None

    async def events(
        self, path: str, body: Mapping[str, Any], framing: Framing
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The objects that a server streams, up to [DONE] or the end of the stream.

        Closing this generator closes the connection, which is how a server learns to stop. Whoever
        reads has to know whether the last object was the last one that was meant to come.
        """
        begun = False
        async with self._response("POST", path, body) as response:
            parts = lines(response.aiter_bytes())
            async with aclosing(parts if framing is Framing.LINES else data_of(parts)) as texts:
                while True:
                    wait_s = self._patience.between_s if begun else self._patience.first_s
                    try:
                        async with asyncio.timeout(wait_s):
                            text = await anext(texts, None)
                    except TimeoutError as error:
                        raise self._too_slow(wait_s, begun=begun) from error
                    except (httpx.HTTPError, LineTooLong) as error:
                        raise self._cut(error, begun=begun) from error
                    if text is None or text.strip() == "[DONE]":
                        return
                    if not text.strip():
                        continue
                    yield self._event(text)
                    begun = True

    async def close(self) -> None:
        await self._client.aclose()

    async def _json(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            async with asyncio.timeout(self._patience.first_s):
                async with self._response(method, path, body) as response:
                    data = await _bounded(response)
        except TimeoutError as error:
            raise self._too_slow(self._patience.first_s, begun=False) from error
        except httpx.HTTPError as error:
            raise self._cut(error, begun=False) from error
        try:
            return json.loads(data)
        except ValueError as error:
            raise EndpointRefused(
                f"{self._name} answers with something that is no JSON; check the setting endpoints."
            ) from error

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> AsyncIterator[httpx.Response]:
        """A response of status 200; a busy server is asked up to three times."""
        for n_try in range(1, MAX_TRIES + 1):
            request = self._client.build_request(method, f"{self.endpoint.url}{path}", json=body)
            try:
                response = await self._client.send(request, stream=True)
            except STALE as error:
                if n_try == 1:  # a kept connection that the server has closed meanwhile
                    continue
                raise self._unreachable(error) from error
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            try:
                if response.status_code == 200:
                    yield response
                    return
                pause_s = _pause_s(response, n_try)
                if response.status_code not in BUSY or n_try == MAX_TRIES or pause_s > MAX_PAUSE_S:
                    raise await self._refused(response, n_try)
            finally:
                await response.aclose()
            await self._pause(pause_s)

    def _event(self, text: str) -> dict[str, Any]:
        try:
            event = json.loads(text)
        except ValueError as error:
            raise EndpointBroke(
                f"{self._name} sent something in its answer that is no JSON; ask again."
            ) from error
        if not isinstance(event, dict):
            raise EndpointBroke(f"{self._name} sent an answer of an unknown form; ask again.")
        if error_ := event.get("error"):
            words = error_.get("message", "") if isinstance(error_, dict) else error_
            raise self._said(str(words), EndpointBroke)
        return event

    @property
    def _name(self) -> str:
        return f"The server at {self.endpoint.url}"

    def _said(self, words: str, kind: type[ModelError]) -> ModelError:
        if _TOO_LONG.search(words):
            return ContextFull(
                f"The prompt is too long for {self.endpoint.url} ({quoted(words)}); lower the "
                "setting context_tokens."
            )
        if _NO_MODEL.search(words):
            return EndpointRefused(
                f"{self._name} does not have the model asked for ({quoted(words)}); correct the "
                "setting endpoint_model."
            )
        return kind(f"{self._name} could not do it: {quoted(words)}")

    async def _refused(self, response: httpx.Response, n_tries: int) -> ModelError:
        status = response.status_code
        try:
            words = _error_words(await _bounded(response))
        except httpx.HTTPError:
            words = ""
        if 300 <= status < 400:
            return EndpointRefused(
                f"{self._name} sends on to another address, which is not followed; set the "
                "endpoint to the right one."
            )
        if status in (401, 403):
            return EndpointRefused(
                f"{self._name} does not accept the key ({status}); set "
                f"{self.endpoint.key_variable} to one that it does."
            )
        if status in BUSY:
            return EndpointUnavailable(
                f"{self._name} is too busy ({status}, {n_tries} tries); ask again later."
            )
        if status == 404 and not _NO_MODEL.search(words):
            return EndpointRefused(
                f"{self._name} has nothing at this path; check the settings endpoints and "
                "endpoint_kind."
            )
        kind = EndpointUnavailable if status >= 500 else EndpointRefused
        return self._said(words or f"status {status}", kind)

    def _unreachable(self, error: httpx.HTTPError) -> ModelError:
        causes = list(_causes(error))
        if isinstance(error, httpx.ConnectTimeout):
            return self._too_slow(self._patience.connect_s, begun=False)
        if isinstance(error, httpx.TimeoutException):
            return self._too_slow(self._patience.first_s, begun=False)
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return EndpointRefused(
                f"{self._name} has no certificate that this machine trusts; set ca_file to the "
                "certificate of the authority that signed it."
            )
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return EndpointUnavailable(
                f"The host of {self.endpoint.url} is not known; check its name and the network."
            )
        if isinstance(error, httpx.ConnectError):
            return EndpointUnavailable(
                f"No server answers at {self.endpoint.url}; start it, or correct the setting "
                "endpoints."
            )
        return self._cut(error, begun=False)

    def _too_slow(self, wait_s: float, *, begun: bool) -> ModelError:
        kind = EndpointBroke if begun else EndpointUnavailable
        return kind(f"{self._name} said nothing for {wait_s:g} seconds; it may be overloaded.")

    def _cut(self, error: Exception, *, begun: bool) -> ModelError:
        if isinstance(error, LineTooLong):
            return EndpointBroke(f"{self._name} sent a line without an end; it is not read on.")
        if begun:
            return EndpointBroke(
                f"{self._name} stopped in the middle of its answer; see its log, then ask again."
            )
        return EndpointUnavailable(
            f"{self._name} closed the connection before it answered; see its log."
        )


def quoted(words: str) -> str:
    """What a server says, on one line, short and printable."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return f"“{plain[:200]}”" if plain else "no reason given"


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    """The system's authorities, or only the one that the user names."""
    if endpoint.ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(endpoint.ca_file))
    except (OSError, ssl.SSLError) as error:
        raise EndpointRefused(
            f"{endpoint.ca_file} cannot be read as a certificate (PEM); correct the setting "
            "ca_file."
        ) from error


async def _bounded(response: httpx.Response) -> bytes:
    data = b""
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            raise EndpointRefused(f"An answer of over {MAX_BODY_BYTES >> 20} MB is not read.")
    return data


def _error_words(body: bytes) -> str:
    """The message in the ways that servers word an error, else the text itself."""
    text = body[:8_192].decode("utf-8", "replace")
    try:
        data = json.loads(body)
    except ValueError:
        return text
    for name in ("error", "detail", "message"):
        found = data.get(name) if isinstance(data, dict) else None
        if isinstance(found, dict):
            found = f"{found.get('message', '')} {found.get('code') or ''}".strip()
        if found:
            return found if isinstance(found, str) else json.dumps(found)
    return text


def _pause_s(response: httpx.Response, n_try: int) -> float:
    """What the server asks for, else 0.5, 1, 2 ... seconds, with up to half as much on top."""
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:  # none, or a date
        asked = 0.5 * 2 ** (n_try - 1)
    return max(0.0, asked) * random.uniform(1.0, 1.5)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__
