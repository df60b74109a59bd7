"""Words of the report's title in the names of functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from context.evidence import Evidence, Signal
from context.outline import Symbol
from context.report import Report
from context.store import Reader
from context.terms import terms


def evidence(
    report: Report, reader: Reader, functions: Mapping[str, Sequence[Symbol]]
) -> list[Evidence]:
    """`functions` by the path of their file; each shared word counts by its rarity."""
    rarity = reader.symbol_rarity(set(terms(report.title)))
    shared: list[tuple[str, Symbol, list[str], float]] = []
    for path, symbols in functions.items():
        for symbol in symbols:
            words = sorted(w for w in _name_terms(symbol.qualified_name) if rarity.get(w, 0.0) > 0)
            if words:
                shared.append((path, symbol, words, sum(rarity[w] for w in words)))
    top = max((score for *_, score in shared), default=1.0)
    return [
        Evidence(
            Signal.TITLE, path, symbol.qualified_name, symbol.start_line, score / top,
            f"its name has the title's {', '.join(words)}",
        )
        for path, symbol, words, score in shared
    ]  # fmt: skip


@lru_cache(maxsize=100_000)
def _name_terms(qualified_name: str) -> frozenset[str]:
    return frozenset(terms(qualified_name.replace(".", " ")))
