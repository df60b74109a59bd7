"""All uses of a symbol, in one file or in the workspace, for languages resolved by their tree.

A local name is a matter of its file. For what other files may see, each language says how they see
it (context/refactoring/reach). A place that cannot be told is a reason to refuse, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from context.languages import dialect, language_named
from context.refactoring import Refused
from context.refactoring.languages import RULES
from context.refactoring.names import family
from context.refactoring.scopes import (
    Binding,
    Declares,
    File,
    Member,
    Names,
    Uses,
    What,
    ancestor,
    within,
    written,
)
from context.refactoring.sources import Sources
from context.syntax import Node


@dataclass(frozen=True, slots=True)
class Use:
    """One place of a symbol."""

    file: File
    node: Node
    is_definition: bool = False
    is_import: bool = False  # of it, or an export by name
    is_shorthand: bool = False
    is_written: bool = False  # assigned, or borrowed to be changed


@dataclass(slots=True)
class Symbol:
    """What a name at a place stands for: a binding of its file, or a member of a type."""

    file: File
    name: str
    what: What
    node: Node
    names: Names
    binding: Binding | None = None
    member: Member | None = None

    @property
    def is_local(self) -> bool:
        return self.binding is not None and self.binding.scope.type not in WIDE_SCOPES


@dataclass(slots=True)
class Found:
    uses: list[Use] = field(default_factory=list)
    looked_at: int = 0
    warnings: list[str] = field(default_factory=list)
    beside: list[File] = field(default_factory=list)  # where the new name must not be, either

    @property
    def files(self) -> list[File]:
        return list({use.file.path: use.file for use in self.uses}.values())


WIDE_SCOPES = frozenset(
    """program source_file class_body interface_body enum_body enum_body_declarations
    annotation_type_body declaration_list""".split()
)


class View:
    """Parsed files of one refactoring, each parsed once."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._files: dict[str, File] = {}

    def file(self, path: str) -> File:
        """Raises `Refused` for a file in a language without rules, or that cannot be read."""
        if path not in self._files:
            language = language_named(self.sources.language(path))
            if language is None or language.name not in RULES:
                raise Refused(f"Nothing is known of names in files like {path}.")
            text = self.sources.text(path)
            rules = RULES[language.name]
            self._files[path] = File(path, text, dialect(language, text), rules)
        return self._files[path]

    def holding(self, word: str, language: str) -> list[str]:
        return self.sources.holding(word, self.sources.of_family(language))

    def symbol_at(self, path: str, offset: int) -> Symbol:
        """Raises `Refused`."""
        file = self.file(path)
        node = file.at(offset)
        if node is None:
            raise Refused("There is no name here.")
        word = written(node)
        if word == "_" and file.language.name in ("go", "java", "rust"):
            raise Refused("“_” is no name: what is called so is never used.")
        names = Names(file, word)
        refuse_unclear(names, [n for n, _ in names.unclear if n == node])
        if binding := names.binding_at(node):
            return Symbol(file, word, binding.what, node, names, binding)
        for place, member in names.members:
            if place == node:
                return Symbol(file, word, member.what, node, names, member=member)
        if any(n == node for n in names.free):
            return Symbol(file, word, What.OTHER, node, names)
        raise Refused(f"What “{word}” is here cannot be told.")


def refuse_unclear(names: Names, nodes: Iterable[Node] | None = None) -> None:
    """Raises `Refused` for the first of these places, or of all, that is unclear."""
    unclear = {node.id: reason for node, reason in names.unclear}
    for node in [n for n, _ in names.unclear] if nodes is None else nodes:
        if node.id in unclear:
            place = f"{names.file.path}:{names.file.line(node)}"
            raise Refused(f"“{names.word}” at {place} {unclear[node.id]}.")


def local_uses(view: View, symbol: Symbol) -> Found:
    """Of a name that only its file can see. Raises `Refused`."""
    binding, names = symbol.binding, symbol.names
    assert binding is not None
    inside = [
        node
        for node, reason in names.unclear
        if within(node, binding.scope) and not is_field_key(view, names.file, reason)
    ]
    refuse_unclear(names, inside)
    refuse_in_texts(names, binding.scope)
    if names.file.language.name == "java":
        from context.refactoring.reach import java

        java.refuse_inherited_field(view, names, binding)
    if family(names.file.language.name) == "javascript":
        _refuse_run_texts(names, binding)
    if binding.what is What.IMPORT:
        raise Refused(f"“{symbol.name}” is imported; rename it where it is defined.")
    return Found(uses_of_binding(names, binding), 1)


def _refuse_run_texts(names: Names, binding: Binding) -> None:
    """A text that is run, or an object that names are looked up in first."""
    line = names.file.line
    for node in names.texts:
        call = ancestor(node, {"call_expression"}) if within(node, binding.scope) else None
        if call is not None and written(call).startswith("eval("):
            raise Refused(f"“{names.word}” stands in a text that is run at line {line(node)}.")
    for node in binding.uses:
        if ancestor(node, {"with_statement"}) is not None:
            raise Refused(f"“{names.word}” at line {line(node)} may be of the object of a with.")


def is_field_key(view: View, file: File, reason: str) -> bool:
    """A key of one of Go's literals that surely is the name of a field."""
    from context.refactoring.reach import go

    return file.language.name == "go" and go.is_field_key(view, file, reason)


def uses_of_binding(names: Names, binding: Binding) -> list[Use]:
    found = []
    for node in binding.places:
        role = names.roles[node.id]
        shorthand = isinstance(role, Declares | Uses) and role.shorthand
        found.append(
            Use(
                names.file,
                node,
                is_definition=isinstance(role, Declares),
                is_shorthand=shorthand,
                is_written=isinstance(role, Uses) and role.is_written,
            )
        )
    return found


def refuse_in_texts(names: Names, scope: Node) -> None:
    """Rust's format strings name variables: `"{total}"`."""
    if names.file.language.name != "rust":
        return
    word = re.escape(names.word)
    hidden = re.compile(rf"\{{\s*{word}\s*[:}}]|\{{[^{{}}]*:[^{{}}]*\b{word}\$")
    for node in names.texts:
        text = written(node)
        if within(node, scope) and hidden.search(text) and ancestor(node, {"token_tree"}):
            line = names.file.line(node)
            raise Refused(f"“{names.word}” stands in a format string at line {line}.")


def refuse_in_strings(view: View, word: str, paths: Sequence[str]) -> None:
    """A string that holds nothing but the word may be used to look it up."""
    for path in paths:
        file = view.file(path)
        for node in Names(file, word).texts:
            text = written(node).strip("\"'`")
            if "comment" not in node.type and re.fullmatch(rf"(?:\w+\.)*{re.escape(word)}", text):
                place = f"{path}:{file.line(node)}"
                raise Refused(f"“{word}” stands in a string at {place}, which may mean it.")


def all_uses(view: View, symbol: Symbol) -> Found:
    """Every use there is. Raises `Refused` where one cannot be told."""
    from context.refactoring.reach import ecmascript, go, java, rust

    if symbol.is_local:
        return local_uses(view, symbol)
    match family(symbol.file.language.name):
        case "javascript":
            return ecmascript.uses(view, symbol)
        case "go":
            return go.uses(view, symbol)
        case "java":
            return java.uses(view, symbol)
        case "rust":
            return rust.uses(view, symbol)
    raise Refused(f"Names of {symbol.file.language.name} are not resolved over files.")
