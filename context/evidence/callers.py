"""What calls the functions that the report names: a wrong call shows in what is called."""

from __future__ import annotations

import math
from collections.abc import Sequence

from context.evidence import Evidence, Signal
from context.evidence.places import enclosing_function
from context.outline import ReferenceRole
from context.store import Reader

MAX_NAMED = 12
MAX_CALLS = 20  # a function called from more places points nowhere


def evidence(named: Sequence[Evidence], reader: Reader) -> list[Evidence]:
    """`named`: what the names of the report point at."""
    best: dict[tuple[str, str], Evidence] = {}
    functions = [e for e in named if e.symbol is not None]
    for source in sorted(functions, key=lambda e: (-e.strength, e.path))[:MAX_NAMED]:
        assert source.symbol is not None
        name = source.symbol.rpartition(".")[2]
        uses = reader.references_to([name], limit=MAX_CALLS + 1)
        calls = [(path, r.line) for path, r in uses if r.role is ReferenceRole.CALL]
        if len(uses) > MAX_CALLS:
            continue
        for path, line in calls:
            caller = enclosing_function(reader.symbols(path), line)
            if caller is None or (path, caller.qualified_name) == (source.path, source.symbol):
                continue
            key = (path, caller.qualified_name)
            strength = source.strength / math.sqrt(len(calls))
            if key not in best or strength > best[key].strength:
                detail = f"calls {source.symbol}, which the report names"
                best[key] = Evidence(Signal.CALLER, *key, line, strength, detail)
    return list(best.values())
