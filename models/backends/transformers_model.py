"""The code that talks to Transformers. Imported in its own process and nowhere else.

Our own loop instead of `generate`: it is stopped between any two steps, keeps what it has read for
the next prompt, and holds to our grammars through llguidance, which reads them in its own notation.
Numbers come from safetensors only; no code of a folder is run and its chat template is not used.
"""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import llguidance
import numpy as np
import torch
import transformers
from llguidance.gbnf_to_lark import any_to_lark
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from context.serving import Cancelled
from models.backends import Conversation, Generation, Piece, Sampling, StopReason, TokenLog
from models.catalog import TemplateName
from models.errors import ContextFull, ModelError, ModelUnavailable
from models.prompts.templates import Segment, render

N_BATCH_CPU, N_BATCH_GPU = 64, 512  # prompt tokens between two looks at the cancel token
PENALTY_WINDOW = 256  # tokens looked back on for the repeat penalty, as in llama_cpp.py
TOP_K = 50
_ENDS = ("<|im_end|>", "<|endoftext|>", "<｜end▁of▁sentence｜>", "<|eot_id|>")


class LoadedModel:
    """A model in memory. Not thread-safe."""

    def __init__(self, folder: Path, n_ctx: int, n_threads: int) -> None:
        torch.set_num_threads(n_threads)
        torch.set_grad_enabled(False)
        said: Any = transformers.logging
        said.disable_progress_bar()  # a terminal would show it in the midst of a report
        said.set_verbosity_error()
        self._device = _best_device()
        # On a CPU with its own bfloat16 (EPYC, 2 cores) that took half the time of float32 a token
        # when nothing else ran, and three to four times as long when the cores were busy.
        dtype: Any = torch.float32 if self._device.type == "cpu" else "auto"
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=dtype,
            )
            self._model = model.to(self._device)
        except Exception as error:
            raise ModelError(
                f"Transformers could not load {folder} ({_first_line(error)}); it may be damaged, "
                "or a kind of model that this version does not know."
            ) from error
        self._model.eval()
        known = inspect.signature(self._model.forward).parameters
        self._cache_name = "cache" if "cache" in known else "past_key_values"  # its older name
        config = self._model.config.get_text_config()
        self.n_ctx = min(n_ctx, int(getattr(config, "max_position_embeddings", n_ctx)))
        self.template = self._find_template()
        self.device = f"{self._device.type}, {str(self._model.dtype).removeprefix('torch.')}"
        self._ends = self._end_ids(config)
        self._read_ids: list[int] = []
        self._cache: Any = transformers.DynamicCache()
        self._grammars: Any = None

    def count(self, text: str) -> int:
        return len(self._tokens(Segment(text, is_mark=False)))

    def generate(self, generation: Generation, cancelled: threading.Event) -> Iterator[Piece]:
        """Stream pieces of whole characters. Raises `Cancelled`, `ContextFull`."""
        prompt = self._prompt(generation.conversation)
        room = self.n_ctx - len(prompt)
        if room < 1:
            raise ContextFull(
                f"The prompt has {len(prompt)} tokens and the model takes {self.n_ctx}; show less."
            )
        choose = _Chooser(generation.sampling, self._matcher(generation.grammar))
        decoder = DecodeStream(skip_special_tokens=True)
        held = _Held(generation.stop)
        limit = min(generation.max_new_tokens, room)
        ids = prompt
        for n_tokens in range(1, limit + 1):
            token = choose(self._logits(ids, cancelled), ids)
            if token is None or token in self._ends:
                yield Piece(held.rest(), n_tokens - 1, StopReason.END)
                return
            ids = [*ids, token]
            shown = held.feed(decoder.step(self._tokenizer, token) or "")
            if held.met:
                yield Piece(shown, n_tokens, StopReason.STOP_TEXT)
                return
            if choose.is_done:
                yield Piece(shown + held.rest(), n_tokens, StopReason.END)
                return
            yield Piece(shown, n_tokens)
        yield Piece(held.rest(), limit, StopReason.LENGTH)

    def score(
        self, conversation: Conversation, choices: Sequence[str], cancelled: threading.Event
    ) -> list[float]:
        """Log-probability of each choice after the conversation, in nats."""
        prompt = self._prompt(conversation)
        scores = []
        for choice in choices:
            tokens = self._tokens(Segment(choice, is_mark=False))
            if len(prompt) + len(tokens) > self.n_ctx:
                raise ContextFull(f"The prompt has {len(prompt)} tokens; show less.")
            total = 0.0 if tokens else -math.inf
            for number, token in enumerate(tokens):
                logits = self._logits([*prompt, *tokens[:number]], cancelled)
                total += float(torch.log_softmax(logits, dim=-1)[token])
            scores.append(total)
        return scores

    def token_logs(
        self, conversation: Conversation, text: str, cancelled: threading.Event
    ) -> list[TokenLog]:
        """How probable each token of `text` is after the prompt, given those before it."""
        prompt = self._prompt(conversation)
        self._tokenizer.encode_special_tokens = True
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        if len(prompt) + len(encoded.ids) > self.n_ctx:
            raise ContextFull(f"The prompt has {len(prompt)} tokens; show less.")
        found: list[TokenLog] = []
        for at, (token, (start, _)) in enumerate(zip(encoded.ids, encoded.offsets, strict=True)):
            logits = self._logits([*prompt, *encoded.ids[:at]], cancelled)
            logs = torch.log_softmax(logits, dim=-1)
            entropy = float(-(logs.exp() * logs).sum())
            likeliest = self._tokenizer.decode([int(logs.argmax())], skip_special_tokens=False)
            found.append(TokenLog(start, float(logs[token]), float(logs.max()), entropy, likeliest))
        return found

    def _logits(self, ids: list[int], cancelled: threading.Event) -> torch.Tensor:
        """Of the token after `ids`; what is known from the last call is not read again."""
        shared = 0
        for a, b in zip(self._read_ids, ids, strict=False):
            if a != b:
                break
            shared += 1
        shared = min(shared, len(ids) - 1)  # the last token is read again for its logits
        self._forget(shared)
        n_batch = N_BATCH_CPU if self._device.type == "cpu" else N_BATCH_GPU
        logits: torch.Tensor | None = None
        for start in range(len(self._read_ids), len(ids), n_batch):
            if cancelled.is_set():
                raise Cancelled
            batch = ids[start : start + n_batch]
            out = self._model(
                input_ids=torch.tensor([batch], device=self._device),
                use_cache=True,
                logits_to_keep=1,
                **{self._cache_name: self._cache},
            )
            self._read_ids.extend(batch)
            logits = out.logits[0, -1].float().cpu()
        assert logits is not None
        return logits

    def _forget(self, keep: int) -> None:
        if keep >= len(self._read_ids):
            return
        try:
            self._cache.crop(keep)
            del self._read_ids[keep:]
        except (RuntimeError, ValueError, NotImplementedError):  # some kinds cannot be cut
            self._cache, self._read_ids = transformers.DynamicCache(), []

    def _prompt(self, conversation: Conversation) -> list[int]:
        return [t for s in render(conversation, self.template) for t in self._tokens(s)]

    def _tokens(self, segment: Segment) -> list[int]:
        """Tokens of one segment; special tokens are known only in marks."""
        self._tokenizer.encode_special_tokens = not segment.is_mark
        text = segment.text.encode("utf-8", "replace").decode()
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def _find_template(self) -> TemplateName:
        """By the marks that the tokenizer knows; the folder's own template is not run."""
        if self._tokenizer.token_to_id("<|im_start|>") is not None:
            return "chatml"
        if self._tokenizer.token_to_id("<｜User｜>") is not None:
            return "deepseek-r1"
        raise ModelUnavailable(
            "This model's prompt format is none that Postil knows (chatml, deepseek-r1); use a "
            "Qwen2.5 or an R1 distill."
        )

    def _end_ids(self, config: Any) -> set[int]:
        ends = {i for name in _ENDS if (i := self._tokenizer.token_to_id(name)) is not None}
        for source in (config, self._model.generation_config):
            given = getattr(source, "eos_token_id", None)
            several = given if isinstance(given, list) else [given]
            ends |= {int(end) for end in several if end is not None}
        return ends

    def _matcher(self, grammar: str | None) -> Any:
        if grammar is None:
            return None
        if self._grammars is None:
            self._tokenizer.encode_special_tokens = False
            n_vocab = int(self._model.get_output_embeddings().weight.shape[0])
            self._grammars = llguidance.LLTokenizer(
                self._tokenizer.to_str(), n_vocab=n_vocab, eos_token=sorted(self._ends)
            )
        matcher = llguidance.LLMatcher(self._grammars, _in_lark(grammar), log_level=0)
        if matcher.is_error():
            raise ModelError(f"The grammar cannot be used ({matcher.get_error()[:120]}).")
        return matcher


class _Chooser:
    """Chooses the next token: by the grammar first, then by the sampling."""

    def __init__(self, sampling: Sampling, matcher: Any) -> None:
        self._sampling = sampling
        self._matcher = matcher
        self._random = torch.Generator().manual_seed(sampling.seed)
        self.is_done = False

    def __call__(self, logits: torch.Tensor, ids: list[int]) -> int | None:
        """None where the grammar lets nothing more come."""
        logits = logits.clone()
        if self._matcher is not None:
            allowed = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
            bits = np.unpackbits(allowed, bitorder="little")[: len(logits)].astype(bool)
            if not bits.any():
                return None
            logits[: len(bits)][~torch.from_numpy(bits)] = -math.inf
            logits[len(bits) :] = -math.inf
        token = self._sampled(logits, ids[-PENALTY_WINDOW:])
        if self._matcher is not None:
            self._matcher.consume_token(token)
            self.is_done = bool(self._matcher.is_stopped())
        return token

    def _sampled(self, logits: torch.Tensor, recent: list[int]) -> int:
        sampling = self._sampling
        if sampling.repeat_penalty != 1.0:
            seen = torch.tensor(sorted(set(recent)))
            old = logits[seen]
            penalty = sampling.repeat_penalty
            logits[seen] = torch.where(old > 0, old / penalty, old * penalty)
        if sampling.temperature <= 0:
            return int(logits.argmax())
        best = torch.topk(logits, min(TOP_K, len(logits)))
        probabilities = torch.softmax(best.values / sampling.temperature, dim=-1)
        before = probabilities.cumsum(0) - probabilities
        probabilities[before >= sampling.top_p] = 0.0  # the most probable one always stays
        return int(best.indices[torch.multinomial(probabilities, 1, generator=self._random)])


class _Held:
    """Holds back as much text as may still become one of the stop texts."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._keep = max(map(len, self._stops), default=1) - 1
        self._text = ""
        self.met = False

    def feed(self, text: str) -> str:
        self._text += text
        hits = [at for stop in self._stops if (at := self._text.find(stop)) >= 0]
        self.met = bool(hits)
        cut = min(hits) if hits else max(0, len(self._text) - self._keep)
        shown, self._text = self._text[:cut], self._text[cut:]
        return shown

    def rest(self) -> str:
        return self._text


@lru_cache(maxsize=32)
def _in_lark(grammar: str) -> str:
    """Our grammars are in llama.cpp's notation (GBNF); llguidance's is like Lark's."""
    return str(llguidance.LLMatcher.grammar_from_lark(any_to_lark(grammar)))


def uses_gpu() -> bool:
    return _best_device().type != "cpu"


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:160] or type(error).__name__
