"""Rows that a long benchmark keeps as it goes, one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def kept_rows(file: Path) -> list[dict[str, Any]]:
    """What is there, in its order; a line that was cut short by a stop is left out."""
    rows = []
    for line in file.read_text(encoding="utf-8").split("\n") if file.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows
