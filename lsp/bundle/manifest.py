"""What the signed manifest of a bundle says. installer.py reads it with the standard library."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lsp.bundle import installer


class EntryKind(StrEnum):
    """Each kind has its place in the archive: `PLACES` in installer.py."""

    WHEEL = "wheel"
    WEIGHTS = "weights"
    PLUGIN = "plugin"
    LICENCE = "licence"
    SBOM = "sbom"
    REQUIREMENTS = "requirements"


class BundleEntry(BaseModel):
    """One file of the archive, in the archive's order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(description="relative, forward slashes, plain ASCII")
    size: int = Field(ge=0, description="bytes")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    kind: EntryKind


class BundleManifest(BaseModel):
    """Everything that an installer may believe; the signature covers its bytes as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    postil: str = Field(description="version")
    platform: str = Field(description="e.g. linux-x86_64, macos-arm64, windows-x86_64")
    python: str = Field(pattern=r"^3\.\d+$")
    glibc: str = Field(description="the oldest that the wheels run on; empty off Linux")
    accelerator: str = Field(description="what llama.cpp was built for")
    made_at: datetime
    key: str = Field(description="fingerprint of the owner's public key")
    entries: tuple[BundleEntry, ...]

    def to_bytes(self) -> bytes:
        """The form that is signed: the same manifest gives the same bytes.

        Raises `BundleRefused` for entries that the installer would not take.
        """
        assert self.format == installer.FORMAT
        data = json.dumps(self.model_dump(mode="json"), indent=1).encode("ascii") + b"\n"
        installer.read_manifest(data)
        return data


def made_at(source_date_epoch: str | None, now: float) -> datetime:
    """The date of a bundle: SOURCE_DATE_EPOCH where it is set, so that bytes can be reproduced."""
    return datetime.fromtimestamp(int(source_date_epoch or now), UTC)
