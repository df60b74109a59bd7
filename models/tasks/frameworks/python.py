"""pytest and unittest."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from context.outline import Outline
from models.tasks.frameworks.framework import Framework, Tested, camel, snake
from models.tasks.imports import import_offset


class Pytest(Framework):
    spoken = "pytest"
    compares = re.compile(r"\bassert\b|\bself\.assert\w+|\bpytest\.raises\b|\braises\(")
    begins = re.compile(r"^(?:    |\t)?(?:async )?def (test_\w*)", re.MULTILINE)
    n_blank_lines = 2
    own_import = ""

    def opening(self, name: str) -> str:
        return f"def test_{snake(name)}"

    def import_line(self, tested: Tested) -> str:
        module = _module(tested.path, tested.existing or tested.example)
        return f"from {module} import {tested.imported_name}"

    def new_file(self, tested: Tested, test: str) -> str:
        head = f'"""Tests of {PurePosixPath(tested.path).name}."""\n\n{self.own_import}'
        return f"{head}{self.import_line(tested)}\n\n\n{test.rstrip()}\n"

    def import_offset(self, existing: str, outline: Outline) -> int:
        return import_offset(existing, outline) or 0


class Unittest(Pytest):
    spoken = "unittest"
    own_import = "import unittest\n\n"

    def opening(self, name: str) -> str:
        return f"class Test{camel(name)}(unittest.TestCase):\n    def test_{snake(name)}"

    def renamed(self, test: str, existing: str) -> str:
        test = super().renamed(test, existing)
        if class_ := re.match(r"class (\w+)", test):
            number = 2
            while re.search(rf"^class {class_[1]}{number}\b", existing, re.MULTILINE):
                number += 1
            if re.search(rf"^class {class_[1]}\b", existing, re.MULTILINE):
                test = re.sub(rf"\b{class_[1]}\b", f"{class_[1]}{number}", test)
        return test


def python_framework(example: str) -> Framework:
    uses_classes = re.search(r"^class \w+\(.*TestCase\)", example, re.MULTILINE)
    return Unittest() if uses_classes else Pytest()


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
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] in ("src", "lib") else parts)
