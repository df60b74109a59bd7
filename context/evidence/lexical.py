"""Words of the report in the code: BM25 over whole files and over functions.

Three searches with different words: the report's own, those of similar past changes (feedback), and
those that the history changes when it speaks like the report (translation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from context.evidence import Evidence, Signal
from context.evidence.feedback import feedback_terms
from context.evidence.translation import translated_terms
from context.history import History
from context.report import Report
from context.store import Reader
from context.terms import count_terms, terms

MAX_TERMS = 120  # the rarest of the report; a long log would drown the rest
MAX_FILES = 300
MAX_SYMBOLS = 400
TITLE_WEIGHT = 2.0  # a guess that held up on the development set
FILE_B = 0.75  # length normalisation of whole files
FUNCTION_B = 0.3  # and of functions: the benchmark's finding, long ones hold more bugs


def query_weights(report: Report, reader: Reader) -> dict[str, float]:
    """Terms of the report with weights, the rarest in the code first where there are many."""
    counts = count_terms(report.searchable) or count_terms(report.text)
    title = set(terms(report.title))
    if len(counts) > MAX_TERMS:
        frequency = reader.document_frequency(counts)
        known = [t for t in counts if frequency[t]]
        kept = sorted(known, key=lambda t: (t not in title, frequency[t], t))[:MAX_TERMS]
    else:
        kept = list(counts)
    return {t: (1 + math.log(counts[t])) * (TITLE_WEIGHT if t in title else 1.0) for t in kept}


def evidence(weights: Mapping[str, float], reader: Reader) -> list[Evidence]:
    """`weights` of the report's terms, from `query_weights`."""
    files = reader.score_files(weights, MAX_FILES, b=FILE_B)
    found = [
        Evidence(Signal.LEXICAL, path, None, None, score / files[0][1], _detail(rank, "files"))
        for rank, (path, score) in enumerate(files, 1)
    ]
    return found + _functions(Signal.LEXICAL, weights, reader, "its words are like the report's")


def feedback_evidence(
    weights: Mapping[str, float], history: History, reader: Reader
) -> list[Evidence]:
    expanded = feedback_terms(weights, history, reader)
    why = f"its words are what similar past commits changed ({_some(expanded)})"
    return _functions(Signal.FEEDBACK, expanded, reader, why)


def translation_evidence(
    weights: Mapping[str, float], history: History, reader: Reader
) -> list[Evidence]:
    expanded = translated_terms(weights, history)
    why = f"commits that speak like the report change such words ({_some(expanded)})"
    return _functions(Signal.TRANSLATION, expanded, reader, why)


def _functions(
    signal: Signal, weights: Mapping[str, float], reader: Reader, why: str
) -> list[Evidence]:
    found = reader.score_functions(weights, MAX_SYMBOLS, b=FUNCTION_B)
    return [
        Evidence(
            signal, at.path, at.qualified_name, at.start_line, at.score / found[0].score,
            f"{why}: number {rank} among the functions",
        )
        for rank, at in enumerate(found, 1)
    ]  # fmt: skip


def _detail(rank: int, what: str) -> str:
    return f"its words are like the report's: number {rank} among the {what}"


def _some(weights: Mapping[str, float]) -> str:
    return ", ".join(list(weights)[:4])
