"""postil log show, verify, export: the record of what the model was asked."""

from __future__ import annotations

import json
from pathlib import Path

from lsp.commands.console import err, out, safe, settings
from lsp.recording import record_of
from lsp.recording_words import entry_words


def show(last: int, *, as_json: bool) -> int:
    """The newest entries, oldest of them first. 1 when there are none."""
    record = record_of(settings())
    entries = list(record.entries())[-last:]
    for entry in entries:
        if as_json:
            print(json.dumps(entry))  # noqa: T201 - the command's result
        else:
            out.print(safe(entry_words(entry)))
    if not entries:
        err.print(f"postil: nothing is recorded in {safe(str(record.file))}")
    return 0 if entries else 1


def verify(head: str) -> int:
    """0 when every line follows from the one before, and `head`, if given, is among them."""
    record = record_of(settings())
    chain = record.verify()
    if chain.broken_line is not None:
        out.print(
            f"Line {chain.broken_line} of {safe(str(record.file))} was changed, or a line before "
            f"it was taken out; {chain.n_entries} before it are right."
        )
        return 3
    if head and head != chain.head and head not in {e.get("hash") for e in record.entries()}:
        out.print(f"The record does not hold {safe(head)}: its end was cut off, or it is another.")
        return 3
    out.print(f"{chain.n_entries} entries, each follows from the one before.")
    out.print(f"Head: {chain.head}")
    out.print("Keep it elsewhere: `postil log verify --head HASH` then shows a cut-off end, too.")
    return 0


def export(target: Path) -> int:
    """Copy the record, verified; a target that is there is not written over."""
    record = record_of(settings())
    chain = record.verify()
    try:
        with target.open("x", encoding="utf-8") as opened:
            head = {"postil": "record", "entries": chain.n_entries, "head": chain.head,
                    "broken_line": chain.broken_line}  # fmt: skip
            opened.write(json.dumps(head) + "\n")
            for entry in record.entries():
                opened.write(json.dumps(entry, sort_keys=True) + "\n")
    except FileExistsError:
        err.print(f"postil: {safe(str(target))} is there already; name a new file.")
        return 2
    except OSError as error:
        err.print(f"postil: {safe(str(target))} cannot be written ({error.strerror}).")
        return 3
    out.print(f"{chain.n_entries} entries, head {chain.head}: {safe(str(target))}")
    return 0 if chain.broken_line is None else 3
