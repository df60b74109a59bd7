"""The real small model: loaded once for the whole run, or anew for a test of what it writes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from models.backends.worker_client import LlamaCppBackend, Options
from tests.models.weights import small_model

# As many threads on any machine, busy or not: how many there are decides close calls.
OPTIONS = Options(n_ctx=4_096, n_threads=2)


@pytest.fixture(scope="session")
async def backend() -> AsyncIterator[LlamaCppBackend]:
    backend = await LlamaCppBackend.start(*small_model(), OPTIONS)
    yield backend
    await backend.close()


@pytest.fixture
async def unread() -> AsyncIterator[LlamaCppBackend]:
    """One that has read nothing yet: what is kept of earlier questions decides close calls, too."""
    backend = await LlamaCppBackend.start(*small_model(), OPTIONS)
    yield backend
    await backend.close()
