"""Reads weights from a URL that the user typed: `postil models fetch --url`, and nothing else.

The only module of Postil that opens a connection to a host that is not one of the user's settings;
nothing on the run path imports it (a test walks the imports). Only https, or http to this machine
itself; a redirect may not change that; what comes is bounded, and accepted by its digest alone. A
download that stopped goes on where the server can tell that the file is still the same one.
"""

from __future__ import annotations

import ipaddress
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from models.catalog import CatalogEntry
from models.errors import ModelUnavailable
from models.intake import CHUNK_BYTES, Incoming, make_folder, storage_errors
from models.weights import OnProgress

TIMEOUT_S = 30.0  # without a byte; a guess
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def download(entry: CatalogEntry, url: str, folder: Path, on_progress: OnProgress) -> Path:
    """Fetch an entry's file. Raises `ModelUnavailable`, `WeightsRefused`.

    Run again after it was cut off, it goes on, when the server gave the file a validator (ETag).
    """
    why_not = why_not_allowed(url)
    if why_not:
        raise ModelUnavailable(f"{why_not}.")
    with storage_errors(folder):
        make_folder(folder)
        known = _known_validator(entry, url, folder)
        start = Incoming.go_on if known else Incoming.start_over
        with start(entry, folder, on_progress) as incoming:
            complete = incoming.done == entry.size_bytes
            if not complete:
                validator = known if incoming.done else ""
                with _asked(url, incoming.done if validator else 0, validator) as response:
                    if incoming.done and response.status != 206:
                        incoming.begin_again()  # it changed there, or ranges are not known there
                    _note_validator(entry, url, folder, response)
                    _receive(incoming, response)
        _sidecar(entry, folder).unlink(missing_ok=True)
        return incoming.accept()


def why_not_allowed(url: str) -> str:
    """Why this URL is not asked; "" when it may be."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "That is no URL"
    if parts.username or parts.password:
        return "A password in a URL ends up in logs; give a URL without one"
    if parts.scheme == "https" and host:
        return ""
    if parts.scheme == "http" and is_loopback(host):
        return ""
    if parts.scheme == "http":
        return "http is asked on this machine only (127.0.0.1); give an https URL"
    return "Only https URLs are fetched; for a file or a stick use `postil models import`"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _SameRules(urllib.request.HTTPRedirectHandler):
    """A redirect keeps the scheme, and the new URL must be one that could be typed."""

    max_redirections = 5

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme or why_not_allowed(newurl):
            raise ModelUnavailable(
                "The server redirects to an address that is not fetched from (another scheme or "
                "machine); give the final https URL."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """http and https alone: urllib's default also opens files, ftp and data.

    Proxies are the user's own environment's; what is on this machine is asked directly.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler({} if is_loopback(urlsplit(url).hostname or "") else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        _SameRules(),
    ):
        opener.add_handler(handler)
    return opener


@contextmanager
def _asked(url: str, start: int, validator: str) -> Iterator[HTTPResponse]:
    """The answer's head; its status is 200 or 206. Raises `ModelUnavailable`."""
    headers = {"User-Agent": "postil", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    host = urlsplit(url).netloc
    try:
        request = urllib.request.Request(url, headers=headers)
        with _network_errors():
            opened = _opener(url).open(request, timeout=TIMEOUT_S)
        with opened as response:
            if response.status == 206 and _range_start(response) != start:
                raise ModelUnavailable(f"{host} sends another part than was asked for; try anew.")
            yield response
    except urllib.error.HTTPError as error:
        raise ModelUnavailable(
            f"{host} answers {error.code} ({error.reason}); check the URL, and whether it needs a "
            "sign-in that Postil does not do."
        ) from error
    except urllib.error.URLError as error:
        raise ModelUnavailable(
            f"{host} cannot be reached ({error.reason}); check the URL and the network, or carry "
            "the file here and run `postil models import FILE`."
        ) from error
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise ModelUnavailable(
            f"The connection to {host} broke ({str(error) or type(error).__name__}); run the same "
            "again, it goes on where it stopped when the server allows it."
        ) from error


@contextmanager
def _network_errors() -> Iterator[None]:
    """What the system says of the network, kept apart from what it says of a disk.

    Raises `ConnectionError`.
    """
    try:
        yield
    except urllib.error.URLError:
        raise
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error


def _range_start(response: HTTPResponse) -> int | None:
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _receive(incoming: Incoming, response: HTTPResponse) -> None:
    """Write what comes, no more than the entry has. Raises `ModelUnavailable` when it stops."""
    announced = response.headers.get("Content-Length", "")
    total = incoming.done + int(announced) if announced.isdecimal() else None
    size = incoming.entry.size_bytes
    if total is not None and (total > incoming.max_bytes or (size is not None and total != size)):
        raise ModelUnavailable(
            f"The file at that URL has {total} bytes, {incoming.entry.title} has "
            f"{size or f'at most {incoming.max_bytes}'}; check the URL."
        )
    incoming.write_all(_chunks(response))
    expected = total if total is not None else size
    if expected is not None and incoming.done < expected:
        raise ModelUnavailable(
            f"The connection ended after {incoming.done / 1e6:.0f} of {expected / 1e6:.0f} MB; run "
            "the same again, it goes on where it stopped when the server allows it."
        )


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        with _network_errors():
            chunk = response.read(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def _sidecar(entry: CatalogEntry, folder: Path) -> Path:
    return folder / f"{entry.file}.partial.json"


def _known_validator(entry: CatalogEntry, url: str, folder: Path) -> str:
    """What the server called the file that our partial copy is of; "" when there is none."""
    with suppress(OSError, ValueError):
        known: Any = json.loads(_sidecar(entry, folder).read_text(encoding="utf-8"))
        if isinstance(known, dict) and known.get("url") == url:
            return str(known.get("validator", ""))
    return ""


def _note_validator(entry: CatalogEntry, url: str, folder: Path, response: HTTPResponse) -> None:
    """Only a strong ETag says that bytes are the same (RFC 9110, section 13.1.5)."""
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):
        text = json.dumps({"url": url, "validator": etag})
        _sidecar(entry, folder).write_text(text, encoding="utf-8")
    else:
        _sidecar(entry, folder).unlink(missing_ok=True)
