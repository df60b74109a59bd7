"""Who imports a name of an ECMAScript module, through which re-exports, and by which name.

Refused where a file takes the module in a way that is not followed: `require`, `import()`, a mocked
module, a module object that is passed on, a specifier that may be an alias of the build.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from context.parsing import Skipped, read_source
from context.refactoring import Refused
from context.refactoring.scopes import (
    Binding,
    File,
    Names,
    What,
    ancestor,
    is_field,
    walk,
    within,
    written,
)
from context.refactoring.uses import Found, Symbol, Use, View, refuse_unclear, uses_of_binding
from context.syntax import Node

SUFFIXES = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_COMPILED = {".js": (".ts", ".tsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}
_OTHERS = (".vue", ".svelte", ".astro", ".mdx", ".html")


def uses(view: View, symbol: Symbol) -> Found:
    """Raises `Refused`."""
    if symbol.member is not None:
        return _private_member(symbol)
    if symbol.binding is None:
        raise Refused(f"“{symbol.name}” is not defined in this file.")
    if symbol.binding.what is What.IMPORT:
        symbol = _definition(view, symbol)
    assert symbol.binding is not None
    file, names, binding = symbol.file, symbol.names, symbol.binding
    refuse_unclear(names)
    if file.path.endswith(".d.ts"):
        raise Refused(f"{file.path} only declares what is defined elsewhere.")
    if not _is_module(file):
        raise Refused(f"{file.path} is no module: its names are seen by every script of the page.")
    found = Found(uses_of_binding(names, binding), 1)
    exported = _exported_names(file, names, binding, symbol.name)
    if exported:
        _Importers(view, symbol.name, found).follow(file, exported)
        found.warnings.append("users of this package outside this workspace are not seen")
    return found


def _definition(view: View, symbol: Symbol) -> Symbol:
    """From an imported name to where it is defined, over re-exports."""
    node, path = symbol.names.bindings[0].declared[0], symbol.file.path
    if symbol.binding is not None:
        node = symbol.binding.declared[0]
    for _ in range(6):
        statement = ancestor(node, {"import_statement", "export_statement"})
        source = statement.child_by_field_name("source") if statement is not None else None
        target = _resolve(view, path, _unquoted(source)) if source is not None else None
        is_named = node.parent is not None and node.parent.type in (
            "import_specifier", "export_specifier",
        )  # fmt: skip
        if target is None or not is_named:
            raise Refused(f"“{symbol.name}” is not defined in this workspace by that name.")
        file = view.file(target)
        names = Names(file, symbol.name)
        for binding in names.bindings:
            if binding.scope == file.root and binding.what is not What.IMPORT:
                return Symbol(file, symbol.name, binding.what, binding.declared[0], names, binding)
        further = [
            n
            for n in file.places(symbol.name)
            if n.parent is not None and n.parent.type in ("export_specifier", "import_specifier")
        ]
        if not further:
            break
        node, path = further[0], target
    raise Refused(f"Where “{symbol.name}” is defined cannot be told.")


def _is_module(file: File) -> bool:
    kinds = {"import_statement", "export_statement"}
    if any(child.type in kinds for child in file.root.children):
        return True
    return (
        b"require(" in file.source
        or b"module.exports" in file.source
        or (b"exports." in file.source)
    )


def _exported_names(file: File, names: Names, binding: Binding, word: str) -> set[str]:
    """By which names other modules know it: its own, or an alias. `default` stays as it is."""
    found = set[str]()
    for node in binding.declared:
        statement = node
        while statement.parent is not None and statement.parent != file.root:
            statement = statement.parent
        if statement.type == "export_statement":
            found.add("default" if any(c.type == "default" for c in statement.children) else word)
    for node in binding.uses:
        specifier = node.parent
        if specifier is not None and specifier.type == "export_specifier":
            alias = specifier.child_by_field_name("alias")
            found.add(written(alias) if alias is not None else word)
    del names
    return found & {word}


@dataclass(slots=True)
class _Importers:
    """Follows one exported name through the files that hold it."""

    view: View
    word: str
    found: Found

    def follow(self, file: File, exported: set[str]) -> None:
        del exported
        family = file.language.name
        holding = self.view.holding(self.word, family)
        self.found.looked_at = len(holding)
        self._refuse_templates()
        exporters = self._exporters(file, holding)
        for path in holding:
            if path != file.path:
                self._file(self.view.file(path), exporters)

    def _refuse_templates(self) -> None:
        paths = [p for p in self.view.sources.languages if p.endswith(_OTHERS)]
        for path in self.view.sources.holding(self.word, paths):
            raise Refused(f"{path} holds “{self.word}” and is not parsed for scripts.")

    def _exporters(self, file: File, holding: list[str]) -> set[str]:
        """The file, and those that export the name again under the same name."""
        exporters = {file.path}
        starred = [p for p in self.view.sources.of_family(file.language.name)
                   if re.search(r"export\s*\*", self.view.sources.text(p))]  # fmt: skip
        grown = True
        while grown:
            grown = False
            for path in {*holding, *starred} - exporters:
                again = self.view.file(path)
                if self._exports_again(again, exporters):
                    exporters.add(path)
                    grown = True
        return exporters

    def _exports_again(self, file: File, exporters: set[str]) -> bool:
        for statement in file.root.children:
            source = statement.child_by_field_name("source")
            if statement.type != "export_statement" or source is None:
                continue
            if _resolve(self.view, file.path, _unquoted(source)) not in exporters:
                continue
            if any(c.type == "namespace_export" for c in statement.children):
                raise Refused(f"{file.path} exports the whole module under a name.")
            if any(c.type == "*" for c in statement.children):
                return True
            for node in walk(statement):
                if node.type == "export_specifier":
                    shown = node.child_by_field_name("alias") or node.child_by_field_name("name")
                    if shown is not None and written(shown) == self.word:
                        return True
        names = Names(file, self.word)
        for binding in names.bindings:
            if binding.what is What.IMPORT and self._comes_from(file, binding, exporters):
                return self.word in _exported_names(file, names, binding, self.word)
        return False

    def _comes_from(self, file: File, binding: Binding, exporters: set[str]) -> bool:
        """The import binds the exporters' name under the same name."""
        node = binding.declared[0]
        specifier = node.parent
        if specifier is None or specifier.type != "import_specifier":
            return False
        name = specifier.child_by_field_name("name")
        statement = ancestor(node, {"import_statement"})
        source = statement.child_by_field_name("source") if statement is not None else None
        return (
            source is not None
            and name is not None
            and written(name) == self.word
            and _resolve(self.view, file.path, _unquoted(source)) in exporters
        )

    def _file(self, file: File, exporters: set[str]) -> None:
        names = Names(file, self.word)
        self._refuse_other_ways(file, exporters)
        for node in self._specifiers(file):
            statement = ancestor(node, {"import_statement", "export_statement"})
            source = statement.child_by_field_name("source") if statement is not None else None
            if source is None:
                continue
            target = _resolve(self.view, file.path, _unquoted(source))
            if target is None:
                self._refuse_alias(file, _unquoted(source), exporters, node)
            elif target in exporters:
                self._specifier(file, names, node)
        self._namespaces(file, names, exporters)

    def _specifiers(self, file: File) -> Iterator[Node]:
        """The names by which other modules' exports are asked for."""
        for node in file.places(self.word):
            parent = node.parent
            kinds = ("import_specifier", "export_specifier")
            is_specifier = parent is not None and parent.type in kinds
            if is_specifier and is_field(node, "name"):
                yield node

    def _specifier(self, file: File, names: Names, node: Node) -> None:
        binding = names.binding_at(node)
        if binding is None:  # it has an alias, or is exported again
            self.found.uses.append(Use(file, node, is_import=True))
            return
        refuse_unclear(names)
        for use in uses_of_binding(names, binding):
            is_import = use.is_definition
            self.found.uses.append(
                Use(file, use.node, False, is_import, use.is_shorthand, use.is_written)  # noqa: FBT003
            )

    def _namespaces(self, file: File, names: Names, exporters: set[str]) -> None:
        """`import * as ns` of an exporter: ns.word is a use, and ns alone is passed on."""
        for statement in file.root.children:
            if statement.type != "import_statement":
                continue
            source = statement.child_by_field_name("source")
            space = next((n for n in walk(statement) if n.type == "namespace_import"), None)
            if source is None or space is None:
                continue
            if _resolve(self.view, file.path, _unquoted(source)) not in exporters:
                continue
            alias = next(n for n in space.named_children if n.type == "identifier")
            self._members_of(file, names, alias)

    def _members_of(self, file: File, names: Names, alias: Node) -> None:
        own = Names(file, written(alias))
        binding = own.binding_at(alias)
        if binding is None:
            raise Refused(f"What {written(alias)} is in {file.path} cannot be told.")
        for use in binding.uses:
            parent = use.parent
            holders = ("member_expression", "nested_type_identifier", "nested_identifier")
            if parent is None or parent.type not in holders or parent.named_child(0) != use:
                line = file.line(use)
                raise Refused(f"{file.path}:{line} passes on the whole module.")
        for node, member in names.members:
            if member.receiver is not None and any(member.receiver == u for u in binding.uses):
                self.found.uses.append(Use(file, node))

    def _refuse_other_ways(self, file: File, exporters: set[str]) -> None:
        """The module's specifier in anything but an import or export statement."""
        for node in walk(file.root):
            if node.type != "string" or node.parent is None:
                continue
            if node.parent.type in ("import_statement", "export_statement"):
                continue
            written_path = _unquoted(node)
            if not written_path.startswith("."):
                continue
            if _resolve(self.view, file.path, written_path) in exporters:
                raise Refused(
                    f"{file.path}:{file.line(node)} takes the module in a way that is not followed."
                )

    def _refuse_alias(self, file: File, specifier: str, exporters: set[str], node: Node) -> None:
        """A specifier that leads to no known file may be ours under a name of the build."""
        line = file.line(node)
        if specifier.startswith("."):
            raise Refused(f"{file.path}:{line} imports {self.word} of a file that is not known.")
        tail = specifier.split("/")[-1]
        stems = {PurePosixPath(p).stem.removesuffix(".d") for p in exporters}
        folders = {PurePosixPath(p).parent.name for p in exporters}
        looks_alike = tail in stems or ("index" in stems and tail in folders)
        if looks_alike or (specifier[:1] in "@~#" and "/" not in specifier[1:]):
            raise Refused(f"{file.path}:{line} may import it under an alias of the build.")
        for name in _package_names(self.view, exporters):
            if specifier == name or specifier.startswith(f"{name}/"):
                raise Refused(f"{file.path}:{line} imports it by the name of its package.")
        if re.match(r"[~#]|@/|src/", specifier):
            raise Refused(f"{file.path}:{line} may import it under an alias of the build.")


def _package_names(view: View, exporters: set[str]) -> set[str]:
    """Names in the package.json of the folders around; they are read as data only."""
    found = set[str]()
    folders = {str(above) for p in exporters for above in PurePosixPath(p).parents}
    for folder in folders:
        try:
            text = read_source(view.sources.root, f"{folder}/package.json".removeprefix("./"))
            name = json.loads(text).get("name")
        except (Skipped, ValueError, AttributeError):
            continue
        if isinstance(name, str) and name:
            found.add(name)
    return found


def _unquoted(node: Node | None) -> str:
    return written(node).strip("\"'`") if node is not None else ""


def _resolve(view: View, importer: str, specifier: str) -> str | None:
    """The file of the workspace that a relative specifier names."""
    if not specifier.startswith("."):
        return None
    parts = list(PurePosixPath(importer).parent.parts)
    for part in specifier.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    base = "/".join(parts)
    known = view.sources.languages
    candidates = [base, *(base + s for s in SUFFIXES)]
    for compiled, written_in in _COMPILED.items():
        if base.endswith(compiled):
            candidates += [base.removesuffix(compiled) + s for s in written_in]
    candidates += [f"{base}/index{s}".lstrip("/") for s in SUFFIXES]
    return next((c for c in candidates if c in known), None)


def _private_member(symbol: Symbol) -> Found:
    """A `#name`, or a `private` one that only `this` is asked for."""
    names, word = symbol.names, symbol.name
    declared = [(n, m) for n, m in names.members if m.owner is not None]
    if len(declared) != 1:
        raise Refused(f"{len(declared)} members of this file are called {word}.")
    node, member = declared[0]
    assert member.owner is not None
    definition = node.parent
    is_private = word.startswith("#") or (
        definition is not None
        and any(c.type == "accessibility_modifier" and written(c) == "private"
                for c in definition.children)
    )  # fmt: skip
    if not is_private:
        raise Refused(f"“{word}” is a member that other code may use by objects of unknown type.")
    if any(written(t).strip("\"'`") == word for t in names.texts):
        raise Refused(f"“{word}” stands in a string, which may mean it.")
    found = Found(looked_at=1, uses=[Use(names.file, node, is_definition=True)])
    for place, other in names.members:
        if place == node:
            continue
        receiver = other.receiver
        is_this = receiver is not None and receiver.type == "this" and within(place, member.owner)
        if not is_this and not word.startswith("#"):
            line = names.file.line(place)
            raise Refused(f"What .{word} at line {line} is a member of cannot be told.")
        found.uses.append(Use(names.file, place))
    refuse_unclear(names)
    return found
