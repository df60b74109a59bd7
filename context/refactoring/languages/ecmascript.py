"""Names of JavaScript and TypeScript: block and function scopes, patterns, types beside values."""

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
    walk,
    written,
)
from context.syntax import Node

FUNCTIONS = frozenset(
    """function_declaration generator_function_declaration function_expression generator_function
    arrow_function method_definition function_signature method_signature abstract_method_signature
    call_signature construct_signature function_type constructor_type class_static_block""".split()
)
BLOCKS = FUNCTIONS | {
    "program", "statement_block", "for_statement", "for_in_statement", "switch_body",
    "catch_clause", "class", "conditional_type",
}  # fmt: skip
_VAR_SCOPES = FUNCTIONS | {"program"}
_PATTERNS = frozenset(
    """object_pattern array_pattern pair_pattern rest_pattern assignment_pattern
    object_assignment_pattern""".split()
)
CLASSES = frozenset({"class_declaration", "abstract_class_declaration", "class"})
_TYPE_DECLARATIONS = frozenset({"interface_declaration", "type_alias_declaration"})
_MEMBER_DECLARATIONS = frozenset(
    """method_definition public_field_definition field_definition property_signature
    method_signature abstract_method_signature enum_body enum_assignment""".split()
)
_TYPE_PARTS = frozenset({"type_annotation", "type_arguments", "implements_clause"})


class EcmaScript:
    names = frozenset(
        """identifier type_identifier property_identifier private_property_identifier
        shorthand_property_identifier shorthand_property_identifier_pattern
        statement_identifier""".split()
    )
    texts = frozenset("string string_fragment template_string comment regex_pattern".split())

    def expand(self, node: Node, new: str) -> str:
        return f"{written(node)}: {new}"

    def role(self, node: Node) -> Role:
        match node.type:
            case "property_identifier" | "private_property_identifier":
                return _member(node)
            case "statement_identifier":
                return Ignored()
            case "shorthand_property_identifier":
                return Uses(Space.VALUE, shorthand=True)
            case "shorthand_property_identifier_pattern":
                return _in_pattern(node, shorthand=True)
            case "type_identifier":
                return _type_name(node)
        return _identifier(node)


def _member(node: Node) -> Role:
    parent = node.parent
    assert parent is not None
    if parent.type == "member_expression":
        return Member(parent.child_by_field_name("object"))
    if parent.type in _MEMBER_DECLARATIONS:
        method = parent.type in ("method_definition", "method_signature")
        what = What.METHOD if method else What.FIELD
        return Member(None, ancestor(node, {"class_body", "interface_body", "object_type",
                                            "enum_body", "object"}), what)  # fmt: skip
    return Member(None, None)


def _identifier(node: Node) -> Role:
    parent = node.parent
    assert parent is not None
    match parent.type:
        case "function_declaration" | "generator_function_declaration" | "function_signature":
            if is_field(node, "name"):
                return _declared(parent, What.FUNCTION)
        case "function_expression" | "generator_function":
            if is_field(node, "name"):
                return Declares(parent, What.FUNCTION)
        case "class_declaration" | "abstract_class_declaration" | "enum_declaration":
            if is_field(node, "name"):
                return _declared(parent, What.TYPE, Space.VALUE | Space.TYPE)
        case "class":
            if is_field(node, "name"):
                return Declares(parent, What.TYPE, Space.VALUE | Space.TYPE)
        case "internal_module" | "module":
            return Unclear("is the name of a namespace")
        case "import_specifier":
            return _import_specifier(node, parent)
        case "import_clause" | "namespace_import" | "import_require_clause":
            return _imported(node)
        case "export_specifier":
            return _export_specifier(node, parent)
        case "namespace_export":
            return Ignored()
        case "nested_identifier":
            if not is_field(node, "object"):
                return Member(parent.child_by_field_name("object"))
        case "index_signature" | "mapped_type_clause":
            return Unclear("is a key of a mapped type")
        case "jsx_opening_element" | "jsx_closing_element" | "jsx_self_closing_element":
            if written(node)[:1].islower():
                return Ignored()  # an element of the page
        case "jsx_attribute" | "jsx_namespace_name":
            return Ignored()
        case "nested_type_identifier":
            return Uses(Space.ANY)
        case "type_query":
            return Uses(Space.VALUE)
        case "meta_property":
            return Ignored()
    return _in_pattern(node, shorthand=False)


def _declared(declaration: Node, what: What, space: Space = Space.VALUE) -> Role:
    """In the block around; a namespace's block can be open elsewhere, too."""
    scope = ancestor(declaration, BLOCKS)
    assert scope is not None
    if scope.parent is not None and scope.parent.type in ("internal_module", "module"):
        return Unclear("belongs to a namespace")
    is_function = declaration.type == "function_declaration" and scope.type == "statement_block"
    if is_function and scope.parent is not None and scope.parent.type not in FUNCTIONS:
        program = ancestor(scope, {"program"})
        if program is not None and not any(
            c.type in ("import_statement", "export_statement") for c in program.children
        ):
            return Unclear("is a function in a block of a script, which others may see")
    return Declares(scope, what, space)


def _imported(node: Node) -> Role:
    scope = ancestor(node, {"program"})
    assert scope is not None
    outer = ancestor(node, {"statement_block"})
    if outer is not None:
        return Unclear("is imported inside a block")
    return Declares(scope, What.IMPORT, Space.VALUE | Space.TYPE)


def _import_specifier(node: Node, specifier: Node) -> Role:
    """`name` is another file's name when there is an alias."""
    if is_field(node, "name") and specifier.child_by_field_name("alias") is not None:
        return Ignored()
    return _imported(node)


def _export_specifier(node: Node, specifier: Node) -> Role:
    statement = ancestor(specifier, {"export_statement"})
    has_source = statement is not None and statement.child_by_field_name("source") is not None
    if has_source or is_field(node, "alias"):
        return Ignored()
    return Uses(Space.ANY)


def _type_name(node: Node) -> Role:
    parent = node.parent
    assert parent is not None
    if is_field(node, "name"):
        if parent.type in CLASSES:
            if parent.type == "class":
                return Declares(parent, What.TYPE, Space.VALUE | Space.TYPE)
            return _declared(parent, What.TYPE, Space.VALUE | Space.TYPE)
        if parent.type in _TYPE_DECLARATIONS:
            return _declared(parent, What.TYPE, Space.TYPE)
        if parent.type == "enum_declaration":
            return _declared(parent, What.TYPE, Space.VALUE | Space.TYPE)
        if parent.type == "type_parameter":
            holder = parent.parent.parent if parent.parent is not None else None
            return Declares(holder, What.TYPE, Space.TYPE) if holder else Unclear("is a type")
        if parent.type == "mapped_type_clause":
            return Unclear("is a key of a mapped type")
        if parent.type == "nested_type_identifier":
            return Member(parent.child_by_field_name("module"))
    if parent.type == "infer_type":
        scope = ancestor(node, {"conditional_type"})
        return Declares(scope, What.TYPE, Space.TYPE) if scope else Unclear("is inferred")
    if _is_past_inferred(node):
        return Unclear("is beside a type that is inferred under its name")
    return Uses(Space.TYPE)


def _is_past_inferred(node: Node) -> bool:
    """In the branch of a conditional type where what was inferred is not known."""
    here, above = node, node.parent
    while above is not None:
        asked = above.child_by_field_name("right") if above.type == "conditional_type" else None
        if asked is not None and is_field(here, "alternative"):
            inferred = [n.named_child(0) for n in walk(asked) if n.type == "infer_type"]
            if any(i is not None and written(i) == written(node) for i in inferred):
                return True
        here, above = above, above.parent
    return False


def _in_pattern(node: Node, *, shorthand: bool) -> Role:
    """A variable or parameter that a pattern declares, else a use."""
    here = climbed(node)
    above = here.parent
    while above is not None and above.type in _PATTERNS:
        is_default = above.type in ("assignment_pattern", "object_assignment_pattern")
        if is_default and is_field(here, "right"):
            return Uses()
        if above.type == "pair_pattern" and is_field(here, "key"):
            return Uses()
        here, above = above, above.parent
    if above is None:
        return Uses()
    match above.type:
        case "variable_declarator" if is_field(here, "name"):
            return _variable(above, shorthand=shorthand)
        case "for_in_statement" if is_field(here, "left"):
            kind = above.child_by_field_name("kind")
            if kind is None:
                return Uses(is_written=True, shorthand=shorthand)
            scope = above if kind.type != "var" else ancestor(above, _VAR_SCOPES)
            assert scope is not None
            return Declares(scope, What.VARIABLE, shorthand=shorthand)
        case "required_parameter" | "optional_parameter" if is_field(here, "pattern"):
            return _parameter(above, shorthand=shorthand)
        case "formal_parameters":
            return _parameter(here, shorthand=shorthand)
        case "arrow_function" if is_field(here, "parameter"):
            return Declares(above, What.PARAMETER)
        case "catch_clause" if is_field(here, "parameter"):
            return Declares(above, What.VARIABLE, shorthand=shorthand)
        case "assignment_expression" | "augmented_assignment_expression":
            return Uses(shorthand=shorthand, is_written=is_field(here, "left"))
        case "update_expression":
            return Uses(is_written=True)
    return Uses(shorthand=shorthand)


def _variable(declarator: Node, *, shorthand: bool) -> Role:
    statement = declarator.parent
    assert statement is not None
    if statement.type == "variable_declaration":  # var
        scope = ancestor(statement, _VAR_SCOPES)
        assert scope is not None
        return Declares(scope, What.VARIABLE, shorthand=shorthand)
    role = _declared(statement, What.VARIABLE)
    if isinstance(role, Declares):
        return Declares(role.scope, What.VARIABLE, shorthand=shorthand)
    return role


def _parameter(parameter: Node, *, shorthand: bool) -> Role:
    if any(c.type in ("accessibility_modifier", "readonly") for c in parameter.children):
        return Unclear("is a parameter that is a property, too")
    scope = ancestor(parameter, FUNCTIONS)
    return Declares(scope, What.PARAMETER, shorthand=shorthand) if scope else Unclear("is odd")
