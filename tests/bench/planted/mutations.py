"""One small bug planted in a function, of a known kind at a known line, placed by the syntax tree.

A mutation replaces text inside one line, so that the lines of the function keep their numbers. That
the result still parses is checked by whoever plants it (planting.py); that it changes what the
function does is likely and not proved.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tree_sitter import Node

from context.refactoring.scopes import walk, written


class Kind(StrEnum):
    COMPARISON = "comparison flipped"
    OFF_BY_ONE = "off by one"
    AND_OR = "and for or"
    NEGATION = "missing negation"
    ARITHMETIC = "wrong operator"
    CONSTANT = "wrong constant"
    BOOLEAN = "wrong truth value"
    VARIABLE = "wrong variable"
    ARGUMENTS = "swapped arguments"
    RETURN = "wrong return"
    AWAIT = "dropped await"
    BREAK = "break for continue"
    REAL = "one-line fix"  # planted by nobody: history.py


@dataclass(frozen=True, slots=True)
class Mutation:
    """Replace the bytes from `start_byte` to `end_byte`, all on one line, by `new`."""

    kind: Kind
    start_byte: int
    end_byte: int
    new: str
    line: int  # 1-based, of the file


_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "!=", "!=": "=="}
_FLIPPED |= {"===": "!==", "!==": "===", "in": "not in", "not in": "in"}
_OFF_BY_ONE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_AND_OR = {"&&": "||", "||": "&&", "and": "or", "or": "and"}
_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "+=": "-=", "-=": "+="}
_TRUTH = {"true": "false", "false": "true", "True": "False", "False": "True"}
_JUMPS = {"break": "continue", "continue": "break"}
_NUMBERS = {"integer", "number", "int_literal", "decimal_integer_literal", "integer_literal",
            "number_literal"}  # fmt: skip
_ARGUMENT_LISTS = {"argument_list", "arguments"}
_OPERATIONS = {"binary_expression", "comparison_operator", "boolean_operator", "binary_operator",
               "assignment_expression", "augmented_assignment", "assignment_statement",
               "compound_assignment_expr", "augmented_assignment_expression"}  # fmt: skip
# Where a plain name is read as a value.
_READS = _OPERATIONS | _ARGUMENT_LISTS | {"return_statement", "return_expression", "subscript",
          "index_expression", "subscript_expression", "unary_expression", "not_operator",
          "expression_list", "parenthesized_expression", "if_statement"}  # fmt: skip
_VALUES = {"identifier", "call", "call_expression", "method_invocation", "attribute"}
_NOTHING = {"python": "None", "javascript": "null", "typescript": "null", "java": "null"}
# Where a name is that of a function or of an argument.
_NAMED = {"call", "call_expression", "method_invocation", "function_definition", "function_item",
          "method_declaration", "function_declaration", "keyword_argument"}  # fmt: skip
_RETURNS = {"return_statement", "return_expression"}


def mutations(function: Node, language: str) -> Iterator[Mutation]:
    """Every mutation that can be made below the function's first line, in file order."""
    names, nothing = _local_names(function), _NOTHING.get(language, "")
    makers = (_operators, _numbers, _words, _negations, _waits, _swaps, _variables(names),
              _returns(nothing))  # fmt: skip
    for node in walk(function):
        row = node.start_point[0]
        if row != node.end_point[0] or row == function.start_point[0]:
            continue
        for make in makers:
            for kind, start, end, new in make(node):
                yield Mutation(kind, start, end, new, row + 1)


_Made = tuple[Kind, int, int, str]


def _operators(node: Node) -> Iterator[_Made]:
    parent = node.parent
    if node.is_named or parent is None or parent.type not in _OPERATIONS:
        return
    for kind, table in (
        (Kind.COMPARISON, _FLIPPED),
        (Kind.OFF_BY_ONE, _OFF_BY_ONE),
        (Kind.AND_OR, _AND_OR),
        (Kind.ARITHMETIC, _ARITHMETIC),
    ):
        if new := table.get(node.type):
            if kind is Kind.ARITHMETIC and _holds_text(parent):
                continue
            yield kind, node.start_byte, node.end_byte, new


def _numbers(node: Node) -> Iterator[_Made]:
    if node.type in _NUMBERS and (text := written(node)).isdecimal() and len(text) < 6:
        yield Kind.CONSTANT, node.start_byte, node.end_byte, str(int(text) + 1)


def _words(node: Node) -> Iterator[_Made]:
    text = written(node) if node.child_count == 0 or node.type == "boolean_literal" else ""
    if text in _TRUTH and node.is_named:
        yield Kind.BOOLEAN, node.start_byte, node.end_byte, _TRUTH[text]
    if text in _JUMPS and not node.is_named:
        yield Kind.BREAK, node.start_byte, node.end_byte, _JUMPS[text]


def _negations(node: Node) -> Iterator[_Made]:
    if node.type in ("unary_expression", "not_operator") and node.child_count == 2:
        sign, operand = node.children
        if sign.type in ("!", "not"):
            yield Kind.NEGATION, sign.start_byte, operand.start_byte, ""


def _waits(node: Node) -> Iterator[_Made]:
    if node.type in ("await", "await_expression") and node.child_count >= 2:
        first, last = node.children[0], node.children[-1]
        if first.type == "await":
            yield Kind.AWAIT, first.start_byte, node.children[1].start_byte, ""
        elif last.type == "await":  # Rust's stands behind
            yield Kind.AWAIT, first.end_byte, last.end_byte, ""


def _swaps(node: Node) -> Iterator[_Made]:
    if node.type not in _ARGUMENT_LISTS:
        return
    given = [c for c in node.named_children if "comment" not in c.type]
    for one, two in itertools.pairwise(given):
        plain = all("keyword" not in c.type and "splat" not in c.type for c in (one, two))
        a, b = written(one), written(two)
        if plain and a != b and max(len(a), len(b)) < 40:
            source = written(node)
            between = source[len(_before(node, one)) + len(a) : len(_before(node, two))]
            yield Kind.ARGUMENTS, one.start_byte, two.end_byte, f"{b}{between}{a}"
            return


def _variables(names: list[tuple[str, int]]) -> Callable[[Node], Iterator[_Made]]:
    """`names`: local ones, each with the byte where it is first seen."""

    def make(node: Node) -> Iterator[_Made]:
        parent = node.parent
        if node.type != "identifier" or parent is None or parent.type not in _READS:
            return
        if parent.child_by_field_name("left") == node and "assign" in parent.type:
            return
        word = written(node)
        known = [name for name, first in names if first < node.start_byte]
        if word in known and len(known) > 1:
            at = known.index(word)
            new = known[at - 1] if at else known[1]
            yield Kind.VARIABLE, node.start_byte, node.end_byte, new

    return make


def _returns(nothing: str) -> Callable[[Node], Iterator[_Made]]:
    """What is returned becomes nothing, in the languages that have a word for it."""

    def make(node: Node) -> Iterator[_Made]:
        if not nothing or node.type not in _RETURNS or node.named_child_count != 1:
            return
        value = node.named_children[0]
        if value.type in _VALUES and written(value) != nothing:
            yield Kind.RETURN, value.start_byte, value.end_byte, nothing

    return make


def _named(parent: Node) -> Node | None:
    """What is called, defined or given by name there."""
    return parent.child_by_field_name("function") or parent.child_by_field_name("name")


def _local_names(function: Node) -> list[tuple[str, int]]:
    """Names seen at least twice as plain words, in the order of their first use, calls left out."""
    first: dict[str, int] = {}
    seen: Counter[str] = Counter()
    called: set[str] = set()
    for node in walk(function):
        if node.type != "identifier":
            continue
        name, parent = written(node), node.parent
        if parent is not None and parent.type in _NAMED and node == _named(parent):
            called.add(name)
        seen[name] += 1
        first.setdefault(name, node.start_byte)
    plain = [n for n in first if seen[n] > 1 and n not in called and not n[0].isupper()]
    return [(name, first[name]) for name in plain if name not in ("self", "cls", "_")]


def _holds_text(node: Node) -> bool:
    """Whether a sum may be one of texts, where another operator would not even run."""
    return any("string" in child.type for child in walk(node))


def _before(outer: Node, inner: Node) -> str:
    data = outer.text or b""
    return data[: inner.start_byte - outer.start_byte].decode("utf-8", "replace")
