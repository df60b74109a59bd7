"""A folder of weights for Transformers: what may be in it, and the digest that pins it.

Only safetensors, which hold numbers and nothing else; a folder with code or pickles in it is
refused whole. Which revision a folder is, is known by its digest alone.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.errors import ModelUnavailable, WeightsRefused

NEEDED = ("config.json", "tokenizer.json")
READ = (*NEEDED, "generation_config.json", "model.safetensors.index.json")
# Python, pickles in the names that they go by, and what would load more from elsewhere.
REFUSED = (".py", ".pyc", ".so", ".dll", ".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5")
REFUSED_NAMES = ("adapter_config.json",)
_BLOCK = 1 << 20


def check_folder(folder: Path, digest: str) -> str:
    """The folder's digest, when it is the one given. Reads all of it.

    Raises `ModelUnavailable` where files are missing or no digest is given, `WeightsRefused` where
    something is in it that must not be, or the digest is another one.
    """
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no folder {folder}; correct the setting model.")
    files = sorted(path for path in folder.iterdir() if path.is_file())
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    weights = [path for path in files if path.suffix == ".safetensors"]
    if missing or not weights:
        lacking = " and ".join(missing) or "weights (*.safetensors)"
        raise ModelUnavailable(f"{folder} has no {lacking}: it is no folder for Transformers.")
    for path in files:
        if path.suffix.lower() in REFUSED or path.name in REFUSED_NAMES:
            raise WeightsRefused(
                f"{folder} holds {path.name}, which can run code or load more; keep only "
                "*.json and *.safetensors."
            )
    found = digest_of([path for path in files if path in weights or path.name in READ])
    if not digest:
        raise ModelUnavailable(
            f"Say that {folder} is what you mean: set model_digest (POSTIL_MODEL_DIGEST) to {found}"
        )
    if found != digest:
        raise WeightsRefused(
            f"{folder} has the digest {found[:16]}… and not the one in model_digest; get the right "
            "revision again."
        )
    return found


def digest_of(files: list[Path]) -> str:
    """SHA-256 over names and contents, in the order of the names."""
    whole = hashlib.sha256()
    for path in sorted(files, key=lambda p: p.name):
        one = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                one.update(block)
        whole.update(f"{path.name}\0{one.hexdigest()}\n".encode())
    return whole.hexdigest()
