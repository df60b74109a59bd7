"""Go's testing package."""

from __future__ import annotations

import re

from context.anatomy import Anatomy
from context.outline import Outline
from context.text import Text
from models.errors import ReplyUnusable
from models.tasks.frameworks.framework import Framework, Tested, camel

# What a test may use of other packages; testify only where the project's tests do.
_STANDARD = (
    "bytes", "context", "errors", "fmt", "maps", "math", "reflect", "slices", "sort", "strconv",
    "strings", "time",
)  # fmt: skip
_TESTIFY = {name: f"github.com/stretchr/testify/{name}" for name in ("assert", "require")}
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|//[^\n]*')
_DECLARED = re.compile(r"^(?:func|type|var|const) ([A-Z]\w*)", re.MULTILINE)


class GoTests(Framework):
    spoken = "Go's testing package"
    compares = re.compile(r"\bt\.(?:Error|Fatal)f?\b|\b(?:assert|require)\.")
    end = "}"
    begins = re.compile(r"^func (Test\w*)\(", re.MULTILINE)

    def opening(self, name: str) -> str:
        return f"func Test{camel(name)}(t *testing.T) {{\n"

    def import_line(self, tested: Tested) -> str:
        """A test is in the package of what it tests, or in that of the tests that are there."""
        package = _package(tested.source)
        if not package:
            raise ReplyUnusable(f"{tested.path} does not say which package it is of.")
        name = tested.function.qualified_name
        if _is_outside(tested) and ("." in name or not name[:1].isupper()):
            raise ReplyUnusable(
                f"The tests in {tested.test_path} are of another package, which does not see "
                f"{name}; write a first test of package {package} by hand."
            )
        return f"package {package}"

    def new_file(self, tested: Tested, test: str) -> str:
        paths = sorted(["testing", *_used(tested, test)], key=lambda path: ("/" in path, path))
        quoted = [f'"{path}"' for path in paths]
        imports = quoted[0] if len(quoted) == 1 else "(\n\t" + "\n\t".join(quoted) + "\n)"
        return f"{self.import_line(tested)}\n\nimport {imports}\n\n{test.rstrip()}\n"

    def alone(self, test: str) -> str:
        return f"package x\n\n{test}\n"

    def refused(self, tested: Tested, test: str) -> str:
        known = tested.existing or tested.example
        for name, path in _TESTIFY.items():
            if f'"{path}"' not in known and re.search(rf"(?<![\w.]){name}\.[A-Z]", test):
                return f"{name}, which no test here imports"
        return ""

    def insertions(
        self, tested: Tested, test: str, outline: Outline, anatomy: Anatomy
    ) -> list[tuple[int, str]]:
        if _is_outside(tested):
            test = _qualified(tested, test)
        return super().insertions(tested, test, outline, anatomy)

    def needed(self, tested: Tested, test: str, outline: Outline) -> list[str]:
        known = {found.module for found in outline.imports}
        return [f'import "{path}"' for path in _used(tested, test) if path not in known]

    def import_offset(self, line: str, existing: str, outline: Outline) -> int:
        """Below the package; further imports may follow an import."""
        del line, outline
        text = Text(existing)
        found = re.search(r"^package \w+", existing, re.MULTILINE)
        return text.full_line_span(text.line_idx_at(found.start())).end if found else 0


def _package(source: str) -> str:
    found = re.search(r"^package (\w+)", source, re.MULTILINE)
    return found[1] if found else ""


def _is_outside(tested: Tested) -> bool:
    """Whether the test file that is there is of the package for tests from outside."""
    return bool(tested.existing) and _package(tested.existing) == f"{_package(tested.source)}_test"


def _qualified(tested: Tested, test: str) -> str:
    """The test with what the tested file exports under its package's name."""
    package = _package(tested.source)
    names = "|".join(sorted({*_DECLARED.findall(tested.source)}))
    return re.sub(rf"(?<![\w.\"])({names})(?=[({{.])", rf"{package}.\1", test)


def _used(tested: Tested, test: str) -> list[str]:
    """Paths of the packages that the test uses by name."""
    code = _TEXT.sub('""', test)
    known = {name: name for name in _STANDARD} | {
        name: path for name, path in _TESTIFY.items()
        if f'"{path}"' in (tested.existing or tested.example)
    }  # fmt: skip
    return [p for name, p in known.items() if re.search(rf"(?<![\w.]){name}\.[A-Z]", code)]
