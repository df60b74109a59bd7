"""The editor's settings while the server runs: asked for, merged, complained about once.

The configuration is asked for without a folder (no `scopeUri`): a server cannot see which scope a
value comes from, and a folder's own file must not choose a model or a server. lsp/settings.py says
which sources win.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lsp.settings import SECTION, Settings, read_settings

if TYPE_CHECKING:
    from lsp.session import Session

logger = logging.getLogger(__name__)


class Configuration:
    """Only the event loop uses it."""

    def __init__(self, environ: Mapping[str, str], options: Mapping[str, Any]) -> None:
        self._environ = environ
        self._options = dict(options)
        self._given: Mapping[str, Any] = {}
        self._said: set[str] = set()
        self._complaints: list[str] = []
        self._n_asked = 0
        self.current = self._read()

    def complain(self, session: Session) -> None:
        """Name each wrong value, each once in a session."""
        for complaint in self._complaints:
            if complaint not in self._said:
                self._said.add(complaint)
                session.say(complaint)

    def pull(self, session: Session) -> None:
        """Ask the client for its section; of several questions the last one counts."""
        self._n_asked += 1
        session.in_background(self._pull(session, self._n_asked))

    def changed(self, session: Session, params: Any) -> None:
        """workspace/didChangeConfiguration: ask, or take what a client sends that is not asked."""
        if session.client.configured:
            self.pull(session)
            return
        settings = params.get("settings") if isinstance(params, dict) else None
        if isinstance(settings, dict):
            self._apply(session, settings.get(SECTION, settings))

    async def _pull(self, session: Session, number: int) -> None:
        params = {"items": [{"section": SECTION}]}
        answer = await session.wire.request("workspace/configuration", params)
        if number == self._n_asked:
            self._apply(session, answer[0] if isinstance(answer, list) and answer else None)

    def _apply(self, session: Session, given: Any) -> None:
        self._given = given if isinstance(given, dict) else {}
        for name, value in self._given.items():
            # Editors that are asked for a setting send it at the start, too. It is theirs to take
            # back: what they leave out of a later answer is not set any more.
            if name in self._options and self._options[name] == value:
                del self._options[name]
        self.current = self._read()
        session.use_settings(self.current)
        self.complain(session)

    def _read(self) -> Settings:
        settings, self._complaints = read_settings(self._environ, self._options, self._given)
        return settings
