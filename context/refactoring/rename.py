"""Rename a symbol in languages resolved by their tree: every use, in every file, or a refusal.

The new name must stand nowhere near: what is nowhere captures nothing and is captured by nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from context.refactoring import Carried, Refactoring, Refused, TextEdit
from context.refactoring.names import check_name, family
from context.refactoring.reach.ecmascript_members import refuse_inherited
from context.refactoring.scopes import File, What, within
from context.refactoring.sources import by_path, edited
from context.refactoring.uses import Found, Symbol, Use, View, all_uses, refuse_in_strings
from context.syntax import Node, problems
from context.text import encode

BY = "the syntax tree"


def rename(view: View, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    symbol = view.symbol_at(asked.path, asked.start)
    language, old, new = symbol.file.language.name, symbol.name, asked.name
    is_hidden = old.startswith("#") and family(language) == "javascript"  # `#name`, with its sign
    if is_hidden and not new.startswith("#"):
        new = f"#{new}"
    check_name(new.removeprefix("#") if is_hidden else new, language)
    if old == new:
        raise Refused(f"It is called {new} already.")
    _refuse_case(symbol, new)
    found = all_uses(view, symbol)
    if not symbol.is_local:
        refuse_in_strings(view, old, [file.path for file in found.files])
    refuse_taken(view, symbol, found, new)
    if family(language) == "javascript":
        refuse_inherited(view, symbol, new)
    edits = tuple(_edit(view, use, new) for use in unique(found.uses))
    check_syntax(view, edits)
    return Carried(
        edits=edits,
        what=f"rename {symbol.what.value} {old} to {new}",
        by=BY,
        looked_at=max(found.looked_at, 1),
        warnings=tuple(found.warnings),
    )


def unique(uses: Sequence[Use]) -> list[Use]:
    """Each place once, in the order of path and text."""
    by_place = {(use.file.path, use.node.start_byte): use for use in uses}
    return [by_place[key] for key in sorted(by_place)]


def _edit(view: View, use: Use, new: str) -> TextEdit:
    text = use.file.rules.expand(use.node, new) if use.is_shorthand else new
    return view.sources.edit(use.file.path, *use.file.span(use.node), text)


def _refuse_case(symbol: Symbol, new: str) -> None:
    """Where the first letter says who sees the name, or what it is."""
    old, language = symbol.name, symbol.file.language.name
    other_case = old[:1].isupper() != new[:1].isupper()
    if other_case and language == "go" and not symbol.is_local:
        raise Refused("A first letter of the other case would change what sees it.")
    if other_case and language == "rust" and symbol.what in (What.VARIABLE, What.PARAMETER):
        raise Refused("A pattern reads a name with a capital as that of a constant.")
    if old[:1].isupper() and not new[:1].isupper() and language in ("tsx", "javascript"):
        raise Refused("Without its capital it would be an element of the page.")


def refuse_taken(view: View, symbol: Symbol, found: Found, new: str) -> None:
    """The new name must not be in the region of the symbol, whatever it is there."""
    if symbol.is_local and symbol.binding is not None:
        region = _function_around(symbol.binding.scope)
        _refuse_in(symbol.file, new, region)
        return
    for file in [*found.files, *found.beside]:
        _refuse_in(file, new, file.root)
    if symbol.file.language.name == "java" and "extends" in symbol.file.text:
        for path in view.holding(new, "java"):
            _refuse_in(view.file(path), new, view.file(path).root)
    if symbol.file.language.name == "go":
        folder = symbol.file.path.rpartition("/")[0]
        for path in view.holding(new, "go"):
            if path.rpartition("/")[0] == folder:
                _refuse_in(view.file(path), new, view.file(path).root)


def _function_around(scope: Node) -> Node:
    """The outermost node below the file's root around a scope."""
    here = scope
    while here.parent is not None and here.parent.parent is not None:
        here = here.parent
    return here if here.parent is not None else scope


def _refuse_in(file: File, word: str, region: Node) -> None:
    for node in file.places(word):
        if node.type in file.rules.names and within(node, region):
            raise Refused(f"“{word}” is in use already at {file.path}:{file.line(node)}.")


def check_syntax(view: View, edits: Sequence[TextEdit]) -> None:
    """No file reads worse afterwards than before."""
    for path, own in by_path([edit for edit in edits if edit.file_hash]):
        file = view.file(path)
        after = edited(file.text, own)
        before = len(problems(file.source, file.language))
        if len(problems(encode(after), file.language)) > before:
            raise Refused(f"{path} would have a syntax error afterwards.")
