"""postil index."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

from context.indexer import IndexSummary
from context.workspace import Workspace
from lsp.commands.console import out, progress_bar, safe, settings


def run(root: Path, *, as_json: bool) -> int:
    summary = asyncio.run(_index(root))
    if as_json:
        print(json.dumps(asdict(summary)))  # noqa: T201 - the command's result
        return 0 if summary.files else 1
    out.print(
        f"{summary.files} files, {summary.symbols} symbols, {summary.bytes / 1e6:.1f} MB: "
        f"{summary.parsed} parsed, {summary.reused} unchanged, in {summary.elapsed_s:.1f} s"
    )
    for reason, count in sorted(summary.skipped.items(), key=lambda item: -item[1]):
        out.print(f"  {count} left out: {reason}")
    for path in summary.quarantined:
        out.print(f"  {safe(path)} stops the parser; it is tried again when it changes")
    return 0 if summary.files else 1


async def _index(root: Path) -> IndexSummary:
    workspace = await Workspace.open(root, settings().cache_dir)
    try:
        return await index_with_bar(workspace)
    finally:
        await workspace.close()


async def index_with_bar(workspace: Workspace) -> IndexSummary:
    with progress_bar("indexing") as show:
        return await workspace.index(lambda p: show("files", p.done, p.total))
