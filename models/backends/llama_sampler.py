"""How the next token is chosen from llama.cpp's logits. Only in the model worker's process."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp import _internals
from llama_cpp.llama_grammar import LlamaGrammar
from numpy.typing import NDArray

from models.backends import Sampling
from models.errors import ModelError

PENALTY_WINDOW = 256  # tokens looked back on for the repeat penalty
TOP_K = 50  # a wide cut that spares sorting the whole vocabulary
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)], align=True)

Candidates = NDArray[np.void]


class Sampler:
    """Chooses tokens one after another; each choice is remembered (penalty, grammar).

    The grammar is asked about the token that the model likes best, and only when it refuses that
    one about the whole vocabulary, which takes as long as a small model's own work.
    """

    def __init__(self, model: Any, context: Any, sampling: Sampling, grammar: str | None) -> None:
        self._context = context
        self._n_vocab = llama_cpp.llama_vocab_n_tokens(model.vocab)
        self._chain: Any = _internals.LlamaSampler()  # type: ignore[no-untyped-call]
        if sampling.repeat_penalty != 1.0:
            self._chain.add_penalties(
                self._n_vocab, PENALTY_WINDOW, sampling.repeat_penalty, 0.0, 0.0
            )
        if sampling.temperature <= 0:
            self._chain.add_greedy()  # type: ignore[no-untyped-call]
        else:
            self._chain.add_top_k(TOP_K)
            self._chain.add_top_p(sampling.top_p)
            self._chain.add_temp(sampling.temperature)
            self._chain.add_dist(sampling.seed)
        self._grammar: Any = None
        if grammar is not None:
            rules = LlamaGrammar.from_string(grammar)
            self._grammar = llama_cpp.llama_sampler_init_grammar(
                model.vocab, rules._grammar.encode(), rules._root.encode()
            )
            if not self._grammar:
                self.close()
                raise ModelError("llama.cpp could not read the grammar of the answer.")
            self._ids = np.arange(self._n_vocab, dtype=np.int32)

    def sample(self, index: int) -> int:
        """The next token, from the logits of the batch's token `index` (-1: of the last)."""
        if self._grammar is None:
            return int(self._chain.sample(self._context, index))  # accepts it, too
        candidates = self._candidates(index)
        token = self._choose(candidates)
        if not self._allows(token):
            candidates = self._candidates(index)
            llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(_array(candidates)))
            token = self._choose(candidates)
        llama_cpp.llama_sampler_accept(self._grammar, token)
        self._chain.accept(token)
        return token

    def close(self) -> None:
        self._chain.close()
        if self._grammar:
            llama_cpp.llama_sampler_free(self._grammar)
            self._grammar = None

    def _candidates(self, index: int) -> Candidates:
        pointer = llama_cpp.llama_get_logits_ith(self._context.ctx, index)
        candidates = np.zeros(self._n_vocab, _CANDIDATE)
        candidates["id"] = self._ids
        candidates["logit"] = np.ctypeslib.as_array(pointer, shape=(self._n_vocab,))
        return candidates

    def _choose(self, candidates: Candidates) -> int:
        array = _array(candidates)
        llama_cpp.llama_sampler_apply(self._chain.sampler, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def _allows(self, token: int) -> bool:
        one = np.zeros(1, _CANDIDATE)
        one["id"], one["logit"] = token, 1.0
        llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(_array(one)))
        return bool(np.isfinite(one["logit"][0]))


def _array(candidates: Candidates) -> Any:
    data = candidates.ctypes.data_as(llama_cpp.llama_token_data_p)
    return llama_cpp.llama_token_data_array(
        data=data, size=len(candidates), selected=-1, sorted=False
    )
