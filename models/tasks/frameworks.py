"""How a test is begun, compared, imported and named in each test framework that is known.

Plain text rules of ours: no model says what is imported or how a test file begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import relpath
from pathlib import PurePosixPath

from context.anatomy import Function

_PYTHON_TEST = re.compile(r"^(?:    |\t)?(?:async )?def (test_\w*)", re.MULTILINE)
_JS_TEST = re.compile(r"^[ \t]*(?:test|it)\(", re.MULTILINE)
_GO_TEST = re.compile(r"^func (Test\w*)\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Framework:
    name: str
    spoken: str  # for the model
    language: str  # python, javascript or go
    compares: re.Pattern[str]
    own_import: str  # what a new file must import for the framework itself
    verb: str = ""  # test or it, in JavaScript
    blank_lines: int = 1  # before a test

    def opening(self, name: str) -> str:
        """The words that a test begins with: a small model then writes one."""
        if self.language == "python":
            if self.name == "unittest":
                return f"class Test{_camel(name)}(unittest.TestCase):\n    def test_{_snake(name)}"
            return f"def test_{_snake(name)}"
        if self.language == "go":
            return f"func Test{_camel(name)}(t *testing.T) {{\n"
        return f"{self.verb}('{name}"

    def tests_in(self, text: str) -> Iterator[int]:
        """Offsets at which tests begin."""
        pattern = {"python": _PYTHON_TEST, "go": _GO_TEST}.get(self.language, _JS_TEST)
        yield from (found.start() for found in pattern.finditer(text))

    def alone(self, test: str) -> str:
        """The test as a whole file, to be parsed."""
        return f"package x\n\n{test}\n" if self.language == "go" else f"{test}\n"

    def renamed(self, test: str, existing: str) -> str:
        """The test under a name that its file does not have yet."""
        pattern = {"python": _PYTHON_TEST, "go": _GO_TEST}.get(self.language)
        taken = {found[1] for found in pattern.finditer(existing)} if pattern else set()
        for found in list(pattern.finditer(test)) if pattern else []:
            name, number = found[1], 2
            while f"{name}_{number}" in taken:
                number += 1
            if name in taken:
                test = re.sub(rf"\b{name}\b", f"{name}_{number}", test)
        if self.name == "unittest" and (cls := re.match(r"class (\w+)", test)):
            number = 2
            while re.search(rf"^class {cls[1]}{number}\b", existing, re.MULTILINE):
                number += 1
            if re.search(rf"^class {cls[1]}\b", existing, re.MULTILINE):
                test = re.sub(rf"\b{cls[1]}\b", f"{cls[1]}{number}", test)
        return test

    def imports(self, existing: str, line: str, function: Function) -> bool:
        """Whether a test file has what `line` would import."""
        name = function.qualified_name.partition(".")[0]
        if self.language == "go" or line in existing:
            return True
        word = rf"\b{re.escape(name)}\b"
        return bool(re.search(rf"import[^\n]*{word}|{word}[^\n]*(?:from|require)", existing))

    def head(self, tested: str, line: str) -> str:
        """What a new test file begins with."""
        if self.language == "go":
            return f'{line}\n\nimport "testing"\n\n'
        if self.language == "python":
            own = f"{self.own_import}\n\n" if self.own_import else ""
            return f'"""Tests of {tested}."""\n\n{own}{line}\n\n\n'
        own = f"{self.own_import}\n" if self.own_import else ""
        return f"{own}{line}\n\n"


_EXPECT = re.compile(r"\bexpect\s*\(|\bassert\b")
_PYTHON_COMPARES = re.compile(r"\bassert\b|\bself\.assert\w+|\bpytest\.raises\b|\braises\(")
_PYTEST = Framework("pytest", "pytest", "python", _PYTHON_COMPARES, "", blank_lines=2)
_UNITTEST = Framework(
    "unittest", "unittest", "python", _PYTHON_COMPARES, "import unittest", blank_lines=2
)
_GO = Framework(
    "testing", "Go's testing package", "go",
    re.compile(r"\bt\.(?:Error|Fatal)f?\b|\b(?:assert|require)\."), "",
)  # fmt: skip


def framework_of(language: str, example: str) -> Framework | None:
    """The framework that a test file of the project uses; None where nothing says which."""
    if language == "go":
        return _GO
    if language == "python":
        uses_classes = re.search(r"^class \w+\(.*TestCase\)", example, re.MULTILINE)
        return _UNITTEST if uses_classes else _PYTEST
    verb = "it" if re.search(r"^\s*it\(", example, re.MULTILINE) else "test"
    if found := re.search(r"from ['\"](vitest|node:test|@jest/globals|bun:test)['\"]", example):
        own = {
            "vitest": f"import {{ {verb}, expect }} from 'vitest'",
            "@jest/globals": f"import {{ {verb}, expect }} from '@jest/globals'",
            "bun:test": f"import {{ {verb}, expect }} from 'bun:test'",
            "node:test": f"import {{ {verb} }} from 'node:test'\n"
            "import assert from 'node:assert/strict'",
        }[found[1]]
        spoken = {"node:test": "node:test and node:assert"}.get(found[1], found[1].strip("@"))
        return Framework(found[1], spoken, "javascript", _EXPECT, own, verb)
    if re.search(r"require\(['\"]node:test['\"]\)", example):
        own = f"const {{ {verb} }} = require('node:test')\nconst assert = require('node:assert')"
        return Framework("node:test", "node:test and node:assert", "javascript", _EXPECT, own, verb)
    if _JS_TEST.search(example) and "expect(" in example:  # its names are global
        return Framework("jest", "Jest", "javascript", _EXPECT, "", verb)
    return None


def import_line(
    framework: Framework, path: str, test_path: str, source: str, function: Function, example: str
) -> str | None:
    """The line that makes the function known in its test; None when nothing can import it."""
    name = function.qualified_name.partition(".")[0]
    if framework.language == "go":
        found = re.search(r"^package (\w+)", source, re.MULTILINE)
        return f"package {found[1]}" if found else None
    if framework.language == "python":
        return f"from {_python_module(path, example)} import {name}"
    escaped = re.escape(name)
    if not re.search(rf"^export\b[^\n]*\b{escaped}\b|exports\b[^\n]*\b{escaped}\b", source, re.M):
        return None
    target = relpath(PurePosixPath(path).with_suffix(""), PurePosixPath(test_path).parent)
    target = target.replace("\\", "/")
    target = target if target.startswith(".") else f"./{target}"
    if path.endswith((".mjs", ".cjs")) or re.search(r"['\"]\.{1,2}/[^'\"]+\.js['\"]", example):
        suffix = PurePosixPath(path).suffix
        target += suffix if suffix in (".mjs", ".cjs") else ".js"
    is_default = re.search(rf"^export default\b[^\n]*\b{escaped}\b", source, re.M)
    if re.search(r"\bexports\b", source) and not re.search(r"^export\b", source, re.M):
        return f"const {{ {name} }} = require('{target}')"
    return f"import {name if is_default else f'{{ {name} }}'} from '{target}'"


def _python_module(path: str, example: str) -> str:
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


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_") or "it"


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part) or "It"
