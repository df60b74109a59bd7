"""The `postil` command: one subcommand a module in lsp/commands.

Exit codes: 0 found something, 1 nothing found, 2 bad use, 3 failure. `review` ends with 0 whether
it found something or not, since what a model sees is no verdict; with --fail, with 1 when it did.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from context.errors import ContextError, NoSuchPlace, NothingToMeasure, NoWorkspace
from context.report import EmptyReport
from lsp import __version__
from lsp.bad_use import BadUse
from lsp.commands.bundle import app as bundle_app
from lsp.commands.models_app import app as models_app
from lsp.commands.options import JsonOption, NoModelOption, WorkspaceOption
from models.errors import ModelError

FOUND, NOTHING_FOUND, BAD_USE, FAILED = 0, 1, 2, 3
LOOPBACK = "127.0.0.1"

app = typer.Typer(
    name="postil",
    help="A coding assistant over the Language Server Protocol that needs no network.",
    epilog=(
        "Exit codes: 0 found something, 1 nothing found, 2 bad use, 3 failure; "
        "review has its own. "
        "Settings are environment variables, POSTIL_MODEL and so on; the README lists them."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")
app.add_typer(bundle_app, name="bundle")
log_app = typer.Typer(help="The record of what the model was asked.", no_args_is_help=True)
app.add_typer(log_app, name="log")


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


@app.command(
    epilog="Such as: postil review | postil review --since origin/main --sarif > postil.sarif | "
    "postil review src/cart.py --json"
)
def review(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files that are read whole; with --since, where changes count."),
    ] = None,
    workspace: WorkspaceOption = Path(),
    since: Annotated[
        str | None,
        typer.Option(help="Read what changed since HEAD left this branch, tag or commit."),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="How many functions; 3, 6 or 12 by the effort."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
    as_sarif: Annotated[  # noqa: FBT002
        bool, typer.Option("--sarif", help="A SARIF 2.1.0 log on stdout.")
    ] = False,
    fail: Annotated[  # noqa: FBT002
        bool, typer.Option("--fail", help="Exit with 1 when there is a finding, not with 0.")
    ] = False,
) -> None:
    """Have the model read what changed since the last commit, or files, for bugs.

    The most suspicious functions first. Without a model there is nothing to read with: exit 3.
    """
    from lsp.commands import review as command

    if as_json and as_sarif:
        _fail("choose one of --json and --sarif", BAD_USE)
    if since == "":
        _fail("--since is empty; name a branch, a tag or a commit", BAD_USE)
    asked = command.Asked(workspace, tuple(paths or ()), since, most)
    found = command.run(asked, as_json=as_json, as_sarif=as_sarif)
    sys.exit(1 if found and fail else 0)


@app.command(epilog='Such as: postil fix src/cart.py:12-20 "total is wrong when empty" | git apply')
def fix(
    place: Annotated[str, typer.Argument(help="path:12 or path:12-20")],
    message: Annotated[str, typer.Argument(help="What is wrong there, in your words.")],
    workspace: WorkspaceOption = Path(),
    found: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--found", help="The words are a finding of `postil review` or `locate`."),
    ] = False,
    write: Annotated[  # noqa: FBT002
        bool, typer.Option("--write/--diff", help="Change the files, or print a diff.")
    ] = False,
) -> None:
    """Propose an edit for what is wrong at a place: a diff of what the gate let through.

    The model's thinking goes to stderr. Exit 1 when no edit passed the gate. With --found a small
    model only tries what it would rather have read there: what it writes for a bug that it found
    itself was never right.
    """
    from lsp.commands import fix as command

    if not message.strip():
        _fail("say what is wrong there, in a few words", BAD_USE)
    is_offered = command.run(place, message, workspace, is_found=found, writes=write)
    sys.exit(FOUND if is_offered else NOTHING_FOUND)


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
    ] = LOOPBACK,
) -> None:
    """Run the language server on stdin and stdout, or on a socket; editors call this."""
    from lsp.server import serve_socket, serve_stdio

    if tcp is not None and websocket is not None:
        _fail("choose one of --tcp and --websocket", BAD_USE)
    if host != LOOPBACK and tcp is None and websocket is None:
        _fail("--host says where to listen; give a port with --tcp or --websocket", BAD_USE)
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
    as_json: Annotated[  # noqa: FBT002
        bool, typer.Option("--json", help="JSON Lines on stdout: one object an entry.")
    ] = False,
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


def main() -> None:
    """Entry point: errors that a user can meet become one sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what its encoding lacks is written out
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            _flush()  # here, where it can still be said that it failed
    except NothingToMeasure as error:
        _fail(str(error), NOTHING_FOUND)
    except (BadUse, NoWorkspace, NoSuchPlace, EmptyReport) as error:
        _fail(str(error), BAD_USE)
    except (ContextError, ModelError) as error:
        _fail(str(error), FAILED)
    except BrokenPipeError:  # who read it has had enough
        _drop_output()
        sys.exit(FAILED)
    except OSError as error:
        _drop_output()
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", FAILED)
    except Exception:  # noqa: BLE001 - Python's own end with 1 would say that nothing was found
        traceback.print_exc()
        sys.exit(FAILED)


def _flush() -> None:
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _drop_output() -> None:
    """What cannot be written is not tried again when Python ends, which would change the code."""
    try:
        _flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(sentence: str, code: int) -> NoReturn:
    typer.echo(f"postil: {sentence}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
