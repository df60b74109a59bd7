"""Between plain data and the protocol's types. Imported on first need: the types take a while."""

from __future__ import annotations

from typing import Any

from cattrs.errors import BaseValidationError
from pygls.protocol import default_converter

from lsp.errors import INVALID_PARAMS, Failure

_converter = default_converter()  # type: ignore[no-untyped-call]


def structured(params: Any, params_type: Any) -> Any:
    """Raises `Failure` when `params` are not of that type."""
    try:
        return _converter.structure(params, params_type)
    except (BaseValidationError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise Failure(INVALID_PARAMS, "The parameters are not what this method takes.") from error


def plain(value: Any) -> Any:
    """What JSON can say."""
    return _converter.unstructure(value)
