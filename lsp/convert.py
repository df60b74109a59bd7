"""Between plain data and the protocol's types. Imported on first need: the types take a while."""

from __future__ import annotations

from typing import Any

from cattrs.errors import BaseValidationError
from lsprotocol import types
from pygls.protocol import default_converter

from lsp.errors import INVALID_PARAMS, Failure

_converter = default_converter()  # type: ignore[no-untyped-call]


def _hear_what_is_readable() -> None:
    """Other servers' diagnostics come with requests for code actions: an odd one is left out, else
    nothing could be asked at its line.
    """
    as_told = _converter.get_structure_hook(types.CodeActionContext)

    def context(value: Any, kind: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("diagnostics"), list):
            readable = [d for d in value["diagnostics"] if _is_readable(d)]
            value = {**value, "diagnostics": readable}
        return as_told(value, kind)

    _converter.register_structure_hook(types.CodeActionContext, context)


def _is_readable(diagnostic: Any) -> bool:
    try:
        structured(diagnostic, types.Diagnostic)
    except Failure:
        return False
    return True


def structured(params: Any, params_type: Any) -> Any:
    """Raises `Failure` when `params` are not of that type."""
    try:
        return _converter.structure(params, params_type)
    except (BaseValidationError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise Failure(INVALID_PARAMS, "The parameters are not what this method takes.") from error


def plain(value: Any) -> Any:
    """What JSON can say."""
    return _converter.unstructure(value)


_hear_what_is_readable()
