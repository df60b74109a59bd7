"""pytest and unittest."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from context.outline import Outline
from context.text import Text
from models.tasks.frameworks.framework import (
    Framework,
    Tested,
    another_of_that_name,
    camel,
    in_lines,
    snake,
)
from models.tasks.imports import import_offset

# Modules that a test may use by their name; what it tests may import others, which it then has.
_MODULES = (
    "asyncio", "collections", "datetime", "decimal", "itertools", "json", "math", "pytest", "re",
    "unittest",
)  # fmt: skip
_TEXT = re.compile(r"\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#[^\n]*",
                   re.DOTALL)  # fmt: skip
_BASE = re.compile(r"^class \w+\(((?:\w+\.)*(\w*TestCase))\b", re.MULTILINE)
_RUN_AS_PROGRAM = re.compile(
    r"^if __name__ *== *['\"]__main__['\"] *:.*\n?(?:(?:[ \t].*)?\n)*(?:[ \t].*)?\Z", re.MULTILINE
)


class Pytest(Framework):
    spoken = "pytest"
    compares = re.compile(r"\bassert\b|\bself\.assert\w+|\bpytest\.raises\b|\braises\(")
    begins = re.compile(r"^(?:    |\t)?(?:async )?def (test_\w*)", re.MULTILINE)
    n_blank_lines = 2

    def opening(self, name: str) -> str:
        return f"def test_{snake(name)}"

    def import_line(self, tested: Tested) -> str:
        module = _module(tested.path, tested.existing or tested.example)
        return f"from {module} import {tested.imported_name}"

    def new_file(self, tested: Tested, test: str) -> str:
        head = f'"""Tests of {PurePosixPath(tested.path).name}."""\n\n'
        modules = "\n".join(self._modules(test))
        imports = f"{modules}\n\n" if modules else ""
        return f"{head}{imports}{self.import_line(tested)}\n\n\n{test.rstrip()}\n"

    def at_end(self, existing: str, test: str) -> tuple[int, str]:
        """Before the lines that run the file as a program: they end it."""
        if (found := _RUN_AS_PROGRAM.search(existing)) is None:
            return super().at_end(existing, test)
        at, eol = found.start(), Text(existing).eol()
        gap = existing[len(existing[:at].rstrip()) : at].removeprefix(eol)
        return at, f"{in_lines(test, '', eol)}{gap}"

    def needed(self, tested: Tested, test: str, outline: Outline) -> list[str]:
        known = {i.module for i in outline.imports if not i.names}
        modules = [line for line in self._modules(test) if line.split()[-1] not in known]
        return [*modules, *super().needed(tested, test, outline)]

    def has_import(self, tested: Tested, outline: Outline) -> bool:
        """Also by a package that hands it on, and by the end of a relative name."""
        name = tested.imported_name
        if re.search(rf"\b{name}\s+as\s+\w", tested.existing):
            return False
        module = self.import_line(tested).split()[1]
        tail = module.rpartition(".")[2]
        for found in outline.imports:
            if name not in found.names:
                continue
            own = found.module.lstrip(".")
            is_same = (
                found.module != own and own.rpartition(".")[2] in ("", tail)
            ) or f"{module}.".startswith(f"{own}.")
            if not is_same and not f".{module}".endswith(f".{own}") and not own.endswith(module):
                raise another_of_that_name(tested, found.module)
            return True
        return False

    def import_offset(self, line: str, existing: str, outline: Outline) -> int:
        """Before the first import of the same package, else before all."""
        package = re.split(r"[. ]", line)[1]
        own = tuple(i for i in outline.imports if re.split(r"\.", i.module)[0] == package)
        at = import_offset(existing, replace(outline, imports=own))
        return at if at is not None else import_offset(existing, outline) or 0

    def _modules(self, test: str) -> list[str]:
        code = _TEXT.sub('""', test)
        return [f"import {m}" for m in _MODULES if re.search(rf"(?<![\w.]){m}\.\w", code)]


class Unittest(Pytest):
    spoken = "unittest"

    def __init__(self, base: str, own_import: str) -> None:
        """`base`: what the project's test classes inherit from, and the line that imports it, ""
        where that is not needed.
        """
        self._base, self._own_import = base, own_import

    def opening(self, name: str) -> str:
        return f"class Test{camel(name)}({self._base}):\n    def test_{snake(name)}"

    def renamed(self, test: str, existing: str) -> str:
        test = super().renamed(test, existing)
        if class_ := re.match(r"class (\w+)", test):
            number = 2
            while re.search(rf"^class {class_[1]}{number}\b", existing, re.MULTILINE):
                number += 1
            if re.search(rf"^class {class_[1]}\b", existing, re.MULTILINE):
                test = re.sub(rf"\b{class_[1]}\b", f"{class_[1]}{number}", test)
        return test

    def _modules(self, test: str) -> list[str]:
        """The base class's, too. A test that goes to a file that is there finds it there."""
        own = [self._own_import] if self._own_import else []
        return [*own, *super()._modules(test)]

    def needed(self, tested: Tested, test: str, outline: Outline) -> list[str]:
        return [line for line in super().needed(tested, test, outline) if line != self._own_import]


def python_framework(example: str) -> Framework:
    """`example`: the file that the test goes to, or the nearest one."""
    if (found := _BASE.search(example)) is None:
        return Pytest()
    base, root = found[1], found[1].partition(".")[0]
    if base == "unittest.TestCase":
        return Unittest(base, "")
    if root == base:
        imported = re.search(
            rf"^from ([\w.]+) import (?:\([^)]*|[^\n]*)\b{base}\b", example, re.MULTILINE
        )
    else:
        imported = re.search(rf"^from ([\w.]+) import [^\n]*\b{root}\b", example, re.MULTILINE)
    if imported is not None:
        return Unittest(base, f"from {imported[1]} import {root}")
    return Unittest(base, "")


def _module(path: str, example: str) -> str:
    """The module's dotted name, as the project's tests write it where they show it."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts = parts[:-1]
    for start in range(len(parts)):
        dotted = ".".join(parts[start:])
        package = ".".join(parts[start:-1])
        for wanted in filter(None, (dotted, package)):
            if re.search(rf"^\s*(?:from|import) {re.escape(wanted)}\b", example, re.MULTILINE):
                return dotted
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "src" or (parts[at] == "lib" and at == 0):
            return ".".join(parts[at + 1 :])
    return ".".join(parts)
