"""Files imported by those that the report names or traces: the cause is often one import away."""

from __future__ import annotations

import math
from collections.abc import Sequence

from context.evidence import Evidence, Signal
from context.resolving import Resolver

MAX_SOURCES = 5
MAX_IMPORTED = 25  # a file that imports more of the workspace points everywhere


def evidence(named: Sequence[Evidence], resolver: Resolver) -> list[Evidence]:
    """`named`: evidence of paths, frames and names."""
    best: dict[str, Evidence] = {}
    sources: dict[str, float] = {}
    for each in named:
        sources[each.path] = max(sources.get(each.path, 0.0), each.strength)
    for source, strength in sorted(sources.items(), key=lambda s: (-s[1], s[0]))[:MAX_SOURCES]:
        targets = dict(resolver.imported_files(source))
        if not 0 < len(targets) <= MAX_IMPORTED:
            continue
        for path in targets:
            share = strength / math.sqrt(len(targets))
            if path != source and (path not in best or share > best[path].strength):
                detail = f"{source}, which the report points to, imports it"
                best[path] = Evidence(Signal.IMPORT, path, None, None, share, detail)
    return list(best.values())
