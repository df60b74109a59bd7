"""What the named functions call: a cause is often one call away from the symptom."""

from __future__ import annotations

import math
from collections.abc import Sequence

from context.evidence import Evidence, Signal
from context.outline import ReferenceRole, SymbolKind
from context.store import Reader

MAX_NAMED = 12  # functions whose calls are looked at, the most surely named first
MAX_HOMONYMS = 8  # a called name with more definitions points nowhere
MAX_CALLS = 60  # different names called by one function


def evidence(named: Sequence[Evidence], reader: Reader) -> list[Evidence]:
    """`named`: what the names of the report point at."""
    best: dict[tuple[str, str | None], Evidence] = {}
    functions = [e for e in named if e.symbol is not None]
    for source in sorted(functions, key=lambda e: (-e.strength, e.path))[:MAX_NAMED]:
        for name in _called_by(source, reader):
            found = reader.symbols_named([name], limit=MAX_HOMONYMS + 1)
            places = [at for at in found if at.symbol.kind is SymbolKind.FUNCTION]
            if len(found) > MAX_HOMONYMS:
                continue
            for at in places:
                key = (at.path, at.symbol.qualified_name)
                strength = source.strength / math.sqrt(len(places))
                if key not in best or strength > best[key].strength:
                    detail = f"called by {source.symbol}, which the report names"
                    best[key] = Evidence(
                        Signal.CALLEE, *key, at.symbol.start_line, strength, detail
                    )
    return list(best.values())


def _called_by(source: Evidence, reader: Reader) -> list[str]:
    symbol = next(
        (s for s in reader.symbols(source.path) if s.qualified_name == source.symbol), None
    )
    if symbol is None:
        return []
    calls = {
        r.name
        for r in reader.references_in(source.path)
        if r.role is ReferenceRole.CALL and symbol.start_line <= r.line <= symbol.end_line
    }
    return sorted(calls)[:MAX_CALLS]
