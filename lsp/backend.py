"""The model that the settings ask for: opened on first need, replaced when they change.

The only way to code that can open a connection leads through here, when a user names an endpoint.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from lsp.background import Background
from lsp.settings import Settings
from models import backends, hardware, weights
from models.backends.endpoint import Endpoint, parse_endpoint
from models.backends.scripted import ScriptedBackend
from models.backends.transformers import TransformersBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ModelError, ModelUnavailable


class Model:
    """One session's model. Only the event loop uses it.

    `jobs` gives the tasks that may be asking it now: an old model is closed when they have ended.
    """

    def __init__(
        self,
        settings: Settings,
        background: Background,
        jobs: Callable[[], Iterable[asyncio.Task[object]]],
        on_change: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._background = background
        self._jobs = jobs
        self._on_change = on_change
        self._backend: asyncio.Task[backends.Backend] | None = None

    async def get(self) -> backends.Backend:
        """The model, loaded on first need. Raises `ModelUnavailable`, `WeightsRefused`."""
        if self._backend is not None and self._backend.done() and _failed(self._backend):
            self._backend = None
        if self._backend is None:
            self._backend = asyncio.ensure_future(open_backend(self._settings))
            self._backend.add_done_callback(lambda _: self._on_change())
        return await asyncio.shield(self._backend)

    def change(self, settings: Settings) -> None:
        """Other settings: another model is opened on its first need, and the old one closed."""
        before, self._settings = self._settings, settings
        if self._backend is not None and _identity(before) != _identity(settings):
            old, self._backend = self._backend, None
            self._background.run(_close(old, [*self._jobs()]))
        self._on_change()

    @property
    def info(self) -> backends.ModelInfo | None:
        """Of the loaded model; None while none is."""
        if self._backend is None or not self._backend.done() or _failed(self._backend):
            return None
        return self._backend.result().info

    @property
    def opened(self) -> backends.Backend | None:
        """The model if it is loaded; asks for no loading."""
        return self._backend.result() if self._backend is not None and self.info else None

    @property
    def failure(self) -> str:
        """Why the last attempt to load it failed; empty when it did not."""
        if self._backend is None or not self._backend.done() or self._backend.cancelled():
            return ""
        error = self._backend.exception()
        return (
            str(error) if isinstance(error, ModelError) else "It could not be loaded." * bool(error)
        )

    async def close(self) -> None:
        if self._backend is not None:
            await _close(self._backend, [])


def _failed(task: asyncio.Task[backends.Backend]) -> bool:
    return task.cancelled() or task.exception() is not None


async def _close(old: asyncio.Task[backends.Backend], jobs: list[asyncio.Task[object]]) -> None:
    if jobs:  # one of them may be waiting for it to be loaded
        await asyncio.wait(jobs)
    if not old.done():
        old.cancel()
    with suppress(Exception, asyncio.CancelledError):
        await (await old).close()


def _identity(settings: Settings) -> tuple[object, ...]:
    """What makes two loaded models different."""
    return (
        settings.model,
        settings.model_digest,
        settings.models_dir,
        settings.worker_options,
        settings.endpoints,
        settings.endpoint_kind,
        settings.endpoint_model,
        settings.endpoint_format,
        settings.allowed_hosts,
        settings.api_key_variable,
        settings.ca_file,
    )


def why_no_model(settings: Settings) -> str:
    """Why no model will answer, in a sentence; empty when nothing is known to be in the way.

    Looks for files, loads nothing and asks nobody.
    """
    if settings.model == "none":
        return "The model is switched off (setting model: none)."
    if settings.endpoints or ":" in settings.model:
        return ""
    try:
        weights.choose(settings.model, settings.models_dir, hardware.free_memory_bytes())
    except ModelUnavailable as error:
        return str(error)
    return ""


def name_before_loading(settings: Settings) -> str:
    if settings.endpoints and settings.model != "none":
        return settings.endpoint_model or "the first of the endpoints"
    return settings.model


def endpoint_words(settings: Settings) -> list[str]:
    """For a person: the servers that code is sent to, or why one is not asked."""
    words = []
    for url in settings.endpoints:
        try:
            words.append(_endpoint(settings, url).shown)
        except ModelUnavailable as error:
            words.append(str(error))
    return words


def _endpoint(settings: Settings, url: str) -> Endpoint:
    return parse_endpoint(
        url,
        settings.allowed_hosts,
        kind=settings.endpoint_kind,
        model=settings.endpoint_model,
        format_=settings.endpoint_format,
        key=os.environ.get(settings.api_key_variable, ""),
        key_variable=settings.api_key_variable,
        ca_file=settings.ca_file,
    )


async def open_backend(settings: Settings) -> backends.Backend:
    """The backend that the settings ask for. Raises `ModelError`: `ModelUnavailable`, ..."""
    if settings.model == "none":
        raise ModelUnavailable("The model is switched off (setting model: none).")
    kind, _, file = settings.model.partition(":")
    if kind == "scripted" and file:
        return ScriptedBackend.from_file(Path(file))
    if kind == "transformers" and file:
        threads = settings.n_threads or None
        return await TransformersBackend.start(
            Path(file).expanduser(), settings.model_digest, n_threads=threads
        )
    if settings.endpoints:
        return await _open_endpoints([_endpoint(settings, url) for url in settings.endpoints])
    free = hardware.free_memory_bytes()
    entry, weights_file = weights.choose(settings.model, settings.models_dir, free)
    return await LlamaCppBackend.start(entry, weights_file, settings.worker_options)


async def _open_endpoints(endpoints: list[Endpoint]) -> backends.Backend:
    """The only way to code that can open a connection: imported when a user names an endpoint."""
    if importlib.util.find_spec("httpx2") is None:
        raise ModelUnavailable(
            "Endpoints need an HTTP client, which is not installed by default: "
            "pip install 'postil[network]', or a bundle that was made with --extra network."
        )
    from models.backends.network import open_endpoints

    return await open_endpoints(endpoints)
