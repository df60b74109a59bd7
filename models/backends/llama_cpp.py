"""The code that talks to llama.cpp. Imported in the model worker's process and nowhere else.

Uses llama-cpp-python's loaded context with our own loop, since its high-level calls cannot be
stopped during a prompt, drop tokens longer than 32 bytes (its issue 2362), and run the chat
template that stands in the file. One context, one job at a time; the KV cache of the last job is
kept, and a prompt that begins alike is read only from where it differs.
"""

from __future__ import annotations

import codecs
import ctypes
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp import _internals
from llama_cpp.llama_grammar import LlamaGrammar

from context.child import Cancelled
from models.backends import Generation, Piece, Sampling, StopReason
from models.catalog import TemplateName
from models.errors import ContextFull, ModelError
from models.prompts.templates import Segment, render

N_BATCH = 256  # prompt tokens a decode: between two of them a cancel is seen at the latest
LIBRARIES = Path(llama_cpp.__file__).parent / "lib"
PENALTY_WINDOW = 256  # tokens looked back on for the repeat penalty


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _drop_log(level: int, text: bytes, data: object) -> None:
    """llama.cpp's own remarks are for its developers; failures reach us as return codes."""
    del level, text, data


@dataclass(slots=True)
class _Cache:
    """Tokens whose keys and values the context holds, in order."""

    tokens: list[int]


class LoadedModel:
    """A model in memory. Not thread-safe."""

    def __init__(self, path: str, template: TemplateName, n_ctx: int, n_threads: int) -> None:
        llama_cpp.llama_log_set(_drop_log, None)
        load_backends(LIBRARIES)
        try:
            self._llama: Any = llama_cpp.Llama(
                model_path=path,
                n_ctx=n_ctx,
                n_batch=N_BATCH,
                n_threads=n_threads,
                n_threads_batch=n_threads,
                n_gpu_layers=-1 if llama_cpp.llama_supports_gpu_offload() else 0,
                use_mmap=False,  # a mapped file that is truncated ends the process by a signal
                verbose=False,
            )
        except (ValueError, OSError) as error:
            raise ModelError(
                "llama.cpp could not load the weights (out of memory, or a kind of model it does "
                "not know); try a smaller model or context."
            ) from error
        self._template: TemplateName = template
        self._context = self._llama._ctx
        self._vocab = self._llama._model.vocab
        self._cache = _Cache([])
        self._cancelled = threading.Event()
        self._abort = llama_cpp.ggml_abort_callback(lambda _: self._cancelled.is_set())
        llama_cpp.llama_set_abort_callback(self._context.ctx, self._abort, None)
        self.n_ctx = int(self._llama.n_ctx())
        self.device = _device(n_threads)

    def count(self, text: str) -> int:
        return len(self._tokenize(Segment(text, is_mark=False)))

    def generate(self, generation: Generation, cancelled: threading.Event) -> Iterator[Piece]:
        """Stream pieces of whole characters. Raises `Cancelled`, `ContextFull`."""
        self._cancelled = cancelled
        prompt = self._prompt(generation)
        room = self.n_ctx - len(prompt)
        if room < 1:
            raise ContextFull(
                f"The prompt has {len(prompt)} tokens and the model takes {self.n_ctx}; show less."
            )
        sampler = self._sampler(generation.sampling, generation.grammar)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        stops = StopTexts(generation.stop)
        self._read(prompt)
        n_tokens = 0
        try:
            while n_tokens < min(generation.max_new_tokens, room):
                if cancelled.is_set():
                    raise Cancelled
                token = int(sampler.sample(self._context, -1))
                if llama_cpp.llama_vocab_is_eog(self._vocab, token):
                    yield Piece(stops.rest(), n_tokens, StopReason.END)
                    return
                n_tokens += 1
                text, stopped = stops.feed(decoder.decode(self.piece(token)))
                if stopped:
                    yield Piece(text, n_tokens, StopReason.STOP_TEXT)
                    return
                if text:
                    yield Piece(text, n_tokens)
                self._read_more([token])
            yield Piece(stops.rest() + decoder.decode(b"", final=True), n_tokens, StopReason.LENGTH)
        finally:
            sampler.close()

    def score(
        self, generation: Generation, choices: Sequence[str], cancelled: threading.Event
    ) -> list[float]:
        """Log-probability of each choice after the prompt, summed over its tokens, in nats."""
        self._cancelled = cancelled
        prompt = self._prompt(generation)
        longest = max((self.count(choice) for choice in choices), default=0)
        if len(prompt) + longest > self.n_ctx:
            raise ContextFull(f"The prompt has {len(prompt)} tokens; show less.")
        self._read(prompt)
        first = self._log_probabilities()
        scores: list[float] = []
        for choice in choices:
            tokens = self._tokenize(Segment(choice, is_mark=False))
            total, logs = 0.0, first
            for position, token in enumerate(tokens):
                total += float(logs[token])
                if position + 1 < len(tokens):
                    self._read_more([token])
                    logs = self._log_probabilities()
            scores.append(total if tokens else -math.inf)
            self._forget(len(prompt))
        return scores

    def piece(self, token: int) -> bytes:
        """Bytes of one token, however long: the buffer grows as llama.cpp asks."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)  # noqa: FBT003
            if written >= 0:
                return buffer.raw[:written]
            size = -written

    def _prompt(self, generation: Generation) -> list[int]:
        segments = render(generation.conversation, self._template)
        return [token for segment in segments for token in self._tokenize(segment)]

    def _tokenize(self, segment: Segment) -> list[int]:
        """Tokens of one segment; special tokens are known only in marks."""
        if not segment.text:
            return []
        data = segment.text.encode("utf-8", "replace")
        size = len(data) + 8
        tokens = (llama_cpp.llama_token * size)()
        count = llama_cpp.llama_tokenize(
            self._vocab,
            data,
            len(data),
            tokens,
            size,
            False,  # noqa: FBT003 - the template brings its own beginning-of-text token
            segment.is_mark,
        )
        if count < 0:
            raise ModelError("llama.cpp could not read the prompt's text.")
        return list(tokens[:count])

    def _read(self, prompt: list[int]) -> None:
        """Bring the cache to exactly `prompt`, keeping what it shares with the last job."""
        shared = 0
        for a, b in zip(self._cache.tokens, prompt, strict=False):
            if a != b:
                break
            shared += 1
        shared = min(shared, len(prompt) - 1)  # the last token is read again for its logits
        self._forget(shared)
        for start in range(shared, len(prompt), N_BATCH):
            self._read_more(prompt[start : start + N_BATCH])

    def _read_more(self, tokens: list[int]) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self._llama.n_tokens = len(self._cache.tokens)
        try:
            self._llama.eval(tokens)
        except RuntimeError as error:
            self._clear()
            if self._cancelled.is_set():
                raise Cancelled from error  # llama_decode was aborted by our callback
            raise ModelError(f"llama.cpp could not go on ({error}).") from error
        self._cache.tokens.extend(tokens)

    def _forget(self, keep: int) -> None:
        """Drop everything after the first `keep` tokens."""
        if keep >= len(self._cache.tokens):
            return
        if self._context.kv_cache_seq_rm(-1, keep, -1):
            del self._cache.tokens[keep:]
        else:
            self._clear()

    def _clear(self) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context.ctx), True)  # noqa: FBT003
        self._cache.tokens.clear()
        self._llama.n_tokens = 0

    def _log_probabilities(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        n_vocab = llama_cpp.llama_vocab_n_tokens(self._vocab)
        pointer = llama_cpp.llama_get_logits_ith(self._context.ctx, -1)
        logits = np.ctypeslib.as_array(pointer, shape=(n_vocab,)).astype(np.float64)
        logits -= logits.max()
        return np.asarray(logits - np.log(np.exp(logits).sum()))

    def _sampler(self, sampling: Sampling, grammar: str | None) -> Any:
        chain: Any = _internals.LlamaSampler()  # type: ignore[no-untyped-call]
        if grammar is not None:
            chain.add_grammar(self._llama._model, LlamaGrammar.from_string(grammar))
        if sampling.repeat_penalty != 1.0:
            n_vocab = llama_cpp.llama_vocab_n_tokens(self._vocab)
            chain.add_penalties(n_vocab, PENALTY_WINDOW, sampling.repeat_penalty, 0.0, 0.0)
        if sampling.temperature <= 0:
            chain.add_greedy()
        else:
            chain.add_top_k(50)  # a wide cut that spares sorting the whole vocabulary
            chain.add_top_p(sampling.top_p)
            chain.add_temp(sampling.temperature)
            chain.add_dist(sampling.seed)
        return chain


def load_backends(folder: Path) -> None:
    """Where llama.cpp's backends are libraries of their own (a build for many CPUs, as in a bundle
    for other machines), load the best from its folder; must come before any other call.

    Left to itself, llama.cpp looks for them in the current folder as well, which is a workspace:
    a file of that name there would run. So none found is an error. Raises `ModelError`.
    """
    library = llama_cpp.llama_cpp._lib
    if not hasattr(library, "ggml_backend_reg_count"):  # Windows does not look into dependencies
        from llama_cpp._ggml import libggml as library
    count, load = library.ggml_backend_reg_count, library.ggml_backend_load_all_from_path
    count.restype, load.restype, load.argtypes = ctypes.c_size_t, None, [ctypes.c_char_p]
    if count():
        return  # built in
    load(str(folder).encode())
    if not count():
        raise ModelError(
            "llama.cpp could load none of its libraries for processors; is OpenMP's there (Debian: "
            "apt-get install libgomp1; Fedora: dnf install libgomp)?"
        )


class StopTexts:
    """Holds text back while it may still become one of the stop texts."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """(text that may be shown, whether a stop text was reached)."""
        self._held += text
        hits = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if hits:
            shown, self._held = self._held[: min(hits)], ""
            return shown, True
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown, False

    def rest(self) -> str:
        shown, self._held = self._held, ""
        return shown


def _overlap(text: str, stop: str) -> int:
    """How many code points at the end of `text` begin `stop`."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


def _device(n_threads: int) -> str:
    supports: Callable[[], bool] = llama_cpp.llama_supports_gpu_offload
    return "GPU" if supports() else f"CPU, {n_threads} threads"
