"""postil context: what a model would be shown for a report or a place, and why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from context.selection import selection_snippets
from context.window import ContextWindow, Snippet, pack, render_numbered
from context.workspace import Workspace
from lsp.backend import open_backend
from lsp.commands.console import err, out, safe, settings
from lsp.commands.index import index_with_bar
from lsp.commands.places import Place, read_place, text_at
from lsp.commands.reports import read_report_argument
from models.errors import ModelError

CHARS_A_TOKEN = 3.2  # of code, about; used only when there is no model to count with


def run(report: str, root: Path, *, at: str | None, tokens: int | None, as_json: bool) -> int:
    """`at`: path:first-last, for a change there; then the report is not read but where given."""
    place = read_place(at) if at else None
    text = "" if place and report == "-" else read_report_argument(report)
    window, is_exact = asyncio.run(_window(text, root, place, tokens))
    if as_json:
        print(json.dumps({"exact": is_exact, **asdict(window.receipt)}))  # noqa: T201 - the result
        return 0 if window.pieces else 1
    out.print(safe(render_numbered(window)))
    _show_receipt(window, is_exact=is_exact)
    return 0 if window.pieces else 1


async def _window(
    report: str, root: Path, place: Place | None, tokens: int | None
) -> tuple[ContextWindow, bool]:
    """The window, and whether its tokens were counted by the model's own tokenizer."""
    chosen = settings()
    workspace = await Workspace.open(root, chosen.cache_dir)
    try:
        await index_with_bar(workspace)
        if place is None:
            found = await workspace.locate(report, chosen.max_suspects)
            snippets = await workspace.snippets(found.suspects, report)
        else:
            snippets = await _snippets_at(workspace, place, report)
    finally:
        await workspace.close()
    budget = tokens or chosen.context_tokens
    try:
        backend = await open_backend(chosen)
    except ModelError as error:
        err.print(f"postil: tokens are estimated by length: {safe(str(error))}")
        return await pack(snippets, budget, _estimate), False
    try:
        return await pack(snippets, budget, backend.count_tokens), True
    finally:
        await backend.close()


async def _snippets_at(workspace: Workspace, place: Place, problem: str) -> list[Snippet]:
    path, text = text_at(workspace.root, place)
    return await selection_snippets(
        workspace, path, text, place.first_line, place.last_line, problem
    )


async def _estimate(texts: Sequence[str]) -> list[int]:
    return [int(len(text) / CHARS_A_TOKEN) + 1 for text in texts]


def _show_receipt(window: ContextWindow, *, is_exact: bool) -> None:
    receipt = window.receipt
    how = "" if is_exact else "about "
    out.print(f"\n{how}{receipt.used_tokens} of {receipt.budget_tokens} tokens. Shown:")
    for piece in receipt.shown:
        at = piece.snippet
        place = f"{at.path}:{at.start_line}-{at.end_line}"
        out.print(f"  {piece.n_tokens:5} {safe(place)}: {safe(at.reason)}")
    if receipt.n_secrets:
        out.print(f"{receipt.n_secrets} keys, tokens or passwords stand under other names.")
    if receipt.left_out:
        out.print("Left out:")
    for left in receipt.left_out:
        place = f"{left.path}:{left.start_line}-{left.end_line}"
        out.print(f"  {left.n_tokens:5} {safe(place)}: {safe(left.reason)}")
