"""How the model is asked, by what the user has set: the same for the server and the commands."""

from __future__ import annotations

from lsp.settings import Settings
from models.asking import Asking, OnEvent
from models.backends import Backend


def asking_by(settings: Settings, backend: Backend, on_event: OnEvent) -> Asking:
    effort = settings.effort
    return Asking(
        backend, effort.thinking_tokens, settings.context_tokens, on_event, effort.n_samples
    )
