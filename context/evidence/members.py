"""Methods of the types that the report names: what is said of a type is done by its methods.

On the development set a named type counts for more than a named function: of the files that hold
one with methods, the right one is among the first five in two reports of a hundred more.
"""

from __future__ import annotations

from collections.abc import Sequence

from context.evidence import Evidence, Signal
from context.outline import Symbol, SymbolKind
from context.store import Reader

MAX_METHODS = 80  # a type that has more points nowhere


def evidence(named: Sequence[Evidence], reader: Reader) -> list[Evidence]:
    """`named`: what the names of the report point at."""
    best: dict[tuple[str, str | None], Evidence] = {}
    for source in named:
        if source.symbol is not None:
            continue
        symbols = reader.symbols(source.path)
        for owner in symbols:
            if owner.kind is not SymbolKind.TYPE or owner.start_line != source.line:
                continue
            for method in _methods(owner, symbols):
                key = (source.path, method.qualified_name)
                if key not in best or source.strength > best[key].strength:
                    detail = f"a method of {owner.qualified_name}, which the report names"
                    best[key] = Evidence(
                        Signal.MEMBER, *key, method.start_line, source.strength, detail
                    )
    return list(best.values())


def _methods(owner: Symbol, symbols: Sequence[Symbol]) -> list[Symbol]:
    """Those that the type's own name qualifies; none where there are too many."""
    prefix = f"{owner.qualified_name}."
    found = [
        symbol
        for symbol in symbols
        if symbol.kind is SymbolKind.FUNCTION and symbol.qualified_name.startswith(prefix)
    ]
    return found if len(found) <= MAX_METHODS else []
