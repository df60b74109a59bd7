"""What other modules of a Rust crate see of an item, over paths and `use`.

Refused: items that are exported again, names in macros, methods and fields of values whose type is
not `self`, globs of modules that may have the name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from context.refactoring import Refused
from context.refactoring.scopes import (
    Binding,
    File,
    Member,
    Names,
    What,
    ancestor,
    walk,
    within,
    written,
)
from context.refactoring.uses import (
    Found,
    Symbol,
    Use,
    View,
    refuse_in_texts,
    refuse_unclear,
    uses_of_binding,
)
from context.syntax import Node

_CALLED_BY_TOOLS = frozenset({"main"})
_ROOTS = ("lib.rs", "main.rs", "mod.rs")


def uses(view: View, symbol: Symbol) -> Found:
    """Raises `Refused`."""
    if symbol.member is not None:
        return _private_member(view, symbol)
    binding = symbol.binding
    if binding is None:
        raise Refused(f"“{symbol.name}” is not defined in this file.")
    item = binding.declared[0].parent
    if binding.what in (What.OTHER, What.IMPORT) or item is None:
        raise Refused(f"“{symbol.name}” is a module or a macro.")
    if len(binding.declared) != 1:
        raise Refused(f"{symbol.name} has {len(binding.declared)} definitions.")
    above = item.prev_sibling
    if symbol.name in _CALLED_BY_TOOLS or (above is not None and above.type == "attribute_item"
                                           and re.search(r"no_mangle|export_name|proc_macro",
                                                         written(above))):  # fmt: skip
        raise Refused(f"{symbol.name} is called by its name from outside.")
    if binding.scope.type == "declaration_list":
        raise Refused(f"{symbol.name} is in a module inside the file.")
    _refuse_other_paths(view, symbol.file)
    holding = view.holding(symbol.name, "rust")
    found = Found(looked_at=len(holding))
    crate, module = _module_path(view, symbol.file.path)
    here = _Item(symbol.name, crate, module)
    for path in holding:
        _refuse_patterns(view.file(path), symbol, binding)
        _file(view, here, view.file(path), symbol.file, found)
    is_public = any(c.type == "visibility_modifier" for c in item.children)
    if is_public:
        found.warnings.append("users of this crate outside this workspace are not seen")
    return found


def _refuse_other_paths(view: View, file: File) -> None:
    """A file may be a part of another module than its place says, or that module have other names,
    or be one whose names another passes on.
    """
    base = re.escape(file.path.rpartition("/")[2])
    _, modules = _module_path(view, file.path)
    module = re.escape(modules[-1]) if modules else "crate"
    taken = re.compile(
        rf"#\[\s*path\s*=\s*\"(?:[^\"]*/)?{base}\"|\binclude!\s*\(\s*\"(?:[^\"]*/)?{base}\"|"
        rf"\buse\s[^;]*\b{module}(?:\s*::\s*\{{[^;}}]*\bself)?\s+as\s+\w|"
        rf"\bpub\b(?:\([^)]*\))?\s+use\s[^;]*\b{module}\s*::\s*(?:\{{[^;}}]*)?\*"
    )
    for path in view.sources.of_family("rust"):
        if taken.search(view.sources.text(path)):
            raise Refused(f"{path} may know the names of {file.path} by other paths.")


def _refuse_patterns(file: File, symbol: Symbol, binding: Binding) -> None:
    """A constant without capitals reads in a pattern as a variable does."""
    if binding.what is not What.CONSTANT or symbol.name[:1].isupper():
        return
    for other in Names(file, symbol.name).bindings:
        if other.what is What.VARIABLE:
            place = f"{file.path}:{file.line(other.declared[0])}"
            raise Refused(f"“{symbol.name}” at {place} may be the constant.")


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    crate: str  # the folder of its src, as a path
    module: tuple[str, ...]


def _module_path(view: View, path: str) -> tuple[str, tuple[str, ...]]:
    """(folder of the crate's root file, modules below it) by where the file is."""
    parts = path.split("/")
    folders = parts[:-1]
    root = len(folders)
    for depth in range(len(folders), -1, -1):
        base = "/".join(folders[:depth])
        if any(f"{base}/{name}".lstrip("/") in view.sources.languages
               for name in ("lib.rs", "main.rs")):  # fmt: skip
            root = depth
            break
    below = folders[root:]
    if parts[-1] not in _ROOTS:
        below = [*below, parts[-1].removesuffix(".rs")]
    return "/".join(folders[:root]), tuple(below)


def _file(view: View, item: _Item, file: File, home: File, found: Found) -> None:
    names = Names(file, item.name)
    crate, module = _module_path(view, file.path)
    refuse_in_texts(names, file.root)
    imported: list[Node] = []  # scopes that import the item
    for node, reason in names.unclear:
        if reason != "is imported":
            if crate == item.crate or file == home:
                refuse_unclear(names, [node])
            if reason.startswith("is in the macro"):
                refuse_unclear(names, [node])
            continue
        path = _use_path(node)
        belongs = _is_item(item, path, crate, (*module, *_inner_modules(node)))
        if belongs is None:
            raise Refused(f"{file.path}:{file.line(node)} may import it.")
        if belongs:
            _take_import(names, node, imported, found)
    for binding in names.bindings:
        if file == home and binding.scope == file.root and binding.what not in (
            What.OTHER, What.IMPORT,
        ):  # fmt: skip
            for use in uses_of_binding(names, binding):
                _refuse_unseen(names, use.node, imported)
                found.uses.append(use)
    for node, member in names.members:
        _take_path(item, names, node, member, crate, module, found)
    for node in names.free:
        if any(within(node, scope) for scope in imported):
            found.uses.append(Use(file, node))
        elif crate == item.crate and _has_glob(file):
            raise Refused(f"{file.path}:{file.line(node)} may have it from an import of all names.")


def _take_import(names: Names, node: Node, imported: list[Node], found: Found) -> None:
    statement = ancestor(node, {"use_declaration"})
    assert statement is not None
    assert statement.parent is not None
    if any(c.type == "visibility_modifier" for c in statement.children):
        raise Refused(f"{names.file.path}:{names.file.line(node)} exports it again.")
    found.uses.append(Use(names.file, node, is_import=True))
    alias = ancestor(node, {"use_as_clause", "use_declaration"})
    if alias is None or alias.type != "use_as_clause":
        imported.append(statement.parent)


def _use_path(node: Node) -> tuple[str, ...]:
    """The whole path that a name in a `use` has, from its first word."""
    path = [written(node)]
    here = node
    while here.parent is not None and here.parent.type != "use_declaration":
        above = here.parent
        prefix = above.child_by_field_name("path")
        if above.type in ("scoped_identifier", "scoped_use_list") and prefix is not None:
            if prefix != here:
                path = [*_words(prefix), *path]
            else:
                return ("?",)  # the name is in the middle of a path: a module
        if above.type == "use_as_clause" and above.child_by_field_name("alias") == here:
            return ("?",)
        here = above
    return tuple(path)


def _words(path: Node) -> list[str]:
    return [word.strip() for word in written(path).split("::") if word.strip()]


def _inner_modules(node: Node) -> list[str]:
    """Modules written inside the file around a node, the outermost first."""
    found: list[str] = []
    above = ancestor(node, {"mod_item"})
    while above is not None:
        name = above.child_by_field_name("name")
        found.insert(0, written(name) if name is not None else "?")
        above = ancestor(above, {"mod_item"})
    return found


def _is_item(
    item: _Item, path: tuple[str, ...], crate: str, module: tuple[str, ...]
) -> bool | None:
    """Whether a path, read in a module of a crate, is the item; None where that is not known."""
    if path == ("?",):
        return False
    head, *rest = path
    full = list(module)
    if head == "crate":
        full = []
    elif head == "self":
        pass
    elif head == "super":
        full = full[:-1]
        while rest and rest[0] == "super":
            full, rest = full[:-1], rest[1:]
    elif crate == item.crate:
        relative = (*module, head, *rest) == (*item.module, item.name)
        absolute = (head, *rest) == (*item.module, item.name)
        if relative or absolute:
            return None if absolute and not relative else True
        ends_alike = len(rest) > 0 and tuple(rest[:-1]) == item.module
        return None if ends_alike else False
    else:
        ends_alike = bool(rest) and tuple(rest[:-1]) == item.module
        return None if ends_alike else False
    if crate != item.crate:
        return False
    return (*full, *rest) == (*item.module, item.name)


def _take_path(
    item: _Item,
    names: Names,
    node: Node,
    member: Member,
    crate: str,
    module: tuple[str, ...],
    found: Found,
) -> None:
    """`a::b::name` outside a `use`."""
    receiver, parent = member.receiver, node.parent
    is_path = parent is not None and parent.type in ("scoped_identifier", "scoped_type_identifier")
    if receiver is None or not is_path:
        return
    head = _words(receiver)
    inner = (*module, *_inner_modules(node))
    if head and head[0] in ("crate", "self", "super"):
        if _is_item(item, (*head, item.name), crate, inner):
            found.uses.append(Use(names.file, node))
        return
    if item.module and head and head[-1] == item.module[-1]:
        place = f"{names.file.path}:{names.file.line(node)}"
        raise Refused(f"{place} may mean it by the path {'::'.join(head)[:60]}.")
    if not item.module and crate != item.crate and head and head[0][:1].islower():
        raise Refused(f"{names.file.path}:{names.file.line(node)} may mean it by its crate.")


def _refuse_unseen(names: Names, node: Node, imported: list[Node]) -> None:
    """A module inside the file does not see the file's names unless it imports them."""
    inner = ancestor(node, {"mod_item"})
    if inner is None or any(within(node, scope) for scope in imported):
        return
    body = inner.child_by_field_name("body")
    uses = [written(c) for c in body.children if c.type == "use_declaration"] if body else []
    if not any(re.match(r"(pub\s+)?use\s+super::\*", text) for text in uses):
        place = f"{names.file.path}:{names.file.line(node)}"
        raise Refused(f"What {names.word} at {place} is in its module cannot be told.")


def _has_glob(file: File) -> bool:
    """Some import of all names, anywhere in the file."""
    return any(n.type == "use_wildcard" for n in walk(file.root))


def _private_member(view: View, symbol: Symbol) -> Found:
    """A private method or field that only `self`, `Self` and its type's own name are asked for."""
    member, word = symbol.member, symbol.name
    assert member is not None
    holding = view.holding(word, "rust")
    declared: list[tuple[File, Node, Node]] = []
    found = Found(looked_at=len(holding))
    for path in holding:
        names = Names(view.file(path), word)
        declared += [(names.file, n, m.owner) for n, m in names.members if m.owner is not None]
    if len(declared) != 1:
        raise Refused(f"{len(declared)} members of this workspace are called {word}.")
    file, node, owner = declared[0]
    definition = node.parent
    if definition is None or any(c.type == "visibility_modifier" for c in definition.children):
        raise Refused(f"“{word}” is public: values of unknown type may be asked for it.")
    if owner.type not in ("impl_item", "struct_item") or owner.child_by_field_name("trait"):
        raise Refused(f"“{word}” belongs to a trait or an enum.")
    type_name = _owner_name(owner)
    found.uses.append(Use(file, node, is_definition=True))
    for path in holding:
        names = Names(view.file(path), word)
        refuse_unclear(names)
        for place, other in names.members:
            if place != node:
                found.uses.append(_member_use(names, place, other, type_name))
        _refuse_shorthand(names)
    return found


def _owner_name(owner: Node) -> str:
    name = owner.child_by_field_name("type") or owner.child_by_field_name("name")
    return re.sub(r"<.*", "", written(name), flags=re.S).strip() if name is not None else "?"


def _member_use(names: Names, place: Node, member: Member, type_name: str) -> Use:
    receiver, parent = member.receiver, place.parent
    inside = ancestor(place, {"impl_item"})
    in_own = inside is not None and _owner_name(inside) == type_name
    if receiver is not None and written(receiver) in ("self", "Self") and in_own:
        return Use(names.file, place)
    if receiver is not None and written(receiver) == type_name:
        return Use(names.file, place)
    literal = parent.parent.parent if parent is not None and parent.parent is not None else None
    if parent is not None and parent.type == "field_initializer" and literal is not None:
        kind = literal.child_by_field_name("name")
        if kind is not None and (
            written(kind) == type_name or (written(kind) == "Self" and in_own)
        ):
            return Use(names.file, place)
    place_words = f"{names.file.path}:{names.file.line(place)}"
    raise Refused(f"What .{names.word} at {place_words} is a member of cannot be told.")


def _refuse_shorthand(names: Names) -> None:
    """`Type { name }` is a field and a variable at once."""
    for binding in names.bindings:
        _refuse_shorthand_of(names, binding)


def _refuse_shorthand_of(names: Names, binding: Binding) -> None:
    for node in binding.places:
        parent = node.parent
        is_short = node.type == "shorthand_field_identifier" or (
            parent is not None and parent.type == "shorthand_field_initializer"
        )
        if is_short:
            line = names.file.line(node)
            raise Refused(f"{names.word} at line {line} is a field and a variable at once.")
