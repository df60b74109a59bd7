"""Change a parameter list with all its calls, in languages resolved by their tree.

JavaScript and TypeScript have defaults, so an added parameter changes no call; elsewhere each call
gets the value. Every use must be a call whose arguments can be matched one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from context.refactoring import Carried, Change, Refactoring, Refused, SignatureChange, TextEdit
from context.refactoring.calls import (
    Call,
    Definition,
    calls_of,
    definition_of,
    is_simple,
    parameter_name,
)
from context.refactoring.names import check_name, family
from context.refactoring.rename import BY, check_syntax
from context.refactoring.scopes import File, Names, What, walk, within, written
from context.refactoring.types import type_of
from context.refactoring.uses import Found, Symbol, View, all_uses
from context.syntax import Node

_LITERAL = re.compile(
    r"-?\d[\d_.]*[fFdDlL]?|\"[^\"\\\n]*\"|'[^'\\\n]*'|true|false|null|nil|undefined|None|\[\]|\{\}"
)
_TYPE = re.compile(r"[&*\[\]\w.<>, |'?:]{1,80}")
_CALLABLE = (What.FUNCTION, What.METHOD, What.VARIABLE)


def change_signature(view: View, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    change = asked.signature
    assert change is not None
    symbol = view.symbol_at(asked.path, asked.start)
    found = all_uses(view, symbol)
    if symbol.what not in _CALLABLE and symbol.what is not What.IMPORT:
        raise Refused(f"{symbol.name} is a {symbol.what.value}, no function.")
    definition = definition_of(found, symbol.name)
    if family(symbol.file.language.name) == "javascript":
        words = {written(n) for n in walk(definition.body) if n.type == "identifier"}
        if "arguments" in words:
            raise Refused(f"{symbol.name} uses its arguments as a list.")
        if "eval" in words:
            raise Refused(f"{symbol.name} runs a text, which may use its parameters.")
    calls = list(calls_of(found, symbol.name))
    edits = tuple(_edits(view, symbol, definition, calls, change))
    check_syntax(view, edits)
    what = f"{change.change.value} {', '.join(change.names)} in {symbol.name}"
    return Carried(edits, what, BY, max(found.looked_at, 1), tuple(found.warnings))


def _edits(
    view: View,
    symbol: Symbol,
    definition: Definition,
    calls: Sequence[Call],
    change: SignatureChange,
) -> Iterator[TextEdit]:
    match change.change:
        case Change.ADD:
            yield from _add(view, symbol, definition, calls, change)
        case Change.REMOVE:
            yield from _remove(view, definition, calls, change.names[0], symbol.name)
        case Change.REORDER:
            yield from _reorder(view, definition, calls, change.names, symbol.name)


def _add(
    view: View,
    symbol: Symbol,
    definition: Definition,
    calls: Sequence[Call],
    change: SignatureChange,
) -> Iterator[TextEdit]:
    name, file = change.names[0], definition.use.file
    language = symbol.file.language.name
    check_name(name, language)
    if not _LITERAL.fullmatch(change.value):
        raise Refused(f"The calls need a literal: add {name}: type = value.")
    if change.type and not _TYPE.fullmatch(change.type):
        raise Refused(f"“{change.type[:40]}” is no type.")
    _refuse_value(family(language), change)
    if any(within(n, definition.node) for n in file.places(name) if n.type in file.rules.names):
        raise Refused(f"“{name}” is in use already in {symbol.name}.")
    last = definition.parameters[-1] if definition.parameters else None
    if last is not None:
        parameter_name(last)
    is_script = family(language) == "javascript"
    if not is_script and not change.type:
        raise Refused(f"A type is needed: add {name}: type = value.")
    declared = _declared(language, name, change)
    end = file.offset(definition.brackets.end_byte) - 1
    at = end if last is None else file.span(last)[1]
    before = "" if last is None and not _has_self(definition) else ", "
    if last is None and _has_self(definition):
        at = file.span(_selves(definition)[0])[1]
    yield view.sources.edit(file.path, at, at, before + declared)
    if is_script:
        return
    for call in calls:
        own = call.use.file
        at = own.span(call.given[-1])[1] if call.given else own.offset(call.arguments.end_byte) - 1
        comma = ", " if call.given else ""
        if len(call.given) != len(definition.parameters) and call.given:
            raise Refused(f"A call at {own.path}:{own.line(call.arguments)} has other arguments.")
        yield view.sources.edit(own.path, at, at, comma + change.value)


def _refuse_value(kind: str, change: SignatureChange) -> None:
    """A literal that the parameter's type does not take without a conversion."""
    is_text = change.value[:1] == '"'
    is_number = change.value.lstrip("-")[:1].isdigit()
    type_ = change.type.strip()
    wrong = (kind == "rust" and is_text and type_ not in ("&str", "&'static str")) or (
        kind == "java" and is_number and type_ in ("byte", "short", "char")
    )
    if wrong:
        raise Refused(f"{change.value} is no value of type {type_}.")


def _selves(definition: Definition) -> list[Node]:
    return [c for c in definition.brackets.named_children if c.type == "self_parameter"]


def _has_self(definition: Definition) -> bool:
    return bool(_selves(definition))


def _declared(language: str, name: str, change: SignatureChange) -> str:
    match family(language):
        case "javascript":
            kind = f": {change.type}" if change.type and language != "javascript" else ""
            return f"{name}{kind} = {change.value}"
        case "go":
            return f"{name} {change.type}"
        case "java":
            return f"{change.type} {name}"
    return f"{name}: {change.type}"


def _names(definition: Definition) -> list[str]:
    return [parameter_name(p) for p in definition.parameters]


def _remove(
    view: View, definition: Definition, calls: Sequence[Call], name: str, function: str
) -> Iterator[TextEdit]:
    names, file = _names(definition), definition.use.file
    if name not in names:
        raise Refused(f"{function} has no parameter {name[:40]}.")
    inside = [n for n in file.places(name) if within(n, definition.node)]
    if len([n for n in inside if n.type in file.rules.names]) != 1:
        raise Refused(f"{function} uses {name}.")
    texts = Names(file, name).texts
    if file.language.name == "rust" and any(within(n, definition.node) for n in texts):
        raise Refused(f"{function} may use {name} in a format string.")
    index = names.index(name)
    _refuse_last_import(file, definition.parameters[index])
    generic = definition.node.child_by_field_name("type_parameters")
    words = {written(n) for n in walk(generic)} if generic is not None else set()
    if any(written(n) in words for n in walk(definition.parameters[index]) if n.is_named):
        raise Refused(f"The argument for {name} says what a type parameter is.")
    yield _without(view, file, definition.parameters, index)
    is_script = family(file.language.name) == "javascript"
    for call in calls:
        own = call.use.file
        if not is_script and len(call.given) != len(names):
            # `T.f(t, 1)`: a method called by its type is given its receiver, too.
            raise Refused(f"A call at {own.path}:{own.line(call.arguments)} has other arguments.")
        if index >= len(call.given):
            continue
        if not is_simple(call.given[index]):
            line = own.line(call.given[index])
            raise Refused(f"The argument at {own.path}:{line} that would go may do something.")
        _refuse_last_use(own, call.given[index])
        yield _without(view, own, call.given, index)


def _refuse_last_import(file: File, parameter: Node) -> None:
    """Go compiles no import that is never used."""
    for node in walk(parameter):
        if node.type == "package_identifier":
            places = [n for n in file.places(written(node)) if n.type in file.rules.names]
            if (
                len([n for n in places if n.parent is not None and n.parent.type != "import_spec"])
                == 1
            ):
                raise Refused(f"The import of {written(node)} would not be used any more.")


def _refuse_last_use(file: File, argument: Node) -> None:
    """Go compiles no variable that is never used, and Rust drops one where it is given away."""
    kind = file.language.name
    if argument.type != "identifier" or kind not in ("go", "rust"):
        return
    names = Names(file, written(argument))
    binding = names.binding_at(argument)
    if binding is None or binding.what not in (What.VARIABLE, What.PARAMETER):
        return
    if kind == "rust" and not type_of(binding.declared[0], "rust"):
        raise Refused(f"{written(argument)} would be dropped later than before.")
    if kind == "go" and binding.what is What.VARIABLE and len(binding.uses) == 1:
        raise Refused(f"{written(argument)} would not be used any more.")


def _without(view: View, file: File, nodes: Sequence[Node], index: int) -> TextEdit:
    start, end = file.span(nodes[index])
    if index + 1 < len(nodes):
        end = file.span(nodes[index + 1])[0]
    elif index:
        start = file.span(nodes[index - 1])[1]
    text = file.text[start:end]
    if "//" in text or "/*" in text:
        raise Refused(f"A comment at {file.path}:{file.line(nodes[index])} stands in the way.")
    return view.sources.edit(file.path, start, end, "")


def _reorder(
    view: View,
    definition: Definition,
    calls: Sequence[Call],
    order: Sequence[str],
    function: str,
) -> Iterator[TextEdit]:
    names = _names(definition)
    if sorted(names) != sorted(order):
        raise Refused(f"The parameters of {function} are {', '.join(names)}; name them all.")
    moves = [names.index(name) for name in order]
    if any(p.type in ("assignment_pattern", "optional_parameter") or p.child_by_field_name("value")
           for p in definition.parameters):  # fmt: skip
        raise Refused(f"{function} has parameters that may be left out.")
    yield from _permuted(view, definition.use.file, definition.parameters, moves)
    for call in calls:
        own = call.use.file
        place = f"{own.path}:{own.line(call.arguments)}"
        if len(call.given) != len(names):
            raise Refused(f"The call at {place} has other arguments.")
        if not all(is_simple(a) for a in call.given):
            raise Refused(f"The arguments at {place} would be evaluated in another order.")
        yield from _permuted(view, own, call.given, moves)


def _permuted(
    view: View, file: File, nodes: Sequence[Node], moves: Sequence[int]
) -> Iterator[TextEdit]:
    for target, source in enumerate(moves):
        if target != source:
            start, end = file.span(nodes[source])
            yield view.sources.edit(file.path, *file.span(nodes[target]), file.text[start:end])


def parameters_of(found: Found, name: str) -> tuple[str, ...]:
    """Names of a function's parameters; empty where it is none or they are no plain ones."""
    try:
        return tuple(_names(definition_of(found, name)))
    except Refused:
        return ()
