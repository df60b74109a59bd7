"""Servers that the user's settings name, behind one backend."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from models.backends import Backend
from models.backends.endpoint import Endpoint, EndpointKind
from models.backends.http_client import PATIENT, Patience
from models.backends.ollama import OllamaBackend
from models.backends.openai import OpenAIBackend
from models.backends.pool import PoolBackend


async def open_endpoints(
    endpoints: Sequence[Endpoint], patience: Patience = PATIENT
) -> PoolBackend:
    """All that can be opened. Raises the first one's `ModelError` when none can."""
    return await PoolBackend.start([partial(_open, e, patience) for e in endpoints])


async def _open(endpoint: Endpoint, patience: Patience) -> Backend:
    match endpoint.kind:
        case EndpointKind.OPENAI:
            return await OpenAIBackend.open(endpoint, patience)
        case EndpointKind.OLLAMA:
            return await OllamaBackend.open(endpoint, patience)
