"""How the server is, in one object for people and plugins, told when it changes.

Reads what others know; asks no model and starts none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lsp.backend import Model, endpoint_words, name_before_loading, why_no_model
from lsp.folders import Folder
from lsp.settings import Settings

TELL_S = 0.25  # between two notifications


class State(StrEnum):
    STARTING = "starting"
    INDEXING = "indexing"
    THINKING = "thinking"
    IDLE = "idle"
    NO_MODEL = "no_model"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Status:
    """As plugins get it. `total` is None until a walk has ended; `text` is one line."""

    state: State
    text: str
    indexed: int  # files
    total: int | None
    model: str
    loaded: bool
    effort: str
    endpoints: tuple[str, ...]
    device: str
    advice: str  # one sentence; "" for none
    folders: Mapping[str, str]  # path -> "indexed", "indexing" or "failed"

    def as_data(self) -> dict[str, Any]:
        return {**asdict(self), "endpoints": list(self.endpoints), "folders": dict(self.folders)}


def untrusted_advice(settings: Settings, *, is_trusted: bool) -> str:
    """Why edits are not checked, where a command is set and does not run; "" else."""
    if settings.check_command and not is_trusted:
        return "Edits are not checked, because this workspace is not trusted."
    return ""


def status_of(
    settings: Settings,
    folders: Mapping[Path, Folder],
    model: Model,
    jobs: tuple[str, ...],
    *,
    has_started: bool,
    advice: str,
) -> Status:
    """`jobs`: titles of what runs now, in the order of their start."""
    info = model.info
    indexed = sum(folder.n_indexed for folder in folders.values())
    totals = [folder.n_total for folder in folders.values()]
    total = None if None in totals else sum(t for t in totals if t is not None)
    state, text = _state(settings, folders, model, jobs, has_started=has_started)
    if state is State.INDEXING:
        of = f" of {total}" if total is not None else ""
        text = f"indexing: {indexed}{of} files"
    return Status(
        state=state,
        text=text,
        indexed=indexed,
        total=total,
        model=info.name if info else name_before_loading(settings),
        loaded=info is not None,
        effort=settings.effort.value,
        endpoints=tuple(endpoint_words(settings)),
        device=f"{info.backend}, {info.device}" if info else "",
        advice=advice,
        folders={str(root): _state_of(folder) for root, folder in folders.items()},
    )


def _state_of(folder: Folder) -> str:
    if folder.could_not_open:
        return "failed"
    return "indexed" if folder.indexing.done() else "indexing"


def _state(
    settings: Settings,
    folders: Mapping[Path, Folder],
    model: Model,
    jobs: tuple[str, ...],
    *,
    has_started: bool,
) -> tuple[State, str]:
    if not has_started:
        return State.STARTING, "starting"
    if jobs:
        return State.THINKING, jobs[-1].removeprefix("Postil: ")
    if any(not folder.indexing.done() for folder in folders.values()):
        return State.INDEXING, ""
    if failure := next((f.failure for f in folders.values() if f.failure), ""):
        return State.ERROR, failure
    if why_not := why_no_model(settings):
        return State.NO_MODEL, why_not
    if model.failure:
        return State.ERROR, model.failure
    return State.IDLE, "ready"


class Teller:
    """Sends the status when it may have changed, at most once in `TELL_S`, never twice the same."""

    def __init__(self, current: Callable[[], Status], send: Callable[[Status], None]) -> None:
        self._current = current
        self._send = send
        self._last: Status | None = None
        self._timer: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_S, self._tell)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = None
        status = self._current()
        if status != self._last:
            self._last = status
            self._send(status)
