"""What the catalogue promises of every entry."""

from __future__ import annotations

from models.backends import Thinks
from models.catalog import catalog

LICENCES = {
    "Apache-2.0 (Qwen2.5)": "Apache License",
    "Apache-2.0 (Qwen3)": "Apache License",
    "Llama 3.1 Community License": "Llama 3.1 Community License, Copyright © Meta",
    "Llama 3.3 Community License": "Llama 3.3 Community License, Copyright © Meta",
}


def test_the_r1_distills_and_both_coders_are_there() -> None:
    names = {entry.name for entry in catalog()}
    assert names == {
        "qwen2.5-coder-0.5b",
        "qwen2.5-coder-1.5b",
        "deepseek-r1-distill-qwen-1.5b",
        "deepseek-r1-distill-qwen-7b",
        "deepseek-r1-distill-llama-8b",
        "deepseek-r1-distill-qwen-14b",
        "deepseek-r1-distill-qwen-32b",
        "deepseek-r1-distill-llama-70b",
        "deepseek-r1-0528-qwen3-8b",
    }
    for field in ("name", "file", "sha256"):
        assert len({getattr(entry, field) for entry in catalog()}) == len(names)


def test_every_licence_travels_as_text() -> None:
    for entry in catalog():
        text = entry.licence_text()
        assert entry.sha256 in text
        own = "Permission is hereby granted" if entry.licence == "MIT" else "Apache License"
        assert own in text
        if entry.base_licence:
            assert LICENCES[entry.base_licence] in text


def test_deepseeks_models_think_and_are_sampled_as_deepseek_advises() -> None:
    for entry in catalog():
        advised = entry.sampling.values
        if entry.name.startswith("deepseek"):
            assert entry.thinks is Thinks.TRAINED
            assert (advised.temperature, advised.top_p) == (0.6, 0.95)
            assert entry.template == "deepseek-r1"
            assert entry.fim is None
        else:
            assert entry.fim is not None
        assert entry.sampling.source


def test_heads_are_shared_as_grouped_attention_has_it() -> None:
    """A slip in a shape would make the arithmetic of memory wrong without anyone noticing."""
    for entry in catalog():
        shape = entry.shape
        assert shape.n_heads % shape.n_kv_heads == 0
        assert shape.n_heads * shape.head_dim == shape.n_embedding
