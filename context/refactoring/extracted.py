"""Writes an extracted function and its call, in the language's own form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from context.refactoring import Refused
from context.refactoring.scopes import File, Names, Space, What, ancestor, walk, within, written
from context.refactoring.types import type_of
from context.syntax import Node
from context.text import indent_of

BLOCKS = frozenset({"statement_block", "block", "constructor_body", "statement_list"})

# Java's and JavaScript's switch: its body and each of its cases are indented; Go's are not.
_INDENTING = frozenset(
    """switch_body switch_case switch_default switch_block switch_block_statement_group""".split()
)


@dataclass(slots=True)
class Flow:
    """What goes in and what comes out; each with the node that declares it."""

    parameters: dict[str, Node] = field(default_factory=dict)
    set_again: dict[str, Node] = field(default_factory=dict)  # declared before, set inside, read on
    declared: dict[str, Node] = field(default_factory=dict)  # inside, and read afterwards
    ends: Node | None = None  # the function that the last statement returns from


def _results(flow: Flow, kind: str) -> list[str]:
    if flow.ends is not None:
        return []  # nothing of the function runs afterwards
    results = [*flow.declared, *flow.set_again]
    if len(results) > 1 and (kind != "go" or (flow.declared and flow.set_again)):
        raise Refused(f"Several results would come back: {', '.join(results)}.")
    return results


def call_text(file: File, flow: Flow, name: str, kind: str) -> str:
    """The statement that stands where the lines were."""
    results = _results(flow, kind)
    call = f"{name}({', '.join(flow.parameters)})"
    if flow.ends is not None:
        return f"return {call}" + ("" if kind == "go" else ";")
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
        return f"{_required_type(declared, kind)} {results[0]} = {call};"
    word = written(statement).split()[0]
    annotation = declared.parent.child_by_field_name("type") if declared.parent else None
    if kind == "javascript" and annotation is not None:
        return f"{word} {results[0]}{written(annotation)} = {call};"
    value = declared.parent.child_by_field_name("value") if declared.parent else None
    is_typed = file.language.name in ("typescript", "tsx")
    if is_typed and value is not None and written(value) in ("null", "undefined", "[]"):
        raise Refused(f"The type of {results[0]} is not written.")
    if type_of(declared, kind)[:1] in ("'", '"'):
        raise Refused(f"{results[0]} would be any string, and not this one.")
    mutable = " mut" if re.match(r"let\s+mut\b", written(statement)) else ""
    return f"{word}{mutable} {results[0]} = {call};"


def _required_type(declared: Node, kind: str) -> str:
    found = type_of(declared, kind)
    if not found:
        raise Refused(f"The type of {written(declared)} is not written.")
    return found


def function_text(
    file: File,
    statements: Sequence[Node],
    function: Node,
    flow: Flow,
    name: str,
    kind: str,
) -> str:
    """The new function with the line ends before it, indented as its place is."""
    eol = "\r\n" if "\r\n" in file.text else "\n"
    outer = _indent(file, place_after(function, kind))
    unit = _unit(file, statements[0], function)
    body = _reindented(file, statements, outer + unit)
    parameters = ", ".join(_parameter(file, w, n, flow, kind) for w, n in flow.parameters.items())
    head, back = _head(function, statements[0], flow, f"{name}({parameters})", kind)
    _refuse_inner_types(file, statements[0], place_after(function, kind), head)
    lines = [f"{outer}{head} {{", *body]
    if back:
        lines.append(f"{outer}{unit}{back}")
    lines.append(f"{outer}}}")
    return eol + eol + eol.join(lines)


def _head(function: Node, statement: Node, flow: Flow, called: str, kind: str) -> tuple[str, str]:
    """(head, statement that gives the results back, if any). `called`: name and parameters."""
    results = _results(flow, kind)
    declared = {**flow.parameters, **flow.declared}
    types = [_required_type(declared[r], kind) for r in results if kind != "javascript"]
    back = f"return {', '.join(results)}" if results else ""
    match kind:
        case "go":
            result = f" {types[0]}" if len(types) == 1 else f" ({', '.join(types)})" * bool(types)
            if flow.ends is not None:
                result = f" {_result_of(flow.ends, 'result')}".rstrip()
            return f"func {called}{result}", back
        case "java":
            result = types[0] if types else "void"
            if flow.ends is not None:
                result = _result_of(flow.ends, "type")
            static = "static " if _is_static(function) else ""
            _refuse_java(function)
            thrown = ", ".join(_thrown(statement, function))
            throws = f" throws {thrown}" if thrown else ""
            return f"private {static}{result} {called}{throws}", f"{back};" if back else ""
        case "rust":
            result = f" -> {types[0]}" if types else ""
            if "&" in result:
                raise Refused(f"How long {results[0]} is borrowed for is not written.")
            return f"fn {called}{result}", results[0] if results else ""
    returned = _result_of(flow.ends, "return_type") if flow.ends is not None else ""
    if flow.ends is not None and not returned:
        _refuse_expected(flow.ends)
    return f"function {called}{returned}", f"{back};" if back else ""


def _refuse_inner_types(file: File, statement: Node, place: Node, head: str) -> None:
    """Raises `Refused` where the head names a type that is seen at the statement alone: the type
    parameters of what is around it, and types that are declared in a function.
    """
    outer = place.parent or file.root
    receiver = place.child_by_field_name("receiver")  # Go: its type's parameters are declared there
    arguments = [n for n in walk(receiver) if n.type == "type_arguments"] if receiver else []
    inner = {written(n) for argument in arguments for n in walk(argument)}
    for word in sorted(set(re.findall(r"[^\W\d]\w*", head))):
        for binding in Names(file, word).bindings:
            is_type = binding.what is What.TYPE or binding.space & Space.TYPE
            if is_type and within(statement, binding.scope) and not within(outer, binding.scope):
                inner.add(word)
        if word in inner:
            raise Refused(f"{word} is a type that only its function knows.")


def _result_of(function: Node, field_name: str) -> str:
    """The type that a function returns, as written; named results of Go are refused."""
    result = function.child_by_field_name(field_name)
    text = written(result) if result is not None else ""
    named = [] if result is None else result.named_children
    if text and function.child_by_field_name("type_parameters") is not None:
        raise Refused("The function has type parameters, which its result may use.")
    if re.search(r"\b(?:is|asserts|this)\b", text) and field_name == "return_type":
        raise Refused("The result says something of a parameter.")
    if any(c.type == "parameter_declaration" and c.child_by_field_name("name") for c in named):
        raise Refused("The results of this function have names.")
    return text


def _refuse_expected(function: Node) -> None:
    """What takes a function without a written result may expect more of it than a new one gives."""
    place = function.parent
    is_plain = function.type in ("function_declaration", "method_definition") or (
        place is not None
        and place.type == "variable_declarator"
        and place.child_by_field_name("type") is None
    )
    if not is_plain:
        raise Refused("What is returned here is what the place of the function expects.")


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


def _thrown(statement: Node, function: Node) -> Iterator[str]:
    """What Java's new method must be declared to throw: whatever is caught or declared around it.

    More than it does throw changes nothing for its one caller, but where what was caught is thrown
    on: there the compiler counts what the lines throw themselves.
    """
    found = dict.fromkeys(
        written(type_)
        for child in function.children
        if child.type == "throws"
        for type_ in child.named_children
    )
    inner, above = statement, statement.parent
    while above is not None and inner != function:
        if above.type.startswith("try_") and above.child_by_field_name("body") == inner:
            for clause in (c for c in above.named_children if c.type == "catch_clause"):
                found.update(dict.fromkeys(_caught(clause)))
        inner, above = above, above.parent
    return iter(found)


def _caught(clause: Node) -> list[str]:
    parameter = next(c for c in clause.named_children if c.type == "catch_formal_parameter")
    name = parameter.child_by_field_name("name")
    for node in walk(clause):
        if node.type == "throw_statement" and name is not None:
            thrown = node.named_child(0)
            if thrown is not None and written(thrown) == written(name):
                raise Refused(f"What is caught around these lines as {written(name)} is thrown on.")
    return [
        written(type_)
        for child in parameter.named_children
        if child.type == "catch_type"
        for type_ in child.named_children
    ]


def _parameter(file: File, word: str, declared: Node, flow: Flow, kind: str) -> str:
    if kind == "javascript":
        found = type_of(declared, kind)
        if file.language.name == "javascript":
            return word
        if not found:
            raise Refused(f"The type of {word} is not written.")
        return f"{word}: {found}"
    found = _required_type(declared, kind)
    if kind == "go":
        return f"{word} {found}"
    if kind == "java":
        return f"{found} {word}"
    mutable = "mut " if word in flow.set_again or is_mutable(declared) else ""
    return f"{mutable}{word}: {found}"


def is_mutable(declared: Node) -> bool:
    """Rust: declared with `mut`."""
    parent = declared.parent
    return parent is not None and any(c.type == "mutable_specifier" for c in parent.children)


def place_after(function: Node, kind: str) -> Node:
    """The node after which the new function stands: of the file, of a Java class, or of a module
    inside a file of Rust.
    """
    if kind == "java":
        return function
    here = function
    while here.parent is not None and here.parent.parent is not None:
        if kind == "rust" and here.parent.parent.type == "mod_item":
            break  # a module inside the file sees its own names
        here = here.parent
    return here


def name_of(function: Node) -> str:
    """For a sentence to a person."""
    name = function.child_by_field_name("name")
    return written(name) if name is not None else "a function"


def _indent(file: File, node: Node) -> str:
    line = file.text[: file.span(node)[0]].replace("\r", "\n").rpartition("\n")[2]
    return indent_of(line)


def _unit(file: File, statement: Node, function: Node) -> str:
    own, outer = _indent(file, statement), _indent(file, function)
    rows, above = set[int](), statement.parent
    while above is not None and above != function:
        if above.type in (BLOCKS | _INDENTING) - {"statement_list"}:
            rows.add(above.start_point[0])  # a block that begins with its case is no further level
        above = above.parent
    depth, extra = len(rows), own.removeprefix(outer)
    return extra[: len(extra) // depth] if depth and extra else "    "


def _reindented(file: File, statements: Sequence[Node], indent: str) -> Iterator[str]:
    """The lines of the statements, moved to another indentation."""
    start, end = file.span(statements[0])[0], file.span(statements[-1])[1]
    end = with_semicolon(file.text, end)
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


def with_semicolon(text: str, end: int) -> int:
    """Past the semicolon that some grammars leave out of a statement."""
    return end + 1 if text[end : end + 1] == ";" else end
