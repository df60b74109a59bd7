"""postil.status: how the server itself is."""

from __future__ import annotations

from typing import Any

from lsp.arguments import Nothing
from lsp.calls import Token
from lsp.session import Session


async def status(session: Session, nothing: Nothing, token: Token) -> dict[str, Any]:
    del nothing, token
    return session.status()
