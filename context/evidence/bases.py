"""Base and derived types of the types that the report names, and their methods of the same name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from context.evidence import Evidence, Signal
from context.outline import ReferenceRole, SymbolKind
from context.store import Reader, SymbolAt

MAX_NAMED = 8
MAX_RELATIVES = 12  # a type with more bases and derived types is everyone's


def evidence(named: Sequence[Evidence], reader: Reader) -> list[Evidence]:
    """`named`: what the names of the report point at."""
    best: dict[tuple[str, str | None], Evidence] = {}
    for source in sorted(named, key=lambda e: (-e.strength, e.path))[:MAX_NAMED]:
        own = _type_of(source, reader)
        if own is None:
            continue
        relatives = list(_relatives(source.path, own, reader))
        if not 0 < len(relatives) <= MAX_RELATIVES:
            continue
        method = source.symbol.rpartition(".")[2] if source.symbol else None
        for at, relation in relatives:
            same = _method(at, method, reader) if method else None
            key = (at.path, same)
            strength = source.strength / math.sqrt(len(relatives) + 1)
            if key not in best or strength > best[key].strength:
                detail = f"{at.symbol.qualified_name} {relation} {own}, which the report names"
                line = at.symbol.start_line
                best[key] = Evidence(Signal.BASE, *key, line, strength, detail)
    return list(best.values())


def _type_of(source: Evidence, reader: Reader) -> str | None:
    """The type that is named, or that holds the method that is named."""
    if source.symbol is not None:
        return source.symbol.rpartition(".")[0].rpartition(".")[2] or None
    at_line = [s for s in reader.symbols(source.path) if s.start_line == source.line]
    return next((s.name for s in at_line if s.kind is SymbolKind.TYPE), None)


def _relatives(path: str, name: str, reader: Reader) -> Iterator[tuple[SymbolAt, str]]:
    types = [s for s in reader.symbols(path) if s.kind is SymbolKind.TYPE]
    own = next((s for s in types if s.name == name), None)
    if own is not None:
        head = range(own.start_line, own.start_line + 6)
        for reference in reader.references_in(path):
            if reference.role is ReferenceRole.BASE and reference.line in head:
                found = reader.symbols_named([reference.name], limit=3)
                bases = [at for at in found if at.symbol.kind is SymbolKind.TYPE]
                if len(bases) == 1:
                    yield bases[0], "is a base of"
    uses = reader.references_to([name], MAX_RELATIVES + 1, role=ReferenceRole.BASE)
    for other, reference in uses:
        around = [
            s
            for s in reader.symbols(other)
            if s.kind is SymbolKind.TYPE and s.start_line <= reference.line <= s.end_line
        ]
        if around:
            yield SymbolAt(other, max(around, key=lambda s: s.start_line)), "is derived from"


def _method(at: SymbolAt, name: str, reader: Reader) -> str | None:
    written = f"{at.symbol.qualified_name}.{name}"
    return next((written for s in reader.symbols(at.path) if s.qualified_name == written), None)
