"""The real small model, loaded once for the whole run."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from models.backends.worker_client import LlamaCppBackend, Options
from tests.models.weights import small_model


@pytest.fixture(scope="session")
async def backend() -> AsyncIterator[LlamaCppBackend]:
    entry, file = small_model()
    # As many threads on any machine, busy or not: how many there are decides close calls.
    backend = await LlamaCppBackend.start(entry, file, Options(n_ctx=4_096, n_threads=2))
    yield backend
    await backend.close()
