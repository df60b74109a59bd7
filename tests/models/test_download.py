"""Weights from a URL: a real server on loopback that cuts off, changes its mind, or lies."""

from __future__ import annotations

import errno
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models import catalog, intake, weights
from models.catalog import CatalogEntry, entry_named
from models.download import download, why_not_allowed
from models.errors import ModelUnavailable, WeightsRefused
from tests.models.hostile_gguf import build

DATA = build(data_bytes=3 << 20)


def ignore(what: str, done: int, total: int) -> None:
    del what, done, total


@dataclass
class Site:
    """What the server does; each request that came is kept."""

    data: bytes = DATA
    etag: str = '"v1"'
    sends: int | None = None  # bytes of the body before the connection is cut
    knows_ranges: bool = True
    says_length: bool = True
    redirect: str = ""
    status: int = 200
    asked: list[str | None] = field(default_factory=list)  # Range of each request
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        wanted = self.headers.get("Range")
        site.asked.append(wanted)
        if site.redirect or site.status != 200:
            self.send_response(302 if site.redirect else site.status)
            self.send_header("Location", site.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        if wanted and site.knows_ranges and self.headers.get("If-Range") == site.etag:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])  # type: ignore[index]
            self.send_response(206)
            total = len(site.data)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        else:
            self.send_response(200)
        body = site.data[start:]
        if site.says_length:
            self.send_header("Content-Length", str(len(body)))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.end_headers()
        self.wfile.write(body if site.sends is None else body[: site.sends])

    def log_message(self, format: str, *args: object) -> None:
        del format, args


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what some tests are about."""
        del request, client_address


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    handler = type("ThisHandler", (Handler,), {"site": found})
    with QuietServer(("127.0.0.1", 0), handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/weights.gguf"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> CatalogEntry:
    found = entry_named("deepseek-r1-distill-qwen-7b").model_copy(
        update={
            "name": "tiny",
            "file": "tiny.gguf",
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "size_bytes": len(DATA),
        }
    )
    for module in (weights, intake, catalog):
        monkeypatch.setattr(module, "catalog", lambda: (found,))
    return found


def test_a_file_is_fetched_and_accepted_by_digest(
    tmp_path: Path, site: Site, entry: CatalogEntry
) -> None:
    file = download(entry, site.url, tmp_path, ignore)
    assert file.read_bytes() == DATA
    assert {f.name for f in tmp_path.iterdir()} <= {
        "tiny.gguf", "tiny.licence.txt", "tiny.checked.json",
    }  # fmt: skip


def test_a_download_that_was_cut_off_goes_on(
    tmp_path: Path, site: Site, entry: CatalogEntry
) -> None:
    site.sends = 2 << 20
    with pytest.raises(ModelUnavailable, match=r"ended after 2 of 3 MB; run the same again"):
        download(entry, site.url, tmp_path, ignore)
    site.sends = None
    assert download(entry, site.url, tmp_path, ignore).read_bytes() == DATA
    assert site.asked == [None, f"bytes={2 << 20}-"]


@pytest.mark.parametrize("after", [0, 2])
def test_a_network_that_goes_away_is_not_said_to_be_the_disk_and_the_download_goes_on(
    tmp_path: Path, site: Site, entry: CatalogEntry, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    n_read, read = 0, HTTPResponse.read

    def read_until_it_goes(self: HTTPResponse, amt: int | None = None) -> bytes:
        nonlocal n_read
        n_read += 1
        if n_read > after:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return read(self, amt)

    with monkeypatch.context() as patched:
        patched.setattr(HTTPResponse, "read", read_until_it_goes)
        with pytest.raises(
            ModelUnavailable, match=r"127\.0\.0\.1:\d+ broke \(Network is unreachable\); run the"
        ):
            download(entry, site.url, tmp_path, ignore)
    assert download(entry, site.url, tmp_path, ignore).read_bytes() == DATA
    assert site.asked == [None, f"bytes={2 << 20}-" if after else None]


def test_a_network_that_goes_away_before_the_answer_is_not_said_to_be_the_disk(
    tmp_path: Path, site: Site, entry: CatalogEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: HTTPConnection) -> HTTPResponse:
        raise OSError(errno.ENETDOWN, "Network is down")

    monkeypatch.setattr(HTTPConnection, "getresponse", gone)
    with pytest.raises(ModelUnavailable, match=r"broke \(Network is down\); run the same again"):
        download(entry, site.url, tmp_path, ignore)


def test_a_file_that_changed_there_meanwhile_is_read_from_its_start(
    tmp_path: Path, site: Site, entry: CatalogEntry
) -> None:
    site.sends, site.etag, site.data = 1 << 20, '"old"', b"other" + DATA[5:]
    with pytest.raises(ModelUnavailable):
        download(entry, site.url, tmp_path, ignore)
    site.sends, site.etag, site.data = None, '"new"', DATA
    assert download(entry, site.url, tmp_path, ignore).read_bytes() == DATA
    assert site.asked[1] == f"bytes={1 << 20}-"


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_continued(
    tmp_path: Path, site: Site, entry: CatalogEntry, etag: str
) -> None:
    site.sends, site.etag = 1 << 20, etag
    with pytest.raises(ModelUnavailable):
        download(entry, site.url, tmp_path, ignore)
    site.sends = None
    download(entry, site.url, tmp_path, ignore)
    assert site.asked == [None, None]


def test_another_url_does_not_continue_the_file_of_the_first(
    tmp_path: Path, site: Site, entry: CatalogEntry
) -> None:
    site.sends = 1 << 20
    with pytest.raises(ModelUnavailable):
        download(entry, site.url, tmp_path, ignore)
    site.sends = None
    download(entry, site.url + "?mirror", tmp_path, ignore)
    assert site.asked == [None, None]


def test_wrong_bytes_are_thrown_away(tmp_path: Path, site: Site, entry: CatalogEntry) -> None:
    site.data = DATA[:-1] + b"!"
    with pytest.raises(WeightsRefused, match="What came is not"):
        download(entry, site.url, tmp_path, ignore)
    assert list(tmp_path.iterdir()) == []


def test_another_size_is_refused_before_it_is_read(
    tmp_path: Path, site: Site, entry: CatalogEntry
) -> None:
    site.data = DATA + b"more"
    with pytest.raises(ModelUnavailable, match=rf"has {len(DATA) + 4} bytes.*check the URL"):
        download(entry, site.url, tmp_path, ignore)
    assert not any(f.stat().st_size for f in tmp_path.glob("*.partial"))


def test_an_endless_answer_is_cut_at_the_weights_size(
    tmp_path: Path, site: Site, entry: CatalogEntry
) -> None:
    site.data, site.says_length = DATA * 20, False
    with pytest.raises(WeightsRefused, match="What came is not"):
        download(entry, site.url, tmp_path, ignore)


@pytest.mark.parametrize(
    "target",
    ["https://127.0.0.1/x", "http://192.0.2.1/x", "file:///etc/passwd", "ftp://127.0.0.1/"],
)
def test_a_redirect_to_another_scheme_or_machine_is_not_followed(
    tmp_path: Path, site: Site, entry: CatalogEntry, target: str
) -> None:
    site.redirect = target
    with pytest.raises(ModelUnavailable, match=r"redirect|cannot be reached|answers 302"):
        download(entry, site.url, tmp_path, ignore)
    assert len(site.asked) == 1


def test_a_refusal_of_the_server_is_told(tmp_path: Path, site: Site, entry: CatalogEntry) -> None:
    site.status = 403
    with pytest.raises(ModelUnavailable, match=r"answers 403 \(Forbidden\).*sign-in"):
        download(entry, site.url, tmp_path, ignore)


def test_a_server_that_is_not_there_is_told(tmp_path: Path, entry: CatalogEntry) -> None:
    with pytest.raises(ModelUnavailable, match=r"cannot be reached.*models import FILE"):
        download(entry, "http://127.0.0.1:1/x.gguf", tmp_path, ignore)


def test_only_https_and_this_machine_are_asked() -> None:
    for allowed in ("https://files.example/x.gguf", "http://127.0.0.1:80/x", "http://[::1]:8/x"):
        assert why_not_allowed(allowed) == ""
    for url, reason in (
        ("http://files.example/x", "this machine only"),
        ("http://127.0.0.1.example/x", "this machine only"),
        ("file:///home/me/x.gguf", "postil models import"),
        ("ftp://files.example/x", "Only https"),
        ("https://me:secret@files.example/x", "password"),
        ("https:///x", "Only https"),
        ("x.gguf", "Only https"),
        ("http://[::1", "no URL"),
    ):
        assert reason in why_not_allowed(url), url
