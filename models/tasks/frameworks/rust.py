"""Rust's own tests: functions of a module for tests, at the end of the file that they test."""

from __future__ import annotations

import re

from context.anatomy import Anatomy, Function
from context.outline import Outline
from context.text import Text, indent_of
from models.errors import ReplyUnusable
from models.tasks.frameworks.framework import (
    Framework,
    Tested,
    appended,
    called_alone,
    in_lines,
    indent_unit,
    snake,
)

# Compiled for tests always, and for nothing else.
_MODULE = re.compile(
    r"^#\[cfg\((?:test|all\(test\))\)\]\s*(?:#\[[^\n\]]*\]\s*)*"
    r"(?:pub(?:\([^)\n]*\))?\s+)?mod\s+(?P<name>\w+)\s*(?P<rest>[{;][^\r\n]*)",
    re.MULTILINE,
)


class RustTests(Framework):
    spoken = "Rust's built-in tests"
    compares = re.compile(r"\bassert(?:_eq|_ne)?!|#\[should_panic")
    reaches_out = re.compile(
        r"\bstd::(?:process|fs|net|env|os)\b|\b(?:Command|File|Tcp\w+|Udp\w+|Unix\w+)::"
        r"|\b(?:unsafe|extern)\b|\binclude(?:_str|_bytes)?!"
    )
    end = "}"
    begins = re.compile(r"^[ \t]*#\[test\]\s*(?:#\[[^\n\]]*\]\s*)*fn (\w+)\(", re.MULTILINE)

    def opening(self, name: str) -> str:
        """Never the function's own name, which would hide it."""
        return f"#[test]\nfn test_{snake(name)}"

    def import_line(self, tested: Tested) -> str:
        function, text = tested.function, Text(tested.source)
        if re.search(r"\basync\b", text.slice(function.head)):
            raise ReplyUnusable(f"{function.name} is async; which runtime it needs is not known.")
        if not _is_near_the_top(function, text):
            raise ReplyUnusable(f"{function.name} stands in a module or function; test it there.")
        return f"use super::{tested.imported_name};"

    def refused(self, tested: Tested, test: str) -> str:
        return called_alone(tested, test)

    def insertions(
        self, tested: Tested, test: str, outline: Outline, anatomy: Anatomy
    ) -> list[tuple[int, str]]:
        del outline
        existing = tested.existing
        text = Text(existing)
        eol, unit = text.eol(), indent_unit(existing)
        module = _module_of_tests(existing)
        if module is None:
            if re.search(r"^(?:pub\s+)?mod\s+tests\b", existing, re.MULTILINE):
                raise ReplyUnusable(f"The module tests of {tested.path} is not for tests alone.")
            body = f"{unit}use super::*;\n\n{in_lines(test, unit, chr(10))}"
            added = appended(existing, f"#[cfg(test)]\nmod tests {{\n{body}}}", 1)
            return [(len(existing), added)]
        if module["rest"].rstrip() != "{":
            raise ReplyUnusable(
                f"The tests of {tested.path} are not in a block of their own lines; write this one "
                f"in its module {module['name']} by hand."
            )
        first = text.line_idx_at(module.end())
        last = _closing_line_idx(text, first, anatomy)
        if last is None:
            raise ReplyUnusable(f"Where the module {module['name']} ends cannot be told.")
        at, start = text.line_span(last).start, text.full_line_span(first).end
        inside = existing[start:at]
        blank = eol if inside.strip() and not inside.endswith(eol + eol) else ""
        found = [(at, f"{blank}{in_lines(test, unit, eol)}")]
        name = re.escape(tested.imported_name)
        if not re.search(rf"\buse super::\*|\buse [^;]*\b{name}\b", inside):
            gap = "" if re.match(r"\s*use\b", inside) else eol
            found.insert(0, (start, f"{unit}{self.import_line(tested)}{eol}{gap}"))
        return found


def _module_of_tests(source: str) -> re.Match[str] | None:
    """The module called tests or test; else the first one that has a test."""
    found = list(_MODULE.finditer(source))
    named = [module for module in found if module["name"] in ("tests", "test")]
    ends = [module.start() for module in found[1:]] + [len(source)]
    having = [
        module
        for module, end in zip(found, ends, strict=False)
        if "#[test]" in source[module.end() : end]
    ]
    return next(iter([*named, *having]), None)


def _is_near_the_top(function: Function, text: Text) -> bool:
    """Whether a module at the file's end sees it: on top, or in a block (impl, trait) on top."""
    is_method = "." in function.qualified_name
    indent = _indent(text, function.start_line)
    if not is_method or not indent:
        return not indent
    for line in range(function.start_line - 1, 0, -1):
        around = text.lines(line, line)[0]
        if around.strip() and _indent(text, line) < indent:
            return _indent(text, line) == 0
    return False


def _indent(text: Text, line: int) -> int:
    return len(indent_of(text.lines(line, line)[0]))


def _closing_line_idx(text: Text, first_idx: int, anatomy: Anatomy) -> int | None:
    """The line of the brace that closes a module on top which opens at a line.

    A brace at the start of a line closes it, unless it stands in a function (in a string, say).
    """
    for idx in range(first_idx + 1, text.n_lines):
        inside = any(f.start_line <= idx + 1 <= f.end_line for f in anatomy.functions)
        if text.lines(idx + 1, idx + 1)[0].rstrip() == "}" and not inside:
            return idx
    return None
