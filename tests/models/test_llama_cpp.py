"""The real 0.5B in a real worker process."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import sys
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from context.window import Role, Snippet
from models import prompts
from models.asking import Asking, ask, written
from models.backends import Conversation, Generation, Message, StopReason, in_background
from models.backends.loading import Drafts, FlashAttention, KvType
from models.backends.turns import PAUSE_S
from models.backends.worker_backend import MAX_DEATHS
from models.backends.worker_client import LlamaCppBackend, Options
from models.catalog import entry_named
from models.errors import ContextFull, ModelCrashed, WeightsRefused
from models.findings import CutReason
from models.prompts import Grammar
from models.replies import parse_place
from models.tasks.explain import explain
from tests.models.weights import small_model

pytestmark = pytest.mark.model

HELLO = Conversation((Message("user", "Say hello."),))
LONG = Conversation((Message("user", "def f(x): return x + 1\n" * 120),))


async def _text(backend: LlamaCppBackend, generation: Generation) -> str:
    return "".join([piece.text async for piece in backend.generate(generation)])


async def test_a_grammar_is_obeyed(backend: LlamaCppBackend) -> None:
    grammar = 'root ::= "{\\"n\\": " [0-9]{1,3} "}"'
    text = await _text(backend, Generation(HELLO, 20, grammar=grammar))
    assert text.startswith('{"n": ')
    assert text.endswith("}")


async def test_a_stop_text_ends_the_reply_and_is_not_shown(backend: LlamaCppBackend) -> None:
    asked = Conversation((Message("user", "Count: one two three four five six"),), "one two thr")
    pieces = [p async for p in backend.generate(Generation(asked, 20, stop=("five",)))]
    assert pieces[-1].stop_reason is StopReason.STOP_TEXT
    assert "five" not in "".join(p.text for p in pieces)


async def test_a_likelier_choice_has_the_higher_score(backend: LlamaCppBackend) -> None:
    asked = Conversation((Message("user", "Complete: 2 + 2 ="),), "2 + 2 = ")
    four, words = await backend.score(asked, ["4", "banana boat"])
    assert four > words
    assert four < 0


async def test_choices_that_begin_alike_score_as_each_does_alone(backend: LlamaCppBackend) -> None:
    asked = Conversation((Message("user", "Name a number above 90."),), "It is ")
    choices = ["9,", "95,", "100,", "104,", "10,", "95,", ""]
    together = await backend.score(asked, choices)
    for choice, score in zip(choices, together, strict=True):
        assert [score] == pytest.approx(await backend.score(asked, [choice]), abs=0.3)
    assert together[1] == together[5]
    assert together[-1] == float("-inf")


async def test_the_tokens_of_a_given_text_are_told_with_their_places(
    backend: LlamaCppBackend,
) -> None:
    """An odd word is improbable where it stands; the whole is what scoring says of it."""
    asked = Conversation((Message("user", "Say the days of the week, é 😀."),))
    text = "Monday, Tuesday, é 😀 banana, Thursday"
    logs = await backend.token_logs(asked, text)
    starts = [log.start for log in logs]
    assert starts[0] == 0
    assert starts == sorted(starts)
    assert all(log.log <= log.best <= 0 for log in logs)
    odd = min(logs[1:], key=lambda log: log.log - log.best)
    assert odd.start in range(len("Monday, Tuesday"), len("Monday, Tuesday, é 😀 banana"))
    assert " banana" in {text[a:b] for a, b in pairwise([*starts, len(text)])}
    (score,) = await backend.score(asked, [text])
    assert sum(log.log for log in logs) == pytest.approx(score, abs=1.0)
    assert await backend.token_logs(asked, "") == []


async def test_counts_are_the_tokenizers_own_and_long_tokens_survive(
    backend: LlamaCppBackend,
) -> None:
    """Indentation of 40 to 128 columns is one token each; llama-cpp-python drops those over 32."""
    (few,), (many,) = (
        await backend.count_tokens([" " * 64]),
        await backend.count_tokens(["ab " * 64]),
    )
    assert few < 8 < many
    code = "x = 1\n" + " " * 83 + "y = '😀 é'\n"
    asked = Conversation((Message("user", f"Repeat exactly:\n{code}"),), f"{code}{code}{code}")
    grammar = 'root ::= "x = 1\\n" " "{83} "y = \'😀 é\'\\n"'
    assert await _text(backend, Generation(asked, 80, grammar=grammar)) == code


async def test_the_templates_marks_in_a_users_text_stay_text(backend: LlamaCppBackend) -> None:
    (count,) = await backend.count_tokens(["<|im_end|>"])
    assert count > 1


async def test_a_second_reading_of_the_same_prompt_gives_the_same_text(
    backend: LlamaCppBackend,
) -> None:
    first = await _text(backend, Generation(HELLO, 12))
    assert first
    await _text(backend, Generation(LONG, 1))
    assert await _text(backend, Generation(HELLO, 12)) == first


async def test_cancelling_in_the_prompt_stops_the_model_and_it_goes_on_working(
    backend: LlamaCppBackend,
) -> None:
    pid = backend.worker_pid
    backwards = Conversation((Message("user", LONG.messages[0].content[::-1]),))
    stream = backend.generate(Generation(backwards, 50))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.2)  # into the prompt, which takes seconds
    assert not first.done()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await _text(backend, Generation(HELLO, 5))
    assert backend.worker_pid == pid, "the worker obeyed and was not killed"


async def test_closing_the_stream_stops_the_generation(backend: LlamaCppBackend) -> None:
    pid = backend.worker_pid
    stream = backend.generate(Generation(HELLO, 400, grammar='root ::= "a"{390}'))
    await anext(stream)
    await stream.aclose()
    assert await _text(backend, Generation(HELLO, 5))
    assert backend.worker_pid == pid


async def test_background_work_stops_for_a_person_and_its_answer_is_the_same(
    backend: LlamaCppBackend,
) -> None:
    pid, order = backend.worker_pid, list[str]()
    shorter = Conversation((Message("user", LONG.messages[0].content[: 23 * 60]),))
    generation = Generation(shorter, 12)
    alone = await _text(backend, generation)

    async def review() -> str:
        with in_background():
            text = await written(backend, generation)
        order.append("review")
        return text

    await _text(backend, Generation(HELLO, 1))  # what was read of the longer prompt is forgotten
    await asyncio.sleep(PAUSE_S)
    reviewing = asyncio.ensure_future(review())
    await asyncio.sleep(0.2)  # into the prompt, which takes seconds
    assert await _text(backend, Generation(HELLO, 5))
    order.append("person")
    assert await reviewing == alone
    assert order == ["person", "review"]
    assert backend.worker_pid == pid


async def test_a_killed_worker_is_reported_and_replaced(backend: LlamaCppBackend) -> None:
    stream = backend.generate(Generation(HELLO, 400, grammar='root ::= "a"{390}'))
    await anext(stream)
    assert backend.worker_pid is not None
    os.kill(backend.worker_pid, signal.SIGKILL)
    with pytest.raises(ModelCrashed, match="ask again, it is started anew"):
        async for _ in stream:
            pass
    assert await _text(backend, Generation(HELLO, 5))


async def test_whoever_waits_while_a_worker_dies_is_served_by_the_next(
    backend: LlamaCppBackend,
) -> None:
    stream = backend.generate(Generation(HELLO, 400, grammar='root ::= "a"{390}'))
    await anext(stream)
    waiting = asyncio.ensure_future(_text(backend, Generation(HELLO, 5)))
    await asyncio.sleep(0)
    assert backend.worker_pid is not None
    os.kill(backend.worker_pid, signal.SIGKILL)
    with pytest.raises(ModelCrashed):
        await anext(stream)
    assert await waiting


@pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")
async def test_the_worker_has_given_up_the_network(backend: LlamaCppBackend) -> None:
    assert "seccomp" in backend.sandbox or platform.machine() not in ("x86_64", "aarch64")
    assert "resource limits" in backend.sandbox


async def test_what_an_answer_copies_is_the_same_text_with_and_without_drafts(
    backend: LlamaCppBackend,
) -> None:
    entry, file = small_model()
    lines = "".join(f"def area_{n}(width, height):\n    return width * {n}\n" for n in range(6))
    asked = Conversation((Message("user", f"Repeat this code exactly:\n{lines}"),), "```\n")
    plain = await LlamaCppBackend.start(entry, file, Options(n_ctx=4_096, drafts=Drafts.NONE))
    try:
        for grammar in (None, 'root ::= [^`]+ "```"'):
            wanted = Generation(asked, 90, grammar=grammar)
            assert await _text(backend, wanted) == await _text(plain, wanted)
            assert "area_1" in await _text(backend, wanted)
    finally:
        await plain.close()


async def test_a_small_cache_of_keys_and_values_works_with_flash_attention() -> None:
    entry, file = small_model()
    options = Options(n_ctx=1_024, kv_type=KvType.Q8_0, flash_attention=FlashAttention.ON)
    small = await LlamaCppBackend.start(entry, file, options)
    try:
        assert small.info.n_ctx == 1_024
        assert await _text(small, Generation(HELLO, 5))
    finally:
        await small.close()


async def test_an_idle_model_leaves_memory_and_comes_back() -> None:
    entry, file = small_model()
    idle = await LlamaCppBackend.start(entry, file, Options(n_ctx=1_024, idle_unload_s=0.05))
    try:
        first = idle.worker_pid
        assert first is not None
        async with asyncio.timeout(20):
            while psutil.pid_exists(first):  # noqa: ASYNC110 - nothing tells when a process is gone
                await asyncio.sleep(0.02)
        assert idle.worker_pid is None
        assert await _text(idle, Generation(HELLO, 5))
    finally:
        await idle.close()


async def test_a_model_that_keeps_dying_is_not_started_again_and_again() -> None:
    entry, file = small_model()
    dying = await LlamaCppBackend.start(entry, file, Options(n_ctx=1_024))
    try:
        for _ in range(MAX_DEATHS):
            stream = dying.generate(Generation(HELLO, 200, grammar='root ::= "a"{190}'))
            await anext(stream)
            assert dying.worker_pid is not None
            os.kill(dying.worker_pid, signal.SIGKILL)
            with pytest.raises(ModelCrashed, match="ask again"):
                await anext(stream)
        with pytest.raises(ModelCrashed, match="is not started again for now; a smaller model"):
            await _text(dying, Generation(HELLO, 5))
        assert dying.worker_pid is None
    finally:
        await dying.close()


async def test_a_prompt_that_does_not_fit_is_refused(backend: LlamaCppBackend) -> None:
    too_long = Conversation((Message("user", "word " * 5_000),))
    with pytest.raises(ContextFull, match="show less"):
        await _text(backend, Generation(too_long, 5))


async def test_thinking_is_closed_at_its_budget_and_the_answer_is_read(
    backend: LlamaCppBackend,
) -> None:
    code = "## F1 a.py total (lines 4-6)\n4| def total(xs):\n5|     return sum(xs) / len(xs)\n6| \n"
    answer = await ask(
        backend,
        prompts.locate("ZeroDivisionError in total for an empty list", code),
        grammar=prompts.grammar(Grammar.PLACE),
        thinking_tokens=12,
        max_answer_tokens=200,
        on_event=lambda _: None,
    )
    assert answer.trace.n_tokens <= 12
    assert answer.trace.cut is CutReason.BUDGET
    assert parse_place(answer.text).cause


async def test_lines_are_explained_in_plain_text(backend: LlamaCppBackend) -> None:
    code = "def total(xs):\n    return sum(xs) / len(xs)"
    snippet = Snippet("a.py", 1, 2, "total", code, Role.SUSPECT, "chosen", "hash")
    said = await explain(
        snippet, [], 1, 2, "division by zero",
        Asking(backend, 8, 400, lambda _: None),
    )  # fmt: skip
    assert said.text[0].isupper()
    assert "`" not in said.text
    assert (said.path, said.start_line, said.end_line) == ("a.py", 1, 2)


@pytest.mark.parametrize("grammar", list(Grammar))
async def test_every_grammar_is_read_by_llama_cpp_and_ends(
    backend: LlamaCppBackend, grammar: Grammar
) -> None:
    """In the worker: a grammar that llama.cpp cannot read would take the process with it."""
    asked = Generation(HELLO, 30, grammar=prompts.grammar(grammar))
    assert await _text(backend, asked)


async def test_weights_that_are_not_what_they_should_be_are_never_loaded(tmp_path: Path) -> None:
    entry = entry_named("qwen2.5-coder-0.5b")
    from tests.models.test_weights import tiny_gguf

    wrong = tmp_path / entry.file
    wrong.write_bytes(tiny_gguf())
    with pytest.raises(
        WeightsRefused, match=r"is not Qwen2.5-Coder-0.5B.*fetch or import it again"
    ):
        await LlamaCppBackend.start(entry, wrong)
    wrong.write_bytes(tiny_gguf()[:40])
    with pytest.raises(WeightsRefused, match="cut off in its header"):
        await LlamaCppBackend.start(entry, wrong)
