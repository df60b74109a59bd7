"""Names of Rust: lets that replace each other, patterns, items of modules, and what macros hide."""

from __future__ import annotations

import re

from context.refactoring.scopes import (
    Declares,
    Ignored,
    Member,
    Role,
    Space,
    Unclear,
    Uses,
    What,
    ancestor,
    climbed,
    is_field,
    written,
)
from context.syntax import Node

FUNCTIONS = frozenset({"function_item", "closure_expression", "function_signature_item"})
BLOCKS = FUNCTIONS | {
    "source_file", "block", "match_arm", "for_expression", "declaration_list", "if_expression",
    "while_expression",
}  # fmt: skip
_ITEMS = {
    "function_item": (What.FUNCTION, Space.VALUE),
    "function_signature_item": (What.FUNCTION, Space.VALUE),
    "const_item": (What.CONSTANT, Space.VALUE),
    "static_item": (What.CONSTANT, Space.VALUE),
    "struct_item": (What.TYPE, Space.TYPE | Space.VALUE),
    "enum_item": (What.TYPE, Space.TYPE),
    "union_item": (What.TYPE, Space.TYPE),
    "trait_item": (What.TYPE, Space.TYPE),
    "type_item": (What.TYPE, Space.TYPE),
    "mod_item": (What.OTHER, Space.TYPE),
    "macro_definition": (What.OTHER, Space.METHOD),
}
_PATTERNS = frozenset(
    """tuple_pattern tuple_struct_pattern struct_pattern field_pattern slice_pattern ref_pattern
    mut_pattern reference_pattern captured_pattern or_pattern match_pattern
    remaining_field_pattern""".split()
)
# Macros of the standard library and of logging that take expressions as functions do.
PLAIN_MACROS = frozenset(
    """println print eprintln eprint format write writeln panic assert assert_eq assert_ne
    debug_assert debug_assert_eq debug_assert_ne vec todo unimplemented unreachable dbg log trace
    debug info warn error format_args bail ensure anyhow""".split()
)


class Rust:
    names = frozenset(
        "identifier type_identifier field_identifier shorthand_field_identifier".split()
    )
    texts = frozenset(
        "string_literal string_content raw_string_literal line_comment block_comment".split()
    ) | {"doc_comment"}

    def expand(self, node: Node, new: str) -> str:
        return f"{written(node)}: {new}"

    def role(self, node: Node) -> Role:
        parent = node.parent
        assert parent is not None
        if parent.type == "token_tree":
            return _in_macro(node, parent)
        match node.type:
            case "field_identifier":
                return _field(node, parent)
            case "shorthand_field_identifier":
                if parent.type == "field_pattern" and parent.child_count > 1:
                    return Unclear("is a field and a variable at once, with ref or mut")
                return _in_pattern(node, shorthand=True)
            case "type_identifier":
                return _type(node, parent)
        return _identifier(node, parent)


def _field(node: Node, parent: Node) -> Role:
    if parent.type == "field_expression":
        return Member(parent.child_by_field_name("value"))
    if parent.type == "field_declaration":
        return Member(None, ancestor(parent, {"struct_item", "enum_item", "union_item"}))
    return Member(None, None)


def _type(node: Node, parent: Node) -> Role:
    if is_field(node, "name") and parent.type in _ITEMS:
        return _item(parent)
    parameters = ("type_parameter", "constrained_type_parameter", "const_parameter")
    if parent.type in parameters and (is_field(node, "name") or is_field(node, "left")):
        holder = ancestor(parent, {"type_parameters"})
        scope = holder.parent if holder is not None else None
        return Declares(scope, What.TYPE, Space.TYPE) if scope else Unclear("is a type")
    if parent.type in ("type_parameters",):
        return Declares(parent.parent, What.TYPE, Space.TYPE) if parent.parent else Ignored()
    if parent.type in ("scoped_type_identifier", "scoped_identifier") and is_field(node, "name"):
        return Member(parent.child_by_field_name("path"))
    if parent.type in ("associated_type", "type_binding"):
        return Member(None, None)
    return Uses(Space.TYPE)


def _item(item: Node) -> Role:
    scope = ancestor(item, BLOCKS | {"declaration_list"})
    assert scope is not None
    what, space = _ITEMS[item.type]
    holder = scope.parent
    if scope.type == "declaration_list" and holder is not None and holder.type in (
        "impl_item", "trait_item", "foreign_mod_item",
    ):  # fmt: skip
        method = item.type in ("function_item", "function_signature_item")
        return Member(None, holder, What.METHOD if method else What.FIELD)
    return Declares(scope, what, space)


def _identifier(node: Node, parent: Node) -> Role:
    if is_field(node, "name") and parent.type in _ITEMS:
        return _item(parent)
    match parent.type:
        case "scoped_identifier" | "scoped_type_identifier":
            if is_field(node, "name"):
                if ancestor(node, {"use_declaration"}):
                    return Unclear("is imported")
                return Member(parent.child_by_field_name("path"))
            return Uses(Space.TYPE)
        case "use_declaration" | "use_list" | "use_as_clause" | "scoped_use_list":
            return Unclear("is imported")
        case "use_wildcard":
            return Unclear("is imported")
        case "enum_variant" if is_field(node, "name"):
            return Member(None, ancestor(parent, {"enum_item"}))
        case "macro_invocation":
            return Uses(Space.METHOD)
        case "macro_rule" | "token_binding_pattern" | "metavariable":
            return Unclear("is in a macro")
        case "label" | "lifetime":
            return Ignored()
        case "const_parameter":
            return Unclear("is a constant parameter")
        case "shorthand_field_initializer":
            return Uses(shorthand=True)
        case "attribute" | "extern_crate_declaration" | "visibility_modifier" | "crate":
            return Ignored()
    if _is_written(node):
        return Uses(is_written=True)
    return _in_pattern(node, shorthand=False)


def _is_written(node: Node) -> bool:
    """Assigned, alone or among others (`(a, b) = c`), or borrowed to be changed."""
    here = climbed(node)
    above = here.parent
    if above is not None and above.type == "reference_expression":
        return any(c.type == "mutable_specifier" for c in above.children)
    while above is not None and above.type in ("tuple_expression", "array_expression"):
        here, above = above, above.parent
    kinds = ("assignment_expression", "compound_assignment_expr")
    return above is not None and above.type in kinds and is_field(here, "left")


def _in_pattern(node: Node, *, shorthand: bool) -> Role:
    """A binding of a pattern; a name in capitals there is a constant or a variant."""
    here, above = node, node.parent
    while above is not None and above.type in _PATTERNS:
        if above.type == "tuple_struct_pattern" and is_field(here, "type"):
            return Uses(Space.VALUE)
        if above.type == "match_pattern" and is_field(here, "condition"):
            return Uses()
        if above.type == "struct_pattern" and is_field(here, "type"):
            return Uses(Space.TYPE)
        here, above = above, above.parent
    if above is None:
        return Uses(shorthand=shorthand)
    is_constant = written(node)[:1].isupper() and not shorthand
    role: Role | None = None
    match above.type:
        case "let_declaration" if is_field(here, "pattern"):
            scope = ancestor(above, BLOCKS)
            assert scope is not None
            role = Declares(scope, What.VARIABLE, Space.VALUE, above.end_byte, True, shorthand)  # noqa: FBT003
        case "let_condition" if is_field(here, "pattern"):
            role = _condition(above, shorthand=shorthand)
        case "parameter" if is_field(here, "pattern"):
            scope = ancestor(above, FUNCTIONS | {"function_type"})
            role = Declares(scope, What.PARAMETER, shorthand=shorthand) if scope else None
        case "closure_parameters":
            role = Declares(above.parent, What.PARAMETER) if above.parent else None
        case "match_arm" if is_field(here, "pattern"):
            role = Declares(above, What.VARIABLE, shorthand=shorthand)
        case "for_expression" if is_field(here, "pattern"):
            role = Declares(above, What.VARIABLE, Space.VALUE, _body_start(above), True, shorthand)  # noqa: FBT003
    if role is None:
        return Uses(shorthand=shorthand)
    return Uses(Space.VALUE) if is_constant else role


def _body_start(node: Node) -> int:
    body = node.child_by_field_name("body") or node.child_by_field_name("consequence")
    return body.start_byte if body is not None else node.end_byte


def _condition(condition: Node, *, shorthand: bool) -> Role:
    """`if let`: known from there to the end of what is done then, and not in what is else."""
    holder = ancestor(condition, {"if_expression", "while_expression", "match_arm"})
    if holder is None or holder.type == "match_arm":
        return Unclear("is bound by a condition")
    body = holder.child_by_field_name("consequence") or holder.child_by_field_name("body")
    chained = ancestor(condition, {"let_chain", "binary_expression"})
    if body is None or (chained is not None and chained.start_byte >= holder.start_byte):
        return Unclear("is bound by one of several conditions")
    return Declares(body, What.VARIABLE, shorthand=shorthand)


def _in_macro(node: Node, tree: Node) -> Role:
    """Tokens of a macro: as an expression reads where the macro is a known one."""
    call: Node | None = tree
    while call is not None and call.type == "token_tree":
        sign = call.prev_sibling
        inner = sign.prev_sibling if sign is not None and written(sign) == "!" else None
        if inner is not None and written(inner) not in PLAIN_MACROS:
            return Unclear(f"is in the macro {written(inner)[:40]}")
        call = call.parent
    if call is None or call.type != "macro_invocation":
        return Unclear("is in a macro's definition or an attribute")
    macro = call.child_by_field_name("macro")
    name = written(macro) if macro is not None else ""
    if name.rpartition("::")[2] not in PLAIN_MACROS:
        return Unclear(f"is in the macro {name[:40]}")
    before, after = node.prev_sibling, node.next_sibling
    left = written(before) if before is not None else ""
    right = written(after) if after is not None else ""
    if left == ".":
        return Member(None, None)
    if re.search(r"\||\blet\b|=>", written(tree)) or left == "::" or right in ("::", "!"):
        return Unclear(f"is in the macro {name[:40]}")
    if right == "=" and left in (",", "("):
        return Ignored()  # an argument of a format string, by name
    if left in ("{", ",") and right in ("}", ",") and written(tree)[:1] == "{":
        return Unclear("may be a field and a variable at once")
    if left == "mut" or re.fullmatch(r"(?:[-+*/%&|^]|<<|>>)?=", right):
        return Uses(is_written=True)
    if right == ":" or left in ("fn", "|"):
        return Unclear(f"is in the macro {name[:40]}")
    return Uses()
