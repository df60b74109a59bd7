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
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from context.serving import Cancelled
from models.backends import Conversation, Generation, Piece, StopReason, TokenLog
from models.backends.drafts import PromptLookup
from models.backends.llama_sampler import Sampler
from models.backends.loading import Drafts, FlashAttention, KvType, LoadSettings
from models.catalog import entry_named
from models.errors import ContextFull, ModelError
from models.hardware import FreeCores
from models.prompts.templates import Segment, render, render_gap

N_BATCH = 256  # prompt tokens a decode: between two of them a cancel is seen at the latest
N_LOGS = 64  # tokens a decode whose logits are all wanted: of each, one for the whole vocabulary
_KV_TYPES = {  # ggml's numbers of its types
    KvType.F16: llama_cpp.GGML_TYPE_F16,
    KvType.Q8_0: llama_cpp.GGML_TYPE_Q8_0,
    KvType.Q4_0: llama_cpp.GGML_TYPE_Q4_0,
}
LIBRARIES = Path(llama_cpp.__file__).parent / "lib"


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _drop_log(level: int, text: bytes, data: object) -> None:
    """llama.cpp's own remarks are for its developers; failures reach us as return codes."""
    del level, text, data


@dataclass(slots=True)
class _Cache:
    """Tokens whose keys and values the context holds, in order."""

    tokens: list[int]


class LoadedModel:
    """A model in memory. Not thread-safe. `path` leads to weights that were checked."""

    def __init__(self, settings: LoadSettings, path: str) -> None:
        kv_type = _KV_TYPES[settings.kv_type]
        try:
            self._llama: Any = llama_cpp.Llama(
                model_path=path,
                n_ctx=settings.n_ctx,
                n_batch=N_BATCH,
                n_threads=settings.n_threads,
                n_threads_batch=settings.n_threads,
                flash_attn=_uses_flash_attention(settings),
                type_k=kv_type,
                type_v=kv_type,
                n_gpu_layers=settings.n_gpu_layers if has_gpu_code() else 0,
                use_mmap=False,  # a mapped file that is truncated ends the process by a signal
                verbose=False,
            )
        except (ValueError, OSError) as error:
            raise ModelError(
                "llama.cpp could not load the weights (out of memory, or a kind of model it does "
                "not know); try a smaller model or context."
            ) from error
        self._settings = settings
        entry = entry_named(settings.model)
        self._template, self._fim = entry.template, entry.fim
        self._context = self._llama._ctx
        self._vocab = self._llama._model.vocab
        self._cache = _Cache([])
        self._cancelled = threading.Event()
        self._abort = llama_cpp.ggml_abort_callback(lambda _: self._cancelled.is_set())
        llama_cpp.llama_set_abort_callback(self._context.ctx, self._abort, None)
        self._batch = llama_cpp.llama_batch_init(N_BATCH, 0, 1)
        for i in range(N_BATCH):
            self._batch.n_seq_id[i] = 1
            self._batch.seq_id[i][0] = 0
        self.n_ctx = int(self._llama.n_ctx())
        self._cores = FreeCores(settings.n_threads) if settings.yields_cores else None
        n_layers = int(llama_cpp.llama_model_n_layer(self._llama._model.model))
        self.device = _device(settings, n_layers)

    def count(self, text: str) -> int:
        return len(self._tokenize(Segment(text, is_mark=False)))

    def generate(self, generation: Generation, cancelled: threading.Event) -> Iterator[Piece]:
        """Stream pieces of whole characters. Raises `Cancelled`, `ContextFull`."""
        self._cancelled = cancelled
        prompt = self._prompt(generation.conversation)
        room = self.n_ctx - len(prompt)
        if room < 1:
            raise ContextFull(
                f"The prompt has {len(prompt)} tokens and the model takes {self.n_ctx}; show less."
            )
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        stops = StopTexts(generation.stop)
        self._read(prompt)
        n_tokens, most = 0, min(generation.max_new_tokens, room)
        with (
            closing(self._sampler(generation)) as sampler,
            closing(self._tokens(sampler, prompt)) as tokens,
        ):
            while n_tokens < most:
                token = next(tokens)
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
            yield Piece(stops.rest() + decoder.decode(b"", final=True), n_tokens, StopReason.LENGTH)

    def _tokens(self, sampler: Sampler, prompt: list[int]) -> Generator[int, None, None]:
        """Chosen tokens, endlessly. With drafts, those that a pass confirms come at once."""
        if self._settings.drafts is Drafts.NONE:
            token = sampler.sample(-1)
            while True:
                yield token
                self._decode([token])
                token = sampler.sample(-1)
        lookup = PromptLookup(prompt)
        token = sampler.sample(-1)
        while True:
            yield token
            lookup.add(token)
            before = len(self._cache.tokens)
            tokens = [token, *lookup.propose(self.n_ctx - before - 1)]
            self._decode(tokens, all_logits=True)
            for right, _ in enumerate(tokens):
                token = sampler.sample(right)
                if tokens[right + 1 : right + 2] != [token]:
                    break
                lookup.add(token)
                yield token
            self._forget(before + right + 1)
            lookup.learn(len(tokens) - 1, right)

    def score(
        self, conversation: Conversation, choices: Sequence[str], cancelled: threading.Event
    ) -> list[float]:
        """Log-probability of each choice after the prompt, summed over its tokens, in nats.

        Choices are walked in their order as tokens, so that what several begin with is read once:
        the numbers of a function's lines cost a decode for ten of them.
        """
        self._cancelled = cancelled
        prompt = self._prompt(conversation)
        tokens = [self._tokenize(Segment(choice, is_mark=False)) for choice in choices]
        self._refuse_if_full(len(prompt), max(map(len, tokens), default=0))
        self._read(prompt)
        scores = [-math.inf] * len(choices)
        path: list[int] = []  # read after the prompt
        logs = [self._log_probabilities()]  # of what follows the prompt and each token of the path
        for number in sorted(range(len(choices)), key=tokens.__getitem__):
            ids = tokens[number]
            shared = _shared(path, ids[:-1])
            self._forget(len(prompt) + shared)
            del path[shared:], logs[shared + 1 :]
            for token in ids[shared:-1]:
                self._decode([token])
                path.append(token)
                logs.append(self._log_probabilities())
            if ids:
                scores[number] = sum(float(logs[at][token]) for at, token in enumerate(ids))
        self._forget(len(prompt))
        return scores

    def token_logs(
        self, conversation: Conversation, text: str, cancelled: threading.Event
    ) -> list[TokenLog]:
        """How probable each token of `text` is after the prompt, given those before it."""
        self._cancelled = cancelled
        prompt = self._prompt(conversation)
        tokens = self._tokenize(Segment(text, is_mark=False))
        if not tokens:
            return []
        self._refuse_if_full(len(prompt), len(tokens))
        self._read(prompt)
        found = [self._told(-1, tokens[0])]
        for start in range(0, len(tokens) - 1, N_LOGS):
            batch = tokens[start : min(start + N_LOGS, len(tokens) - 1)]
            self._decode(batch, all_logits=True)
            found += [self._told(at, tokens[start + at + 1]) for at in range(len(batch))]
        starts = _starts(text, [self.piece(token) for token in tokens])
        return [TokenLog(start, *logs) for start, logs in zip(starts, found, strict=True)]

    def _told(self, index: int, token: int) -> tuple[float, float, float, str]:
        """(log-probability of `token`, of the likeliest, entropy, the likeliest's text) after the
        batch's `index`.
        """
        logits = self._logits(index)
        likeliest = self.piece(int(logits.argmax())).decode("utf-8", "replace")
        shifted = logits - logits.max()
        weights = np.exp(shifted)
        total = weights.sum(dtype=np.float64)
        log_total = float(np.log(total))
        entropy = log_total - float(np.dot(weights, shifted)) / float(total)
        return float(shifted[token]) - log_total, -log_total, entropy, likeliest

    def _refuse_if_full(self, n_prompt: int, n_more: int) -> None:
        if n_prompt + n_more > self.n_ctx:
            raise ContextFull(f"The prompt has {n_prompt} tokens; show less.")

    def piece(self, token: int) -> bytes:
        """Bytes of one token, however long: the buffer grows as llama.cpp asks."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)  # noqa: FBT003
            if written >= 0:
                return buffer.raw[:written]
            size = -written

    def _prompt(self, conversation: Conversation) -> list[int]:
        if conversation.gap is not None:
            if self._fim is None:
                raise ModelError("This model was not trained to fill in code.")
            segments = render_gap(conversation.gap, self._fim)
        else:
            segments = render(conversation, self._template)
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
        shared = min(
            _shared(self._cache.tokens, prompt), len(prompt) - 1
        )  # the last token is read again for its logits
        self._forget(shared)
        for start in range(shared, len(prompt), N_BATCH):
            self._decode(prompt[start : start + N_BATCH])

    def _decode(self, tokens: Sequence[int], *, all_logits: bool = False) -> None:
        """Read at most N_BATCH tokens after those in the cache; logits of the last, or of all."""
        if self._cancelled.is_set():
            raise Cancelled
        batch, before = self._batch, len(self._cache.tokens)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = before + i
            batch.logits[i] = all_logits
        batch.logits[len(tokens) - 1] = True
        if self._cores is not None:
            n_threads = self._cores.count()
            llama_cpp.llama_set_n_threads(self._context.ctx, n_threads, n_threads)
        code = llama_cpp.llama_decode(self._context.ctx, batch)
        if code:  # 2: aborted by our callback, which leaves part of the batch in the cache
            self._clear()
            if self._cancelled.is_set():
                raise Cancelled
            raise ModelError(f"llama.cpp could not go on (llama_decode returned {code}).")
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

    def _log_probabilities(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        logits = self._logits(-1).astype(np.float64)
        logits -= logits.max()
        return np.asarray(logits - np.log(np.exp(logits).sum()))

    def _logits(self, index: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """llama.cpp's own memory, good until the next decode."""
        n_vocab = llama_cpp.llama_vocab_n_tokens(self._vocab)
        pointer = llama_cpp.llama_get_logits_ith(self._context.ctx, index)
        return np.ctypeslib.as_array(pointer, shape=(n_vocab,))

    def _sampler(self, generation: Generation) -> Sampler:
        return Sampler(self._llama._model, self._context, generation.sampling, generation.grammar)


def prepare() -> None:
    """To be called before anything else of llama.cpp. Raises `ModelError`."""
    llama_cpp.llama_log_set(_drop_log, None)
    load_backends(LIBRARIES)


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


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))


def _starts(text: str, pieces: Sequence[bytes]) -> list[int]:
    """Code points of `text` that begin before each piece, which together are its bytes."""
    data = text.encode("utf-8", "replace")
    starts, n_bytes, n_chars = [0], 0, 0
    for piece in pieces[:-1]:
        n_chars += sum(byte & 0xC0 != 0x80 for byte in data[n_bytes : n_bytes + len(piece)])
        n_bytes += len(piece)
        starts.append(n_chars)
    return starts


def _overlap(text: str, stop: str) -> int:
    """How many code points at the end of `text` begin `stop`."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


def has_gpu_code() -> bool:
    supports: Callable[[], bool] = llama_cpp.llama_supports_gpu_offload
    return supports()


def _uses_flash_attention(settings: LoadSettings) -> bool:
    if settings.flash_attention is FlashAttention.AUTO:
        return has_gpu_code() or settings.kv_type is not KvType.F16
    return settings.flash_attention is FlashAttention.ON


def _device(settings: LoadSettings, n_layers: int) -> str:
    if not has_gpu_code() or settings.n_gpu_layers == 0:
        return f"CPU, {settings.n_threads} threads"
    on_gpu = n_layers + 1 if settings.n_gpu_layers < 0 else settings.n_gpu_layers
    return f"GPU, {min(on_gpu, n_layers + 1)} of {n_layers + 1} layers"
