"""One entry of the menu of code actions, before it is put into the protocol's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from models.tasks.edit import EditKind


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry of the menu. `edit` is None for what ends in no edit of its own.

    `argument` is the command's, where it is not the lines with what was said of them.
    """

    title: str
    kind: str
    command: str
    edit: EditKind | None = None
    detail: str = ""
    diagnostic: types.Diagnostic | None = None
    range_: types.Range | None = None
    argument: dict[str, Any] | None = None
    disabled: str = ""  # why it cannot be had here
