"""Whether something else than an assignment to its name may change a variable.

An assignment to the name itself is said by the language's rules (`Uses.is_written`). Here: what
is changed through the name, where a variable holds its parts itself (Go's structs and arrays), and
what functions inside share with the function around them. Types are those that are written.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from context.refactoring.scopes import (
    Binding,
    Names,
    Uses,
    What,
    ancestor,
    climbed,
    is_field,
    written,
)
from context.refactoring.types import type_of
from context.refactoring.uses import WIDE_SCOPES
from context.syntax import Node

FUNCTIONS_OF = {  # by family of languages
    "javascript": frozenset(
        """function_declaration generator_function_declaration function_expression arrow_function
        generator_function method_definition""".split()
    ),
    "go": frozenset({"function_declaration", "method_declaration", "func_literal"}),
    "java": frozenset({"method_declaration", "constructor_declaration", "lambda_expression"}),
    "rust": frozenset({"function_item", "closure_expression"}),
}
FUNCTIONS = frozenset[str]().union(*FUNCTIONS_OF.values())
# Go: what is held elsewhere, so that a copy of the variable is as good as the variable.
_GO_SHARED = re.compile(
    r"\*|\[\]|map\[|chan\b|<-|func\b|interface\b|(?:error|any|context\.Context|io\.\w+|"
    r"http\.(?:ResponseWriter|Handler|Header)|testing\.TB)\Z"
)
# Go: what no selector, index or method changes: values of one piece, and time's.
_GO_WHOLE = re.compile(
    r"(?:u?int(?:8|16|32|64|ptr)?|float(?:32|64)|complex(?:64|128)|bool|string|byte|rune|"
    r"time\.(?:Time|Duration))\Z"
)


class Through(Enum):
    """What may happen to a variable at one of its places, without an assignment to its name."""

    NOTHING = auto()
    PART = auto()  # a field or an element of it is assigned
    METHOD = auto()  # a method is called that may change it
    ADDRESS = auto()  # its address is taken, so that it may change from there on


def changed_through(place: Node, declared: Node, language: str) -> Through:
    """`declared`: the name in the declaration, for the type. Only Go has variables that hold their
    parts; elsewhere a change of a part is seen by whoever has the object.
    """
    if language != "go":
        return Through.NOTHING
    here = climbed(place)
    above = here.parent
    type_ = type_of(declared, "go")
    n_steps = 0
    while above is not None and (
        above.type in ("selector_expression", "index_expression") and is_field(here, "operand")
    ):
        here = climbed(above)
        above, n_steps = here.parent, n_steps + 1
    if above is None or (n_steps and _GO_SHARED.match(type_)):
        return Through.NOTHING
    if above.type == "unary_expression" and written(above)[:1] == "&":
        return Through.ADDRESS
    if above.type == "slice_expression" and is_field(here, "operand"):
        is_copied = _GO_SHARED.match(type_) or _GO_WHOLE.match(type_)
        return Through.NOTHING if is_copied else Through.ADDRESS
    if not n_steps:
        return Through.NOTHING
    if above.type == "call_expression" and is_field(here, "function"):
        return Through.NOTHING if _GO_WHOLE.match(type_) else Through.METHOD
    if above.type in ("inc_statement", "dec_statement"):
        return Through.PART
    listed = above.parent if above.type == "expression_list" else None
    if listed is not None and listed.type in ("assignment_statement", "range_clause"):
        return Through.PART if is_field(above, "left") else Through.NOTHING
    return Through.NOTHING


def is_written_at(names: Names, place: Node) -> bool:
    """The name itself is assigned there, or borrowed to be changed."""
    role = names.roles[place.id]
    return isinstance(role, Uses) and role.is_written


def is_shared(binding: Binding) -> bool:
    """A function inside the variable's own has it, too."""
    own = ancestor(binding.declared[0], FUNCTIONS)
    return any(ancestor(place, FUNCTIONS) != own for place in binding.places)


def changes_by_name_alone(names: Names, binding: Binding) -> bool:
    """A variable that no other function, file or address changes: a look at the assignments in its
    own function tells when it does.
    """
    if binding.what is What.IMPORT:
        return False  # a module's variable, as it is at each time
    language = names.file.language.name
    if binding.scope.type in WIDE_SCOPES:
        return is_constant(names, binding)
    if is_shared(binding) and any(is_written_at(names, p) for p in binding.places):
        return False
    declared = binding.declared[0]
    return all(changed_through(p, declared, language) is Through.NOTHING for p in binding.places)


def is_constant(names: Names, binding: Binding) -> bool:
    """What a whole file sees, and nothing assigns: a function, a type, a `const`."""
    if len(binding.declared) != 1 or any(is_written_at(names, p) for p in binding.places):
        return False
    if binding.what in (What.FUNCTION, What.TYPE, What.CONSTANT):
        return True
    statement = ancestor(binding.declared[0], {"lexical_declaration"})
    return statement is not None and written(statement).startswith("const")
