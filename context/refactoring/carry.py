"""Carries out a refactoring: in Python by rope, elsewhere by the syntax tree."""

from __future__ import annotations

import itertools

from context.refactoring import Carried, Kind, Refactoring, Refused, Target
from context.refactoring.extract import extract
from context.refactoring.inline import inline
from context.refactoring.languages import RULES
from context.refactoring.rename import rename
from context.refactoring.scopes import walk, written
from context.refactoring.signature import change_signature, parameters_of
from context.refactoring.sources import Sources, by_path
from context.refactoring.uses import View, all_uses

_DOERS = {
    Kind.RENAME: rename,
    Kind.INLINE: inline,
    Kind.SIGNATURE: change_signature,
    Kind.EXTRACT: extract,
}


def carry_out(sources: Sources, asked: Refactoring) -> Carried:
    """Edits that do exactly what is asked. Raises `Refused`."""
    language = sources.language(asked.path)
    if language == "python":
        from context.refactoring.python import carry

        carried = carry.carry_out(sources, asked)
    elif language not in RULES:
        raise Refused(f"Postil does not refactor files like {asked.path} exactly.")
    elif asked.kind not in _DOERS:
        raise Refused(f"Postil moves nothing to a file of its own in {language} yet.")
    else:
        carried = _DOERS[asked.kind](View(sources), asked)
    for path, edits in by_path(carried.edits):
        ordered = sorted(edits, key=lambda e: (e.start, e.end))
        if any(a.end > b.start for a, b in itertools.pairwise(ordered)):
            raise Refused(f"Two changes in {path} are at the same place.")
    return carried


def target_at(sources: Sources, path: str, offset: int) -> Target:
    """What stands at a place. Raises `Refused` where no name is, or none that is known."""
    language = sources.language(path)
    if language == "python":
        from context.refactoring.python import carry

        return carry.target_at(sources, path, offset)
    if language not in RULES:
        raise Refused(f"Postil does not refactor files like {path} exactly.")
    view = View(sources)
    symbol = view.symbol_at(path, offset)
    found = all_uses(view, symbol)
    definition = next((use for use in found.uses if use.is_definition), None)
    if definition is None or definition.file.path != path:
        where = definition.file.path if definition else "another file"
        raise Refused(f"{symbol.name} is defined in {where}; ask for it there.")
    file, node = definition.file, definition.node
    holder = node.parent or node
    if symbol.is_local and symbol.binding is not None:
        holder = symbol.binding.scope
        if holder.type in ("block", "statement_block") and holder.parent is not None:
            holder = holder.parent
    taken = {written(n) for n in walk(file.root) if n.type in file.rules.names}
    return Target(
        name=symbol.name,
        what=symbol.what.value,
        first_line=holder.start_point[0] + 1,
        last_line=holder.end_point[0] + 1,
        taken=tuple(sorted(taken)),
        parameters=parameters_of(found, symbol.name),
    )
