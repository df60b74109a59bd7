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
from context.refactoring.reach.ecmascript_members import private_member
from context.refactoring.scopes import (
    Binding,
    File,
    Names,
    What,
    ancestor,
    is_field,
    walk,
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
        return private_member(view, symbol)
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
    exported = _exported_names(file, binding, symbol.name)
    if exported:
        _Importers(view, symbol.name, found).follow(file)
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


def _exported_names(file: File, binding: Binding, word: str) -> set[str]:
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
    return found & {word}


@dataclass(slots=True)
class _Importers:
    """Follows one exported name through the files that hold it."""

    view: View
    word: str
    found: Found

    def follow(self, file: File) -> None:
        family = file.language.name
        holding = self.view.holding(self.word, family)
        self._refuse_templates()
        exporters = self._exporters(file, holding)
        taking = _taking(self.view, family, exporters)
        visited = sorted({*holding, *taking} - {file.path})
        self.found.looked_at = len({*holding, *taking})
        for path in visited:
            self._file(self.view.file(path), exporters)

    def _refuse_templates(self) -> None:
        paths = [p for p in self.view.sources.languages if p.endswith(_OTHERS)]
        for path in self.view.sources.holding(self.word, paths):
            raise Refused(f"{path} holds “{self.word}” and is not parsed for scripts.")

    def _exporters(self, file: File, holding: list[str]) -> set[str]:
        """The file, and those that export the name again under the same name."""
        exporters = {file.path}
        starred = [p for p in self.view.sources.of_family(file.language.name)
                   if re.search(r"export\s*(?:type\s*)?\*", self.view.sources.text(p))]  # fmt: skip
        grown = True
        while grown:
            grown = False
            for path in {*holding, *starred} - exporters:
                again = self.view.file(path)
                if self._exports_again(again, exporters):
                    exporters.add(path)
                    self.found.beside += [again, *self._starred_by(again)]
                    grown = True
        return exporters

    def _exports_again(self, file: File, exporters: set[str]) -> bool:
        from_exporter, has_own = False, self._declares_export(file)
        for statement in file.root.children:
            if statement.type != "export_statement":
                continue
            source = statement.child_by_field_name("source")
            comes_from = source is not None and (
                _resolve(self.view, file.path, _unquoted(source)) in exporters
            )
            if comes_from and any(c.type == "namespace_export" for c in statement.children):
                raise Refused(f"{file.path} exports the whole module under a name.")
            from_exporter |= comes_from and any(c.type == "*" for c in statement.children)
            for node in walk(statement):
                if node.type != "export_specifier":
                    continue
                name, alias = (node.child_by_field_name(f) for f in ("name", "alias"))
                shown = alias or name
                if shown is None or written(shown) != self.word:
                    continue
                if source is not None and comes_from and name is not None:
                    return written(name) == self.word
                has_own = True
        names = Names(file, self.word)
        for binding in names.bindings:
            if binding.what is What.IMPORT and self._comes_from(file, binding, exporters):
                return self.word in _exported_names(file, binding, self.word)
        return from_exporter and not has_own  # what a module exports itself hides what `*` gives

    def _declares_export(self, file: File) -> bool:
        names = Names(file, self.word)
        return any(
            self.word in _exported_names(file, binding, self.word)
            for binding in names.bindings
            if binding.scope == file.root and binding.what is not What.IMPORT
        )

    def _starred_by(self, file: File) -> Iterator[File]:
        """What a file exports all names of: the same name from two of them is none."""
        for statement in file.root.children:
            source = statement.child_by_field_name("source")
            if statement.type == "export_statement" and source is not None and any(
                c.type == "*" for c in statement.children
            ):  # fmt: skip
                target = _resolve(self.view, file.path, _unquoted(source))
                if target is not None:
                    yield self.view.file(target)

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
        self._refuse_unread(file)
        self._refuse_other_ways(file, exporters)
        for node in self._specifiers(file):
            statement = ancestor(node, {"import_statement", "export_statement"})
            source = statement.child_by_field_name("source") if statement is not None else None
            if source is None:
                continue
            target = _resolve(self.view, file.path, _unquoted(source))
            if target is None:
                self._refuse_alias(file, _unquoted(source), exporters, node)
            elif target in exporters and node.type == "string":
                place = f"{file.path}:{file.line(node)}"
                raise Refused(f"{place} asks for it by a string.")
            elif target in exporters:
                self._specifier(file, names, node)
        self._namespaces(file, names, exporters)

    def _specifiers(self, file: File) -> Iterator[Node]:
        """The names by which other modules' exports are asked for."""
        for node in file.places(self.word):
            if node.type == "string_fragment" and node.parent is not None:
                node = node.parent
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
            target = _resolve(self.view, file.path, _unquoted(source))
            called = written(space).rpartition(" ")[2]
            is_asked = any(m.receiver and written(m.receiver) == called for _, m in names.members)
            if target is None and is_asked:
                self._refuse_alias(file, _unquoted(source), exporters, space)
            if target is None and _looks_alike(_unquoted(source), exporters):
                line = file.line(space)
                raise Refused(f"{file.path}:{line} may import it under an alias of the build.")
            if target not in exporters:
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
            if node.type not in ("string", "template_string") or node.parent is None:
                continue
            is_followed = node.parent.type in ("import_statement", "export_statement")
            if not is_followed and self._takes(file, node, exporters):
                place = f"{file.path}:{file.line(node)}"
                raise Refused(f"{place} takes the module in a way that is not followed.")

    def _takes(self, file: File, text: Node, exporters: set[str]) -> bool:
        """A string may be the specifier of one of the modules, or the beginning of it."""
        specifier, substitution, _ = _unquoted(text).partition("${")
        if not specifier.startswith("."):
            return _is_import(text) and _looks_alike(specifier, exporters)
        if not substitution and _resolve(self.view, file.path, specifier) in exporters:
            return True
        is_part = substitution or (text.parent and text.parent.type == "binary_expression")
        beginning = _joined(file.path, specifier)
        return bool(is_part) and _is_import(text) and (
            beginning is not None and any(e.startswith(beginning) for e in exporters)
        )  # fmt: skip

    def _refuse_unread(self, file: File) -> None:
        """An import, or a statement with the word, that the grammar cannot read."""
        word = re.compile(rf"(?<![\w$]){re.escape(self.word)}(?![\w$])")
        for statement in file.root.children:
            is_export = statement.type in ("import_statement", "export_statement")
            if statement.has_error and not re.match(r"export\s+type\s*\*", written(statement)) and (
                (is_export and statement.child_by_field_name("source") is not None)
                or (statement.type == "ERROR" and word.search(written(statement)))
            ):  # fmt: skip
                raise Refused(f"{file.path}:{file.line(statement)} is not understood.")

    def _refuse_alias(self, file: File, specifier: str, exporters: set[str], node: Node) -> None:
        """A specifier that leads to no known file may be ours under a name of the build."""
        line = file.line(node)
        if specifier.startswith("."):
            raise Refused(f"{file.path}:{line} imports {self.word} of a file that is not known.")
        if _looks_alike(specifier, exporters) or (
            specifier[:1] in "@~#" and "/" not in specifier[1:]
        ):
            raise Refused(f"{file.path}:{line} may import it under an alias of the build.")
        for name in _package_names(self.view, exporters):
            if specifier == name or specifier.startswith(f"{name}/"):
                raise Refused(f"{file.path}:{line} imports it by the name of its package.")
        if re.match(r"[~#]|@/|src/", specifier):
            raise Refused(f"{file.path}:{line} may import it under an alias of the build.")


def _looks_alike(specifier: str, exporters: set[str]) -> bool:
    """A specifier that ends as the path of an exporter does."""
    tail = _stem(specifier.rstrip("/").split("/")[-1])
    return tail in _stems(exporters)


def _stem(name: str) -> str:
    return re.sub(r"(?:\.d)?\.[cm]?[jt]sx?\Z", "", name)


def _stems(exporters: set[str]) -> set[str]:
    """The last words of specifiers for the files: their stems, or the folders of an `index`."""
    stems = {_stem(PurePosixPath(p).name) for p in exporters}
    if "index" in stems:
        stems |= {PurePosixPath(p).parent.name for p in exporters if _stem(p).endswith("index")}
    return stems


def _taking(view: View, family: str, exporters: set[str]) -> list[str]:
    """Files that may name one of the modules in a string, with or without the word."""
    stems = "|".join(re.escape(s) for s in sorted(_stems(exporters)) if s)
    dots = r"|\.{1,2}/?" if any(_stem(p).endswith("index") for p in exporters) else ""
    pattern = re.compile(rf"[\"'`/](?:(?:{stems})(?:\.[cm]?[jt]sx?)?{dots})/?[\"'`]")
    parts = re.compile(r"import\(\s*(?:`[^`]*\$\{|[\"'][^\"']*[\"']\s*\+)")
    paths = view.sources.of_family(family)
    return [p for p in paths if pattern.search(text := view.sources.text(p)) or parts.search(text)]


def _is_import(node: Node) -> bool:
    """An argument of `import()` or `require()`, or a part of one."""
    arguments = ancestor(node, {"arguments"})
    call = arguments.parent if arguments is not None else None
    called = call.child_by_field_name("function") if call is not None else None
    return called is not None and written(called) in ("import", "require")


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
    base = _joined(importer, specifier)
    if base is None:
        return None
    known = view.sources.languages
    candidates = [base, *(base + s for s in SUFFIXES)]
    for compiled, written_in in _COMPILED.items():
        if base.endswith(compiled):
            candidates += [base.removesuffix(compiled) + s for s in written_in]
    candidates += [f"{base}/index{s}".lstrip("/") for s in SUFFIXES]
    return next((c for c in candidates if c in known), None)


def _joined(importer: str, specifier: str) -> str | None:
    """The path that a relative specifier leads to; None outside of the workspace."""
    parts = list(PurePosixPath(importer).parent.parts)
    for part in specifier.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
