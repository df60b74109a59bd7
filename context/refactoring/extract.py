"""Extract statements into a function of their own, by what flows in and out of them.

For JavaScript, TypeScript, Go, Java and Rust. What is read and declared outside becomes a
parameter, what is set inside and read afterwards becomes the result. Refused: control that leaves
the statements, several results where the language has one, and types that are not written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from context.refactoring import Carried, Refactoring, Refused
from context.refactoring.calls import holds
from context.refactoring.names import check_name, family
from context.refactoring.rename import BY, check_syntax
from context.refactoring.scopes import (
    Binding,
    Declares,
    File,
    Member,
    Names,
    Uses,
    What,
    ancestor,
    walk,
    within,
    written,
)
from context.refactoring.types import type_of
from context.refactoring.uses import View, refuse_in_texts, refuse_unclear
from context.syntax import Node

_BLOCKS = frozenset({"statement_block", "block", "constructor_body", "statement_list"})
_FUNCTIONS = {
    "javascript": frozenset(
        """function_declaration generator_function_declaration function_expression arrow_function
        generator_function method_definition""".split()
    ),
    "go": frozenset({"function_declaration", "method_declaration", "func_literal"}),
    "java": frozenset({"method_declaration", "constructor_declaration", "lambda_expression"}),
    "rust": frozenset({"function_item", "closure_expression"}),
}
_LEAVES = frozenset(
    """return_statement break_statement continue_statement yield_expression await_expression
    yield_statement labeled_statement goto_statement defer_statement go_statement
    fallthrough_statement return_expression break_expression continue_expression try_expression
    macro_definition super this class_declaration function_declaration class_body
    generator_function_declaration select_statement receive_statement send_statement
    local_class_declaration function_item closure_expression async_block unsafe_block
    lambda_expression meta_property""".split()
)
_LOOPS = frozenset(
    """for_statement for_in_statement while_statement do_statement enhanced_for_statement
    loop_expression while_expression for_expression""".split()
)


@dataclass(slots=True)
class _Flow:
    """What goes in and what comes out; each with the node that declares it."""

    parameters: dict[str, Node] = field(default_factory=dict)
    set_again: dict[str, Node] = field(default_factory=dict)  # declared before, set inside, read on
    declared: dict[str, Node] = field(default_factory=dict)  # inside, and read afterwards


def extract(view: View, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    file = view.file(asked.path)
    kind = family(file.language.name)
    check_name(asked.name, file.language.name)
    if any(n.type in file.rules.names for n in file.places(asked.name)):
        raise Refused(f"“{asked.name}” is in use already in {asked.path}.")
    statements = _selected(file, asked.start, asked.end)
    function = _outermost(statements[0], _FUNCTIONS[kind])
    for statement in statements:
        if odd := holds(statement, _LEAVES):
            words = odd.type.replace("_", " ")
            raise Refused(f"A {words} at line {file.line(odd)} cannot go into another function.")
    flow = _flow(file, statements, function, kind)
    text = _function_text(file, statements, function, flow, asked.name, kind)
    call = _call_text(file, flow, asked.name, kind)
    start, end = file.span(statements[0])[0], file.span(statements[-1])[1]
    end = _with_semicolon(file.text, end)
    after = _place_after(function, kind)
    at = file.span(after)[1]
    edits = (
        view.sources.edit(asked.path, start, end, call),
        view.sources.edit(asked.path, at, at, text),
    )
    check_syntax(view, edits)
    return Carried(edits, f"extract {asked.name} from {_name_of(function)}", BY, 1)


def _selected(file: File, start: int, end: int) -> list[Node]:
    """Whole statements of one block."""
    text = file.text[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    first, last = file.byte(start), file.byte(end)
    block = file.root.descendant_for_byte_range(first, max(first, last - 1))
    while block is not None and (
        block.type not in _BLOCKS or (block.start_byte >= first and block.type != "statement_list")
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


def _flow(file: File, statements: Sequence[Node], function: Node, kind: str) -> _Flow:
    flow = _Flow()
    start, end = statements[0].start_byte, statements[-1].end_byte
    words = {
        written(node)
        for statement in statements
        for node in walk(statement)
        if node.type in file.rules.names
    }
    in_loop = _loop_around(statements[0], function)
    for word in sorted(words):
        names = Names(file, word)
        refuse_unclear(names, [n for n, _ in names.unclear if start <= n.start_byte < end])
        for statement in statements:
            refuse_in_texts(names, statement)
        for binding in names.bindings:
            if within(binding.scope, function) and not _is_inside(binding.scope, start, end):
                _sort(file, names, binding, (start, end), flow, in_loop, kind)
            elif not within(binding.scope, function) and binding.scope.type in (
                "function_item", "impl_item", "class_declaration",
            ):  # fmt: skip
                inner = [n for n in binding.places if start <= n.start_byte < end]
                if inner and binding.what is What.TYPE:
                    raise Refused(f"{word} is a type that only its owner knows.")
        _refuse_self(names, (start, end))
    return flow


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
    flow: _Flow,
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
    flow.parameters[word] = binding.declared[0]
    if not any(isinstance(r, Uses) and r.is_written for r in roles):
        return
    _refuse_shared(binding, names, word)
    again = after or ((loop is not None and any(within(n, loop) for n in binding.places
                                               if n not in inside)) or (
        loop is not None and not within(binding.declared[0], loop)))  # fmt: skip
    if again:
        _refuse_unset(binding.declared[0], word, kind)
        flow.set_again[word] = binding.declared[0]
    del file


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


def _refuse_shared(binding: Binding, names: Names, word: str) -> None:
    """A variable that an inner function sees, or whose address is known, changes elsewhere, too."""
    kinds = frozenset().union(*_FUNCTIONS.values())
    own = ancestor(binding.declared[0], kinds)
    for node in binding.places:
        if ancestor(node, kinds) != own:
            raise Refused(f"{word} is shared with a function inside.")
        parent = node.parent
        kinds_of_address = ("unary_expression", "reference_expression")
        if parent is not None and parent.type in kinds_of_address and written(parent)[:1] == "&":
            raise Refused(f"The address of {word} is taken.")
    del names


def _refuse_unset(name: Node, word: str, kind: str) -> None:
    """Java and Rust let a variable be declared without a value, which cannot be handed over."""
    declarator = name.parent
    if (
        kind in ("java", "rust")
        and declarator is not None
        and declarator.type in ("variable_declarator", "let_declaration")
        and declarator.child_by_field_name("value") is None
    ):
        raise Refused(f"{word} has no value yet.")


def _results(flow: _Flow, kind: str) -> list[str]:
    results = [*flow.declared, *flow.set_again]
    if len(results) > 1 and (kind != "go" or (flow.declared and flow.set_again)):
        raise Refused(f"Several results would come back: {', '.join(results)}.")
    return results


def _call_text(file: File, flow: _Flow, name: str, kind: str) -> str:
    results = _results(flow, kind)
    call = f"{name}({', '.join(flow.parameters)})"
    if kind == "java" and not results:
        return f"{call};"
    if not results:
        return call if kind == "go" else f"{call};"
    if flow.set_again:
        return f"{', '.join(results)} = {call}" + ("" if kind == "go" else ";")
    if kind == "go":
        return f"{', '.join(results)} := {call}"
    declared = flow.declared[results[0]]
    statement = ancestor(declared, {"lexical_declaration", "local_variable_declaration",
                                    "let_declaration"})  # fmt: skip
    if statement is None:
        raise Refused(f"How {results[0]} is declared is not known.")
    if kind == "java":
        return f"{_required_type(file, declared, kind)} {results[0]} = {call};"
    word = written(statement).split()[0]
    mutable = " mut" if re.match(r"let\s+mut\b", written(statement)) else ""
    return f"{word}{mutable} {results[0]} = {call};"


def _required_type(file: File, declared: Node, kind: str) -> str:
    found = type_of(declared, kind)
    if not found:
        raise Refused(f"The type of {written(declared)} is not written.")
    del file
    return found


def _function_text(
    file: File,
    statements: Sequence[Node],
    function: Node,
    flow: _Flow,
    name: str,
    kind: str,
) -> str:
    results = _results(flow, kind)
    eol = "\r\n" if "\r\n" in file.text else "\n"
    outer = _indent(file, _place_after(function, kind))
    unit = _unit(file, statements[0], function)
    body = _reindented(file, statements, outer + unit)
    parameters = ", ".join(_parameter(file, w, n, flow, kind) for w, n in flow.parameters.items())
    head, back = _head(file, function, flow, name, parameters, results, kind)
    lines = [f"{outer}{head} {{", *body]
    if results:
        lines.append(f"{outer}{unit}{back}")
    lines.append(f"{outer}}}")
    return eol + eol + eol.join(lines)


def _head(
    file: File,
    function: Node,
    flow: _Flow,
    name: str,
    parameters: str,
    results: Sequence[str],
    kind: str,
) -> tuple[str, str]:
    """(head, statement that gives the results back)."""
    declared = {**flow.parameters, **flow.declared}
    match kind:
        case "go":
            types = [_required_type(file, declared[r], kind) for r in results]
            result = f" {types[0]}" if len(types) == 1 else f" ({', '.join(types)})" * bool(types)
            return f"func {name}({parameters}){result}", f"return {', '.join(results)}"
        case "java":
            result = _required_type(file, declared[results[0]], kind) if results else "void"
            static = "static " if _is_static(function) else ""
            throws = next((f" {written(c)}" for c in function.children if c.type == "throws"), "")
            _refuse_java(function)
            head = f"private {static}{result} {name}({parameters}){throws}"
            return head, f"return {results[0]};" if results else ""
        case "rust":
            result = f" -> {_required_type(file, declared[results[0]], kind)}" if results else ""
            return f"fn {name}({parameters}){result}", results[0] if results else ""
    return f"function {name}({parameters})", f"return {results[0]};" if results else ""


def _is_static(function: Node) -> bool:
    first = function.named_child(0)
    return first is not None and first.type == "modifiers" and "static" in written(first).split()


def _refuse_java(function: Node) -> None:
    """The new method stands in the same class, so that it sees the same fields."""
    if function.type == "lambda_expression" or any(
        c.type == "type_parameters" for c in function.children
    ):
        raise Refused("These lines are in a lambda or in a method with type parameters.")
    if function.type == "constructor_declaration":
        raise Refused("A constructor may set what no method may set.")
    holder = function.parent.parent if function.parent is not None else None
    if holder is None or holder.type not in ("class_declaration", "enum_declaration"):
        raise Refused("These lines are in no ordinary class.")


def _parameter(file: File, word: str, declared: Node, flow: _Flow, kind: str) -> str:
    if kind == "javascript":
        found = type_of(declared, kind)
        if file.language.name == "javascript":
            return word
        if not found:
            raise Refused(f"The type of {word} is not written.")
        return f"{word}: {found}"
    found = _required_type(file, declared, kind)
    if kind == "go":
        return f"{word} {found}"
    if kind == "java":
        return f"{found} {word}"
    mutable = "mut " if word in flow.set_again or _is_mut(declared) else ""
    return f"{mutable}{word}: {found}"


def _is_mut(declared: Node) -> bool:
    parent = declared.parent
    return parent is not None and any(c.type == "mutable_specifier" for c in parent.children)


def _place_after(function: Node, kind: str) -> Node:
    """The node after which the new function stands: of the file, or of a Java class."""
    if kind == "java":
        return function
    here = function
    while here.parent is not None and here.parent.parent is not None:
        here = here.parent
    return here


def _name_of(function: Node) -> str:
    name = function.child_by_field_name("name")
    return written(name) if name is not None else "a function"


def _indent(file: File, node: Node) -> str:
    line = file.text[: file.span(node)[0]].replace("\r", "\n").rpartition("\n")[2]
    return line if not line.strip() else line[: len(line) - len(line.lstrip())]


def _unit(file: File, statement: Node, function: Node) -> str:
    own, outer = _indent(file, statement), _indent(file, function)
    depth, above = 0, statement.parent
    while above is not None and above != function:
        depth += above.type in _BLOCKS - {"statement_list"}
        above = above.parent
    extra = own.removeprefix(outer)
    return extra[: len(extra) // depth] if depth and extra else "    "


def _reindented(file: File, statements: Sequence[Node], indent: str) -> Iterator[str]:
    """The lines of the statements, moved to another indentation."""
    start, end = file.span(statements[0])[0], file.span(statements[-1])[1]
    end = _with_semicolon(file.text, end)
    own = _indent(file, statements[0])
    if own != indent:
        for statement in statements:
            for node in walk(statement):
                is_text = node.type in file.rules.texts and "comment" not in node.type
                if is_text and node.start_point[0] != node.end_point[0]:
                    raise Refused("A text over several lines would be indented otherwise.")
    for number, line in enumerate(re.split(r"\r\n|\n|\r", file.text[start:end])):
        if number == 0:
            yield indent + line
        elif not line.strip():
            yield ""
        elif line.startswith(own):
            yield indent + line[len(own) :]
        else:
            raise Refused("The lines are not indented alike.")


def _with_semicolon(text: str, end: int) -> int:
    return end + 1 if text[end : end + 1] == ";" else end
