"""What a user can set, read once into one frozen object.

Sources, the later wins: defaults, the editor's `initializationOptions`, environment variables
(POSTIL_ and the name in capitals), the command line. The workspace cannot set anything: a
repository must not choose a model, a binary or a folder.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.reasoning import Effort


class Settings(BaseModel):
    """Names, defaults and meanings; README and the editors' settings are held to these."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str = Field(
        "auto",
        description="Which weights to use: auto, a name from `postil models list`, or none.",
    )
    effort: Effort = Field(
        Effort.NORMAL, description="How long the model may think: quick, normal or deep."
    )
    context_tokens: int = Field(
        900, ge=200, le=100_000, description="Code shown to the model, in its own tokens."
    )
    reorder_weight: float = Field(
        0.0,
        ge=0.0,
        le=4.0,
        description="How much the model's own order of the best suspects counts; 0 asks it for "
        "none. Measure yours with `postil eval --with-model`.",
    )
    n_threads: int = Field(
        0, ge=0, le=1_024, description="Threads for the model; 0 takes the physical cores."
    )
    max_suspects: int = Field(10, ge=1, le=100, description="Suspects shown for one report.")
    cache_dir: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("postil"),
        description="Folder for the index.",
    )
    models_dir: Path = Field(
        default_factory=lambda: models_folder(Path(sys.prefix)),
        description="Folder for the weights.",
    )


def models_folder(environment: Path) -> Path:
    """Weights that an air-gap bundle installed with this environment, else the user's cache."""
    bundled = environment / "share" / "postil" / "models"
    return bundled if bundled.is_dir() else platformdirs.user_cache_path("postil") / "models"


def read_settings(
    environ: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> tuple[Settings, list[str]]:
    """Settings, and one sentence for each value that is wrong and was left at its default."""
    given: dict[str, Any] = dict(options or {})
    for name in Settings.model_fields:
        if (value := environ.get(f"POSTIL_{name.upper()}")) is not None:
            given[name] = value
    complaints: list[str] = []
    for name in [key for key in given if key not in Settings.model_fields]:
        complaints.append(f"Postil has no setting named {name}; it is left out.")
        del given[name]
    while True:
        try:
            return Settings.model_validate(given), complaints
        except ValidationError as error:
            for wrong in error.errors():
                name = str(wrong["loc"][0])
                complaints.append(
                    f"The setting {name} cannot be {given.pop(name)!r} ({wrong['msg']}); "
                    "its default is used."
                )
