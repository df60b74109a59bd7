"""Which files call what another file defines, by the index: names, imports, nothing inferred.

A method is called through an object whose type is not known here. So a name that the types of a
standard library have, too, is never claimed to be ours, and any other only where the workspace
defines it once or an import says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from context.evidence.places import FileNames
from context.outline import ReferenceRole
from context.resolving import Resolver
from context.store import Reader

MAX_FILES = 40  # looked into; a function that more call is not changed in passing
MAX_USES = 500
# Methods of built-in types, which a call through an object more probably means.
_COMMON = frozenset(
    name
    for type_ in (str, bytes, list, dict, set, tuple, int, float, object)
    for name in dir(type_)
) | frozenset(
    """push shift unshift splice slice map filter reduce find some every concat includes forEach
    then catch finally has delete test exec match on off emit next done close open read write run
    start stop send put post query execute len cap string error equals hashCode toString size
    contains isEmpty stream of unwrap expect clone iter into from default new fmt""".split()
)  # fmt: skip


def calling_files(reader: Reader, path: str, names: Sequence[str]) -> dict[str, set[str]]:
    """Other files by path, with which of `names`, defined in `path`, they call."""
    resolver = reader.cached("resolver", lambda: Resolver(reader, FileNames(reader)))
    found: dict[str, set[str]] = {}
    for name in names:
        if name in _COMMON:
            continue
        uses = reader.references_to([name], MAX_USES, role=ReferenceRole.CALL)
        for user in dict.fromkeys(used for used, _ in uses):
            if user == path or len(found) >= MAX_FILES:
                continue
            meant = resolver.definitions(user, name)
            if meant and all(at.path == path for at in meant):
                found.setdefault(user, set()).add(name)
    return found
