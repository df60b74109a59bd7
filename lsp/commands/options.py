"""Options that several subcommands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder of the code; this folder by default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
NoModelOption = Annotated[bool, typer.Option("--no-model", help="Evidence only.")]
