"""What the subcommands share: the console, settings, progress, and harmless text."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from lsp.settings import Settings, read_settings
from lsp.to_lsp import visible
from models.backends import Backend

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


_said: set[str] = set()  # complaints about the environment, which several parts of a command read


def settings() -> Settings:
    """From the environment; complaints about it go to stderr, each once."""
    found, complaints = read_settings(os.environ)
    for complaint in complaints:
        if complaint not in _said:
            _said.add(complaint)
            complain(complaint)
    return found


def complain(sentence: str) -> None:
    """One sentence to stderr; the work goes on."""
    err.print(f"postil: {safe(sentence)}")


def say_where(backend: Backend, wanted: Settings) -> None:
    """Where code goes, before any does, when it leaves this process's own model."""
    if wanted.endpoints:
        complain(f"asking {backend.info.name} at {backend.info.device}")


def safe(words: str) -> str:
    """Words from files, reports or a model, with escape sequences and markup made harmless."""
    return escape(visible(words))


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """(what, done, total) on a bar; nothing when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def update(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{title}: {what}", completed=done, total=total or None)

        yield update
