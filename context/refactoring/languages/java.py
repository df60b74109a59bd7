"""Names of Java: blocks, members of classes, and three name spaces that syntax tells apart."""

from __future__ import annotations

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
)
from context.syntax import Node

FUNCTIONS = frozenset(
    """method_declaration constructor_declaration compact_constructor_declaration
    lambda_expression static_initializer""".split()
)
TYPES = frozenset(
    """class_declaration interface_declaration enum_declaration record_declaration
    annotation_type_declaration""".split()
)
BODIES = frozenset(
    """class_body interface_body enum_body enum_body_declarations annotation_type_body""".split()
)
BLOCKS = FUNCTIONS | BODIES | {
    "program", "block", "constructor_body", "for_statement", "enhanced_for_statement",
    "catch_clause", "try_with_resources_statement", "switch_block", "switch_rule",
}  # fmt: skip


class Java:
    names = frozenset({"identifier", "type_identifier"})
    texts = frozenset(
        """string_literal string_fragment line_comment block_comment
        multiline_string_fragment""".split()
    )

    def expand(self, node: Node, new: str) -> str:
        del node
        return new

    def role(self, node: Node) -> Role:
        parent = node.parent
        assert parent is not None
        if node.type == "type_identifier":
            return _type(node, parent)
        if is_field(node, "name") and (role := _named(node, parent)) is not None:
            return role
        match parent.type:
            case "scoped_identifier":
                return Ignored() if _in_import(parent) else _scoped(node, parent)
            case "package_declaration" | "import_declaration":
                return Ignored()
            case "labeled_statement" | "break_statement" | "continue_statement":
                return Ignored()
            case "lambda_expression" if is_field(node, "parameters"):
                return Declares(parent, What.PARAMETER)
            case "inferred_parameters":
                scope = ancestor(parent, {"lambda_expression"})
                # Without a lambda it is a variable in brackets that the grammar cannot read.
                return Declares(scope, What.PARAMETER) if scope else Unclear("is not understood")
            case "field_access" if is_field(node, "field"):
                return Member(parent.child_by_field_name("object"))
            case "method_reference":
                if parent.named_child(0) != node:
                    return Member(parent.named_child(0), None, What.METHOD)
            case "annotation" | "marker_annotation":
                return Uses(Space.TYPE)
            case "element_value_pair" if is_field(node, "key"):
                return Ignored()
            case "instanceof_expression" | "type_pattern" | "record_pattern_component":
                if not is_field(node, "left"):
                    return Unclear("is bound by a pattern")
        outer = climbed(node)
        match outer.parent.type if outer.parent is not None else "":
            case "assignment_expression":
                return Uses(is_written=is_field(outer, "left"))
            case "update_expression":
                return Uses(is_written=True)
        return Uses(Space.VALUE)


def _in_import(scoped: Node) -> bool:
    return ancestor(scoped, {"import_declaration", "package_declaration"}) is not None


def _scoped(node: Node, scoped: Node) -> Role:
    return (
        Uses(Space.ANY) if is_field(node, "scope") else Member(scoped.child_by_field_name("scope"))
    )


def _type(node: Node, parent: Node) -> Role:
    if parent.type == "scoped_type_identifier" and parent.named_child(0) != node:
        return Member(parent.named_child(0))
    if parent.type == "type_parameter":
        holder = parent.parent.parent if parent.parent is not None else None
        return Declares(holder, What.TYPE, Space.TYPE) if holder else Unclear("is a type")
    return Uses(Space.TYPE)


def _named(node: Node, parent: Node) -> Role | None:
    match parent.type:
        case "variable_declarator":
            return _variable(parent)
        case "formal_parameter" | "spread_parameter":
            scope = ancestor(parent, FUNCTIONS | {"record_declaration"})
            if scope is None or scope.type == "record_declaration":
                return Unclear("is a component of a record")
            return Declares(scope, What.PARAMETER)
        case "catch_formal_parameter":
            scope = ancestor(parent, {"catch_clause"})
            return Declares(scope, What.VARIABLE) if scope else Ignored()
        case "enhanced_for_statement":
            return Declares(parent, What.VARIABLE)
        case "resource":
            scope = ancestor(parent, {"try_with_resources_statement"})
            return Declares(scope, What.VARIABLE, seen_from=parent.end_byte) if scope else Ignored()
        case "method_declaration":
            scope = ancestor(parent, BODIES)
            return Declares(scope, What.METHOD, Space.METHOD) if scope else Ignored()
        case "constructor_declaration" | "compact_constructor_declaration":
            return Uses(Space.TYPE)
        case "enum_constant":
            scope = ancestor(parent, BODIES)
            return Declares(scope, What.FIELD) if scope else Ignored()
        case "method_invocation":
            receiver = parent.child_by_field_name("object")
            if receiver is not None:
                return Member(receiver, None, What.METHOD)
            return Uses(Space.METHOD)
        case "instanceof_expression" | "record_pattern_component" | "type_pattern":
            return Unclear("is bound by a pattern")
    if parent.type in TYPES:
        scope = ancestor(parent, BLOCKS)
        return Declares(scope, What.TYPE, Space.TYPE) if scope else Ignored()
    return None


def _variable(declarator: Node) -> Role:
    statement = declarator.parent
    assert statement is not None
    scope = ancestor(declarator, BLOCKS)
    if scope is None:
        return Ignored()
    if statement.type in ("field_declaration", "constant_declaration"):
        return Declares(scope, What.FIELD)
    if statement.type == "spread_parameter":
        scope = ancestor(statement, FUNCTIONS)
        return Declares(scope, What.PARAMETER) if scope else Ignored()
    return Declares(scope, What.VARIABLE, seen_from=declarator.start_byte)
