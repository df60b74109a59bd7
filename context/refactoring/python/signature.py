"""Add, remove or reorder a parameter of a Python function, with all its calls.

Each use of the function must be a call whose arguments can be matched to the parameters.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from context.refactoring import Carried, Change, Refactoring, Refused, SignatureChange, TextEdit
from context.refactoring.names import check_name
from context.refactoring.python.members import is_instance
from context.refactoring.python.project import TextProject
from context.refactoring.python.rename import Symbol, is_overridden, symbol_at, uses_of
from context.refactoring.python.tokens import Unreadable, parse
from context.refactoring.python.trees import (
    BUILTINS,
    Function,
    Module,
    is_decorated,
    is_harmless,
    names_in,
    sees_frame,
)
from context.refactoring.python.unseen import examples_with
from context.refactoring.sources import edited

BY = "rope and Python's own syntax tree"


def change_signature(project: TextProject, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    change = asked.signature
    assert change is not None
    symbol = symbol_at(project, asked.path, project.normal_offset(asked.path, asked.start))
    if symbol.what not in ("function", "method"):
        raise Refused(f"{symbol.name} is a {symbol.what}, no function.")
    if symbol.name.startswith("__"):
        raise Refused(f"Python itself calls {symbol.name}.")
    everywhere, found = uses_of(project, symbol, is_kept=True)
    modules = {p: project.module(p) for p, spans in found.items() if spans}
    function, calls = _sort(modules, found, symbol)
    if is_overridden(project, symbol):
        raise Refused(f"{symbol.name} has several implementations, which would all have to change.")
    edits = list(_edits(project, modules[symbol.path], function, calls, change))
    for path in {edit.path for edit in edits}:
        after = edited(project.sources.text(path), [e for e in edits if e.path == path])
        try:
            parse(after)
        except Unreadable:
            raise Refused(f"{path} would have a syntax error afterwards.") from None
    public = ("users outside this workspace are not seen",) * (not symbol.name.startswith("_"))
    public += examples_with(project, everywhere)
    what = f"{change.change.value} {', '.join(change.names)} in {symbol.name}"
    return Carried(tuple(edits), what, BY, len(everywhere), public)


def _sort(
    modules: dict[str, Module], found: dict[str, set[tuple[int, int]]], symbol: Symbol
) -> tuple[Function, list[tuple[Module, ast.Call]]]:
    """The definition, and all calls; imports need no change."""
    functions: list[tuple[Module, Function]] = []
    calls: list[tuple[Module, ast.Call]] = []
    for path, spans in found.items():
        for start, _ in sorted(spans):
            module = modules[path]
            node = module.name_at(start)
            if node is None:
                if definition := module.definition_at(start):
                    functions.append((module, definition))
                elif (alias := _import_at(module, start, symbol.name)) is None:
                    raise Refused(f"A use of {symbol.name} in {path} is of an unknown kind.")
                elif alias.asname is not None:
                    raise Refused(f"{path} imports {symbol.name} under another name.")
                continue
            call = module.parents.get(node)
            if not isinstance(call, ast.Call) or call.func is not node:
                raise Refused(f"{symbol.name} is used as a value in {path}, not only called.")
            calls.append((module, call))
    if len(functions) != 1:
        raise Refused(f"{symbol.name} has {len(functions)} definitions.")
    return functions[0][1], calls


def _import_at(module: Module, start: int, name: str) -> ast.alias | None:
    """What an import at an offset binds the name as."""
    return next(
        (
            alias
            for n in ast.walk(module.tree)
            if isinstance(n, ast.ImportFrom)
            for alias in n.names
            if alias.name == name and module.span(alias)[0] == start
        ),
        None,
    )


def _edits(
    project: TextProject,
    module: Module,
    function: Function,
    calls: Sequence[tuple[Module, ast.Call]],
    change: SignatureChange,
) -> Iterator[TextEdit]:
    match change.change:
        case Change.ADD:
            yield _add(project, module, function, calls, change)
        case Change.REMOVE:
            yield from _remove(project, module, function, calls, change.names[0])
        case Change.REORDER:
            yield from _reorder(project, module, function, calls, change.names)


def _add(
    project: TextProject,
    module: Module,
    function: Function,
    calls: Sequence[tuple[Module, ast.Call]],
    change: SignatureChange,
) -> TextEdit:
    """With a default, so that the calls stay as they are."""
    name = change.names[0]
    check_name(name, "python")
    if not change.value:
        raise Refused(f"A default is needed for the calls that there are: add {name}=default.")
    try:
        default = parse(change.value + "\n").body
    except Unreadable:
        default = []
    if len(default) != 1 or not isinstance(default[0], ast.Expr):
        raise Refused(f"“{change.value[:40]}” is no Python expression.")
    unknown = names_in(default[0]) - BUILTINS
    if unknown:
        raise Refused(f"The default uses {min(unknown)}, which may not be known where it stands.")
    if not is_harmless(default[0].value):
        raise Refused("The default may do something where the function is defined.")
    _refuse_seen(function)
    arguments = function.args
    if any(isinstance(n, ast.Name | ast.arg) and name in (getattr(n, "id", ""), getattr(
        n, "arg", "")) for n in ast.walk(function)):  # fmt: skip
        raise Refused(f"“{name}” is in use already in {function.name}.")
    if arguments.kwarg is not None and any(
        k.arg in (name, None) for _, call in calls for k in call.keywords
    ):
        raise Refused(f"A call may give {name} already.")
    annotation = f": {change.type}" if change.type else ""
    equals = f"{annotation} = {change.value}" if annotation else f"={change.value}"
    plain = [*arguments.posonlyargs, *arguments.args]
    if arguments.kwarg is not None:
        at = module.text.rindex("**", 0, module.span(arguments.kwarg)[0])
        return project.edit(module.path, at, at, f"{name}{equals}, ")
    if arguments.vararg or arguments.kwonlyargs:
        last = [*arguments.kwonlyargs, *filter(None, [arguments.vararg])]
        at = max(_argument_end(module, function, a) for a in last)
    elif plain:
        at = max(_argument_end(module, function, a) for a in plain)
    else:
        at = module.text.index("(", module.text.index(function.name, module.span(function)[0])) + 1
        return project.edit(module.path, at, at, name + equals)
    return project.edit(module.path, at, at, f", {name}{equals}")


def _argument_end(module: Module, function: Function, argument: ast.arg) -> int:
    """Where a parameter with its default ends."""
    arguments = function.args
    end = module.span(argument)[1]
    defaults = [*arguments.defaults, *filter(None, arguments.kw_defaults)]
    ordered = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg:
        ordered.append(arguments.vararg)
    ordered += arguments.kwonlyargs
    if arguments.kwarg:
        ordered.append(arguments.kwarg)
    index = ordered.index(argument)
    limit = module.span(ordered[index + 1])[0] if index + 1 < len(ordered) else len(module.text)
    for default in defaults:
        start, last = module.span(default)
        if end < start < limit:
            end = max(end, _closed(module, last))
    return end


def _closed(module: Module, end: int) -> int:
    """Past the parentheses around an expression that the tree leaves out, if any are there."""
    opened = 0
    start = module.text.rfind("=", 0, end)
    for c in module.text[start:end]:
        opened += (c == "(") - (c == ")")
    while opened > 0 and (at := module.text.find(")", end)) >= 0:
        end, opened = at + 1, opened - 1
    return end


def _plain_arguments(function: Function) -> list[ast.arg]:
    """Of a function that takes nothing but plain arguments, without self."""
    arguments = function.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs or arguments.kwonlyargs:
        raise Refused(f"{function.name} takes more than plain arguments.")
    return arguments.args


def _is_bound(module: Module, function: Function) -> bool:
    """A method that gets its object as the first argument."""
    in_class = isinstance(module.parents.get(function), ast.ClassDef)
    return in_class and not is_decorated(function, "staticmethod")


def _matched(
    project: TextProject,
    module: Module,
    function: Function,
    calls: Sequence[tuple[Module, ast.Call]],
) -> Iterator[tuple[Module, ast.Call, list[ast.expr]]]:
    """Calls with their positional arguments, none spread; a method's without its object."""
    needs_object = _is_bound(module, function) and not is_decorated(function, "classmethod")
    for own, call in calls:
        if any(isinstance(a, ast.Starred) for a in call.args) or any(
            k.arg is None for k in call.keywords
        ):
            raise Refused(f"A call in {own.path} spreads its arguments.")
        if needs_object and not (
            isinstance(call.func, ast.Attribute) and is_instance(project, own, call.func.value)
        ):
            raise Refused(f"A call in {own.path} may give the object itself.")
        yield own, call, call.args


def _remove(
    project: TextProject,
    module: Module,
    function: Function,
    calls: Sequence[tuple[Module, ast.Call]],
    name: str,
) -> Iterator[TextEdit]:
    arguments = _plain_arguments(function)
    names = [a.arg for a in arguments]
    if name not in names or (_is_bound(module, function) and name == names[0]):
        raise Refused(f"{function.name} has no parameter {name[:40]} that can go.")
    body = [n for statement in function.body for n in ast.walk(statement)]
    if any(isinstance(n, ast.Name) and n.id == name for n in body):
        raise Refused(f"{function.name} uses {name}.")
    _refuse_seen(function)
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    if name in defaults:
        _refuse_acting(function, [defaults[name]])
    at = names.index(name)
    yield _without(project, module, [_argument_span(module, function, a) for a in arguments], at)
    position = at - _is_bound(module, function)
    for own, call, given in _matched(project, module, function, calls):
        spans = [own.span(a) for a in given] + [own.span(k) for k in call.keywords]
        index = next((len(given) + i for i, k in enumerate(call.keywords) if k.arg == name), None)
        if index is None and position < len(given):
            index = position
        if index is None:
            continue
        gone = given[index] if index < len(given) else call.keywords[index - len(given)].value
        if not all(isinstance(n, ast.Constant | ast.Name | ast.expr_context | ast.Tuple
                              | ast.UnaryOp | ast.unaryop) for n in ast.walk(gone)):  # fmt: skip
            raise Refused(f"An argument in {own.path} that would go may do something.")
        yield _without(project, own, spans, index)


def _refuse_seen(function: Function) -> None:
    if word := sees_frame(function):
        raise Refused(f"{word} in {function.name} may see its parameters.")


def _refuse_acting(function: Function, defaults: Sequence[ast.expr]) -> None:
    """They are evaluated where the function is defined, one after the other."""
    if not all(map(is_harmless, defaults)):
        raise Refused(f"A default of {function.name} may do something where it is defined.")


def _argument_span(module: Module, function: Function, argument: ast.arg) -> tuple[int, int]:
    return module.span(argument)[0], _argument_end(module, function, argument)


def _without(
    project: TextProject, module: Module, spans: Sequence[tuple[int, int]], index: int
) -> TextEdit:
    """One of several things between commas goes, with one comma."""
    start, end = spans[index]
    if index + 1 < len(spans):
        end = spans[index + 1][0]
    elif index:
        start = _closed_before(module, spans[index - 1][1], start)
    if "#" in module.text[start:end]:
        raise Refused(f"A comment in {module.path} stands between the arguments.")
    return project.edit(module.path, start, end, "")


def _closed_before(module: Module, end: int, start: int) -> int:
    comma = module.text.index(",", end)
    return comma if comma < start else end


def _reorder(
    project: TextProject,
    module: Module,
    function: Function,
    calls: Sequence[tuple[Module, ast.Call]],
    order: Sequence[str],
) -> Iterator[TextEdit]:
    bound = int(_is_bound(module, function))
    arguments = _plain_arguments(function)[bound:]
    names = [a.arg for a in arguments]
    if sorted(names) != sorted(order):
        raise Refused(f"The parameters of {function.name} are {', '.join(names)}; name them all.")
    optional = (
        {*names[len(names) - len(function.args.defaults) :]} if function.args.defaults else {*()}
    )
    if [n in optional for n in order] != sorted(n in optional for n in order):
        raise Refused("A parameter without a default cannot come after one that has it.")
    _refuse_acting(function, function.args.defaults)
    spans = [_argument_span(module, function, a) for a in arguments]
    yield from _permuted(project, module, spans, [names.index(n) for n in order])
    for own, _call, given in _matched(project, module, function, calls):
        if len(given) < 2 and all(order.index(n) == i for i, n in enumerate(names[: len(given)])):
            continue
        if len(given) != len(names):
            raise Refused(f"A call in {own.path} leaves out arguments or names them.")
        if not all(isinstance(n, ast.Constant | ast.Name | ast.expr_context)
                   for a in given for n in ast.walk(a)):  # fmt: skip
            raise Refused(f"Arguments in {own.path} would be evaluated in another order.")
        spans = [own.span(a) for a in given]
        yield from _permuted(project, own, spans, [names.index(n) for n in order])


def _permuted(
    project: TextProject, module: Module, spans: Sequence[tuple[int, int]], order: Sequence[int]
) -> Iterator[TextEdit]:
    for target, source in enumerate(order):
        if target != source:
            start, end = spans[source]
            yield project.edit(module.path, *spans[target], module.text[start:end])
