"""Rename a Python symbol: rope finds the uses, and every other place of the word is accounted for.

Refused where a use cannot be told: an attribute of something whose class is not known, a string
that may name it, a decorator that looks at names, a base class of another package.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rope.base import evaluate, exceptions, pynames, pyobjects, worder
from rope.refactor import occurrences

from context.refactoring import Carried, Refactoring, Refused, TextEdit
from context.refactoring.names import check_name
from context.refactoring.python.keywords import refuse_other_keywords
from context.refactoring.python.members import (
    has_builtin,
    is_certain,
    left_in_body,
    places_in_bodies,
    read_in_body,
)
from context.refactoring.python.project import KnownFile, TextProject
from context.refactoring.python.tokens import Around, Place, Unreadable, places
from context.refactoring.python.unseen import (
    examples_with,
    is_of_derived_class,
    is_passed_on,
    refuse_unknown_users,
)
from context.refactoring.python.verify import loads_globally, same_but_for, texts_of_f_strings
from context.refactoring.sources import by_path, edited, line_of

BY = "rope and the bytecode of each changed file"
_QUOTES = ("'", '"')
_ROPE_FAILS = (
    exceptions.RopeError, AttributeError, KeyError, IndexError, TypeError, ValueError,
    RecursionError, AssertionError, SyntaxError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a name at a place stands for."""

    name: str
    what: str  # variable, parameter, function, class, method, attribute
    path: str  # of its definition
    line: int
    pyname: pynames.PyName
    instance: pynames.PyName | None

    @property
    def is_local(self) -> bool:
        return self.what == "variable" or self.what == "parameter"

    @property
    def is_of_module(self) -> bool:
        return self.what in ("function", "class", "global variable")

    @property
    def is_member(self) -> bool:
        return self.what == "method" or self.what == "attribute"


def symbol_at(project: TextProject, path: str, offset: int) -> Symbol:
    """`offset` in the normal text. Raises `Refused`."""
    resource = KnownFile(project, path)
    try:
        module = project.get_pymodule(resource, force_errors=True)
        name = worder.get_name_at(resource, offset)
        instance, pyname = evaluate.eval_location2(module, offset)
        if isinstance(pyname, pynames.ImportedName):
            pyname = pyname._get_imported_pyname()
        if not name or pyname is None:
            raise Refused("There is no name here whose definition is known.")
        defined, line = pyname.get_definition_location()
        owner = defined.get_resource() if defined is not None else None
        if owner is None or line is None:
            raise Refused(f"“{name}” is not defined in this workspace.")
        what = _what(pyname, name)
    except exceptions.ModuleSyntaxError:
        raise Refused(f"{path} has a syntax error.") from None
    except _ROPE_FAILS as error:
        raise Refused(f"What “{_word_at(project, path, offset)}” is cannot be told.") from error
    return Symbol(name, what, owner.path, line, pyname, instance)


def _word_at(project: TextProject, path: str, offset: int) -> str:
    found = [m for m in re.finditer(r"\w+", project.normal_text(path)) if m.end() >= offset]
    return found[0].group() if found else ""


def _what(pyname: pynames.PyName, name: str) -> str:
    obj = pyname.get_object()
    if isinstance(pyname, pynames.ParameterName):
        return "parameter"
    if isinstance(pyname, pynames.ImportedModule) or isinstance(obj, pyobjects.AbstractModule):
        if isinstance(pyname, pynames.AssignedName):
            return "variable"
        raise Refused(f"“{name}” is a module: its name is that of its file.")
    scope = _defining_scope(pyname, name)
    kind = scope.get_kind() if scope is not None else "Module"
    if isinstance(pyname, pynames.DefinedName):
        if isinstance(obj, pyobjects.PyClass):
            return "class"
        return "method" if kind == "Class" else "function"
    if kind == "Class":
        return "attribute"
    return "variable" if kind in ("Function", "Comprehension") else "global variable"


def _defining_scope(pyname: pynames.PyName, name: str):  # type: ignore[no-untyped-def]
    """Rope's scope that holds the definition; types of rope are not written down."""
    module, line = pyname.get_definition_location()
    if isinstance(pyname, pynames.DefinedName):
        return pyname.get_object().get_scope().parent
    scope = module.get_scope().get_inner_scope_for_line(line)
    while scope is not None:
        if scope.get_names().get(name) is pyname:
            return scope
        obj = scope.pyobject
        if scope.get_kind() == "Class" and name in obj.get_attributes():
            return scope
        scope = scope.parent
    return module.get_scope()


def rename(project: TextProject, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    check_name(asked.name, "python")
    offset = project.normal_offset(asked.path, asked.start)
    symbol = symbol_at(project, asked.path, offset)
    old, new = symbol.name, asked.name
    if old == new:
        raise Refused(f"It is called {new} already.")
    if old.startswith("__") and old.endswith("__"):
        raise Refused(f"Python itself calls {old}.")
    everywhere, found = _found_uses(project, symbol)
    if not any(found.values()):
        raise Refused(f"No use of {old} was found.")
    edits = [
        project.edit(path, start, end, new)
        for path, spans in found.items()
        for start, end in sorted(spans)
    ]
    _refuse_taken(project, symbol, new, found)
    exported = list(_account_for(project, symbol, everywhere, found))
    edits += [project.edit(path, place.start, place.end, new) for path, place in exported]
    _verify(project, symbol, new, edits)
    return Carried(
        edits=tuple(edits),
        what=f"rename {symbol.what} {old} to {new}",
        by=BY,
        looked_at=len(everywhere),
        warnings=_warnings(symbol) + examples_with(project, everywhere),
    )


def uses_of(
    project: TextProject, symbol: Symbol, *, is_kept: bool = False
) -> tuple[dict[str, list[Place]], dict[str, set[tuple[int, int]]]]:
    """(every place of the word, those that are uses), by file. Raises `Refused` in doubt.

    `is_kept`: the name stays, so that it may stand in `__all__`.
    """
    everywhere, found = _found_uses(project, symbol)
    for path, place in _account_for(project, symbol, everywhere, found):
        if not is_kept:
            line = line_of(project.normal_text(path), place.start)
            raise Refused(f"{symbol.name} is in __all__ at {path}:{line}.")
    return everywhere, found


def is_overridden(project: TextProject, symbol: Symbol) -> bool:
    """A method of the same name stands in another class of the hierarchy, as far as it is known."""
    if symbol.what != "method":
        return False
    pattern = re.compile(rf"\bdef\s+{re.escape(symbol.name)}\b")
    paths = project.sources.holding(symbol.name, project.paths)
    return sum(len(pattern.findall(project.normal_text(path))) for path in paths) > 1


def _found_uses(
    project: TextProject, symbol: Symbol
) -> tuple[dict[str, list[Place]], dict[str, set[tuple[int, int]]]]:
    paths = [symbol.path] if symbol.what == "variable" else project.paths
    everywhere = _places(project, symbol.name, paths)
    found = _occurrences(project, symbol, list(everywhere))
    if symbol.is_member:
        for path, spans in found.items():
            if spans:
                module = project.module(path)
                spans |= {*read_in_body(module, symbol.name, spans)}
    return everywhere, found


def _places(project: TextProject, word: str, paths: Sequence[str]) -> dict[str, list[Place]]:
    """Of the files that hold the word at all."""
    found: dict[str, list[Place]] = {}
    for path in project.sources.holding(word, paths):
        try:
            found[path] = places(project.normal_text(path), word)
        except Unreadable:
            raise Refused(f"{path} cannot be parsed and holds “{word}”.") from None
    return found


def _occurrences(
    project: TextProject, symbol: Symbol, paths: Sequence[str]
) -> dict[str, set[tuple[int, int]]]:
    """Spans of all uses by file. Raises `Refused` where rope cannot tell about one."""
    finder = occurrences.create_finder(
        project, symbol.name, symbol.pyname, instance=symbol.instance,
        in_hierarchy=symbol.what == "method",
    )  # fmt: skip
    found: dict[str, set[tuple[int, int]]] = {}
    for path in paths:
        try:
            uses = list(finder.find_occurrences(KnownFile(project, path)))
            text = project.normal_text(path)
            spans = {use.get_word_range() for use in uses}
            # Rope takes the letter before the quote of f"{x}" for a name.
            found[path] = {span for span in spans if text[span[1] : span[1] + 1] not in _QUOTES}
        except _ROPE_FAILS as error:
            raise Refused(f"The uses in {path} cannot be told.") from error
    return found


def _refuse_taken(
    project: TextProject, symbol: Symbol, new: str, found: Mapping[str, set[tuple[int, int]]]
) -> None:
    """A new name that stands nowhere near cannot capture anything and is captured by nothing."""
    near = {path for path, spans in found.items() if spans}
    if symbol.is_of_module:
        star = re.compile(r"^\s*from\s+\S+\s+import\s*\*", re.MULTILINE)
        stars = {path for path in project.paths if star.search(project.normal_text(path))}
        if new.startswith("_") and (left := near & stars):
            raise Refused(f"{min(left)} imports all names of a module but those that begin with _.")
        near |= stars
    for path in project.sources.holding(new, project.paths if symbol.is_member else sorted(near)):
        try:
            taken = [p for p in places(project.normal_text(path), new) if p.around in _CODE]
        except Unreadable:
            raise Refused(f"{path} cannot be parsed and holds “{new}”.") from None
        if taken:
            line = line_of(project.normal_text(path), taken[0].start)
            raise Refused(f"“{new}” is in use already at {path}:{line}.")


_CODE = (Around.PLAIN, Around.ATTRIBUTE, Around.KEYWORD)


def _account_for(
    project: TextProject,
    symbol: Symbol,
    everywhere: Mapping[str, Sequence[Place]],
    found: Mapping[str, set[tuple[int, int]]],
) -> Iterator[tuple[str, Place]]:
    """Go through the places that rope left out; yields strings of `__all__` that go along.

    Raises `Refused` for each that may be a use after all.
    """
    refuse_unknown_users(project, symbol)
    for path, own in everywhere.items():
        for place in own:
            if (place.start, place.end) in found[path] or place.around is Around.COMMENT:
                continue
            if place.around is Around.STRING and found[path] and _is_export(project, path, place):
                if symbol.is_of_module:
                    yield path, place
                continue
            if reason := _may_be(project, symbol, path, place, is_changed=bool(found[path])):
                line = line_of(project.normal_text(path), place.start)
                raise Refused(f"{path}:{line} {reason}.")
    if symbol.is_member:
        _refuse_guessed(project, symbol, everywhere, found)
    if symbol.what == "parameter":
        refuse_other_keywords(project, symbol, everywhere, found)


def _refuse_guessed(
    project: TextProject,
    symbol: Symbol,
    everywhere: Mapping[str, Sequence[Place]],
    found: Mapping[str, set[tuple[int, int]]],
) -> None:
    """Rope knows one class of an object that may be of several: another must not have the name."""
    modules = {p: project.module(p) for p in everywhere}
    for path, module in modules.items():
        if left := left_in_body(module, symbol.name, found[path]):
            line = line_of(module.text, left[0])
            raise Refused(f"{path}:{line} uses {symbol.name} where the class may not have it yet.")
    others = has_builtin(symbol.name) or any(
        {(p.start, p.end) for p in everywhere[path] if p.around is Around.PLAIN}
        & places_in_bodies(module, symbol.name) - found[path]
        for path, module in modules.items()
    )
    for path, spans in found.items() if others else ():
        for start, _ in sorted(spans):
            node = modules[path].name_at(start)
            if isinstance(node, ast.Attribute) and not is_certain(
                project, modules[path], node.value
            ):
                line = line_of(modules[path].text, start)
                raise Refused(
                    f"{path}:{line} may use .{symbol.name} of another class that has one, too."
                )


def _may_be(
    project: TextProject, symbol: Symbol, path: str, place: Place, *, is_changed: bool
) -> str:
    """Why a place that was left out may be a use; empty where it cannot be one."""
    name = symbol.name
    match place.around:
        case Around.STRING:
            if symbol.what == "variable":
                return _in_f_string(project, path, place, name)
            if place.is_exact and (symbol.what != "parameter" or is_changed):
                return f"has “{name}” in a string, which may mean it"
            if symbol.is_member and _is_asked_in_braces(project.normal_text(path), place):
                return f"has “.{name}” between braces in a string, which may mean it"
            return _in_f_string(project, path, place, name) if is_changed else ""
        case Around.ATTRIBUTE:
            if symbol.what in ("variable", "parameter"):
                return ""
            if symbol.is_member:
                return f"uses .{name} of something whose class cannot be told"
            module = symbol.path.rpartition("/")[2].removesuffix(".py")
            if module == "__init__":
                module = symbol.path.rpartition("/")[0].rpartition("/")[2]
            if place.receiver in ("self", "cls", "super"):
                return ""
            is_ours = _is_imported_from_here(project, path, place.receiver)
            if is_ours is None and is_passed_on(project, module):
                return f"uses .{name} of what may be the module {module}"
            if is_ours:
                return f"uses {place.receiver}.{name}, and what {place.receiver} is cannot be told"
            return ""
        case Around.KEYWORD:
            if symbol.what == "attribute":
                return f"gives {name} as a keyword, which may set it"
            return ""
        case Around.PLAIN:
            if symbol.is_member and is_of_derived_class(project, path, place, name):
                return f"gives a class that derives from another its own {name}"
            return ""  # `_refuse_guessed` looks at bodies of classes, `_verify` at all others
    return ""


def _is_asked_in_braces(text: str, place: Place) -> bool:
    """`"{0.name}"`: of what, a format string does not say."""
    line = text[text.rfind("\n", 0, place.start) + 1 : place.start]
    return line.endswith(".") and line.rfind("{") > line.rfind("}")


def _in_f_string(project: TextProject, path: str, place: Place, name: str) -> str:
    """A use inside braces that was left out; a letter before the quote says what the string is."""
    text = project.normal_text(path)
    if text[place.start - 1 : place.start] in ("{", "(", "[", " ", ".", "!", "*"):
        before = text.rfind("{", 0, place.start)
        after = text.find("}", place.end)
        if before >= 0 and after >= 0 and "\n" not in text[before:after]:
            inside = text[before + 1 : after]
            if '"' not in inside and re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", inside):
                return f"has “{name}” between braces in a string, which may mean it"
    return ""


def _is_imported_from_here(project: TextProject, path: str, receiver: str) -> bool | None:
    """Whether `receiver` may be a module of this workspace here; None where it is not imported."""
    try:
        tree = project.module(path).tree
    except Refused:
        return True
    heads = {p.removesuffix(".py").split("/")[-1] for p in project.paths}
    heads |= {part for folder in project.children for part in folder.split("/")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (alias.asname or alias.name.partition(".")[0]) == receiver:
                    return alias.name.partition(".")[0] in heads
        elif isinstance(node, ast.ImportFrom) and any(
            (alias.asname or alias.name) == receiver for alias in node.names
        ):
            return node.level > 0 or (node.module or "").partition(".")[0] in heads
    return None


def _is_export(project: TextProject, path: str, place: Place) -> bool:
    """The string is an entry of the module's `__all__`."""
    try:
        tree = project.module(path).tree
    except Refused:
        return False
    text = project.normal_text(path)
    line = line_of(text, place.start)
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        is_all = any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets)
        if is_all and node.lineno <= line <= (node.end_lineno or node.lineno):
            return text[place.start - 1] in "'\"" and text[place.end] in "'\""
    return False


def _verify(project: TextProject, symbol: Symbol, new: str, edits: Sequence[TextEdit]) -> None:
    for path, own in by_path(edits):
        before = project.sources.text(path)
        after = edited(before, own)
        if not same_but_for(before, after, symbol.name, new):
            raise Refused(f"{path} would not mean the same afterwards.")
        if texts_of_f_strings(before) != texts_of_f_strings(after):
            raise Refused(f"An f-string in {path} prints the name {symbol.name}.")
        if symbol.is_of_module and loads_globally(after, symbol.name):
            raise Refused(f"A use of {symbol.name} in {path} would be left behind.")


def _warnings(symbol: Symbol) -> tuple[str, ...]:
    if symbol.is_local or symbol.name.startswith("_"):
        return ()
    return ("users of this package outside this workspace are not seen",)
