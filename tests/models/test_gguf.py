"""The reader that stands before llama.cpp: hostile headers, the real ones, ggml's own table."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from models.gguf import TENSOR_TYPES, read_header
from models.prompts.templates import marks_of
from tests.lsp.client import ROOT
from tests.models.hostile_gguf import N_FILES, build
from tests.models.weights import small_model

MAX_PEAK_KB = 400_000  # the interpreter with pydantic takes some 100 MB of it


@pytest.mark.skipif(sys.platform == "win32", reason="bounded by RLIMIT_AS, which Windows has not")
def test_500_malformed_files_are_refused_in_bounded_time_and_memory(tmp_path: Path) -> None:
    """Every crafted lie by the header's reader; a mutation that it lets by, by the digest."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.models.hostile_gguf", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    told = json.loads(done.stdout)
    results = told["results"]
    assert len(results) == N_FILES == len({r["name"] for r in results})
    assert {r["outcome"] for r in results} == {"header", "digest"}
    assert [r["name"] for r in results if r["crafted"] and r["outcome"] != "header"] == []
    assert sum(r["outcome"] == "header" for r in results) > 400
    assert all("\n" not in r["said"] and r["said"].endswith(".") for r in results)
    assert told["peak_kb"] < MAX_PEAK_KB


def test_the_file_that_the_lies_are_made_of_is_read(tmp_path: Path) -> None:
    """Else the 500 would be refused for something that all of them share."""
    file = tmp_path / "a.gguf"
    file.write_bytes(build())
    header = read_header(file)
    assert (header.n_layers, header.n_vocabulary, header.n_tensors) == (24, 48, 40)
    assert header.n_bytes == 40 * 144


@pytest.mark.model
def test_the_real_file_is_read_down_to_its_last_byte() -> None:
    entry, file = small_model()
    header = read_header(file)
    shape = entry.shape
    assert header.architecture == "qwen2"
    assert header.n_ctx_trained == entry.n_ctx_trained
    assert (header.n_layers, header.n_embedding) == (shape.n_layers, shape.n_embedding)
    assert (header.n_heads, header.n_kv_heads) == (shape.n_heads, shape.n_kv_heads)
    assert (header.head_dim, header.n_vocabulary) == (shape.head_dim, shape.n_vocabulary)
    assert set(header.quantisation) == {"Q8_0", "Q5_0", "F32", "Q6_K", "Q4_K"}
    assert header.chat_template_bytes == 2_507
    assert entry.fim is not None
    assert header.marks == {
        *marks_of(entry.template),
        *(entry.fim.prefix, entry.fim.suffix, entry.fim.middle),
    }
    header_bytes = file.stat().st_size - header.n_bytes
    assert 5_900_000 < header_bytes < 6_000_000


@pytest.mark.model
def test_the_table_of_types_is_ggmls_own() -> None:
    name = {"win32": "ggml-base.dll", "darwin": "libggml-base.dylib"}.get(
        sys.platform, "libggml-base.so"
    )
    found = [f for f in metadata.files("llama-cpp-python") or () if f.name == name]
    assert found, "llama-cpp-python no longer brings ggml's base library under this name"
    ggml = ctypes.CDLL(str(found[0].locate()))
    ggml.ggml_type_name.restype = ctypes.c_char_p
    ggml.ggml_type_size.restype = ctypes.c_size_t
    ggml.ggml_blck_size.restype = ctypes.c_int64
    theirs = {
        kind: (
            ggml.ggml_type_name(kind).decode().upper(),
            ggml.ggml_blck_size(kind),
            ggml.ggml_type_size(kind),
        )
        for kind in TENSOR_TYPES
    }
    ours = {kind: (t.name, t.block_items, t.block_bytes) for kind, t in TENSOR_TYPES.items()}
    assert ours == theirs
