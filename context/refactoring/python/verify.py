"""Whether a renamed Python file still means the same: its bytecode, with the name put back.

A check on what rope did to a file, by other means. A local variable whose use was missed is loaded
as a global afterwards, a name that was captured is loaded as a local: both change the instructions.
It shows nothing about a use that was left out and is looked up by its name either way: names of a
module are sought by `loads_globally`, names in the body of a class and attributes in members.py.
"""

from __future__ import annotations

import ast
import dis
import itertools
import re
import types
import warnings
from collections.abc import Iterator
from typing import Any

from context.refactoring.python.tokens import parse

_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "DELETE_NAME", "DELETE_GLOBAL", "STORE_GLOBAL"}


def same_but_for(before: str, after: str, old: str, new: str) -> bool:
    """True when both compile to the same instructions once `new` in the second reads `old`."""
    first, second = _compiled(before), _compiled(after)
    if first is None or second is None:
        return False
    return _ordered(_instructions(first, "", "")) == _ordered(_instructions(second, new, old))


def _ordered(instructions: Iterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Cells are made and gathered in the order of the alphabet, which a new name may change."""
    found: list[tuple[Any, ...]] = []
    for opname, group in itertools.groupby(instructions, key=lambda i: i[0]):
        run = list(group)
        found += sorted(run, key=repr) if opname in ("MAKE_CELL", "LOAD_CLOSURE") else run
    return found


def loads_globally(text: str, name: str) -> bool:
    """True when some code of the module takes `name` from the module or from the builtins."""
    code = _compiled(text)
    return code is not None and any(_global_uses(code, name))


def texts_of_f_strings(text: str) -> list[str]:
    """What f-strings have between their values; `f"{x=}"` has the name there.

    Raises `Unreadable`.
    """
    return [
        str(part.value)
        for node in ast.walk(parse(text))
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.Constant)
    ]


def _compiled(text: str) -> types.CodeType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(text, "m", "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _instructions(code: types.CodeType, written: str, meant: str) -> Iterator[tuple[Any, ...]]:
    """Each instruction with what it is about, nested code in its place."""
    pattern = re.compile(rf"(?<!\w){re.escape(written)}(?!\w)") if written else None

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            mangled = re.sub(rf"^(_\w+?){re.escape(written)}$", rf"\1{meant}", value)
            value = mangled if written.startswith("__") and mangled != value else value
            return pattern.sub(meant, value) if pattern else value
        if isinstance(value, tuple):
            return tuple(plain(v) for v in value)
        if isinstance(value, frozenset):
            return frozenset(plain(v) for v in value)
        return value

    yield ("code", plain(code.co_name), code.co_argcount, code.co_posonlyargcount,
           code.co_kwonlyargcount, code.co_flags)  # fmt: skip
    for instruction in dis.get_instructions(code):
        if instruction.opname == "EXTENDED_ARG":
            continue
        value = instruction.argval
        if isinstance(value, types.CodeType):
            yield from _instructions(value, written, meant)
        elif instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            yield (instruction.opname,)
        else:
            kind = type(value).__name__
            yield (instruction.opname, kind, plain(value))


def _global_uses(code: types.CodeType, name: str) -> Iterator[bool]:
    is_class_body = bool(code.co_names[:2]) and code.co_names[:2] == ("__name__", "__module__")
    own = is_class_body and any(
        i.opname == "STORE_NAME" and i.argval == name for i in dis.get_instructions(code)
    )
    for instruction in dis.get_instructions(code):
        value = instruction.argval
        if isinstance(value, types.CodeType):
            yield from _global_uses(value, name)
        elif value == name and instruction.opname in _GLOBAL and not own:
            yield True
