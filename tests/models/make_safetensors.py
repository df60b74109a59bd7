"""Write a catalogue model's GGUF as a folder that Transformers loads: config, tokenizer, weights.

python tests/models/make_safetensors.py FILE.gguf FOLDER

Run as a process of its own, since it needs torch and twice the model's memory. The weights become
bfloat16. A model that Transformers loaded from a GGUF cannot be saved as it is (its config still
says that it is quantised), so the numbers go into a new model made from the mended config.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"


def convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source, name = str(gguf.parent), gguf.name
    loaded = AutoModelForCausalLM.from_pretrained(source, gguf_file=name, dtype=torch.bfloat16)
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    fresh = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    fresh.load_state_dict(loaded.state_dict())
    unfinished = folder.with_suffix(".part")
    fresh.save_pretrained(unfinished)
    AutoTokenizer.from_pretrained(source, gguf_file=name).save_pretrained(unfinished)
    unfinished.rename(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
