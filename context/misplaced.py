"""Statements where their language has no use for them: await in a function that is not async.

The grammars of tree-sitter take them, compilers do not, and small models write them. Told from the
tree alone, so only what is wrong whatever stands elsewhere. Not for C and C++: their macros make
loops that no tree shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from context.outline import Problem
from context.syntax import Node

_LOOPS = re.compile(r"^(enhanced_)?(for|while|do|loop|select|switch|\w+_switch)_")
_JUMPS = re.compile(r"^(break|continue)_")


@dataclass(frozen=True, slots=True)
class _Rules:
    """`functions`: what a jump cannot leave, and what decides whether there is something to await.

    `waits`: whether the language's await needs such a function to be marked async.
    """

    functions: re.Pattern[str]
    waits: bool


_SCRIPT = _Rules(
    re.compile(r"^(generator_)?function|^arrow_function$|^method_definition$|^class_static_block$"),
    waits=True,
)
_RULES: Mapping[str, _Rules] = {
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "tsx": _SCRIPT,
    "rust": _Rules(re.compile(r"^function_item$|^closure_expression$|^async_block$"), waits=True),
    "go": _Rules(re.compile(r"^(function|method)_declaration$|^func_literal$"), waits=False),
    "java": _Rules(
        re.compile(r"^(\w+_)?(method|constructor)_declaration$|^lambda_expression$|_initializer$"),
        waits=False,
    ),
}


def misplaced(root: Node, language: str) -> tuple[Problem, ...]:
    """The first of them, or none. `language`: its name in context/languages.py."""
    rules = _RULES.get(language)
    if rules is None:
        return ()
    pending = [(root, True, False)]  # (node, whether it may await, whether a loop is around it)
    while pending:
        node, may_wait, in_loop = pending.pop()
        if rules.waits and not may_wait and _waits(node):
            return (_problem(node, "await in a function that is not async"),)
        if not in_loop and node.is_named and _JUMPS.match(node.type) and not _has_label(node):
            return (_problem(node, f"{node.type.partition('_')[0]} outside of a loop"),)
        if node.is_named and rules.functions.search(node.type):
            may_wait, in_loop = _is_async(node), False
        elif _LOOPS.match(node.type):
            in_loop = True
        pending += [(child, may_wait, in_loop) for child in reversed(node.children)]
    return ()


def _waits(node: Node) -> bool:
    return node.type == "await_expression" or (
        node.type == "for_in_statement" and _has(node, "await")
    )


def _is_async(function: Node) -> bool:
    return _has(function, "async") or any(
        _has(child, "async") for child in function.children if child.type == "function_modifiers"
    )


def _has(node: Node, word: str) -> bool:
    return any(child.type == word for child in node.children)


def _has_label(jump: Node) -> bool:
    """A jump out of a labelled block needs no loop; whether the label is there is not looked at."""
    return any("label" in child.type or "identifier" in child.type for child in jump.children)


def _problem(node: Node, what: str) -> Problem:
    return Problem(node.start_point.row + 1, node.start_point.column, what)
