"""Where the real small model's weights are for tests: they must be there, nothing is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from models.catalog import CatalogEntry, entry_named

SMALL = "qwen2.5-coder-0.5b"


def models_folder() -> Path:
    default = platformdirs.user_cache_path("postil") / "models"
    return Path(os.environ.get("POSTIL_MODELS_DIR", default))


def small_model() -> tuple[CatalogEntry, Path]:
    entry = entry_named(SMALL)
    file = models_folder() / entry.file
    assert file.is_file(), f"no weights at {file}: run `postil models fetch {SMALL}`"
    return entry, file
