"""Members of a Java class that only its own file can see: private fields and methods.

What other classes can see may be overridden, inherited or called by frameworks by its name, and is
refused. A member of something other than `this` needs a receiver whose type is written.
"""

from __future__ import annotations

from context.refactoring import Refused
from context.refactoring.languages.java import BODIES, TYPES
from context.refactoring.scopes import Binding, Member, Names, Uses, What, ancestor, within, written
from context.refactoring.uses import Found, Symbol, Use, View, refuse_unclear, uses_of_binding
from context.syntax import Node

_BY_NAME = frozenset({"readObject", "writeObject", "readResolve", "writeReplace", "finalize",
                      "serialVersionUID", "serialPersistentFields"})  # fmt: skip

# Protected fields of classes that are often derived from: streams, readers, lists.
_OF_THE_JDK = frozenset({"in", "out", "lock", "count", "buf", "pos", "mark", "modCount"})


def uses(view: View, symbol: Symbol) -> Found:
    """Raises `Refused`."""
    names = symbol.names
    binding = symbol.binding or _own_member(symbol)
    if binding.what is What.TYPE:
        return _type_uses(view, symbol, binding)
    if binding.what not in (What.FIELD, What.METHOD):
        raise Refused(f"“{symbol.name}” is a {binding.what.value} of its file.")
    declaration = _declaration(binding.declared[0])
    if "private" not in _modifiers(declaration):
        raise Refused(f"“{symbol.name}” is not private: other classes may use or override it.")
    if len(binding.declared) != 1:
        raise Refused(f"There are several methods {symbol.name}.")
    if symbol.name in _BY_NAME or "@" in written(declaration).partition(symbol.name)[0]:
        raise Refused(f"{symbol.name} may be used by its name (an annotation, serialisation).")
    refuse_unclear(names)
    found = Found(uses_of_binding(names, binding), 1)
    for use in found.uses:
        refuse_inherited(names, binding, use.node)
    _refuse_beside(view, symbol, binding)
    _add_members(names, binding, found)
    _refuse_strings(names)
    return found


def _own_member(symbol: Symbol) -> Binding:
    """From `this.name` to the field or method of the class around."""
    receiver = symbol.member.receiver if symbol.member is not None else None
    if receiver is not None and receiver.type == "this":
        body = ancestor(symbol.node, BODIES)
        for binding in symbol.names.bindings:
            if binding.scope == body and binding.what is symbol.what:
                return binding
    raise Refused(f"What .{symbol.name} is a member of cannot be told.")


def _declaration(name: Node) -> Node:
    kinds = {"field_declaration", "method_declaration", "constant_declaration", *TYPES}
    above = ancestor(name, kinds)
    if above is None:
        raise Refused("What declares the name is not known.")
    return above


def _modifiers(declaration: Node) -> set[str]:
    first = declaration.named_child(0)
    is_modifiers = first is not None and first.type == "modifiers"
    return {*written(first).split()} if first is not None and is_modifiers else set()


def refuse_inherited(names: Names, binding: Binding, node: Node) -> None:
    """A class between use and member that derives from another may have the name from there."""
    here: Node | None = node.parent
    while here is not None and here != binding.scope:
        if here.type in BODIES and here.parent is not None:
            holder = here.parent
            derives = any(
                c.type in ("superclass", "super_interfaces", "extends_interfaces")
                for c in holder.children
            )
            if derives or holder.type not in TYPES:
                line = names.file.line(node)
                raise Refused(f"{names.word} at line {line} may be inherited by a class inside.")
        here = here.parent


def refuse_inherited_field(view: View, names: Names, binding: Binding) -> None:
    """A local variable that a class inside uses, which may inherit a field of that name."""
    for path in [names.file.path, *view.holding(names.word, "java")]:
        fields = [b for b in Names(view.file(path), names.word).bindings if b.what is What.FIELD]
        if names.word in _OF_THE_JDK or any(not within(binding.scope, b.scope) for b in fields):
            for node in binding.uses:
                refuse_inherited(names, binding, node)
            return


def _refuse_beside(view: View, symbol: Symbol, binding: Binding) -> None:
    """Uses where the member is not declared around: bodies of an enum's constants. And a method of
    the same name in another file, which a class that derives from another may inherit.
    """
    names = symbol.names
    owner = ancestor(binding.declared[0], TYPES)
    for node in names.free:
        role = names.roles[node.id]
        if owner is not None and within(node, owner) and isinstance(role, Uses) and (
            role.space & binding.space
        ):  # fmt: skip
            raise Refused(f"What {names.word} at line {names.file.line(node)} is cannot be told.")
    derives = owner is not None and any(c.type == "superclass" for c in owner.children)
    if binding.what is not What.METHOD or not derives:
        return
    for path in view.holding(names.word, "java"):
        others = Names(view.file(path), names.word).bindings if path != names.file.path else []
        if any(other.what is What.METHOD for other in others):
            raise Refused(f"A method {names.word} of {path} may be inherited.")


def _add_members(names: Names, binding: Binding, found: Found) -> None:
    owner = binding.scope.parent
    while owner is not None and owner.type not in TYPES:
        owner = owner.parent
    own_name = owner.child_by_field_name("name") if owner is not None else None
    if owner is None or own_name is None:
        raise Refused("A class without a name has the member.")
    for node, member in names.members:
        if (member.what is What.METHOD) != (binding.what is What.METHOD):
            continue
        belongs = _belongs(names, member, owner, written(own_name), node)
        if belongs is None:
            line = names.file.line(node)
            raise Refused(f"What .{names.word} at line {line} is a member of cannot be told.")
        if belongs:
            found.uses.append(Use(names.file, node))


def _belongs(names: Names, member: Member, owner: Node, owner_name: str, node: Node) -> bool | None:
    """Whether a member of a receiver is the owner's; None where that cannot be told."""
    receiver = member.receiver
    if receiver is None:
        return None
    if receiver.type == "this":
        around = ancestor(node, BODIES)
        while around is not None and around.parent is not None and around.type in (
            "enum_body_declarations",
        ):  # fmt: skip
            around = around.parent
        return around is not None and around.parent == owner
    if receiver.type != "identifier":
        return None
    word = written(receiver)
    if word == owner_name:
        return True
    variables = Names(names.file, word)
    variable = variables.binding_at(receiver)
    if variable is None:
        return None if word[:1].islower() else False  # another class, or an inherited field
    kind = _written_type(variable.declared[0])
    if kind is None or kind == "var" or kind in _type_parameters(names):
        return None
    if kind.rpartition(".")[2] == owner_name:
        return True if kind == owner_name else None  # a class of that name inside some other
    return False


def _type_parameters(names: Names) -> set[str]:
    found = set[str]()
    pending = [names.file.root]
    while pending:
        node = pending.pop()
        if node.type == "type_parameter":
            first = node.named_child(0)
            found.add(written(first) if first is not None else "")
        pending += node.children
    return found


def _written_type(name: Node) -> str | None:
    """The type in the declaration of a variable, without its arguments."""
    holder = name.parent
    for _ in range(2):
        if holder is None:
            return None
        kind = holder.child_by_field_name("type")
        if kind is not None:
            return written(kind).partition("<")[0].strip()
        holder = holder.parent
    return None


def _refuse_strings(names: Names) -> None:
    for node in names.texts:
        if "comment" not in node.type and written(node).strip('"') == names.word:
            line = names.file.line(node)
            raise Refused(f"“{names.word}” stands in a string at line {line}, which may mean it.")


def _type_uses(view: View, symbol: Symbol, binding: Binding) -> Found:
    """A private class inside another."""
    declaration = binding.declared[0].parent
    assert declaration is not None
    if "private" not in _modifiers(declaration) or binding.scope.type == "program":
        raise Refused(f"“{symbol.name}” is a class that other files may name.")
    if "@" in written(declaration).partition(symbol.name)[0]:
        raise Refused(f"{symbol.name} may be used by its name (an annotation).")
    names = symbol.names
    refuse_unclear(names)
    found = Found(uses_of_binding(names, binding), 1)
    for node, member in names.members:
        outer = ancestor(declaration, TYPES)
        own = outer.child_by_field_name("name") if outer is not None else None
        receiver = member.receiver
        if own is None or receiver is None or written(receiver) != written(own):
            raise Refused(f"What .{symbol.name} is a member of cannot be told.")
        found.uses.append(Use(names.file, node))
    found.uses += [
        Use(names.file, node)
        for node in names.free
        if node.parent is not None
        and node.parent.type in ("constructor_declaration", "compact_constructor_declaration")
        and within(node, declaration)
    ]
    others = [n for n in names.free if not any(use.node == n for use in found.uses)]
    if others:
        raise Refused(f"What {symbol.name} at line {names.file.line(others[0])} is cannot be told.")
    del view
    _refuse_strings(names)
    return found
