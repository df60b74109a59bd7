"""Words of the report in the code: BM25 over whole files and over functions."""

from __future__ import annotations

import math
from collections import Counter

from context.evidence import Evidence, Signal
from context.report import Report
from context.store import Reader
from context.terms import terms

MAX_TERMS = 120  # the rarest of the report; a long log would drown the rest
MAX_FILES = 100
MAX_SYMBOLS = 300
TITLE_WEIGHT = 2.0  # a guess that held up on the development set
BODY_B = 0.3  # length normalisation: the benchmark's finding, long files hold more bugs


def query_weights(report: Report, reader: Reader) -> dict[str, float]:
    """Terms of the report with weights, the rarest in the code first where there are many."""
    counts = Counter(terms(report.text))
    title = set(terms(report.title))
    if len(counts) > MAX_TERMS:
        frequency = reader.document_frequency(counts)
        known = [t for t in counts if frequency[t]]
        kept = sorted(known, key=lambda t: (t not in title, frequency[t], t))[:MAX_TERMS]
    else:
        kept = list(counts)
    return {t: (1 + math.log(counts[t])) * (TITLE_WEIGHT if t in title else 1.0) for t in kept}


def evidence(report: Report, reader: Reader) -> list[Evidence]:
    weights = query_weights(report, reader)
    files = reader.score_files(weights, MAX_FILES, b=BODY_B)
    symbols = reader.score_symbols(weights, MAX_SYMBOLS, b=BODY_B)
    found = [
        Evidence(Signal.LEXICAL, path, None, None, score / files[0][1], _detail(rank, "files"))
        for rank, (path, score) in enumerate(files, 1)
    ]
    found += [
        Evidence(
            Signal.LEXICAL,
            at.path,
            at.symbol.qualified_name,
            at.symbol.start_line,
            score / symbols[0][1],
            _detail(rank, "functions"),
        )
        for rank, (at, score) in enumerate(symbols, 1)
    ]
    return found


def _detail(rank: int, what: str) -> str:
    return f"its words are like the report's: number {rank} among the {what}"
