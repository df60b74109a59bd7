"""The only module that knows the protocol's error codes."""

from __future__ import annotations

from context.errors import ContextError
from models.errors import ModelError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
REQUEST_FAILED = -32803
CONTENT_MODIFIED = -32801
REQUEST_CANCELLED = -32800


class Failure(Exception):
    """An error answer: a code and one sentence for the user."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Stale(Failure):
    """The document moved on; the normal case for slow answers."""

    def __init__(self, name: str) -> None:
        super().__init__(
            CONTENT_MODIFIED, f"{name} has changed since this was asked; ask again for a fresh one."
        )


def failure_of(error: Exception) -> Failure | None:
    """The answer for an error that a user can meet; None for a fault of ours."""
    from context.report import EmptyReport  # here, so that `initialize` need not wait for it

    match error:
        case Failure():
            return error
        case ContextError() | ModelError() | EmptyReport():
            return Failure(REQUEST_FAILED, str(error))
    return None
