"""Names of Go: blocks, short declarations that hold from their end on, packages, selectors."""

from __future__ import annotations

from context.refactoring.scopes import (
    Declares,
    Ignored,
    Member,
    Role,
    Unclear,
    Uses,
    What,
    ancestor,
    climbed,
    is_field,
    written,
)
from context.syntax import Node

FUNCTIONS = frozenset({"function_declaration", "method_declaration", "func_literal"})
_SIGNATURES = FUNCTIONS | {"function_type", "method_elem", "method_spec"}
BLOCKS = FUNCTIONS | {
    "source_file", "block", "if_statement", "for_statement", "expression_switch_statement",
    "type_switch_statement", "select_statement", "expression_case", "type_case", "default_case",
    "communication_case",
}  # fmt: skip


class Go:
    names = frozenset("identifier type_identifier field_identifier package_identifier".split()) | {
        "label_name"
    }
    texts = frozenset(
        """interpreted_string_literal interpreted_string_literal_content raw_string_literal
        raw_string_literal_content comment""".split()
    )

    def expand(self, node: Node, new: str) -> str:
        del node
        return new

    def role(self, node: Node) -> Role:
        parent = node.parent
        assert parent is not None
        match node.type:
            case "label_name" | "package_identifier":
                is_import = parent.type == "import_spec"
                return _imported(node) if is_import else _package_use(node, parent)
            case "field_identifier":
                return _field(node, parent)
            case "type_identifier":
                return _type(node, parent)
        return _identifier(node, parent)


def _imported(node: Node) -> Role:
    scope = ancestor(node, {"source_file"})
    return Declares(scope, What.IMPORT) if scope else Ignored()


def _package_use(node: Node, parent: Node) -> Role:
    if parent.type == "qualified_type":
        return Uses()
    return Ignored()


def _field(node: Node, parent: Node) -> Role:
    match parent.type:
        case "selector_expression":
            return Member(parent.child_by_field_name("operand"))
        case "method_declaration":
            return Member(None, parent, What.METHOD)
        case "method_elem" | "method_spec":
            return Member(None, parent, What.METHOD)
        case "field_declaration":
            return Member(None, parent, What.FIELD)
    return Member(None, None)


def _type(node: Node, parent: Node) -> Role:
    if parent.type in ("type_spec", "type_alias") and is_field(node, "name"):
        return _in_block(parent, What.TYPE)
    if parent.type == "qualified_type":
        return Member(parent.child_by_field_name("package"))
    if parent.type == "field_declaration" and parent.child_by_field_name("name") is None:
        return Unclear("is embedded in a struct, where it names a field")
    if parent.type in ("pointer_type", "generic_type") and parent.parent is not None:
        holder = parent.parent
        if holder.type == "pointer_type" and holder.parent is not None:
            holder = holder.parent
        if holder.type == "field_declaration" and holder.child_by_field_name("name") is None:
            return Unclear("is embedded in a struct, where it names a field")
    return Uses()


def _identifier(node: Node, parent: Node) -> Role:
    outer = climbed(node).parent
    if outer is not None and outer.type in ("inc_statement", "dec_statement", "expression_list"):
        parent = outer
    match parent.type:
        case "function_declaration" if is_field(node, "name"):
            scope = ancestor(parent, {"source_file"})
            return Declares(scope, What.FUNCTION) if scope else Ignored()
        case "var_spec" | "const_spec" if is_field(node, "name"):
            what = What.VARIABLE if parent.type == "var_spec" else What.CONSTANT
            return _in_block(parent, what)
        case "parameter_declaration" | "variadic_parameter_declaration" if is_field(node, "name"):
            scope = ancestor(parent, _SIGNATURES)
            return Declares(scope, What.PARAMETER) if scope else Ignored()
        case "type_parameter_declaration" if is_field(node, "name"):
            scope = ancestor(parent, FUNCTIONS | {"type_spec"})
            return Declares(scope, What.TYPE) if scope else Ignored()
        case "inc_statement" | "dec_statement":
            return Uses(is_written=True)
        case "expression_list":
            return _listed(node, parent)
        case "literal_element":
            return _element(node, parent)
        case "dot" | "import_spec":
            return Ignored()
    return Uses()


def _in_block(declaration: Node, what: What) -> Role:
    scope = _block(declaration)
    seen_from = 0 if scope.type == "source_file" else declaration.end_byte
    if what is What.TYPE and seen_from:
        seen_from = declaration.start_byte  # a type may be used in itself
    return Declares(scope, what, seen_from=seen_from)


def _block(node: Node) -> Node:
    """The block that a declaration is in; a function's body is one with its parameters."""
    scope = ancestor(node, BLOCKS)
    assert scope is not None
    if scope.type == "block" and scope.parent is not None and scope.parent.type in FUNCTIONS:
        return scope.parent
    return scope


def _listed(node: Node, listed: Node) -> Role:
    """On the left of := (a declaration, unless it is there already), of = or of neither."""
    statement = listed.parent
    assert statement is not None
    match statement.type:
        case "short_var_declaration" if is_field(listed, "left"):
            return Declares(_block(statement), What.VARIABLE, seen_from=statement.end_byte)
        case "range_clause" if is_field(listed, "left"):
            if any(c.type == ":=" for c in statement.children):
                scope = ancestor(statement, {"for_statement"})
                assert scope is not None
                return Declares(scope, What.VARIABLE, seen_from=statement.end_byte)
            return Uses(is_written=True)
        case "receive_statement" if is_field(listed, "left"):
            if any(c.type == ":=" for c in statement.children):
                scope = ancestor(statement, {"communication_case"})
                assert scope is not None
                return Declares(scope, What.VARIABLE, seen_from=statement.end_byte)
            return Uses(is_written=True)
        case "type_switch_statement" if is_field(listed, "alias"):
            value = statement.child_by_field_name("value")
            seen_from = listed.end_byte if value is None else value.end_byte
            return Declares(statement, What.VARIABLE, seen_from=seen_from)
        case "assignment_statement" if is_field(listed, "left"):
            return Uses(is_written=True)
    return Uses()


def _element(node: Node, element: Node) -> Role:
    """In a composite literal, a key may be a field's name or a value."""
    keyed = element.parent
    if keyed is None or keyed.type != "keyed_element" or keyed.named_child(0) != element:
        return Uses()
    literal = ancestor(keyed, {"composite_literal"})
    kind = literal.child_by_field_name("type") if literal is not None else None
    body = keyed.parent
    if kind is None or body is None or body.parent != literal:
        return Unclear("is a key of a literal whose type is not written")
    if kind.type in ("map_type", "array_type", "slice_type", "implicit_length_array_type"):
        return Uses()
    if kind.type == "struct_type":
        return Member(None, None)
    return Unclear(f"is a key of {written(kind)[:40]}, which may be a field")
