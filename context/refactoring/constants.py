"""Where a constant may stand for a variable that holds it.

A compiler knows a constant's value, which a variable does not tell it: it converts it by what is
beside it, computes with it before the program runs, and refuses what could never work.
"""

from __future__ import annotations

import re

from context.refactoring import Refused
from context.refactoring.scopes import ancestor, climbed, is_field, written
from context.syntax import Node

_GO_PLACES = frozenset(
    """return_statement short_var_declaration assignment_statement argument_list send_statement
    literal_element var_spec""".split()
)
_GO_OPERATORS = frozenset("+ - * == != < <= > >= && ||".split())
_GO_TYPES = re.compile(r"(?:u?int(?:8|16|32|64|ptr)?|float(?:32|64)|byte|rune|string|complex\d+)\Z")
_SMALL = re.compile(r"\d{1,2}\Z")  # which fits in every type of numbers


def refuse_constant(kind: str, value: Node, place: Node) -> None:
    """Raises `Refused` where a constant may be something else than the variable was.

    `value`: literals and operators. `place`: a use of the variable. `kind`: a family of languages.
    """
    here = climbed(place)
    above = here.parent
    if above is None:
        return
    fits = True
    match kind:
        case "go":
            fits = _fits_go(value, here, above)
        case "java":
            loops = ("while_statement", "do_statement", "for_statement")
            fits = above.type != "ternary_expression" and above.type not in loops
        case "rust":
            is_asked = above.type == "field_expression" and is_field(here, "value")
            macro = ancestor(place, {"macro_invocation"}) if above.type == "token_tree" else None
            after = place.next_sibling if macro is not None else None
            is_asked = is_asked or (after is not None and written(after) in (".", "as"))
            is_shown = macro is not None and written(macro).startswith("dbg!")
            fits = above.type != "type_cast_expression" and not is_asked and not is_shown
    if not fits:
        raise Refused(f"A constant may mean something else than {written(place)} does there.")


def _fits_go(value: Node, here: Node, above: Node) -> bool:
    """A constant of Go has no type until it meets one."""
    if above.type == "binary_expression":
        operator = above.child_by_field_name("operator")
        others = [
            n for f in ("left", "right") for n in above.children_by_field_name(f) if n != here
        ]
        is_variable = bool(others) and others[0].type in ("identifier", "call_expression")
        # `x * 2.5` would not compile with a variable; `1 / k` may not with a constant.
        return is_variable and operator is not None and written(operator) in _GO_OPERATORS
    listed = above.parent if above.type == "expression_list" else above
    if listed is None or listed.type not in _GO_PLACES:
        return False
    call = listed.parent if listed.type == "argument_list" else None
    called = call.child_by_field_name("function") if call is not None else None
    is_conversion = called is not None and _GO_TYPES.match(written(called)) is not None
    return not is_conversion or _SMALL.match(written(value)) is not None
