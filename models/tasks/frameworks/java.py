"""JUnit 5 and JUnit 4: a method in the class of a Java file's tests, which is of its package."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from context.anatomy import Anatomy
from context.outline import Outline
from context.text import Text
from models.errors import ReplyUnusable
from models.tasks.frameworks.framework import (
    Framework,
    Tested,
    called_alone,
    camel,
    in_lines,
    indent_unit,
)

_ASSERTS = re.compile(
    r"\b(assert(?:Equals|NotEquals|True|False|Null|NotNull|Same|NotSame|ArrayEquals|Throws)|fail)\s*\("
)
_OWNED_ASSERT = re.compile(
    r"(?<![\w.])(?:org\.junit\.(?:jupiter\.api\.)?)?(?:Assertions|Assert)\."
    rf"(?={_ASSERTS.pattern})"
)
_ANY_ASSERT = re.compile(r"(?<![\w.])(assert\w+)\s*\(")
_UNICODE_ESCAPE = re.compile(r"\\u+[0-9a-fA-F]{4}")  # Java reads these before it reads code
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_UTIL = frozenset(
    """ArrayDeque ArrayList Arrays Collection Collections Comparator Deque HashMap HashSet Iterator
    LinkedHashMap LinkedHashSet LinkedList List Map NoSuchElementException Objects Optional
    OptionalDouble OptionalInt PriorityQueue Queue Set TreeMap TreeSet""".split()
)


class JUnit(Framework):
    """Both versions, which differ in what is imported and in what must be public."""

    compares = _ASSERTS
    reaches_out = re.compile(
        r"\b(?:ProcessBuilder|getRuntime|forName|loadLibrary|HttpClient|ServerSocket|FileWriter"
        r"|FileReader|RandomAccessFile|File\w+Stream)\b|\bjava\.(?:n?io|net)\b|\bFiles\."
        r"|\bnew\s+File\b"
    )
    end = "}"
    begins = re.compile(
        r"^[ \t]*@Test\b[^\n]*\n(?:[ \t]*@[^\n]*\n)*[ \t]*(?:public )?void (\w+)\(", re.MULTILINE
    )
    before_number = ""

    def __init__(self, spoken: str, asserts: str, annotation: str, visibility: str) -> None:
        """`asserts`: the class of the comparisons, `annotation`: that of tests, both qualified.
        `visibility`: what classes and methods of tests begin with.
        """
        self.spoken, self._asserts, self._annotation = spoken, asserts, annotation
        self._visibility = visibility

    def finished(self, test: str) -> str:
        """Its comparisons without the class that they are of: they are imported from it."""
        return super().finished(_OWNED_ASSERT.sub("", test))

    def opening(self, name: str) -> str:
        return f"@Test\n{self._visibility}void test{camel(name)}"

    def import_line(self, tested: Tested) -> str:
        """Nothing: a test is in the package of what it tests. Not all can be called from there."""
        function = tested.function
        if function.qualified_name.split(".")[-2:-1] == [function.name]:
            raise ReplyUnusable("Postil writes tests of methods, not of constructors.")
        if re.search(r"\bprivate\b", tested.source[function.head.start : function.head.end]):
            raise ReplyUnusable(f"A test cannot call {function.name}, which is private.")
        return ""

    def new_file(self, tested: Tested, test: str) -> str:
        package = re.search(r"^package\s+[\w.]+\s*;", tested.source, re.MULTILINE)
        static, plain = self._imports(tested, test)
        groups = [package[0]] if package else []
        groups += ["\n".join(lines) for lines in (static, plain) if lines]
        name = PurePosixPath(tested.test_path).stem
        indented = in_lines(test, indent_unit(tested.example or tested.source), "\n")
        head = "".join(f"{group}\n\n" for group in groups)
        return f"{head}{self._visibility}class {name} {{\n\n{indented}}}\n"

    def alone(self, test: str) -> str:
        return f"class X {{\n{test}\n}}\n"

    def refused(self, tested: Tested, test: str) -> str:
        if found := _UNICODE_ESCAPE.search(test):
            return found[0]
        for found in _ANY_ASSERT.finditer(test):
            if not _ASSERTS.match(found[0]) and not re.search(rf"\b{found[1]}\b", tested.existing):
                return found[1]
        return called_alone(tested, test)

    def insertions(
        self, tested: Tested, test: str, outline: Outline, anatomy: Anatomy
    ) -> list[tuple[int, str]]:
        existing, name = tested.existing, PurePosixPath(tested.test_path).stem
        text = Text(existing)
        eol = text.eol()
        class_ = next((t for t in anatomy.types if t.qualified_name == name), None)
        if class_ is None or existing[class_.body.end - 1 : class_.body.end] != "}":
            raise ReplyUnusable(f"There is no class {name} in {tested.test_path}; write one first.")
        at = class_.body.end - 1
        line = text.line_span(text.line_idx_at(at))
        is_alone = not existing[line.start : at].strip()
        before = existing[: line.start if is_alone else at].rstrip(" \t")
        blank = "" if before.endswith(eol + eol) else eol
        added = f"{blank}{in_lines(test, indent_unit(existing), eol)}"
        found = [(line.start if is_alone else at, added)]
        if lines := [line for group in self._imports(tested, test) for line in group]:
            found.insert(0, _import_insertion(text, outline, lines))
        return found

    def _imports(self, tested: Tested, test: str) -> tuple[list[str], list[str]]:
        """(static imports, imports) that the test needs and its file does not have."""
        code = _STRING.sub('""', test)
        asserts = sorted({found[1] for found in _ASSERTS.finditer(code)})
        static = [
            f"import static {self._asserts}.{name};"
            for name in asserts
            if not _has_import(tested.existing, f"static {self._asserts}", name)
        ]
        package, _, annotation = self._annotation.rpartition(".")
        plain = set()
        if not _has_import(tested.existing, package, annotation):
            plain.add(f"import {self._annotation};")
        for name in set(re.findall(r"(?<![\w.@])[A-Z]\w*", code)):
            if re.search(rf"^import\s+[\w.]+\.{name}\s*;", tested.existing, re.MULTILINE):
                continue
            imported = re.search(rf"^import\s+[\w.]+\.{name}\s*;", tested.source, re.MULTILINE)
            if imported is not None:
                plain.add(imported[0])
            elif name in _UTIL and not _has_import(tested.existing, "java.util", name):
                plain.add(f"import java.util.{name};")
        return static, sorted(plain)


JUNIT_5 = JUnit(
    "JUnit 5", "org.junit.jupiter.api.Assertions", "org.junit.jupiter.api.Test", visibility=""
)
JUNIT_4 = JUnit("JUnit 4", "org.junit.Assert", "org.junit.Test", visibility="public ")


def java_framework(said: str) -> Framework | None:
    """By a test file or a build file."""
    if re.search(r"org\.junit\.jupiter|junit-jupiter", said):
        return JUNIT_5
    if re.search(
        r"^import\s+(?:static\s+)?org\.junit\.(?:Test|Assert|\*)"
        r"|<artifactId>junit</artifactId>|['\"]junit:junit:4",
        said,
        re.MULTILINE,
    ):
        return JUNIT_4
    return None


def _has_import(existing: str, owner: str, name: str) -> bool:
    words = r"\s+".join(re.escape(word) for word in owner.split())
    return bool(re.search(rf"^import\s+{words}\.(?:{name}|\*)\s*;", existing, re.MULTILINE))


def _import_insertion(text: Text, outline: Outline, lines: list[str]) -> tuple[int, str]:
    """Before the first import that is there; else after the package."""
    eol = text.eol()
    written = "".join(f"{line}{eol}" for line in lines)
    if outline.imports:
        return text.line_span(min(i.line for i in outline.imports) - 1).start, written
    package = re.search(r"^package\s+[\w.]+\s*;", text.content, re.MULTILINE)
    if package is None:
        return 0, f"{written}{eol}"
    return text.full_line_span(text.line_idx_at(package.start())).end, f"{eol}{written}"
