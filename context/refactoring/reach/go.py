"""What a Go package's names are to its files and to the packages that import it.

A name without a capital is its package's own. Methods and fields are renamed only where the package
has one member of that name. Refused: methods that others' interfaces may ask for, embedded types.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from context.parsing import Skipped, read_source
from context.refactoring import Refused
from context.refactoring.scopes import File, Names, What, written
from context.refactoring.uses import Found, Symbol, Use, View, refuse_unclear, uses_of_binding
from context.syntax import Node

_KEY = re.compile(r"is a key of (\w+(?:\.\w+)?),")
_CALLED_BY_TOOLS = re.compile(r"(Test|Benchmark|Example|Fuzz)([A-Z_0-9]|\Z)|main\Z|init\Z")
_TOLD_TO_TOOLS = re.compile(r"^//(go:|export\b)")


def uses(view: View, symbol: Symbol) -> Found:
    """Raises `Refused`."""
    if symbol.binding is not None and symbol.binding.what is What.IMPORT:
        raise Refused(f"“{symbol.name}” is the name of a package.")
    folder = symbol.file.path.rpartition("/")[0]
    package = _package(symbol.file)
    holding = view.holding(symbol.name, "go")
    own = [
        view.file(p)
        for p in holding
        if p.rpartition("/")[0] == folder and _package(view.file(p)) == package
    ]
    found = Found(looked_at=len(holding))
    for file in [view.file(path) for path in holding]:
        for node in Names(file, symbol.name).texts:
            if _TOLD_TO_TOOLS.match(written(node)):
                raise Refused(f"{file.path}:{file.line(node)} names it to the compiler.")
    if symbol.member is not None:
        _members(view, symbol, own, found)
        return found
    if _CALLED_BY_TOOLS.match(symbol.name):
        raise Refused(f"{symbol.name} is called by Go itself, by its name.")
    _refuse_examples(view, symbol.name, folder)
    for file in own:
        _package_names(view, symbol, file, found)
    definitions = [use for use in found.uses if use.is_definition]
    if len(definitions) != 1:
        raise Refused(f"{symbol.name} has {len(definitions)} definitions in its package.")
    if symbol.name[:1].isupper() and package != "main":
        _importers(view, symbol, folder, package, holding, found)
        found.warnings.append("users of this module outside this workspace are not seen")
    return found


def _refuse_examples(view: View, name: str, folder: str) -> None:
    """`ExampleTotal` is the example of Total by its name, which go vet holds it to."""
    pattern = re.compile(rf"\bfunc\s+Example{re.escape(name)}(?:_\w+)?\s*\(")
    for path in view.sources.of_family("go"):
        own = path.rpartition("/")[0] == folder and path.endswith("_test.go")
        if own and pattern.search(view.sources.text(path)):
            raise Refused(f"An example in {path} has {name} in its name.")


def _package(file: File) -> str:
    for child in file.root.children:
        if child.type == "package_clause":
            return written(child).removeprefix("package").strip()
    raise Refused(f"{file.path} names no package.")


def _package_names(view: View, symbol: Symbol, file: File, found: Found) -> None:
    """Uses in one file of the package: what is declared in it, and what it leaves free."""
    names = Names(file, symbol.name)
    for node, reason in names.unclear:
        key = _KEY.search(reason)
        if key and _is_struct(view, file, key[1]):
            continue  # a field's name
        if key and _is_struct(view, file, key[1]) is False:
            found.uses.append(Use(file, node))
            continue
        refuse_unclear(names, [node])
    for binding in names.bindings:
        if binding.scope == file.root and binding.what is not What.IMPORT:
            found.uses += uses_of_binding(names, binding)
    imports = any(b.scope == file.root and b.what is What.IMPORT for b in names.bindings)
    if not imports and not _imports_as(file, symbol.name):
        found.uses += [Use(file, node) for node in names.free]


def is_field_key(view: View, file: File, reason: str) -> bool:
    """`reason`: what the language's rules say of a key in a literal."""
    key = _KEY.search(reason)
    return key is not None and _is_struct(view, file, key[1]) is True


def _is_struct(view: View, file: File, kind: str) -> bool | None:
    """Whether a type of this package is a struct; None where it is not found here."""
    if "." in kind:
        return None
    folder = file.path.rpartition("/")[0]
    paths = [p for p in view.sources.of_family("go") if p.rpartition("/")[0] == folder]
    kinds = set[bool]()  # of each text that may be its declaration
    for path in view.sources.holding(kind, paths):
        pattern = rf"(?m)^\s*(?:type\s+)?{re.escape(kind)}(?:\[[^\]]*\])?\s+(?!:?=)(\w+|\S)"
        kinds |= {word == "struct" for word in re.findall(pattern, view.sources.text(path))}
    return kinds.pop() if len(kinds) == 1 else None


def _imports(file: File) -> dict[str, str]:
    """Path by name of each import; a name is the last part of its path where none is given."""
    found: dict[str, str] = {}
    for node in _import_specs(file):
        path = node.child_by_field_name("path")
        name = node.child_by_field_name("name")
        if path is not None:
            target = written(path).strip('"`')
            found[written(name) if name is not None else f"?{target}"] = target
    return found


def _import_specs(file: File) -> list[Node]:
    specs: list[Node] = []
    for child in file.root.children:
        if child.type == "import_declaration":
            pending = list(child.children)
            while pending:
                node = pending.pop()
                if node.type == "import_spec":
                    specs.append(node)
                elif node.type == "import_spec_list":
                    pending += node.children
    return specs


def _imports_as(file: File, name: str) -> bool:
    """Some import may be known as `name`: by an alias, or by the last part of its path."""
    for alias, path in _imports(file).items():
        last = re.sub(r"^v\d+$|\.v\d+$", "", path.rpartition("/")[2])
        parts = {*re.split(r"[-.]", last), last, path.rpartition("/")[0].rpartition("/")[2]}
        if alias == name or (alias.startswith("?") and name in parts):
            return True
    return False


def _import_path(view: View, folder: str) -> str:
    """By which path other packages import the folder: from the go.mod above it."""
    for above in [PurePosixPath(folder), *PurePosixPath(folder).parents]:
        try:
            text = read_source(view.sources.root, f"{above}/go.mod".removeprefix("./"))
        except Skipped:
            continue
        if module := re.search(r"(?m)^\s*module\s+\"?([^\s\"]+)", text):
            relative = PurePosixPath(folder).relative_to(above).as_posix()
            return module[1] if relative == "." else f"{module[1]}/{relative}"
    raise Refused("No go.mod says by which path other packages import this one.")


def _importers(
    view: View, symbol: Symbol, folder: str, package: str, holding: list[str], found: Found
) -> None:
    target = _import_path(view, folder)
    own = {use.file.path for use in found.uses}
    for path in holding:
        file = view.file(path)
        if path in own or (path.rpartition("/")[0] == folder and _package(file) == package):
            continue
        aliases = [a for a, p in _imports(file).items() if p == target]
        if not aliases:
            continue
        names = Names(file, symbol.name)
        for alias in (package if a.startswith("?") else a for a in aliases):
            if alias == ".":
                raise Refused(f"{path} imports all names of the package.")
            _by_alias(names, alias, found)
        embedded = [n for n, reason in names.unclear if "embedded" in reason]
        refuse_unclear(names, embedded)


def _by_alias(names: Names, alias: str, found: Found) -> None:
    """`alias.Name` in a file that imports the package under the alias."""
    packages = Names(names.file, alias)
    shadowed = {n.id for b in packages.bindings if b.what is not What.IMPORT for n in b.uses}
    for node, member in names.members:
        receiver = member.receiver
        if receiver is None or written(receiver) != alias or receiver.id in shadowed:
            continue
        holder = node.parent.parent if node.parent is not None else None
        while holder is not None and holder.type in ("pointer_type", "generic_type"):
            holder = holder.parent
        is_field = holder is not None and holder.type == "field_declaration"
        if is_field and holder is not None and holder.child_by_field_name("name") is None:
            place = f"{names.file.path}:{names.file.line(node)}"
            raise Refused(
                f"{names.word} is embedded in a struct at {place}, where it names a field."
            )
        found.uses.append(Use(names.file, node))


def _members(view: View, symbol: Symbol, own: list[File], found: Found) -> None:
    """All selectors of the package, where only one of its types has a member of this name."""
    if symbol.name[:1].isupper():
        raise Refused(
            f"{symbol.name} can be seen by other packages, whose interfaces may ask for it."
        )
    declared: list[tuple[File, Node]] = []
    for file in own:
        names = Names(file, symbol.name)
        declared += [(file, n) for n, m in names.members if m.owner is not None]
        for node, reason in names.unclear:
            key = _KEY.search(reason)
            if key is None or _is_struct(view, file, key[1]) is None:
                refuse_unclear(names, [node])
            elif _is_struct(view, file, key[1]):
                found.uses.append(Use(file, node))
        found.uses += [Use(file, n) for n, m in names.members if m.owner is None]
    if len(declared) != 1:
        raise Refused(f"{len(declared)} types of this package have a member {symbol.name}.")
    file, node = declared[0]
    found.uses.append(Use(file, node, is_definition=True))
    outer = node.parent
    if outer is not None and outer.type in ("method_elem", "method_spec"):
        raise Refused(f"{symbol.name} belongs to an interface, whose types have it, too.")
