"""Put the README's pictures together from those that the tests of VS Code took.

    python -m pytest tests/e2e/test_vscode.py && python tests/e2e/pictures.py

Draws nothing: stills are the tests' own, with fewer colours; the animated one is the story test's
stills one after another, all in editors/pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
TAKEN = ROOT / "build" / "pictures" / "vscode"
KEPT = ROOT / "editors" / "pictures"
STILLS = {
    "2-suspects": "vscode-suspects",
    "3-hover": "vscode-hover",
    "6-refactor-preview": "vscode-refactor-preview",
    "7-diff": "vscode-diff",
    "3-trace": "vscode-trace",
}
STORY = ("1-before", "2-suspects", "3-hover", "3-trace", "4-actions", "5-fixed")
FRAME_MS = 2_600
MAX_BYTES = 150_000


def main() -> int:
    missing = [name for name in {*STILLS, *STORY} if not (TAKEN / f"{name}.png").exists()]
    if missing:
        sys.stderr.write(f"not taken yet: {', '.join(sorted(missing))}; run the tests first\n")
        return 1
    KEPT.mkdir(parents=True, exist_ok=True)
    for taken, kept in STILLS.items():
        file = KEPT / f"{kept}.png"
        _read(taken).quantize(128).save(file, optimize=True)
        _tell(file)
    first, *others = map(_read, STORY)
    story = KEPT / "vscode.webp"
    first.save(
        story, save_all=True, append_images=others, duration=FRAME_MS, loop=0, quality=45, method=6
    )
    _tell(story)
    return 0


def _read(name: str) -> Image.Image:
    with Image.open(TAKEN / f"{name}.png") as picture:
        return picture.convert("RGB")


def _tell(file: Path) -> None:
    size = file.stat().st_size
    assert size < MAX_BYTES, f"{file.name} has {size} bytes"
    sys.stderr.write(f"{file.relative_to(ROOT)}: {size / 1000:.0f} kB\n")


if __name__ == "__main__":
    sys.exit(main())
