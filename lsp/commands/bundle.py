"""postil bundle key, make, verify, install: carry Postil to a machine without a network."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsp.accelerators import Accelerator

if TYPE_CHECKING:
    from lsp.bundle.make import Made
    from models.catalog import CatalogEntry

FAILED = 3

app = typer.Typer(
    help="One signed archive that installs Postil where there is no network.",
    no_args_is_help=True,
)
KeyOption = Annotated[Path, typer.Option("--key", help="The owner's public key, KEY.pub.")]
BundleArgument = Annotated[Path, typer.Argument(help="The archive.", metavar="BUNDLE")]


class Extra(StrEnum):
    """Extras that have a lock file of their own: requirements-EXTRA.lock."""

    NETWORK = "network"


@app.command()
def key(
    out: Annotated[Path, typer.Option("--out", help="The private key; KEY.pub beside.")],
) -> None:
    """Make the key pair with which an enterprise signs its bundles."""
    _run(lambda: _make_key(out))


@app.command()
def make(
    out: Annotated[Path, typer.Option("--out", help="The archive to write.")],
    key: Annotated[Path, typer.Option("--key", help="The private key to sign with.")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Weights to take along; repeat it; none for no weights."),
    ] = None,
    accelerator: Annotated[
        str, typer.Option(help="Build llama.cpp for cpu, cuda, metal, vulkan or rocm.")
    ] = "cpu",
    platform: Annotated[
        str | None, typer.Option(help="Another machine's wheel tag, e.g. manylinux_2_28_x86_64.")
    ] = None,
    python: Annotated[str | None, typer.Option(help="Its Python, e.g. 3.12.")] = None,
    wheel: Annotated[
        list[Path] | None, typer.Option("--wheel", help="A wheel to take as it is; repeat it.")
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option("--licence", help="NAME=FILE: the text of a model's licence."),
    ] = None,
    vsix: Annotated[
        Path | None, typer.Option("--vsix", help="VS Code's extension, built elsewhere.")
    ] = None,
    extra: Annotated[
        Extra | None, typer.Option("--extra", help="network: what asking servers needs, too.")
    ] = None,
) -> None:
    """Collect wheels, weights, plugins and licences, and sign them."""
    _run(
        lambda: _make(
            out, key, model or [], accelerator, platform, python, wheel, licence, vsix, extra
        )
    )


@app.command()
def verify(bundle: BundleArgument, key: KeyOption) -> None:
    """Check the signature and every digest of a bundle."""
    from lsp.bundle import installer

    _run(lambda: installer.report_verified(installer.verify(bundle, key)))


@app.command()
def install(
    bundle: BundleArgument,
    key: KeyOption,
    to: Annotated[Path | None, typer.Option("--to", help="A new folder.")] = None,
) -> None:
    """Check a bundle and install it, without a network."""
    from lsp.bundle import installer

    folder = to or installer.default_folder()

    def both() -> None:
        installer.install(bundle, key, folder)
        typer.echo("\n".join(installer.next_steps(folder.absolute())))

    _run(both)


def _run(command: Callable[[], None]) -> None:
    from lsp.bundle.installer import BundleError

    try:
        command()
    except BundleError as error:
        typer.echo(f"postil: {error}", err=True)
        sys.exit(FAILED)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("cryptography", "cyclonedx", "packageurl", "packaging"):
            raise
        typer.echo(
            f"postil: making bundles needs {missing}; run pip install -e '.[bundle]' in the "
            "checkout, with the pip of this environment.",
            err=True,
        )
        sys.exit(FAILED)


def _make_key(out: Path) -> None:
    from lsp.bundle import installer, signing

    public = signing.make_key(out)
    mark = installer.fingerprint(installer.read_public_key(public))
    typer.echo(f"{out} signs: keep it to yourself and off the network.")
    typer.echo(f"{public} checks: give it to everyone. Its fingerprint is {mark}.")


def _make(
    out: Path,
    key: Path,
    models: list[str],
    accelerator: str,
    platform: str | None,
    python: str | None,
    given_wheels: list[Path] | None,
    given_licences: list[str] | None,
    vsix: Path | None,
    extra: Extra | None,
) -> None:
    from lsp.bundle import manifest, platforms
    from lsp.bundle.make import Order
    from lsp.bundle.make import make as make_bundle
    from lsp.commands.console import settings

    if accelerator not in list(Accelerator):
        known = ", ".join(Accelerator)
        raise typer.BadParameter(f"{accelerator} is none of {known}", param_hint="--accelerator")
    pairs = [one.partition("=") for one in given_licences or []]
    if wrong := [name for name, _, file in pairs if not file]:
        raise typer.BadParameter(f"{wrong[0]} is not NAME=FILE", param_hint="--licence")
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch and not epoch.isdecimal():
        raise typer.BadParameter("SOURCE_DATE_EPOCH is not a number of seconds")
    order = Order(
        out=out,
        key=key,
        target=platforms.target(platform, python),
        accelerator=Accelerator(accelerator),
        weights=_weights(models),
        cache=settings().cache_dir,
        made_at=manifest.made_at(epoch, time.time()),
        given_wheels=given_wheels or [],
        given_licences={name: Path(file) for name, _, file in pairs},
        vsix=vsix,
        lock=f"requirements-{extra}.lock" if extra else "requirements.lock",
    )
    _tell(make_bundle(order, lambda line: typer.echo(line, err=True)), f"{key.name}.pub")


def _tell(made: Made, public_key: str) -> None:
    """What was written, and what to do with it."""
    said, size = made.manifest, made.archive.stat().st_size / 1e6
    least = f", glibc {said.glibc} or newer" if said.glibc else ""
    typer.echo(f"{made.archive}: {size:.0f} MB, {len(said.entries)} files")
    typer.echo(f"  for {said.platform}, CPython {said.python}{least}")
    typer.echo(f"  SHA-256 {made.archive_sha256}")
    typer.echo(f"{made.installer}: checks and installs it, with Python alone")
    typer.echo(f"  SHA-256 {made.installer_sha256}")
    arguments = f"{made.archive.name} --key {public_key}"
    typer.echo(
        "Carry both and the public key over. There:\n"
        f"    python{said.python} {made.installer.name} verify {arguments}\n"
        f"    python{said.python} {made.installer.name} install {arguments} --to DIR\n"
        "    DIR/bin/postil demo"
    )


def _weights(names: list[str]) -> list[tuple[CatalogEntry, Path]]:
    """Files whose digests are right, now. Raises `ModelError` where one is missing or wrong."""
    from lsp.commands.console import settings
    from models import hardware, weights

    if names == ["none"]:
        return []
    folder, free = settings().models_dir, hardware.free_memory_bytes()
    chosen = [weights.choose(name, folder, free) for name in names or ["auto"]]
    for entry, file in chosen:
        weights.check_for_load(entry, file)
    return list(dict.fromkeys(chosen))
