"""What an edit leaves behind elsewhere: calls of functions that are gone or take other arguments.

Nothing is refused for it, since the callers may be what the user changes next: it becomes one
sentence, which the model is told once and the user reads in the title.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from context.anatomy import Anatomy, CallAt, Function, fits
from models.findings import Edit
from models.gate.code import Code
from models.gate.syntax import texts_after

MAX_NAMED = 4  # places written out; the others are counted


async def uses_remarks(
    edits: Sequence[Edit], sources: Mapping[str, str], code: Code
) -> tuple[str, ...]:
    """A sentence for each function whose calls no longer match; empty when all do."""
    after = texts_after(edits, sources.__getitem__)
    remarks: list[str] = []
    for path, text in after.items():
        old, new = await code.anatomy(path, sources[path]), await code.anatomy(path, text)
        changed = dict(_changed(old, new))
        if not changed:
            continue
        found = [CallAt(path, call) for call in new.calls if call.name in changed]
        elsewhere = await code.calls_to(path, sorted(changed))
        found += [at for at in elsewhere if at.path not in after]
        for other in sorted({at.path for at in elsewhere} & after.keys()):  # as they will be
            meant = {at.call.name for at in elsewhere if at.path == other}
            anatomy = await code.anatomy(other, after[other])
            found += [CallAt(other, call) for call in anatomy.calls if call.name in meant]
        remarks += _sentences(changed, found)
    return tuple(remarks)


def _changed(old: Anatomy, new: Anatomy) -> Iterable[tuple[str, Function | None]]:
    """By name: functions that take something else now (as they are), or are gone (None)."""
    names_left = {_called_as(f) for f in new.functions}
    for before in old.functions:
        if old.function(before.qualified_name) is None:
            continue  # overloads: which of them a call means cannot be told
        name, now = _called_as(before), new.function(before.qualified_name)
        if now is None and name not in names_left:
            yield name, None
        elif now is not None and _shape(before) != _shape(now):
            yield name, now


def _called_as(function: Function) -> str:
    """The name in a call: a constructor is called by its type's."""
    owner, _, name = function.qualified_name.rpartition(".")
    return owner.rpartition(".")[2] if owner and name in ("__init__", "constructor") else name


def _shape(function: Function) -> list[tuple[str, str, bool]] | None:
    if function.parameters is None:
        return None
    return [(p.name, p.kind.value, bool(p.default)) for p in function.parameters]


def _sentences(changed: Mapping[str, Function | None], found: Sequence[CallAt]) -> Iterable[str]:
    for name, function in changed.items():
        broken = [
            at
            for at in found
            if at.call.name == name and (function is None or not fits(function, at.call))
        ]
        places = list(dict.fromkeys(f"{at.path}:{at.call.line}" for at in broken))
        if not places:
            continue
        more = f" and {len(places) - MAX_NAMED} more" if len(places) > MAX_NAMED else ""
        listed = ", ".join(places[:MAX_NAMED]) + more
        calls = "1 call" if len(places) == 1 else f"{len(places)} calls"
        if function is None:
            yield f"{name} is gone, {calls} of it stay: {listed}"
        else:
            verb = "matches" if len(places) == 1 else "match"
            yield f"{calls} of {name} no longer {verb}: {listed}"
