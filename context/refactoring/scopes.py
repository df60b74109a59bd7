"""What one word stands for at each of its places in a file, by the scopes of its language.

A language says of each name what it is there (`Role`): declared in some scope from some byte on,
used in a name space, a member of something, or neither. From that, places are gathered into
bindings. Only one word is looked at, so a whole file is never turned into tables. What the language
cannot tell is `Unclear` and is for the caller to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Flag, StrEnum, auto
from typing import Protocol

from context.languages import Language
from context.refactoring import Refused
from context.syntax import MAX_PARSE_BYTES, Node, Tree, parse
from context.text import encode


class Space(Flag):
    """Name spaces; a language uses those that it tells apart."""

    VALUE = auto()
    TYPE = auto()
    METHOD = auto()
    ANY = VALUE | TYPE | METHOD


class What(StrEnum):
    VARIABLE = "variable"
    PARAMETER = "parameter"
    FUNCTION = "function"
    TYPE = "type"
    CONSTANT = "constant"
    IMPORT = "import"
    FIELD = "field"
    METHOD = "method"
    OTHER = "name"


@dataclass(frozen=True, slots=True)
class Declares:
    """`seen_from`: the byte from which on the name is this one, in `scope`."""

    scope: Node
    what: What
    space: Space = Space.VALUE
    seen_from: int = 0
    replaces: bool = False  # a further one in the same scope is another binding (Rust's let)
    shorthand: bool = False  # also the key of a field that keeps its name


@dataclass(frozen=True, slots=True)
class Uses:
    space: Space = Space.VALUE
    shorthand: bool = False
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A name after a dot, or one that is declared inside a type; `owner`: that type's node."""

    receiver: Node | None = None
    owner: Node | None = None
    what: What = What.FIELD


@dataclass(frozen=True, slots=True)
class Ignored:
    """Surely none of the above: a label, a key, a part of a path of another package."""


@dataclass(frozen=True, slots=True)
class Unclear:
    reason: str  # "is in a macro"


Role = Declares | Uses | Member | Ignored | Unclear


class Rules(Protocol):
    """What a language says of its names."""

    names: frozenset[str]  # node types that are names
    texts: frozenset[str]  # node types in which a word is no name: strings, comments

    def role(self, node: Node) -> Role: ...

    def expand(self, node: Node, new: str) -> str:
        """What stands for a shorthand once its name is `new`."""
        ...


@dataclass(slots=True)
class Binding:
    """All places of one file that are one thing; `uses` are in the order of the text."""

    scope: Node
    what: What
    space: Space
    declared: list[Node] = field(default_factory=list)
    uses: list[Node] = field(default_factory=list)

    @property
    def places(self) -> list[Node]:
        return sorted([*self.declared, *self.uses], key=lambda n: n.start_byte)


class File:
    """One parsed file. Bytes are of `source`, UTF-8."""

    def __init__(self, path: str, text: str, language: Language, rules: Rules) -> None:
        self.path, self.text, self.language, self.rules = path, text, language, rules
        self.source = encode(text)
        if len(self.source) > MAX_PARSE_BYTES:
            raise Refused(f"{path} is too large to be parsed.")
        self.tree: Tree = parse(self.source, language)
        self._is_ascii = len(self.source) == len(text)

    @property
    def root(self) -> Node:
        return self.tree.root_node

    def offset(self, byte: int) -> int:
        """Code points before a byte."""
        return byte if self._is_ascii else len(self.source[:byte].decode("utf-8", "ignore"))

    def byte(self, offset: int) -> int:
        return offset if self._is_ascii else len(encode(self.text[:offset]))

    def span(self, node: Node) -> tuple[int, int]:
        return self.offset(node.start_byte), self.offset(node.end_byte)

    def line(self, node: Node) -> int:
        return int(node.start_point[0]) + 1

    def at(self, offset: int) -> Node | None:
        """The name at an offset, or the one that ends there."""
        for byte in (self.byte(offset), max(self.byte(offset) - 1, 0)):
            node = self.root.descendant_for_byte_range(byte, byte + 1)
            if node is not None and node.type in self.rules.names:
                return node
        return None

    def places(self, word: str) -> Iterator[Node]:
        """The nodes of each place of a word: names, and texts that hold it."""
        # In Rust a `$` is no part of a name, but follows one in a format string: `{:w$}`.
        letter = rb"[\w\x80-\xff]" if self.language.name == "rust" else rb"[\w$\x80-\xff]"
        pattern = re.compile(rb"(?<!%b)%b(?!%b)" % (letter, re.escape(encode(word)), letter))
        for match in pattern.finditer(self.source):
            node = self.root.descendant_for_byte_range(match.start(), match.end())
            if node is not None:
                yield node


class Names:
    """The bindings of one word in one file, and the places that belong to none."""

    def __init__(self, file: File, word: str) -> None:
        self.file, self.word = file, word
        self.bindings: list[Binding] = []
        self.free: list[Node] = []  # used, and not declared in this file
        self.members: list[tuple[Node, Member]] = []
        self.unclear: list[tuple[Node, str]] = []
        self.texts: list[Node] = []  # strings and comments that hold it
        self.roles: dict[int, Role] = {}
        uses: list[Node] = []
        for node in file.places(word):
            if node.type not in file.rules.names:
                if node.type in file.rules.texts or node.is_named:
                    self.texts.append(node)
                continue
            role = self.roles[node.id] = file.rules.role(node)
            match role:
                case Declares():
                    self._declare(node, role)
                case Uses():
                    uses.append(node)
                case Member():
                    self.members.append((node, role))
                case Unclear(reason=reason):
                    self.unclear.append((node, reason))
        for node in uses:
            self._use(node)

    def binding_at(self, node: Node) -> Binding | None:
        for binding in self.bindings:
            if any(place == node for place in binding.places):
                return binding
        return None

    def _declare(self, node: Node, role: Declares) -> None:
        for binding in self.bindings:
            if binding.scope != role.scope:
                continue
            if role.replaces and self._seen_from(binding) != role.seen_from:
                continue
            binding.declared.append(node)
            binding.space |= role.space
            return
        self.bindings.append(Binding(role.scope, role.what, role.space, [node]))

    def _use(self, node: Node) -> None:
        role = self.roles[node.id]
        assert isinstance(role, Uses)
        scope: Node | None = node
        while scope is not None:
            seen = [
                (self._seen_from(binding), binding)
                for binding in self.bindings
                if binding.scope == scope
                and binding.space & role.space
                and self._seen_from(binding) <= node.start_byte
            ]
            if seen:
                max(seen, key=lambda found: found[0])[1].uses.append(node)
                return
            scope = scope.parent
        self.free.append(node)

    def _seen_from(self, binding: Binding) -> int:
        first = self.roles[binding.declared[0].id]
        return first.seen_from if isinstance(first, Declares) else 0


def ancestor(node: Node, types: frozenset[str] | set[str]) -> Node | None:
    """The nearest node above of one of these types."""
    above = node.parent
    while above is not None and above.type not in types:
        above = above.parent
    return above


_TRANSPARENT = frozenset(
    """parenthesized_expression non_null_expression as_expression satisfies_expression
    type_assertion""".split()
)


def climbed(node: Node) -> Node:
    """The outermost node that is the same place as `node`: brackets around it, TypeScript's `!`."""
    here, above = node, node.parent
    while above is not None and above.type in _TRANSPARENT:
        is_type = above.type != "type_assertion" and above.named_child(0) != here
        if is_type or (above.type == "type_assertion" and above.named_children[-1] != here):
            break
        here, above = above, above.parent
    return here


def is_field(node: Node, name: str) -> bool:
    """`node` is the child that its parent's grammar calls `name`."""
    parent = node.parent
    return parent is not None and any(c == node for c in parent.children_by_field_name(name))


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    pending = [node]
    while pending:
        here = pending.pop()
        yield here
        pending.extend(reversed(here.children))


def written(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def within(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte
