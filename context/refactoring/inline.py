"""Inline a local variable, and in JavaScript and TypeScript a function that is one expression.

The value must be the same at each use as at the assignment: literals, and names that never change.
Elsewhere than in JavaScript a call converts its arguments in ways that a tree does not show, so
functions stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from context.refactoring import Carried, Refactoring, Refused, TextEdit
from context.refactoring.calls import calls_of, definition_of, is_simple, parameter_name
from context.refactoring.changes import (
    Through,
    changed_through,
    changes_by_name_alone,
    is_constant,
    is_written_at,
)
from context.refactoring.constants import refuse_constant
from context.refactoring.names import family
from context.refactoring.rename import BY, check_syntax
from context.refactoring.scopes import (
    Binding,
    File,
    Names,
    What,
    ancestor,
    climbed,
    is_field,
    walk,
    within,
    written,
)
from context.refactoring.types import type_of
from context.refactoring.uses import Symbol, Use, View, all_uses, refuse_unclear
from context.syntax import Node

_OPERATORS = frozenset(
    {"binary_expression", "unary_expression", "parenthesized_expression", "ternary_expression"}
)
_LITERALS = frozenset(
    """number string string_fragment true false null undefined int_literal float_literal
    interpreted_string_literal interpreted_string_literal_content raw_string_literal
    raw_string_literal_content rune_literal nil decimal_integer_literal string_literal
    string_content character_literal null_literal integer_literal boolean_literal char_literal
    escape_sequence""".split()
)
_JAVA_TYPES = {
    "int": "decimal_integer_literal", "String": "string_literal", "char": "character_literal",
    "boolean": "true false",
}  # fmt: skip
_PLAIN_TYPES = ("number", "string", "boolean")  # TypeScript's, which a literal is as well
_NO_BRACKETS = frozenset(
    """arguments argument_list return_statement variable_declarator parenthesized_expression
    template_substitution expression_list assignment_expression pair array literal_element
    short_var_declaration let_declaration return_expression array_expression""".split()
)
_ATOMS = frozenset(
    """identifier string interpreted_string_literal string_literal call_expression
    member_expression selector_expression""".split()
)
_WORDS = frozenset({"true", "false", "nil", "undefined", "null"})
_SHORTHAND = "shorthand_property_identifier"
_SIMPLE_STATEMENTS = frozenset(
    """return_statement expression_statement lexical_declaration short_var_declaration
    throw_statement""".split()
)
_LATER = frozenset(
    """arrow_function function_expression func_literal class object_pattern
    generator_function""".split()
)
_SOMETIMES = frozenset({"binary_expression", "ternary_expression", "template_string"})
_EFFECTS = frozenset(
    """call_expression await_expression new_expression member_expression selector_expression
    subscript_expression index_expression update_expression assignment_expression
    yield_expression""".split()
)
_BLOCKS = frozenset({"statement_block", "block", "program", "constructor_body", "statement_list"})


def inline(view: View, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    symbol = view.symbol_at(asked.path, asked.start)
    found = all_uses(view, symbol)
    node = symbol.binding.declared[0] if symbol.binding is not None else symbol.node
    is_function = symbol.what is What.FUNCTION or _holds_function(node)
    if symbol.what is What.VARIABLE and symbol.is_local and not is_function:
        return _variable(view, symbol, found.uses)
    if is_function and family(symbol.file.language.name) == "javascript":
        return _function(view, symbol)
    if is_function:
        raise Refused("Calls convert their arguments in ways that the syntax does not show.")
    raise Refused(f"{symbol.name} is a {symbol.what.value}; only local variables are inlined.")


def _holds_function(node: Node) -> bool:
    parent = node.parent
    value = parent.child_by_field_name("value") if parent is not None else None
    return value is not None and value.type in ("arrow_function", "function_expression")


def _variable(view: View, symbol: Symbol, uses: Sequence[Use]) -> Carried:
    file, binding = symbol.file, symbol.binding
    assert binding is not None
    if len(binding.declared) != 1 or any(u.is_written for u in uses if not u.is_definition):
        raise Refused(f"{symbol.name} is assigned more than once.")
    statement, value = _assignment(binding.declared[0])
    reads = [u for u in uses if not u.is_definition]
    if not reads:
        raise Refused(f"{symbol.name} is never used.")
    for use in reads:
        parent = use.node.parent
        text = written(parent)[:1] if parent is not None else ""
        if parent is None or (parent.type == "unary_expression" and text == "&"):
            raise Refused(f"The address of {symbol.name} is taken.")
        if parent.type in ("type_query", "reference_expression", "macro_invocation"):
            raise Refused(f"{symbol.name} is used in a way that a value cannot be.")
        _refuse_place(file, value, use.node, binding)
    places = [u.node for u in reads]
    if not _moves_one_statement(file, value, statement, places):
        _refuse_changing(file, value, statement, places, symbol.name)
    edits = [_put(view, use, value) for use in reads]
    edits.append(_removed(view, file, statement))
    check_syntax(view, edits)
    return Carried(tuple(edits), f"inline variable {symbol.name}", BY, 1)


def _refuse_place(file: File, value: Node, place: Node, binding: Binding) -> None:
    """What a variable may be there, and its value may not, or not in the same way."""
    word, kind = written(place), family(file.language.name)
    through = changed_through(place, binding.declared[0], file.language.name)
    if through in (Through.PART, Through.ADDRESS):
        raise Refused(f"What {word} holds is changed.")
    if through is Through.METHOD and not _is_pointer(file, value):
        raise Refused(f"A method of {word} may need a variable, and not its value alone.")
    here = climbed(place)
    above = here.parent
    is_called = above is not None and above.type == "call_expression" and is_field(here, "function")
    if is_called and kind == "javascript" and value.type not in ("identifier", "call_expression"):
        raise Refused(f"A call of {word} would be one of a method.")
    if all(n.type in _LITERALS or n.type in _OPERATORS for n in walk(value) if n.is_named):
        refuse_constant(kind, value, place)


def _is_pointer(file: File, value: Node) -> bool:
    """Go: a call of a function of this file that gives back a pointer."""
    called = value.child_by_field_name("function") if value.type == "call_expression" else None
    if called is None or called.type != "identifier":
        return False
    binding = Names(file, written(called)).binding_at(called)
    function = binding.declared[0].parent if binding is not None else None
    result = function.child_by_field_name("result") if function is not None else None
    return result is not None and written(result)[:1] == "*"


def _assignment(name: Node) -> tuple[Node, Node]:
    """(statement, value) that declares one variable in a block. Raises `Refused`."""
    word = written(name)
    declarator = name.parent
    while declarator is not None and declarator.type == "expression_list":
        declarator = declarator.parent
    if declarator is None:
        raise Refused(f"How {word} is declared is not known.")
    statement, value = declarator, declarator.child_by_field_name("value")
    match declarator.type:
        case "variable_declarator":
            outer = declarator.parent
            assert outer is not None
            statement = outer
            declared = [c for c in outer.named_children if c.type == "variable_declarator"]
            if len(declared) != 1 or outer.type == "variable_declaration":
                raise Refused(f"{word} is declared with var or beside others.")
            annotation = declarator.child_by_field_name("type")
            if annotation is not None and written(annotation).strip(": ") not in _PLAIN_TYPES:
                raise Refused(f"{word} has a type of its own.")
            if outer.type == "local_variable_declaration":
                _refuse_java_type(outer, value, word)
        case "short_var_declaration":
            left, right = (declarator.child_by_field_name(f) for f in ("left", "right"))
            if left is None or right is None or left.named_child_count != 1:
                raise Refused(f"{word} is declared beside others.")
            value = right.named_child(0) if right.named_child_count == 1 else None
        case "let_declaration":
            if declarator.child_by_field_name("type") or "mut" in written(declarator).split()[:2]:
                raise Refused(f"{word} has a type of its own, or is mutable.")
            if value is not None and value.type not in _LITERALS:
                raise Refused(f"The value of {word} may be moved or borrowed.")
        case _:
            raise Refused(f"{word} is not assigned by a statement of its own.")
    if value is None or statement.parent is None or statement.parent.type not in _BLOCKS:
        raise Refused(f"{word} is not assigned by a statement of its own.")
    return statement, value


def _refuse_java_type(statement: Node, value: Node | None, word: str) -> None:
    kind = statement.child_by_field_name("type")
    wanted = _JAVA_TYPES.get(written(kind) if kind is not None else "", "")
    if value is None or value.type not in wanted.split():
        raise Refused(f"The type of {word} may convert its value.")


def _moves_one_statement(file: File, value: Node, statement: Node, uses: Sequence[Node]) -> bool:
    """The one use is what the next statement evaluates first, so that the value may do anything.

    Not where a declared type may convert the value (Java), or a borrow ends with the statement.
    """
    following = statement.next_named_sibling
    while following is not None and "comment" in following.type:
        following = following.next_named_sibling
    annotated = any(c.type == "type_annotation" for n in walk(statement) for c in n.children
                    if n.type == "variable_declarator")  # fmt: skip
    if (
        family(file.language.name) not in ("javascript", "go")
        or len(uses) != 1
        or following is None
        or following.type not in _SIMPLE_STATEMENTS
        or not within(uses[0], following)
        or annotated
    ):
        return False
    return _is_first(file, following, uses[0])


def _is_first(file: File, statement: Node, use: Node) -> bool:
    """Nothing that the value may change is read, and nothing done, before the use."""
    is_go = file.language.name == "go"  # which leaves open when variables beside calls are read
    for node in walk(statement):
        inside = within(use, node)
        if inside and (node.type in _LATER or (node.type in _SOMETIMES and node != use)):
            return False
        is_before = node.end_byte <= use.start_byte
        if not inside and (is_before or (is_go and node.type != "call_expression")):
            if _has_effect(node):
                return False
            if node.type in ("identifier", _SHORTHAND) and not _is_steady(file, node, statement):
                return False
        called = node.child_by_field_name("function") if node.type in _EFFECTS else None
        is_argument = inside and called is not None and not within(use, called)
        # What is called is looked up before its argument is evaluated.
        if is_argument and called is not None and called.type != "identifier":
            return False
    return True


def _has_effect(node: Node) -> bool:
    is_pointed = node.type == "unary_expression" and written(node).startswith(("<-", "*", "&"))
    return node.type in _EFFECTS or is_pointed


def _is_steady(file: File, node: Node, statement: Node) -> bool:
    """A name that nothing changes but an assignment in its own function, or nothing at all."""
    names = Names(file, written(node))
    binding = names.binding_at(node)
    if binding is None:  # Go: a function of another file, where it is called
        parent = node.parent
        is_called = parent is not None and parent.type == "call_expression"
        return written(node) in _WORDS or (is_called and is_field(node, "function"))
    if any(within(d, statement) for d in binding.declared):
        return True
    return changes_by_name_alone(names, binding)


def _refuse_changing(
    file: File, value: Node, statement: Node, uses: Sequence[Node], word: str
) -> None:
    for node in walk(value):
        if not node.is_named or node.type in _LITERALS or node.type in _OPERATORS:
            if node.type == "unary_expression" and _has_effect(node):
                raise Refused(f"The value of {word} is an address, what is at one, or received.")
            continue
        if node.type != "identifier":
            raise Refused(f"The value of {word} may do something, or change, before its uses.")
        if written(node) not in _WORDS:
            _refuse_other(file, node, uses, word, value)
    if any(use.start_byte < statement.end_byte for use in uses):
        raise Refused(f"{word} is used before it is assigned.")


def _refuse_other(file: File, node: Node, uses: Sequence[Node], word: str, value: Node) -> None:
    """A name in the value must be one that never changes, and mean the same at each use."""
    names = Names(file, written(node))
    binding = names.binding_at(node)
    if binding is None:
        raise Refused(f"{written(node)}, which {word} is made of, is not defined in this file.")
    for place in binding.places:
        parent = place.parent
        address = (
            parent is not None
            and parent.type == "unary_expression"
            and (written(parent)[:1] == "&")
        )
        if is_written_at(names, place) or address:
            raise Refused(f"{written(node)}, which {word} is made of, changes.")
    if len(binding.declared) != 1 or not changes_by_name_alone(names, binding):
        raise Refused(f"{written(node)}, which {word} is made of, may change elsewhere.")
    if family(file.language.name) == "javascript" and node != value:
        _refuse_converted(binding, word)
    refuse_unclear(names)
    for other in names.bindings:
        if other is not binding and any(within(use, other.scope) for use in uses):
            raise Refused(f"{written(node)} means something else at a use of {word}.")


def _refuse_converted(binding: Binding, word: str) -> None:
    """An operator asks an object what it is at that time: `list + ''`."""
    declared = binding.declared[0]
    if type_of(declared, "javascript") in _PLAIN_TYPES:
        return
    value = declared.parent.child_by_field_name("value") if declared.parent is not None else None
    if value is not None and value.type in _LITERALS:
        return
    for place in binding.places:
        here = climbed(place)
        above = here.parent
        parts = ("member_expression", "subscript_expression", "spread_element", "for_in_statement")
        if above is not None and above.type in parts:
            raise Refused(f"{written(place)}, which {word} is made of, may be an object.")


def _put(view: View, use: Use, value: Node) -> TextEdit:
    text = written(value)
    parent = use.node.parent
    plain = value.type in _ATOMS and (parent is None or parent.type != "new_expression")
    if not plain and (parent is None or parent.type not in _NO_BRACKETS):
        text = f"({text})"
    if text.startswith(("(", "[")) and parent is not None:
        outer = ancestor(use.node, {"expression_statement"})
        if outer is not None and outer.start_byte == use.node.start_byte:
            raise Refused(f"A statement begins with {written(use.node)}.")
    if use.is_shorthand:
        text = use.file.rules.expand(use.node, text)
    return view.sources.edit(use.file.path, *use.file.span(use.node), text)


def _removed(view: View, file: File, statement: Node) -> TextEdit:
    """The statement with its line. Raises `Refused` when something else stands there."""
    start, end = file.span(statement)
    text = file.text
    while text[end : end + 1] == ";":
        end += 1
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    last = end
    while last < len(text) and text[last] not in "\r\n":
        last += 1
    if text[first:start].strip() or text[end:last].strip():
        raise Refused("Something else stands on the line of the assignment.")
    last += 2 if text[last : last + 2] == "\r\n" else 1
    return view.sources.edit(file.path, first, min(last, len(text)), "")


def _function(view: View, symbol: Symbol) -> Carried:
    found = all_uses(view, symbol)
    definition = definition_of(found, symbol.name)
    file = definition.use.file
    if any(use.file.path != file.path or use.is_import for use in found.uses) or found.warnings:
        raise Refused(f"{symbol.name} is exported: other files use it.")
    head = file.text[slice(*file.span(definition.node))].partition("(")[0]
    if "async" in head or "*" in head:
        raise Refused(f"{symbol.name} is async or a generator.")
    result = _result(definition.body, symbol.name)
    names = [parameter_name(p) for p in definition.parameters]
    if any(p.child_by_field_name("value") for p in definition.parameters):
        raise Refused(f"{symbol.name} has defaults.")
    _refuse_odd_result(result, symbol.name)
    edits: list[TextEdit] = []
    for call in calls_of(found, symbol.name):
        if within(call.use.node, definition.node):
            raise Refused(f"{symbol.name} calls itself.")
        if len(call.given) != len(names) or not all(is_simple(a) for a in call.given):
            raise Refused(
                f"A call of {symbol.name} has other arguments, or ones that do something."
            )
        _refuse_shadowed(file, result, {*names}, call.use.node)
        if any(n.type in ("call_expression", "new_expression") for n in walk(result)):
            _refuse_late(file, call.given, symbol.name)
        whole = call.arguments.parent
        assert whole is not None
        values = dict(zip(names, map(written, call.given), strict=True))
        text = f"({_with(file, result, values)})"
        outer = ancestor(whole, {"expression_statement"})
        if outer is not None and outer.start_byte == whole.start_byte:
            raise Refused(f"A call of {symbol.name} is a statement.")
        edits.append(view.sources.edit(file.path, *file.span(whole), text))
    if not edits:
        raise Refused(f"{symbol.name} is never called.")
    statement = definition.use.node.parent
    if statement is not None and statement.type == "variable_declarator":
        statement = statement.parent
    assert statement is not None
    edits.append(_removed(view, file, statement))
    check_syntax(view, edits)
    return Carried(tuple(edits), f"inline function {symbol.name}", BY, found.looked_at)


def _result(body: Node, name: str) -> Node:
    """The one expression that a function returns."""
    if body.type != "statement_block":
        return body
    statements = [c for c in body.named_children if "comment" not in c.type]
    if len(statements) == 1 and statements[0].type == "return_statement":
        value = statements[0].named_child(0)
        if value is not None and statements[0].named_child_count == 1:
            return value
    raise Refused(f"{name} is more than one expression.")


def _refuse_odd_result(result: Node, name: str) -> None:
    odd = {"arrow_function", "function_expression", "this", "super", "await_expression",
           "yield_expression", "assignment_expression", "update_expression", "jsx_element",
           "augmented_assignment_expression", "object", "class", "jsx_self_closing_element",
           "template_string"}  # fmt: skip
    for node in walk(result):
        if node.type in odd or node.type.startswith("shorthand"):
            raise Refused(f"{name} has in it what cannot stand elsewhere ({node.type}).")


def _refuse_shadowed(file: File, result: Node, parameters: set[str], call: Node) -> None:
    for word in {written(n) for n in walk(result) if n.type == "identifier"} - parameters:
        names = Names(file, word)
        refuse_unclear(names)
        for binding in names.bindings:
            if binding.scope != file.root and within(call, binding.scope):
                raise Refused(f"{word} means something else at a call.")


def _refuse_late(file: File, given: Sequence[Node], word: str) -> None:
    """What a function calls may change an argument that is a variable, read before the call."""
    for argument in given:
        if argument.type != "identifier" or written(argument) in _WORDS:
            continue
        names = Names(file, written(argument))
        binding = names.binding_at(argument)
        is_local = binding is not None and binding.what in (What.VARIABLE, What.PARAMETER)
        is_set = any(is_written_at(names, p) for p in binding.places) if binding else True
        if binding is None or not (is_constant(names, binding) or (is_local and not is_set)):
            raise Refused(f"{written(argument)} may change before {word} reads it.")


def _with(file: File, result: Node, values: dict[str, str]) -> str:
    start, end = file.span(result)
    pieces, at = list[str](), start
    for node in walk(result):
        if node.type == "identifier" and written(node) in values:
            first, last = file.span(node)
            value = values[written(node)]
            pieces += [file.text[at:first], f"({value})" if value[:1] == "-" else value]
            at = last
    return "".join([*pieces, file.text[at:end]])
