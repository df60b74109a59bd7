"""Symbols that the report names; a qualified or rare name says more than a common one."""

from __future__ import annotations

import math

from context.evidence import Evidence, Signal
from context.outline import SymbolKind
from context.report import NameForm, NameMention, Report
from context.store import Reader, SymbolAt

MAX_HOMONYMS = 25  # a name with more definitions points nowhere
_STRENGTH = {
    NameForm.QUALIFIED: 1.0,
    NameForm.CALLED: 0.8,
    NameForm.MARKED: 0.8,
    NameForm.SHAPED: 0.7,
}


def evidence(report: Report, reader: Reader) -> list[Evidence]:
    best: dict[tuple[str, str | None], Evidence] = {}
    in_frames = {frame.function for frame in report.frames}
    for mention in report.names:
        found = _definitions(mention, reader)
        if not 0 < len(found) <= MAX_HOMONYMS:
            continue
        strength = _STRENGTH[mention.form] / math.sqrt(len(found))
        if mention.name in report.title:
            strength = min(1.0, strength * 1.3)
        if mention.written in in_frames:
            strength *= 0.5  # the frame says it already
        for at in found:
            evidence = _evidence(at, mention, strength, len(found))
            key = (evidence.path, evidence.symbol)
            if key not in best or evidence.strength > best[key].strength:
                best[key] = evidence
    return list(best.values())


def _definitions(mention: NameMention, reader: Reader) -> list[SymbolAt]:
    """By the longest tail of the name that is defined here: a.B.c, then B.c, then c."""
    for start in range(len(mention.parts)):
        tail = ".".join(mention.parts[start:])
        if found := reader.symbols_named([tail], limit=MAX_HOMONYMS + 1):
            return found
    if len(mention.parts) > 1:  # obj.Type or Type.attribute: the type may be what is defined
        return reader.symbols_named([mention.parts[-2]], limit=MAX_HOMONYMS + 1)
    return []


def _evidence(at: SymbolAt, mention: NameMention, strength: float, homonyms: int) -> Evidence:
    is_function = at.symbol.kind is SymbolKind.FUNCTION
    others = f" (one of {homonyms} by that name)" if homonyms > 1 else ""
    return Evidence(
        signal=Signal.NAME,
        path=at.path,
        symbol=at.symbol.qualified_name if is_function else None,
        line=at.symbol.start_line,
        strength=strength,
        detail=f"the report names {mention.written}; {at.symbol.qualified_name} "
        f"is defined here{others}",
    )
