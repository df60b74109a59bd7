"""Transformers with real weights: those of the 0.5B's GGUF, in a real process."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import llguidance
import platformdirs
import pytest
from llguidance.gbnf_to_lark import any_to_lark
from tokenizers import Tokenizer

from lsp.backend import open_backend
from lsp.settings import read_settings
from models import prompts
from models.backends import Conversation, Generation, Message, StopReason
from models.backends.transformers import TransformersBackend
from models.errors import ContextFull, ModelCrashed, ModelUnavailable, WeightsRefused
from models.folders import READ, check_folder, digest_of
from models.prompts import Grammar
from tests.models.weights import small_model

HELLO = Conversation((Message("user", "Say hello."),))
FORMS = {  # an answer in the form, and such as leave it
    Grammar.PLACE: (
        '{"file": "F1", "first_line": 5, "last_line": 5, "cause": "The list may be empty."}',
        '{"file": "main.py"',
    ),
    Grammar.BUG_OR_NONE: ('{"bug": false, "reason": "The lines do what they say."}', '{"bug": 1'),
    Grammar.EDITS: (
        "REASON: The list may be empty.\nFILE: F1\n<<<<<<< SEARCH\n    a = 1\n\n=======\n"
        "    b = 2\n>>>>>>> REPLACE\nFILE: F2\n<<<<<<< SEARCH\nx\n=======\n>>>>>>> REPLACE\n",
        "REASON: The list may be empty.\nFILE: /etc",
    ),
    Grammar.REWRITE: (
        '    if x:\n        return "é😀"\n\n    return 1\n```\nREASON: It was wrong before.\n',
        "a\n```\nSure",
    ),
    Grammar.NAMES: ("alpha, beta, gamma\n", "1, 2"),
    Grammar.DOC: (
        "Return it by math.fsum of 0.5 e.g. An empty list is as a.stock.of is. Or at most 0.0.\n",
        "Return the mean. Of all the values. An empty list gives 0.5._and so on.\n",
        "Return the mean. Of all the values. An empty list gives 0.0.0.\n",
        "Return the mean of values.of.many.modules.\n",
    ),
    Grammar.SIGNATURE: ("def mean(values: list[float]) -> float:\n", "\n"),
    Grammar.TEST_CODE: ("_of_two():\n    assert mean([1, 3]) == 2\n```\n", "():\nassert"),
    Grammar.IDENTIFIER: ("mean_of`", "2nd"),
    Grammar.PARAMETER_CHANGE: ("add limit: int = 10\n", "drop it"),
    Grammar.NEW_PARAMETER: ("limit: int = 10`", "limit`"),
    Grammar.TEXT: ("It returns the mean of the values, é included.", "it `"),
}
SCRIPT = Path(__file__).parent / "make_safetensors.py"


@pytest.fixture(scope="module")
async def folder() -> Path:
    """Made once a machine, a gigabyte in the cache: its name says what it was made from and how."""
    entry, gguf = small_model()
    made = f"{entry.name}-{entry.sha256[:8]}-{digest_of([SCRIPT])[:8]}"
    folder = platformdirs.user_cache_path("postil") / "test-weights" / made
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder.with_suffix(".part"), ignore_errors=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", str(SCRIPT), str(gguf), str(folder)
        )
        assert await process.wait() == 0
    return folder


@pytest.fixture(scope="module")
async def model(folder: Path) -> AsyncIterator[TransformersBackend]:
    pinned = digest_of([p for p in folder.iterdir() if p.name in (*READ, "model.safetensors")])
    backend = await TransformersBackend.start(folder, pinned, n_ctx=1_024)
    yield backend
    await backend.close()


async def _text(backend: TransformersBackend, generation: Generation) -> str:
    return "".join([piece.text async for piece in backend.generate(generation)])


@pytest.mark.model
@pytest.mark.timeout(600)
async def test_it_generates_with_a_prefix_under_a_grammar(model: TransformersBackend) -> None:
    assert (model.info.backend, model.info.n_ctx) == ("Transformers", 1_024)
    assert len(model.info.digest) == 64
    if sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64"):
        assert "seccomp" in model.sandbox, "it can open no connection and start no program"
    asked = Conversation(HELLO.messages, '{"n": ')
    generation = Generation(asked, 12, grammar="root ::= [0-9]{1,3} \", '😀 é'}\"")
    pieces = [p async for p in model.generate(generation)]
    text = "".join(p.text for p in pieces)
    assert text.rstrip("}").endswith(", '😀 é'")
    assert text[0].isdigit()
    assert pieces[-1].stop_reason is StopReason.END


@pytest.mark.model
async def test_it_stops_at_a_text_and_at_its_budget(model: TransformersBackend) -> None:
    asked = Conversation((Message("user", "Count: one two three four five six"),), "one two thr")
    pieces = [p async for p in model.generate(Generation(asked, 8, stop=("five",)))]
    assert pieces[-1].stop_reason is StopReason.STOP_TEXT
    assert "five" not in "".join(p.text for p in pieces)
    pieces = [p async for p in model.generate(Generation(HELLO, 2))]
    assert (pieces[-1].stop_reason, pieces[-1].n_tokens) == (StopReason.LENGTH, 2)


@pytest.mark.model
async def test_its_scores_are_those_of_llama_cpp(model: TransformersBackend) -> None:
    """The same weights on other kernels: the numbers that llama.cpp gives, within a few percent."""
    asked = Conversation((Message("user", "Complete: 2 + 2 ="),), "2 + 2 = ")
    four, words = await model.score(asked, ["4", "banana boat"])
    logs = await model.token_logs(asked, "banana boat")
    assert logs[0].start == 0
    assert sum(log.log for log in logs) == pytest.approx(words, abs=0.1)
    assert four == pytest.approx(-0.0023, abs=0.002)
    assert words < -15


@pytest.mark.model
async def test_counts_leave_marks_in_code_as_text(model: TransformersBackend) -> None:
    assert (await model.count_tokens(["<|im_end|>"]))[0] > 1


@pytest.mark.model
@pytest.mark.timeout(600)
@pytest.mark.parametrize("grammar", list(Grammar))
async def test_every_grammar_is_read_and_begun(
    model: TransformersBackend, grammar: Grammar
) -> None:
    begins = {
        Grammar.PLACE: '{"file": "F',
        Grammar.BUG_OR_NONE: '{"bug": ',
        Grammar.EDITS: "REASON: ",
    }
    text = await _text(model, Generation(HELLO, 6, grammar=prompts.grammar(grammar)))
    begin = begins.get(grammar, "")
    assert text
    assert begin.startswith(text) or text.startswith(begin)


@pytest.mark.model
@pytest.mark.parametrize("grammar", list(Grammar))
def test_every_grammar_takes_a_whole_answer_and_no_other_form(
    folder: Path, grammar: Grammar
) -> None:
    """Without the model: the grammar as llguidance has it, over the model's own tokens."""
    right, *wrong = FORMS[grammar]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    known = llguidance.LLTokenizer(tokenizer.to_str())
    lark = llguidance.LLMatcher.grammar_from_lark(any_to_lark(prompts.grammar(grammar)))
    for text, is_right in ((right, True), *((text, False) for text in wrong)):
        matcher = llguidance.LLMatcher(known, lark, log_level=0)
        ids = tokenizer.encode(text).ids
        assert (matcher.try_consume_tokens(ids) == len(ids)) is is_right, text
        assert matcher.is_accepting() is is_right


@pytest.mark.model
async def test_closing_the_stream_and_cancelling_stop_it_and_it_goes_on_working(
    model: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the time: on a machine that is very busy a step takes longer than a user would wait."""
    monkeypatch.setattr(TransformersBackend, "cancel_s", 120.0)
    pid = model.worker_pid
    stream = model.generate(Generation(HELLO, 400, grammar='root ::= "a"{390}'))
    await anext(stream)
    await stream.aclose()
    long = Conversation((Message("user", "def f(x): return x + 1\n" * 60),))
    begun = asyncio.ensure_future(anext(model.generate(Generation(long, 5))))
    await asyncio.sleep(0)
    begun.cancel()
    with pytest.raises(asyncio.CancelledError):
        await begun
    assert await _text(model, Generation(HELLO, 2))
    assert model.worker_pid == pid, "the worker obeyed and was not killed"


@pytest.mark.model
async def test_a_prompt_that_does_not_fit_is_refused(model: TransformersBackend) -> None:
    long = Conversation((Message("user", "word " * 2_000),))
    with pytest.raises(ContextFull, match="show less"):
        await _text(model, Generation(long, 5))


@pytest.mark.model
@pytest.mark.timeout(600)
async def test_a_killed_worker_is_reported_and_replaced(model: TransformersBackend) -> None:
    stream = model.generate(Generation(HELLO, 400, grammar='root ::= "a"{390}'))
    await anext(stream)
    assert model.worker_pid is not None
    os.kill(model.worker_pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    with pytest.raises(ModelCrashed, match="ask again"):
        await _rest(stream)
    assert await _text(model, Generation(HELLO, 2))


async def _rest(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass


# --- what a folder must be -----------------------------------------------------------------------


def _folder(at: Path, **files: bytes) -> Path:
    at.mkdir()
    for name, content in {"config.json": b"{}", "tokenizer.json": b"{}", **files}.items():
        (at / name.replace("__", ".")).write_bytes(content)
    return at


def test_a_folder_is_pinned_by_a_digest_that_the_error_names(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "m", model__safetensors=b"numbers", README__md=b"words")
    with pytest.raises(ModelUnavailable, match=r"set model_digest .* to [0-9a-f]{64}$") as told:
        check_folder(folder, "")
    digest = str(told.value)[-64:]
    assert check_folder(folder, digest) == digest
    (folder / "README.md").write_bytes(b"other words")
    assert check_folder(folder, digest) == digest, "it is not read"
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(before + b"x")
        with pytest.raises(WeightsRefused, match="not the one in model_digest"):
            check_folder(folder, digest)
        (folder / name).write_bytes(before)
    (folder / "more.safetensors").write_bytes(b"more")
    with pytest.raises(WeightsRefused, match="not the one in model_digest"):
        check_folder(folder, digest)


@pytest.mark.parametrize(
    "name", ["modeling.py", "pytorch_model.bin", "model.PKL", "x.so", "adapter_config.json"]
)
def test_a_folder_with_code_or_pickles_is_refused(tmp_path: Path, name: str) -> None:
    folder = _folder(tmp_path / "m", model__safetensors=b"numbers")
    (folder / name).write_bytes(b"")
    with pytest.raises(WeightsRefused, match="can run code or load more"):
        check_folder(folder, "0" * 64)


async def test_what_is_no_folder_of_weights_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="There is no folder"):
        check_folder(tmp_path / "none", "")
    with pytest.raises(ModelUnavailable, match=r"has no weights \(\*.safetensors\)"):
        check_folder(_folder(tmp_path / "a"), "")
    with pytest.raises(ModelUnavailable, match="has no config"):
        check_folder(tmp_path, "")
    settings, _ = read_settings({"POSTIL_MODEL": f"transformers:{tmp_path / 'none'}"})
    with pytest.raises(ModelUnavailable, match="There is no folder"):
        await open_backend(settings)


async def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelUnavailable, match=r"pip install 'postil\[transformers\]'"):
        await TransformersBackend.start(tmp_path, "")
