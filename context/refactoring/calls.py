"""Functions and their calls as a tree shows them: parameters, arguments, what each may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from context.refactoring import Refused
from context.refactoring.scopes import is_field, walk, written
from context.refactoring.uses import Found, Use
from context.syntax import Node

_CALLS = {"call_expression": "function", "method_invocation": "name"}
_DOTTED = frozenset(
    {"member_expression", "selector_expression", "scoped_identifier", "field_expression"}
)
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})
_BY_NAME = frozenset({"import_specifier", "export_specifier", "use_as_clause"})
_CONSTANTS = frozenset(
    """number string true false null undefined int_literal float_literal interpreted_string_literal
    raw_string_literal rune_literal nil decimal_integer_literal decimal_floating_point_literal
    string_literal character_literal null_literal integer_literal boolean_literal char_literal
    hex_integer_literal identifier""".split()
)


@dataclass(frozen=True, slots=True)
class Call:
    use: Use
    arguments: Node  # with its brackets
    given: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A function's head. `parameters` are without the receiver of a method."""

    use: Use
    node: Node
    brackets: Node
    parameters: tuple[Node, ...]
    body: Node


def definition_of(found: Found, name: str) -> Definition:
    """Raises `Refused` where there is not exactly one, with a body and a list of parameters."""
    defined = [use for use in found.uses if use.is_definition]
    if len(defined) != 1 or defined[0].node.parent is None:
        raise Refused(f"{name} has {len(defined)} definitions.")
    node = defined[0].node.parent
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        if value is None or value.type not in _FUNCTION_VALUES:
            raise Refused(f"{name} is no function.")
        node = value
    if node.parent is not None and any(c.type == "default" for c in node.parent.children):
        raise Refused(f"{name} is the default of its module, which others call as they like.")
    brackets = node.child_by_field_name("parameters")
    body = node.child_by_field_name("body")
    if brackets is None or body is None or not brackets.text or brackets.text[:1] != b"(":
        raise Refused(f"{name} has no list of parameters or no body here.")
    parameters = tuple(
        p for p in brackets.named_children if "comment" not in p.type and p.type != "self_parameter"
    )
    return Definition(defined[0], node, brackets, parameters, body)


def calls_of(found: Found, name: str) -> Iterator[Call]:
    """Every use that is no definition and no import must be a call. Raises `Refused`."""
    for use in found.uses:
        parent = use.node.parent
        if parent is not None and parent.type in _BY_NAME:
            if parent.child_by_field_name("alias") is not None:
                raise Refused(f"{use.file.path} knows {name} under another name.")
            continue
        if use.is_definition or use.is_import:
            continue
        call = _call_around(use.node)
        arguments = call.child_by_field_name("arguments") if call is not None else None
        place = f"{use.file.path}:{use.file.line(use.node)}"
        if arguments is None or arguments.text is None or arguments.text[:1] != b"(":
            raise Refused(f"{name} is used at {place} as a value, not only called.")
        given = tuple(a for a in arguments.named_children if "comment" not in a.type)
        if any(a.type in ("spread_element", "variadic_argument") for a in given) or any(
            c.type == "..." for c in arguments.children
        ):
            raise Refused(f"The call at {place} spreads its arguments.")
        yield Call(use, arguments, given)


def _call_around(node: Node) -> Node | None:
    called = node
    if called.parent is not None and called.parent.type in _DOTTED:
        parent = called.parent
        if parent.named_child(parent.named_child_count - 1) != called:
            return None
        called = parent
    call = called.parent
    if call is None or call.type not in _CALLS:
        return None
    return call if is_field(called, _CALLS[call.type]) else None


def is_simple(node: Node) -> bool:
    """A literal or a name: evaluating it once more, or not at all, makes no difference."""
    if node.type == "unary_expression" and node.named_child_count == 1:
        inner = node.named_child(0)
        return inner is not None and inner.type in _CONSTANTS and written(node)[:1] == "-"
    if node.type in ("interpreted_string_literal", "string", "string_literal"):
        return not any(c.type.startswith(("template", "interp")) and c.type.endswith("substitution")
                       for c in node.children)  # fmt: skip
    return node.type in _CONSTANTS


def parameter_name(parameter: Node) -> str:
    """The one plain name that a parameter declares. Raises `Refused` for any other."""
    if parameter.type == "identifier":
        return written(parameter)
    names = [
        c
        for field in ("pattern", "name")
        for c in parameter.children_by_field_name(field)
        if c.type == "identifier"
    ]
    odd = ("rest_pattern", "spread_parameter", "variadic_parameter_declaration", "object_pattern")
    if len(names) != 1 or parameter.type in odd:
        raise Refused("A parameter is no plain one with a name of its own.")
    return written(names[0])


def holds(node: Node, types: frozenset[str] | set[str]) -> Node | None:
    """The first node inside of one of these types."""
    return next((n for n in walk(node) if n.type in types), None)
