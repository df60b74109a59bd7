"""Private members of an ECMAScript class: `#name`, and what TypeScript calls private.

The latter are there for who asks by a string or takes an object apart, which is refused.
"""

from __future__ import annotations

import re

from context.refactoring import Refused
from context.refactoring.languages.ecmascript import CLASSES
from context.refactoring.scopes import Names, ancestor, climbed, walk, within, written
from context.refactoring.uses import Found, Symbol, Use, View, refuse_unclear
from context.syntax import Node

# What `this` is of: arrow functions have none of their own.
_OWN_THIS = frozenset(
    """function_declaration function_expression generator_function generator_function_declaration
    method_definition class_body object_type class_static_block""".split()
)


def private_member(view: View, symbol: Symbol) -> Found:
    """A `#name`, or a `private` one that only `this` is asked for. Raises `Refused`."""
    names, word = symbol.names, symbol.name
    declared = [(n, m) for n, m in names.members if m.owner is not None]
    if len(declared) != 1:
        raise Refused(f"{len(declared)} members of this file are called {word}.")
    node, member = declared[0]
    assert member.owner is not None
    definition = node.parent
    is_private = word.startswith("#") or (
        definition is not None
        and any(c.type == "accessibility_modifier" and written(c) == "private"
                for c in definition.children)
    )  # fmt: skip
    if not is_private:
        raise Refused(f"“{word}” is a member that other code may use by objects of unknown type.")
    if any(written(t).strip("\"'`") == word for t in names.texts):
        raise Refused(f"“{word}” stands in a string, which may mean it.")
    found = Found(looked_at=1, uses=[Use(names.file, node, is_definition=True)])
    for place, other in names.members:
        if place == node:
            continue
        if not word.startswith("#") and not _is_of_this(other.receiver, member.owner):
            line = names.file.line(place)
            raise Refused(f"What .{word} at line {line} is a member of cannot be told.")
        found.uses.append(Use(names.file, place))
    refuse_unclear(names)
    if not word.startswith("#"):
        _refuse_by_word(view, names, member.owner)
    return found


def _is_of_this(receiver: Node | None, owner: Node) -> bool:
    """`this` of the class itself, and not of a function or an object inside of it."""
    if receiver is None or receiver.type != "this" or not within(receiver, owner):
        return False
    around = ancestor(receiver, _OWN_THIS)
    if around is not None and around.type == "method_definition":
        return around.parent == owner
    return around == owner


def _refuse_by_word(view: View, names: Names, owner: Node) -> None:
    """TypeScript's private members are there for who asks by a string, or takes an object apart."""
    word = names.word
    for node in walk(owner):
        above = climbed(node).parent
        if node.type == "shorthand_property_identifier_pattern" and written(node) == word:
            raise Refused(
                f"“{word}” at line {names.file.line(node)} may be taken out of an object."
            )
        if node.type != "this" or above is None:
            continue
        index = above.child_by_field_name("index") if above.type == "subscript_expression" else None
        call = above.parent if above.type == "arguments" else None
        is_taken_apart = above.type == "spread_element" or (
            call is not None and re.match(r"(?:JSON|Object|Reflect)\.", written(call)) is not None
        )
        if is_taken_apart or (index is not None and index.type not in ("string", "number")):
            line = names.file.line(node)
            raise Refused(f"Line {line} may ask for the members of this by their names.")
    for path in view.holding(word, names.file.language.name):
        if path != names.file.path:
            _refuse_around_types(Names(view.file(path), word))


def _refuse_around_types(names: Names) -> None:
    """`object['name']` and `(object as any).name` in another file."""
    places = [t for t in names.texts if ancestor(t, {"subscript_expression"}) is not None
              and written(t).strip("\"'`") == names.word]  # fmt: skip
    for node, member in names.members:
        receiver = member.receiver
        if receiver is not None and re.search(r"\bas\s+any\s*\)\Z|\A\(<any>", written(receiver)):
            places.append(node)
    if places:
        place = f"{names.file.path}:{names.file.line(places[0])}"
        raise Refused(f"{place} may ask for “{names.word}” of an object of any type.")


def refuse_inherited(view: View, symbol: Symbol, new: str) -> None:
    """The new name of a private member must be in no class that derives from it, or is above it."""
    if symbol.member is None or new.startswith("#"):
        return
    here = ancestor(symbol.node, CLASSES)
    derives = here is not None and any(c.type == "class_heritage" for c in here.children)
    for path in view.holding(new, symbol.file.language.name):
        names = Names(view.file(path), new)
        for node, member in names.members:
            there = ancestor(node, CLASSES) if member.owner is not None else None
            if there is not None and (
                derives or any(c.type == "class_heritage" for c in there.children)
            ):
                place = f"{path}:{names.file.line(node)}"
                raise Refused(f"“{new}” at {place} may be a member of a class above or below.")
