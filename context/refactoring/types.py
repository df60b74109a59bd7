"""The type of a variable where its declaration writes it, or its first value cannot have another.

Nothing is inferred beyond literals: an empty answer means that the type is not known.
"""

from __future__ import annotations

import re

from context.refactoring.scopes import written
from context.syntax import Node

_GO_LITERALS = {
    "int_literal": "int", "float_literal": "float64", "interpreted_string_literal": "string",
    "raw_string_literal": "string", "rune_literal": "rune", "true": "bool", "false": "bool",
}  # fmt: skip
_TS_LITERALS = {"number": "number", "string": "string", "template_string": "string",
                "true": "boolean", "false": "boolean"}  # fmt: skip
_RUST_COPIED = re.compile(
    r"(?:[iu](?:8|16|32|64|128|size)|f32|f64|bool|char|&(?:'static )?(?!mut\b)(?!')[\w:<>\[\], ]+)"
)


def type_of(name: Node, kind: str) -> str:
    """`name`: the identifier that is declared; `kind`: go, java, rust or javascript."""
    holder = name.parent
    if holder is None:
        return ""
    match kind:
        case "go":
            return _go(name, holder)
        case "java":
            return _java(holder)
        case "rust":
            return _rust(holder)
    return _typescript(holder)


def _go(name: Node, holder: Node) -> str:
    if holder.type in ("parameter_declaration", "var_spec"):
        kind = holder.child_by_field_name("type")
        return written(kind) if kind is not None else ""
    statement = holder.parent
    if holder.type != "expression_list" or statement is None:
        return ""
    right = statement.child_by_field_name("right")
    if statement.type != "short_var_declaration" or right is None:
        return ""
    index = list(holder.named_children).index(name)
    if right.named_child_count != holder.named_child_count:
        return ""
    value = right.named_child(index)
    return _go_value(value) if value is not None else ""


def _go_value(value: Node) -> str:
    if value.type in _GO_LITERALS:
        return _GO_LITERALS[value.type]
    if value.type == "composite_literal":
        kind = value.child_by_field_name("type")
        return written(kind) if kind is not None and "..." not in written(kind) else ""
    if value.type == "unary_expression" and written(value)[:1] == "&":
        inner = _go_value(value.named_children[-1])
        return f"*{inner}" if value.named_children[-1].type == "composite_literal" else ""
    if value.type == "call_expression":
        called = value.child_by_field_name("function")
        arguments = value.child_by_field_name("arguments")
        if called is None or arguments is None or not arguments.named_child_count:
            return ""
        if written(called) == "make":
            return written(arguments.named_children[0])
        if written(called) in ("len", "cap"):
            return "int"
    return ""


def _java(holder: Node) -> str:
    for place in (holder, holder.parent):
        kind = place.child_by_field_name("type") if place is not None else None
        if kind is not None and holder.type != "spread_parameter":
            dimensions = holder.child_by_field_name("dimensions")
            found = written(kind) + (written(dimensions) if dimensions is not None else "")
            return "" if found == "var" else found
    return ""


def _rust(holder: Node) -> str:
    """Only what is copied, or borrowed to be read: anything else would be moved."""
    place: Node | None = holder
    if holder.type == "mut_pattern":
        place = holder.parent
    kind = place.child_by_field_name("type") if place is not None else None
    found = written(kind) if kind is not None else ""
    return found if _RUST_COPIED.fullmatch(found) else ""


def _typescript(holder: Node) -> str:
    annotation = holder.child_by_field_name("type")
    if annotation is not None and annotation.type == "type_annotation":
        found = written(annotation).removeprefix(":").strip()
        if holder.type == "optional_parameter":
            found = f"{found} | undefined"
        return "" if re.search(r"\bthis\b|\btypeof\b", found) else found
    value = holder.child_by_field_name("value")
    if holder.type != "variable_declarator" or value is None or value.type not in _TS_LITERALS:
        return ""
    is_constant = holder.parent is not None and written(holder.parent).startswith("const")
    if is_constant and value.type != "template_string":
        return written(value)  # its type is the literal itself
    return _TS_LITERALS[value.type]
