"""Where a long function could be split: runs of its statements that can be taken out exactly.

Each is tried as an extraction; those that would be refused are no candidates.
"""

from __future__ import annotations

from collections.abc import Iterator

from context.languages import dialect, language_named
from context.refactoring import Candidate, Kind, Refactoring, Refused
from context.refactoring.carry import carry_out
from context.refactoring.sources import Sources
from context.syntax import Node, parse
from context.text import encode

MIN_LINES = 4  # fewer are not worth a function of their own; a guess
MAX_SHARE = 0.7  # of the function's lines: more would only move it
MAX_TRIES = 24  # extractions; each takes some milliseconds
MAX_CANDIDATES = 5
_PLACEHOLDER = "taken_out_here"  # a name that stands in no file, for the trial
_FUNCTIONS = ("function_definition", "function_declaration", "method_declaration", "function_item",
              "method_definition", "arrow_function", "constructor_declaration")  # fmt: skip
_BLOCKS = ("block", "statement_block", "statement_list", "constructor_body")


def candidates(sources: Sources, path: str, first: int, last: int) -> list[Candidate]:
    """Of the innermost function around the lines, the longest first. Raises `Refused`."""
    language = language_named(sources.language(path))
    if language is None:
        raise Refused(f"Postil does not refactor files like {path} exactly.")
    text = sources.text(path)
    source = encode(text)
    root = parse(source, dialect(language, text)).root_node
    function = _innermost(root, first, last)
    if function is None:
        raise Refused("These lines are in no function.")
    n_lines = _lines(function, function)
    runs = sorted(_runs(function), key=lambda run: _lines(*run), reverse=True)
    found: list[Candidate] = []
    tried, reasons = 0, list[str]()
    for begin, end in runs:
        if not MIN_LINES <= _lines(begin, end) <= MAX_SHARE * n_lines:
            continue
        lines = begin.start_point[0] + 1, end.end_point[0] + 1
        if any(c.first_line <= lines[0] and lines[1] <= c.last_line for c in found):
            continue
        tried += 1
        start = len(source[: begin.start_byte].decode())
        stop = len(source[: end.end_byte].decode())
        try:
            carry_out(sources, Refactoring(Kind.EXTRACT, path, start, stop, _PLACEHOLDER))
            found.append(Candidate(start, stop, *lines))
        except Refused as refusal:
            reasons.append(str(refusal))
        if tried >= MAX_TRIES or len(found) >= MAX_CANDIDATES:
            break
    if not found:
        why = reasons[0] if reasons else f"It has no {MIN_LINES} lines that stand for themselves."
        raise Refused(f"Nothing of this function can be taken out exactly. {why}")
    return found


def _innermost(root: Node, first: int, last: int) -> Node | None:
    found: Node | None = None
    pending = [root]
    while pending:
        node = pending.pop()
        if not (node.start_point[0] + 1 <= first and last <= node.end_point[0] + 1):
            continue
        if node.type in _FUNCTIONS:
            found = node
        pending += node.children
    return found


def _runs(function: Node) -> Iterator[tuple[Node, Node]]:
    """Neighbouring statements of each block."""
    pending = [function]
    while pending:
        node = pending.pop()
        pending += node.children
        if node.type not in _BLOCKS:
            continue
        statements = [c for c in node.named_children if "comment" not in c.type]
        statements = [c for c in statements if c.type != "statement_list"]
        for i, begin in enumerate(statements):
            for end in statements[i:]:
                yield begin, end


def _lines(begin: Node, end: Node) -> int:
    return int(end.end_point[0] - begin.start_point[0]) + 1
