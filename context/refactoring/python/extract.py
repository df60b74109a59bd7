"""Extract statements of a Python function into one of their own: rope writes it, this checks it.

What the statements read from the function must arrive as arguments and what they leave behind must
come back; both are counted again here, by the syntax tree and the bytecode.
"""

from __future__ import annotations

import ast
import dis
import re
import types
import warnings
from collections.abc import Iterator, Sequence

from rope.base import exceptions
from rope.refactor.extract import ExtractMethod

from context.refactoring import Carried, Refactoring, Refused, TextEdit
from context.refactoring.names import check_name
from context.refactoring.python.bound import bound_before
from context.refactoring.python.project import KnownFile, TextProject
from context.refactoring.python.trees import (
    COMPREHENSIONS,
    SCOPES,
    Function,
    Module,
    bound_here,
    bound_in,
    is_decorated,
    last_word,
    own_parameter,
    stored_in,
)
from context.refactoring.sources import edited

BY = "rope and the bytecode of the changed file"
_NOT_MOVED = (
    ast.Return, ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Global,
    ast.Nonlocal, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Delete,
    ast.Import, ast.ImportFrom, ast.NamedExpr,
)  # fmt: skip
_ROPE_FAILS = (
    AttributeError, KeyError, IndexError, TypeError, ValueError, AssertionError, RecursionError,
    SyntaxError,
)  # fmt: skip
_PLAIN_CLASS_DECORATORS = frozenset(
    "dataclass final total_ordering unique define frozen mutable attrs s".split()
)
# What certainly lets an exception through; others may swallow it.
_PASSES_ON = frozenset("open closing TemporaryDirectory NamedTemporaryFile TemporaryFile".split())
_SEES_FRAME = frozenset("locals vars eval exec super __class__ dir globals".split())


def extract(project: TextProject, asked: Refactoring) -> Carried:
    """Raises `Refused`."""
    check_name(asked.name, "python")
    module = project.module(asked.path)
    start = project.normal_offset(asked.path, asked.start)
    end = project.normal_offset(asked.path, asked.end)
    if project.sources.holding(asked.name, [asked.path]):
        raise Refused(f"“{asked.name}” is in use already in {asked.path}.")
    if "\n\t" in module.text:
        raise Refused("This file is indented with tabs, and rope writes spaces.")
    function, statements = _selected(module, start, end)
    in_class = any(isinstance(a, ast.ClassDef) for a in module.around(function))
    if in_class and (others := project.sources.holding(asked.name, project.paths)):
        raise Refused(f"“{asked.name}” is in use in {others[0]}, and may be inherited.")
    if in_class:
        _refuse_odd_method(project, module, function)
    _refuse_unmovable(statements)
    _refuse_half_set(module, function, statements)
    first, last = module.span(statements[0])[0], module.span(statements[-1])[1]
    try:
        task = ExtractMethod(project, KnownFile(project, asked.path), first, last)
        changes = task.get_changes(asked.name, similar=False, global_=False)
        after = changes.changes[0].new_contents
    except exceptions.RopeError as error:
        raise Refused(f"These lines cannot be taken out: {error}.") from error
    except _ROPE_FAILS as error:
        raise Refused("Rope cannot take these lines out.") from error
    after = _with_class(after, function, asked.name)
    if not module.text.endswith("\n"):
        after = after.removesuffix("\n")
    edits = tuple(line_edits(project, asked.path, _set_apart(after, asked.name)))
    result = edited(project.sources.text(asked.path), edits)
    _verify(module, function, statements, result, asked.name)
    return Carried(edits, f"extract {asked.name} from {function.name}", BY, 1)


def _set_apart(text: str, name: str) -> str:
    """Rope leaves one empty line above a new function of the module; two is how Python is set."""
    return re.sub(rf"(?<=[^\n])\n\n(?=def {name}\()", "\n\n\n", text, count=1)


def _with_class(text: str, function: Function, name: str) -> str:
    """Rope calls a class method by the name of the class, and gives it the class once more."""
    if not is_decorated(function, "classmethod"):
        return text
    own = own_parameter(function)
    return re.sub(rf"\b\w+\.{name}\((?:{own}\b(?:, )?)?", f"{own}.{name}(", text, count=1)


def _refuse_odd_method(project: TextProject, module: Module, function: Function) -> None:
    """The new method must be found on what the old one is called with, and change nothing else."""
    owner = next(a for a in module.around(function) if isinstance(a, ast.ClassDef))
    if any(last_word(d) not in _PLAIN_CLASS_DECORATORS for d in owner.decorator_list):
        raise Refused(f"The decorator of {owner.name} may use all methods that it has.")
    if any(last_word(base) == "Protocol" for base in owner.bases):
        raise Refused(f"{owner.name} says which methods other classes have.")
    if any(isinstance(n, ast.FunctionDef) and n.name == "__getattribute__" for n in owner.body):
        raise Refused(f"{owner.name} looks its attributes up in a way of its own.")
    if is_decorated(function, "staticmethod"):
        scope = module.parents[owner]
        if bound_here(scope).count(owner.name) != 1:
            raise Refused(f"{owner.name} is bound more than once.")
        return
    own = own_parameter(function)
    if not own or bound_in(function).count(own) > 1:
        raise Refused(f"What {function.name} is called on is another object later.")
    if not is_decorated(function, "classmethod"):
        _refuse_foreign_self(project, function.name)


def _refuse_foreign_self(project: TextProject, method: str) -> None:
    """`Float.new(an_integer)` runs a method on an object that will not have the new one."""
    pattern = re.compile(rf"\b[A-Z]\w*\s*\.\s*{re.escape(method)}\b")
    for path in project.sources.holding(method, project.paths):
        if found := pattern.search(project.sources.text(path)):
            raise Refused(f"“{found[0]}” in {path} may run it on an object of another class.")


def _selected(module: Module, start: int, end: int) -> tuple[Function, list[ast.stmt]]:
    """Whole statements of one block in a function."""
    text = module.text[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    for node in ast.walk(module.tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if not isinstance(block, list):
                continue
            chosen = [s for s in block if isinstance(s, ast.stmt)
                      and start <= module.span(s)[0] and module.span(s)[1] <= end]  # fmt: skip
            if not chosen or module.span(chosen[0])[0] != start or module.span(chosen[-1])[1] < end:
                continue
            function = module.function_around(chosen[0])
            if function is None:
                break
            if len(chosen) == len(function.body) and block is function.body:
                raise Refused(f"These are all the lines of {function.name}.")
            if ast.get_docstring(function) is not None and chosen[0] is function.body[0]:
                raise Refused("A docstring stays with its function.")
            return function, chosen
    raise Refused("These are not whole statements of one block in a function.")


def _ends(statements: Sequence[ast.stmt]) -> bool:
    """The last of them leaves the function, and so will the call."""
    return isinstance(statements[-1], ast.Return)


def _refuse_unmovable(statements: Sequence[ast.stmt]) -> None:
    for node in (n for s in statements for n in ast.walk(s)):
        if node is statements[-1] and _ends(statements):
            continue
        if isinstance(node, _NOT_MOVED):
            word = type(node).__name__.lower().removeprefix("async").removesuffix("def")
            raise Refused(f"A {word} cannot go into another function as it is.")
        if isinstance(node, ast.Name) and node.id in _SEES_FRAME:
            raise Refused(f"{node.id} would see another function.")
    for node in _loop_ends(statements):
        raise Refused(f"A {type(node).__name__.lower()} would leave its loop.")


def _loop_ends(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Break and continue whose loop is not among the nodes."""
    for node in nodes:
        if isinstance(node, ast.Break | ast.Continue):
            yield node
        elif isinstance(node, ast.For | ast.While):
            yield from _loop_ends(node.orelse)
        else:
            yield from _loop_ends(list(ast.iter_child_nodes(node)))


def _refuse_half_set(module: Module, function: Function, statements: Sequence[ast.stmt]) -> None:
    """A variable that is used afterwards must be set on every way through the statements."""
    stored = stored_in(statements) - _own_of_comprehensions(statements)
    if lost := sorted(_half_set_by_errors(module, function, statements, stored)):
        raise Refused(f"{lost[0]} is used after an error in these lines, set or not.")
    if _ends(statements):
        return
    used = _used_afterwards(module, function, statements)
    surely = stored_in(
        s for s in statements if isinstance(s, ast.Assign | ast.AnnAssign | ast.AugAssign)
    )
    for node in ast.walk(function):
        if isinstance(node, SCOPES) and node is not function:
            shared = stored & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            if shared:
                raise Refused(f"{min(shared)} is shared with a function inside.")
    if half := sorted((stored & used) - surely):
        raise Refused(f"{half[0]} is used afterwards and not set on every way through the lines.")
    handlers = {h.name for s in statements for h in ast.walk(s)
                if isinstance(h, ast.ExceptHandler) and h.name}  # fmt: skip
    if handlers & used:
        raise Refused(f"{min(handlers & used)} is used afterwards.")


def _used_afterwards(
    module: Module, function: Function, statements: Sequence[ast.stmt]
) -> set[str]:
    """Names that the function reads after the statements, or beside them in a loop around."""
    inside = {id(n) for s in statements for n in ast.walk(s)}
    end = module.span(statements[-1])[1]
    loops = any(isinstance(a, ast.For | ast.While | ast.AsyncFor)
                for a in module.around(statements[0]))  # fmt: skip
    return {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and id(n) not in inside
            and isinstance(n.ctx, ast.Load) and (loops or module.span(n)[0] >= end)}  # fmt: skip


def _half_set_by_errors(
    module: Module, function: Function, statements: Sequence[ast.stmt], stored: set[str]
) -> set[str]:
    """Variables that are set by then when the lines end in an error that is caught around them.

    The new function gives none of them back then. One that is set last of all is never set then.
    """
    last = statements[-1]
    is_plain = isinstance(last, ast.Assign) and all(isinstance(t, ast.Name) for t in last.targets)
    early = stored_in(statements[: -1 if is_plain else None]) & stored
    inner: ast.AST = statements[0]
    block: list[ast.AST] | None = None
    for above in module.around(statements[0]):
        if above is function:
            break
        if block is None and (passed := _catching(above, inner)) is not None:
            block = passed
        if block is not None and isinstance(above, ast.For | ast.While | ast.AsyncFor):
            block = list(statements)  # what stands before the lines comes after them, too
        inner = above
    if block is None:
        return set()
    spared = {id(n) for part in block for n in ast.walk(part)}
    return early & {n.id for n in ast.walk(function) if isinstance(n, ast.Name)
                    and isinstance(n.ctx, ast.Load) and id(n) not in spared}  # fmt: skip


def _catching(above: ast.AST, inner: ast.AST) -> list[ast.AST] | None:
    """The block of `above` that holds `inner`, if code after an error in it goes on here."""
    if isinstance(above, ast.With | ast.AsyncWith):
        is_open = all(last_word(item.context_expr) in _PASSES_ON for item in above.items)
        return None if is_open else [*above.body]
    if isinstance(above, ast.Try | ast.TryStar):
        if inner in above.body:
            return [*above.body]
        if above.finalbody and inner not in above.finalbody:
            return [*above.orelse] if inner in above.orelse else [inner]
    return None


def _own_of_comprehensions(statements: Sequence[ast.stmt]) -> set[str]:
    own, elsewhere = set[str](), set[str]()
    for node in (n for s in statements for n in ast.walk(s)):
        if isinstance(node, COMPREHENSIONS):
            own |= {n.id for g in node.generators for n in ast.walk(g.target)
                    if isinstance(n, ast.Name)}  # fmt: skip
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.For | ast.withitem):
            targets = getattr(node, "targets", None) or [
                getattr(node, "target", None) or getattr(node, "optional_vars", None)
            ]
            elsewhere |= {n.id for t in targets if t is not None for n in ast.walk(t)
                          if isinstance(n, ast.Name)}  # fmt: skip
    return own - elsewhere


def line_edits(project: TextProject, path: str, after: str) -> Iterator[TextEdit]:
    """The changed lines between the normal text of a file and what is to stand there."""
    import difflib

    before = project.normal_text(path)
    old, new = before.split("\n"), after.split("\n")
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line) + 1)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        if i1 == len(old):  # after the last line, which has no end
            yield project.edit(
                path, len(before), len(before), "".join(f"\n{line}" for line in new[j1:j2])
            )
            continue
        added = "".join(f"{line}\n" for line in new[j1:j2])
        end = starts[i2]
        if end > len(before):  # the last line has no end
            end, added = len(before), added.removesuffix("\n")
            if not added and starts[i1]:
                yield project.edit(path, starts[i1] - 1, end, "")
                continue
        yield project.edit(path, starts[i1], end, added)


def _verify(
    module: Module, function: Function, statements: Sequence[ast.stmt], after: str, name: str
) -> None:
    """The same names come from the module as before, and each result comes back."""
    wrong = Refused(f"{module.path} would not mean the same afterwards.")
    before, result = _code(module.text), _code(after)
    if before is None or result is None:
        raise wrong
    old = _globals_of(before)
    new = _globals_of(result)
    owner = module.parents.get(function)
    if isinstance(owner, ast.ClassDef) and is_decorated(function, "staticmethod"):
        old |= new & {owner.name} & {*bound_here(module.tree)}  # the new method is called on it
    if not new - {name} <= old or not old <= new | {name}:
        raise wrong
    tree = Module(module.path, after.replace("\r\n", "\n"))
    made = [n for n in ast.walk(tree.tree) if isinstance(n, ast.FunctionDef) and n.name == name]
    if len(made) != 1:
        raise wrong
    if not _is_called_as_it_is(tree, made[0], name):
        raise wrong
    moved = made[0].body
    if moved and isinstance(moved[-1], ast.Return) and not _ends(statements):
        moved = moved[:-1]
    if [ast.dump(s) for s in moved] != [ast.dump(s) for s in statements]:
        raise wrong
    returned = {n.id for s in made[0].body[len(moved):] for n in ast.walk(s)
                if isinstance(n, ast.Name)}  # fmt: skip
    stored = stored_in(statements) - _own_of_comprehensions(statements)
    later = _used_afterwards(module, function, statements)
    if not _ends(statements) and not stored & later <= returned:
        raise wrong
    given = {a.arg for a in made[0].args.args} & {*bound_here(function)}
    if unset := sorted(given - bound_before(module, function, statements[0])):
        raise Refused(f"{unset[0]} may have no value yet where these lines begin.")
    outside = {n for n in stored if bound_in(function).count(n) > bound_in(made[0]).count(n)}
    if unread := _read_unset(tree, made[0], outside - given):
        raise Refused(f"{unread} has a value before these lines, which may read it.")
    unbound = _locals_unset(result, name)
    if unbound:
        raise Refused(f"{unbound} may have no value where the new function reads it.")


def _is_called_as_it_is(module: Module, made: ast.FunctionDef, name: str) -> bool:
    """The one call gives what the new function takes, in its order."""
    uses = [n for n in ast.walk(module.tree)
            if name in (getattr(n, "id", ""), getattr(n, "attr", ""))]  # fmt: skip
    call = module.parents.get(uses[0]) if len(uses) == 1 else None
    if not isinstance(call, ast.Call) or call.func is not uses[0] or call.keywords:
        return False
    given = [a.id for a in call.args if isinstance(a, ast.Name)]
    taken = [a.arg for a in made.args.args]
    is_bound = isinstance(module.parents[made], ast.ClassDef)
    if is_bound and not is_decorated(made, "staticmethod"):
        taken = taken[1:]
    return len(given) == len(call.args) and given == taken


def _read_unset(module: Module, made: ast.FunctionDef, names: set[str]) -> str:
    """One of the names that the new function does not set on every way to where it reads it."""
    for node in ast.walk(made):
        if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load):
            around = list(module.around(node))
            statement = next(a for a in around if isinstance(a, ast.stmt))
            bound = bound_before(module, made, statement)
            for above in around[: around.index(statement)]:
                if isinstance(above, COMPREHENSIONS):
                    bound |= {*bound_in(above)}
            if node.id not in bound:
                return node.id
    return ""


def _locals_unset(code: types.CodeType, name: str) -> str:
    """A local of the new function that is read before it is written in the order of its text."""
    for nested in _nested(code):
        if nested.co_name != name:
            continue
        known = {*nested.co_varnames[: nested.co_argcount]}
        for instruction in dis.get_instructions(nested):
            if instruction.opname.startswith("STORE_FAST"):
                known.update(_words(instruction.argval))
            elif instruction.opname.startswith("LOAD_FAST"):
                missing = _words(instruction.argval) - known
                if missing:
                    return min(missing)
    return ""


def _words(value: object) -> set[str]:
    return (
        {value}
        if isinstance(value, str)
        else {v for v in value if isinstance(v, str)}
        if (isinstance(value, tuple))
        else set()
    )


def _code(text: str) -> types.CodeType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(text, "m", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _globals_of(code: types.CodeType) -> set[str]:
    return {
        str(i.argval)
        for nested in _nested(code)
        for i in dis.get_instructions(nested)
        if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
