"""What the index keeps of a file beside its symbols and words, packed as text by the parser.

Uses, imports and literals are asked for by file, after postings have said which files: a row each
would be most of the rows of the index and most of the time to write it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from context.outline import Import, Literal, Outline, Reference, ReferenceRole

_MARKS = {ReferenceRole.CALL: "=", ReferenceRole.BASE: "<", ReferenceRole.NAME: "~"}


@dataclass(frozen=True, slots=True)
class PackedDetails:
    references: str  # {role: {name: [line, ...]}}
    imports: str  # [[module, [name, ...], line], ...]
    literals: str  # [[text, line], ...]


def reference_term(name: str, role: ReferenceRole) -> str:
    """The term by which a file's document is found that uses `name` so; never a word."""
    return _MARKS[role] + name


def pack_details(outline: Outline) -> list[str]:
    """The fields of `PackedDetails`, in order."""
    uses: dict[str, dict[str, list[int]]] = {}
    for reference in outline.references:
        lines = uses.setdefault(reference.role.value, {})
        lines.setdefault(reference.name, []).append(reference.line)
    return [
        _text(uses),
        _text([[i.module, i.names, i.line] for i in outline.imports]),
        _text([[literal.text, literal.line] for literal in outline.literals]),
    ]


def unpack_references(packed: str) -> Iterator[Reference]:
    for written, names in json.loads(packed).items():
        role = ReferenceRole(written)
        for name, lines in names.items():
            for line in lines:
                yield Reference(name, line, role)


def unpack_uses(
    packed: str, names: Collection[str], roles: Collection[ReferenceRole]
) -> Iterator[Reference]:
    """Those of `unpack_references` with one of the names and roles; a file has thousands more."""
    uses = json.loads(packed)
    for role in roles:
        found = uses.get(role.value, {})
        for name in names:
            for line in found.get(name, ()):
                yield Reference(name, line, role)


def unpack_imports(packed: str) -> list[Import]:
    return [Import(module, tuple(names), line) for module, names, line in json.loads(packed)]


def unpack_literals(packed: str) -> Iterator[Literal]:
    for text, line in json.loads(packed):
        yield Literal(text, line)


def written_in(text: str) -> str:
    """How `text` stands inside packed text, for a search without unpacking."""
    return _text(text)[1:-1]


def _text(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
