"""Which servers may be asked, and what is known of one. Opens nothing.

The default is loopback alone: any other host must stand in the user's `allowed_hosts`. The names of
hosts are compared as they are written; none is looked up here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from models.backends import Thinks
from models.catalog import TemplateName, catalog
from models.errors import ModelUnavailable

KEY_VARIABLE = "POSTIL_API_KEY"
FormatName = Literal["auto", "chatml", "deepseek-r1", "chat"]


class EndpointKind(StrEnum):
    OPENAI = "openai"  # /v1/...: llama.cpp's server, vLLM, SGLang, DeepSeek's API and others
    OLLAMA = "ollama"  # Ollama's own /api/...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server. `url` has no slash at its end."""

    url: str
    kind: EndpointKind
    model: str = ""  # empty: the first that the server has
    format: FormatName = "auto"
    key: str = field(default="", repr=False)  # never shown or logged
    key_variable: str = KEY_VARIABLE  # where the user keeps it
    ca_file: Path | None = None
    is_local: bool = True

    @property
    def shown(self) -> str:
        """For the status: where the code goes, and whether others on the way can read it."""
        if self.is_local:
            return self.url
        how = "" if self.url.startswith("https:") else ", unencrypted"
        return f"{self.url}, code leaves this machine{how}"


def parse_endpoint(
    url: str,
    allowed_hosts: Sequence[str],
    *,
    kind: EndpointKind = EndpointKind.OPENAI,
    model: str = "",
    format_: FormatName = "auto",
    key: str = "",
    key_variable: str = KEY_VARIABLE,
    ca_file: Path | None = None,
) -> Endpoint:
    """Raises `ModelUnavailable`, saying what is wrong with the address or how to allow its host."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ModelUnavailable(f"The endpoint {_harmless(url)} is not an address.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ModelUnavailable(
            f"The endpoint {_harmless(url)} must begin with http:// or https:// and name a host."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ModelUnavailable(
            f"The endpoint at {host} may hold a host, a port and a path only; a key is read from "
            f"{key_variable}."
        )
    is_local, key = is_loopback(host), key.strip()
    if not is_local and host.lower() not in {h.strip().lower() for h in allowed_hosts}:
        raise ModelUnavailable(
            f"The endpoint's host {host} is not this machine: add it to the setting allowed_hosts "
            "if code may be sent there."
        )
    _check_secrets(host, parts.scheme, key, key_variable, ca_file)
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port is not None else ""
    path = parts.path.rstrip("/")
    if kind is EndpointKind.OPENAI:
        path = path.removesuffix("/v1")  # both ways of writing it are common
    clean = f"{parts.scheme}://{netloc}{path}"
    return Endpoint(clean, kind, model, format_, key, key_variable, ca_file, is_local)


def _check_secrets(
    host: str, scheme: str, key: str, key_variable: str, ca_file: Path | None
) -> None:
    if key and scheme == "http" and not is_loopback(host):
        raise ModelUnavailable(
            f"A key is not sent to {host} unencrypted: give the endpoint as https://, or unset "
            f"{key_variable}."
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ModelUnavailable(
            f"The servers' key holds characters that no key has; set {key_variable} anew."
        )
    if ca_file is not None and not ca_file.is_file():
        raise ModelUnavailable(f"There is no file {ca_file}; the setting ca_file must name one.")


def is_loopback(host: str) -> bool:
    """`localhost` and addresses of this machine; other spellings of such an address are not."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Format:
    """How a model is spoken to: a template of ours, or the server's own chat template."""

    template: TemplateName | None  # None: only as a chat, which cannot be continued
    thinks: Thinks


def format_of(model: str, wanted: FormatName) -> Format:
    """Our template for a server's model, by the setting or by the model's name."""
    name = model.lower()
    for entry in catalog():
        if wanted == "auto" and name in (entry.name, entry.file.lower()):
            return Format(entry.template, entry.thinks)
    is_r1 = "deepseek-r1" in name or "r1-distill" in name
    thinks = Thinks.TRAINED if is_r1 or "reasoner" in name else Thinks.ELICITED
    match wanted:
        case "deepseek-r1":
            return Format("deepseek-r1", Thinks.TRAINED)
        case "chatml":
            return Format("chatml", thinks)
        case "chat":
            return Format(None, thinks)
        case "auto":
            if "r1-distill" in name or "r1-0528-qwen" in name:
                return Format("deepseek-r1", thinks)
            is_qwen2 = "qwen2" in name or "qwen-2" in name
            return Format("chatml" if is_qwen2 else None, thinks)


def _harmless(url: str) -> str:
    """As much of an address as may be shown: what stands before an @ can be a password."""
    return repr(url.rpartition("@")[2][:80])
