"""An entry of the record in words, for the command line and the editors alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def entry_words(entry: Mapping[str, Any]) -> str:
    """One line; whoever shows it makes it harmless."""
    files = entry.get("files") or []
    paths = ", ".join(str(file[0]) for file in files[:3]) + (", …" if len(files) > 3 else "")
    detail = f" ({entry['detail']})" if entry.get("detail") else ""
    agreement = ""
    if (n_asked := entry.get("n_asked", 1)) != 1:
        agreement = f"; {entry.get('n_agreeing')} of {n_asked} answers agree"
    digest = str(entry.get("model_digest", ""))[:12]
    return (
        f"{entry.get('at')}  {entry.get('task')}: {entry.get('outcome')}{detail}; "
        f"{entry.get('model')} {digest}; {entry.get('shown_tokens')} tokens shown of {paths}; "
        f"{entry.get('thinking_tokens')} of thinking{agreement}"
    )
