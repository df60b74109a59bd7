"""What ties statements to their function, so that they cannot stand in another one.

Not what flows in and out (context/refactoring/extract.py): words that mean something else there,
ends that a compiler no longer sees, and what TypeScript knows of a variable at one place only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from context.refactoring import Refused
from context.refactoring.scopes import File, ancestor, walk, within, written
from context.syntax import Node

_LEAVING_WORDS = frozenset({"return", "break", "continue", "?", "await", "yield"})
_LEAVING_MACROS = re.compile(r"(?:\w+::)*(?:bail|ensure|try|return\w*)\Z")
_ENDING_CALLS = re.compile(
    r"panic\(|(?:panic|unreachable|todo|unimplemented)!|(?:std::)?process::exit\("
)
_LEAVING = ("return_statement", "throw_statement", "break_statement", "continue_statement")
_HIDDEN = frozenset({"private", "protected"})


def refuse_tied(file: File, statements: Sequence[Node], function: Node, kind: str) -> None:
    """Raises `Refused`."""
    nodes = [node for statement in statements for node in walk(statement)]
    last = statements[-1]
    if file.language.name != "javascript" and last.type != "return_statement" and never_ends(last):
        raise Refused("These lines do not come to their end, which the compiler has to see.")
    match kind:
        case "javascript":
            _refuse_script(file, nodes, function)
        case "go":
            _refuse_go(nodes)
        case "rust":
            _refuse_rust(nodes, statements[0], function)
    if kind in ("go", "java") and last.type == "return_statement" and not last.named_child_count:
        raise Refused("A return without a value gives nothing to give back.")


def never_ends(node: Node) -> bool:
    """What follows the statement is never reached, as far as compilers tell."""
    match node.type:
        case "throw_statement" | "return_statement":
            return True
        case "expression_statement":
            return bool(_ENDING_CALLS.match(written(node)))
        case "block" | "statement_block" | "statement_list" | "else_clause":
            inner = [c for c in node.named_children if "comment" not in c.type]
            return bool(inner) and never_ends(inner[-1])
        case "if_statement":
            other = node.child_by_field_name("alternative")
            then = node.child_by_field_name("consequence")
            return then is not None and other is not None and never_ends(then) and never_ends(other)
        case "try_statement" | "try_with_resources_statement" | "labeled_statement":
            return any(never_ends(c) for c in node.named_children if "block" in c.type)
    is_switch = "switch" in node.type or node.type == "select_statement"
    if is_switch:
        return any(n.type in _LEAVING[:2] or never_ends(n) for n in walk(node) if n != node)
    if node.type == "for_statement":
        return not any(n.type == "break_statement" for n in walk(node)) and (
            re.match(r"for\s*(?:\{|\(\s*;\s*;)", written(node)) is not None
        )
    if node.type == "while_statement":
        return re.match(r"while\s*\(\s*true\s*\)", written(node)) is not None
    return False


def _refuse_go(nodes: Sequence[Node]) -> None:
    for node in nodes:
        called = node.child_by_field_name("function") if node.type == "call_expression" else None
        if called is not None and written(called) == "recover":
            raise Refused("A recover works in its own function alone.")


def _refuse_rust(nodes: Sequence[Node], statement: Node, function: Node) -> None:
    for node in nodes:
        in_macro = node.parent is not None and node.parent.type == "token_tree"
        if in_macro and written(node) in _LEAVING_WORDS:
            raise Refused(f"A {written(node)} in a macro cannot go into another function.")
        macro = node.child_by_field_name("macro") if node.type == "macro_invocation" else None
        if macro is not None and _LEAVING_MACROS.match(written(macro)):
            raise Refused(f"The macro {written(macro)} may return from the function.")
        if node.type in ("identifier", "type_identifier") and written(node) == "Self":
            raise Refused("These lines use Self.")
        pattern = node.child_by_field_name("pattern") if node.type == "let_declaration" else None
        if pattern is not None and re.match(r"(?:mut\s+)?_\w", written(pattern)):
            raise Refused(f"{written(pattern)} may be dropped earlier than before.")
    modifiers = [c for c in function.children if c.type == "function_modifiers"]
    words = {word for modifier in modifiers for word in written(modifier).split()}
    if words & {"unsafe", "const"} or ancestor(statement, {"unsafe_block", "const_block"}):
        raise Refused("These lines are in a function or block that is unsafe or const.")


def _refuse_script(file: File, nodes: Sequence[Node], function: Node) -> None:
    hidden = _hidden_members(file) if file.language.name != "javascript" else set()
    if any(n.type == "identifier" and written(n) == "arguments" for n in walk(function)):
        raise Refused("This function uses its arguments as a list.")
    for node in nodes:
        if node.type == "property_identifier" and written(node) in hidden:
            raise Refused(f"{written(node)} may be a member that only its class sees.")
    if ancestor(function, {"internal_module", "module"}) is not None:
        raise Refused("These lines are in a namespace.")


def _hidden_members(file: File) -> set[str]:
    """Names of private and protected members of the file's classes."""
    found = set[str]()
    for node in walk(file.root):
        name = node.child_by_field_name("name") if node.type != "identifier" else None
        if name is not None and any(
            c.type == "accessibility_modifier" and written(c) in _HIDDEN for c in node.children
        ):
            found.add(written(name))
    return found


def refuse_narrowed(
    word: str, type_: str, places: Sequence[Node], region: tuple[int, int], function: Node
) -> None:
    """TypeScript may know more of a variable at the lines than its declaration says.

    `places`: all of the variable's. It does after a look at it in a condition around the lines, or
    in one before them that leaves the function, and after an assignment to it.
    """
    if re.fullmatch(r"(?:(?:number|string|boolean|bigint)(?:\[\])*|[\"'`].*|\d[\d_.]*|true|false)",
                    type_, re.S):  # fmt: skip
        return
    start, end = region
    for place in places:
        if start <= place.start_byte < end:
            if _may_assert(place, type_) and places[-1].start_byte >= end:
                raise Refused(f"The call may say something of {word}, which is read afterwards.")
            continue
        here, above = place, place.parent
        while above is not None and above != function:
            if _narrows(here, above, start, end):
                raise Refused(f"{word} may be known better here than by its type.")
            here, above = above, above.parent


def _may_assert(place: Node, type_: str) -> bool:
    """TypeScript: a call that is a statement may be one that `asserts` what its argument is."""
    call = place.parent.parent if place.parent is not None else None
    is_statement = call is not None and call.type == "call_expression" and (
        call.parent is not None and call.parent.type == "expression_statement"
    )  # fmt: skip
    is_open = re.search(r"\||\b(?:unknown|any|object)\b", type_) is not None
    return is_statement and is_open and place.parent is not None and (
        place.parent.type == "arguments"
    )  # fmt: skip


def _narrows(here: Node, above: Node, start: int, end: int) -> bool:
    fields = [c for f in ("condition", "value") for c in above.children_by_field_name(f)]
    if above.type == "assignment_expression":
        return above.child_by_field_name("left") == here and above.start_byte < start
    if not above.type.endswith("statement") or not any(within(here, c) for c in fields):
        return False
    if above.start_byte <= start and end <= above.end_byte:
        return True
    return above.end_byte <= start and any(n.type in _LEAVING for n in walk(above))
