"""Extract statements into a function of their own, by what flows in and out of them.

For JavaScript, TypeScript, Go, Java and Rust. What is read and declared outside becomes a
parameter, what is set inside and read afterwards becomes the result. Refused: control that leaves
the statements, several results where the language has one, and types that are not written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from context.refactoring import Carried, Refactoring, Refused
from context.refactoring.apart import refuse_narrowed, refuse_tied
from context.refactoring.calls import holds
from context.refactoring.changes import (
    FUNCTIONS,
    FUNCTIONS_OF,
    Through,
    changed_through,
    is_shared,
    is_written_at,
)
from context.refactoring.extracted import (
    BLOCKS,
    Flow,
    call_text,
    function_text,
    is_mutable,
    name_of,
    place_after,
    with_semicolon,
)
from context.refactoring.names import check_name, family
from context.refactoring.rename import BY, check_syntax
from context.refactoring.scopes import (
    Binding,
    Declares,
    File,
    Member,
    Names,
    What,
    ancestor,
    walk,
    within,
    written,
)
from context.refactoring.types import type_of
from context.refactoring.uses import View, refuse_in_texts, refuse_unclear
from context.syntax import Node

_LEAVES = frozenset(
    """return_statement break_statement continue_statement yield_expression await_expression
    yield_statement labeled_statement goto_statement defer_statement go_statement
    fallthrough_statement return_expression break_expression continue_expression try_expression
    macro_definition super this class_declaration function_declaration class_body
    generator_function_declaration select_statement receive_statement send_statement
    local_class_declaration function_item closure_expression async_block unsafe_block
    lambda_expression meta_property self private_property_identifier""".split()
)
_LOOPS = frozenset(
    """for_statement for_in_statement while_statement do_statement enhanced_for_statement
    loop_expression while_expression for_expression""".split()
)


def extract(view: View, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    file = view.file(asked.path)
    kind = family(file.language.name)
    check_name(asked.name, file.language.name)
    if any(n.type in file.rules.names for n in file.places(asked.name)):
        raise Refused(f"“{asked.name}” is in use already in {asked.path}.")
    statements = _selected(file, asked.start, asked.end)
    function = _outermost(statements[0], FUNCTIONS_OF[kind])
    leaves = _LEAVES
    if kind == "java":
        _refuse_inherited(view, asked.name, function, statements[0])
        leaves = _LEAVES - {"this"}  # the new method is the same object's
    ends = statements[-1].type == "return_statement" and kind != "rust"
    for statement in statements:
        parts = statement.named_children if ends and statement is statements[-1] else [statement]
        if odd := next((o for part in parts if (o := holds(part, leaves))), None):
            words = odd.type.replace("_", " ")
            raise Refused(f"A {words} at line {file.line(odd)} cannot go into another function.")
    refuse_tied(file, statements, function, kind)
    flow = _flow(file, statements, function, kind)
    if ends:
        flow.ends = _innermost(statements[0], FUNCTIONS_OF[kind])
    text = function_text(file, statements, function, flow, asked.name, kind)
    call = call_text(file, flow, asked.name, kind)
    start, end = file.span(statements[0])[0], file.span(statements[-1])[1]
    end = with_semicolon(file.text, end)
    after = place_after(function, kind)
    at = file.span(after)[1]
    edits = (
        view.sources.edit(asked.path, start, end, call),
        view.sources.edit(asked.path, at, at, text),
    )
    check_syntax(view, edits)
    return Carried(edits, f"extract {asked.name} from {name_of(function)}", BY, 1)


def _selected(file: File, start: int, end: int) -> list[Node]:
    """Whole statements of one block."""
    text = file.text[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    first, last = file.byte(start), file.byte(end)
    block = file.root.descendant_for_byte_range(first, max(first, last - 1))
    while block is not None and (
        block.type not in BLOCKS or (block.start_byte >= first and block.type != "statement_list")
    ):
        block = block.parent
    if block is None:
        raise Refused("These are not whole statements of one block in a function.")
    chosen = [
        c
        for c in block.named_children
        if first <= c.start_byte and c.end_byte <= last and "comment" not in c.type
    ]
    others = [c for c in block.named_children
              if c not in chosen and c.end_byte > first and c.start_byte < last
              and "comment" not in c.type]  # fmt: skip
    if not chosen or others or chosen[0].start_byte != first:
        raise Refused("These are not whole statements of one block in a function.")
    is_last = chosen[-1].end_byte == block.named_children[-1].end_byte
    is_statement = chosen[-1].type.endswith(("statement", "declaration", "item"))
    if file.language.name == "rust" and chosen[-1].type == "expression_statement":
        is_statement = written(chosen[-1]).endswith(";")  # else an `if` that is a value
    if block.type == "block" and is_last and not is_statement:
        raise Refused("The last line is what the block gives back.")
    return chosen


def _outermost(node: Node, kinds: frozenset[str]) -> Node:
    found = None
    above = node.parent
    while above is not None:
        if above.type in kinds:
            found = above
        above = above.parent
    if found is None:
        raise Refused("These statements are in no function.")
    return found


def _refuse_inherited(view: View, name: str, function: Node, statement: Node) -> None:
    """A method of a class that derives from another must not take the name of one of its."""
    if ancestor(statement, FUNCTIONS_OF["java"]) != function:
        raise Refused("These lines are in a class or a lambda inside a method.")
    holder = ancestor(function, frozenset({"class_declaration", "enum_declaration"}))
    derives = holder is not None and any(c.type == "superclass" for c in holder.children)
    if derives and (others := view.holding(name, "java")):
        raise Refused(f"“{name}” is in use in {others[0]}, and the class derives from another.")


def _innermost(node: Node, kinds: frozenset[str]) -> Node:
    """The function that a return leaves; an arrow function in parentheses is one, too."""
    found = ancestor(node, kinds)
    if found is None or found.type in ("generator_function_declaration", "generator_function"):
        raise Refused("What a return leaves here is no plain function.")
    text = written(found)
    if text.startswith("async") or (found.type == "method_definition" and "async" in text[:40]):
        raise Refused("What a return leaves here is an async function.")
    return found


def _flow(file: File, statements: Sequence[Node], function: Node, kind: str) -> Flow:
    flow = Flow()
    start, end = statements[0].start_byte, statements[-1].end_byte
    words = {
        word for statement in statements for node in walk(statement) for word in _words(file, node)
    }
    in_loop = _loop_around(statements[0], function)
    for word in sorted(words):
        names = Names(file, word)
        refuse_unclear(names, [n for n, _ in names.unclear if within(n, function)])
        for statement in statements:
            refuse_in_texts(names, statement)
        for binding in names.bindings:
            if within(binding.scope, function) and not _is_inside(binding.scope, start, end):
                _sort(file, names, binding, (start, end), flow, in_loop, kind)
            elif not within(binding.scope, function):
                inner = [n for n in binding.places if start <= n.start_byte < end]
                _refuse_unseen(binding, inner, function, kind, word)
        _refuse_self(names, (start, end))
    return flow


def _words(file: File, node: Node) -> list[str]:
    """The name that a node is, or the ones in one of Rust's format strings."""
    if node.type in file.rules.names:
        return [written(node)]
    if file.language.name == "rust" and node.type.endswith("string_literal"):
        return re.findall(r"[{:.]\s*([^\W\d]\w*)", written(node))
    return []


def _refuse_unseen(
    binding: Binding, inner: Sequence[Node], function: Node, kind: str, word: str
) -> None:
    """The new function must see what the lines see outside of their function."""
    owners = ("function_item", "impl_item", "class_declaration")
    if inner and binding.what is What.TYPE and binding.scope.type in owners:
        raise Refused(f"{word} is a type that only its owner knows.")
    place = place_after(function, kind).parent
    if inner and place is not None and not within(place, binding.scope):
        raise Refused(f"{word} is only known in the block that it is declared in.")


def _is_inside(scope: Node, start: int, end: int) -> bool:
    return start <= scope.start_byte and scope.end_byte <= end


def _loop_around(node: Node, function: Node) -> Node | None:
    above, found = node.parent, None
    while above is not None and above != function:
        if above.type in _LOOPS:
            found = above
        above = above.parent
    return found


def _refuse_self(names: Names, region: tuple[int, int]) -> None:
    """`self` in Rust is no identifier of the tree's; members are asked for by it."""
    for node, member in names.members:
        if region[0] <= node.start_byte < region[1] and isinstance(member, Member):
            receiver = member.receiver
            if receiver is not None and written(receiver) in ("self", "Self"):
                raise Refused("These lines use self.")


def _sort(
    file: File,
    names: Names,
    binding: Binding,
    region: tuple[int, int],
    flow: Flow,
    loop: Node | None,
    kind: str,
) -> None:
    """What one variable of the function is to the statements."""
    start, end = region
    inside = [n for n in binding.places if start <= n.start_byte < end]
    if not inside:
        return
    word = names.word
    if binding.what not in (What.VARIABLE, What.PARAMETER, What.CONSTANT):
        raise Refused(f"{word} is a {binding.what.value} that only its function knows.")
    declared_inside = [n for n in binding.declared if start <= n.start_byte < end]
    after = [n for n in binding.places if n.start_byte >= end]
    if declared_inside:
        if len(declared_inside) != len(binding.declared):
            raise Refused(f"{word} is declared inside and outside of these lines.")
        if after:
            _refuse_odd_declaration(declared_inside[0], word, start, end)
            flow.declared[word] = declared_inside[0]
        return
    roles = [names.roles[n.id] for n in inside]
    if any(isinstance(r, Declares) for r in roles):
        raise Refused(f"{word} is declared inside and outside of these lines.")
    declared = binding.declared[0]
    flow.parameters[word] = declared
    again = bool(after) or _is_given_back(declared, end)
    if loop is not None and not again:  # kept from one round to the next, or read in it elsewhere
        others = [n for n in binding.places if n not in inside]
        again = not within(declared, loop) or any(within(n, loop) for n in others)
    _refuse_shared(names, binding, inside, loop)
    if file.language.name in ("typescript", "tsx"):
        own = ancestor(declared, FUNCTIONS) or binding.scope
        refuse_narrowed(word, type_of(declared, kind), binding.places, region, own)
    if not _is_changed(names, binding, inside, again=again) or not again:
        return
    _refuse_half_set(binding, region, word, loop)
    _refuse_unset(declared, word, file.language.name)
    flow.set_again[word] = declared


def _is_changed(names: Names, binding: Binding, inside: Sequence[Node], *, again: bool) -> bool:
    """Assigned in the lines, or changed through its name so that a copy would not do.

    Raises `Refused` where the change cannot be given back.
    """
    word, declared = names.word, binding.declared[0]
    language = names.file.language.name
    changes = [changed_through(place, declared, language) for place in inside]
    if Through.ADDRESS in changes:
        raise Refused(f"The address of {word} is taken.")
    if Through.METHOD in changes and again:
        raise Refused(f"A method may change {word}, which is read afterwards.")
    if Through.METHOD in changes and re.match(r"sync\.|atomic\.", type_of(declared, "go")):
        raise Refused(f"{word} must not be copied.")
    _refuse_method_of_a_copy(names, binding, inside, again=again)
    is_changed = Through.PART in changes or any(is_written_at(names, n) for n in inside)
    outside = [n for n in binding.places if n not in inside]
    if is_changed and any(
        changed_through(n, declared, language) is Through.ADDRESS for n in outside
    ):
        raise Refused(f"The address of {word} is taken.")
    return is_changed


def _refuse_method_of_a_copy(
    names: Names, binding: Binding, inside: Sequence[Node], *, again: bool
) -> None:
    """Rust: a method may borrow a mutable variable to change it, of which a copy would go in."""
    declared = binding.declared[0]
    if names.file.language.name != "rust" or not again or not is_mutable(declared):
        return
    for place in inside:
        parent = place.parent
        call = parent.parent if parent is not None and parent.type == "field_expression" else None
        if call is not None and call.type == "call_expression":
            raise Refused(f"A method may change {names.word}, which is read afterwards.")


def _is_given_back(declared: Node, end: int) -> bool:
    """A named result of Go, which a bare return after the lines gives back."""
    listed = declared.parent.parent if declared.parent is not None else None
    function = listed.parent if listed is not None else None
    if function is None or function.child_by_field_name("result") != listed:
        return False
    return any(
        n.type == "return_statement" and n.named_child_count == 0 and n.start_byte >= end
        for n in walk(function)
    )


def _refuse_half_set(
    binding: Binding, region: tuple[int, int], word: str, loop: Node | None
) -> None:
    """Where the lines throw, what they have set so far is not given back: in a `try`, who catches
    it goes on with the variable as it was.
    """
    start, end = region
    above = binding.scope.descendant_for_byte_range(start, max(start, end - 1))
    inner = above
    while above is not None and above != binding.scope:
        is_try = above.type.startswith("try_") and above.type.endswith("statement")
        if is_try and inner is not None and not within(binding.declared[0], above):
            later = [n for n in binding.places if not within(n, inner) and n.start_byte >= end]
            is_kept = loop is not None and within(above, loop)
            if later or (is_kept and not within(binding.declared[0], loop or above)):
                raise Refused(f"{word} would stay as it was where the lines throw.")
        inner, above = above, above.parent


def _refuse_odd_declaration(name: Node, word: str, start: int, end: int) -> None:
    statement = name.parent
    while (
        statement is not None
        and statement.parent is not None
        and (statement.parent.start_byte >= start and statement.parent.end_byte <= end)
    ):
        statement = statement.parent
    if statement is not None and statement.type == "variable_declaration":
        raise Refused(f"{word} is declared with var.")
    allowed = ("lexical_declaration", "short_var_declaration", "local_variable_declaration",
               "let_declaration", "var_declaration")  # fmt: skip
    if statement is None or statement.type not in allowed:
        raise Refused(f"{word} is not declared by a statement of its own.")
    if statement.type == "short_var_declaration":
        left = statement.child_by_field_name("left")
        if left is None or left.named_child_count != 1:
            raise Refused(f"{word} is declared beside others.")
    if statement.type in ("lexical_declaration", "local_variable_declaration"):
        declarator = name.parent
        if (
            statement.named_child_count > 2
            or declarator is None
            or (declarator.type != "variable_declarator")
        ):
            raise Refused(f"{word} is declared beside others.")
    if statement.type == "let_declaration" and name.parent not in (
        statement, statement.child_by_field_name("pattern"),
    ):  # fmt: skip
        raise Refused(f"{word} is declared beside others.")


def _refuse_shared(
    names: Names, binding: Binding, inside: Sequence[Node], loop: Node | None
) -> None:
    """A variable that an inner function sees may change while the lines run, or after them."""
    if not is_shared(binding):
        return
    word, own = names.word, ancestor(binding.declared[0], FUNCTIONS)
    places = [n for n in binding.places if is_written_at(names, n)]
    is_captured = any(ancestor(n, FUNCTIONS) != own for n in inside)
    for place in places:
        is_later = place.start_byte >= inside[0].start_byte or (
            loop is not None and within(place, loop)
        )
        if place in inside or ancestor(place, FUNCTIONS) != own or (is_captured and is_later):
            raise Refused(f"{word} is shared with a function inside.")


def _refuse_unset(name: Node, word: str, language: str) -> None:
    """A variable that is declared without a value cannot be handed over, but in Go and JavaScript,
    where it has one.
    """
    declarator = name.parent
    if (
        language not in ("go", "javascript")
        and declarator is not None
        and declarator.type in ("variable_declarator", "let_declaration")
        and declarator.child_by_field_name("value") is None
    ):
        raise Refused(f"{word} has no value yet.")
