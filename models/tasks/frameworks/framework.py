"""What a test framework decides: how a test is begun, compared, named, imported and put in place.

Plain text rules of ours: no model says what is imported or how a test file begins.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from context.anatomy import Anatomy, Function
from context.outline import Outline
from context.text import Text
from models.errors import ReplyUnusable


@dataclass(frozen=True, slots=True)
class Tested:
    """What is tested, and where its test goes."""

    path: str
    source: str
    function: Function
    test_path: str
    existing: str  # text of the test file; "" for a new one
    example: str  # text of a test file of the project; "" where there is none

    @property
    def imported_name(self) -> str:
        """The function, or the type that it belongs to."""
        return self.function.qualified_name.partition(".")[0]


class Framework(ABC):
    """One for each way of writing tests.

    `spoken`: its name, for the model. `compares`: what shows that a test compares. `begins`: where
    a test begins; its group, if it has one, is the test's name. `reaches_out`: what a test may not
    use in this language alone, unless what it tests does.
    """

    spoken: str
    compares: re.Pattern[str]
    begins: re.Pattern[str]
    reaches_out = re.compile(r"(?!)")  # nothing
    n_blank_lines = 1  # before a test
    end = ""  # a test's last line, where it has one of its own
    before_number = "_"  # in the name of a test that would have one that is there

    @abstractmethod
    def opening(self, name: str) -> str:
        """The words that a test of `name` begins with: a small model then writes one."""

    @abstractmethod
    def import_line(self, tested: Tested) -> str:
        """What makes the function known in a test. Raises `ReplyUnusable` where nothing can."""

    def new_file(self, tested: Tested, test: str) -> str:
        """The whole text of a new test file. Not asked where tests stand in what they test."""
        raise NotImplementedError

    def tests_in(self, text: str) -> Iterator[int]:
        """Offsets at which tests begin."""
        yield from (found.start() for found in self.begins.finditer(text))

    def alone(self, test: str) -> str:
        """The test as a whole file, to be parsed."""
        return f"{test}\n"

    def finished(self, test: str) -> str:
        """Without comparisons written twice in a row, and with the end for which the form of the
        answer has no room behind them: a small model goes on comparing.
        """
        lines = test.rstrip().split("\n")
        kept = [
            line
            for before, line in zip(["", *lines], lines, strict=False)
            if line != before or not self.compares.search(line)
        ]
        if self.end and self.end not in kept:
            kept.append(self.end)
        return "\n".join(kept)

    def refused(self, tested: Tested, test: str) -> str:
        """Words in the test that must not be there; "" where there are none."""
        del tested, test
        return ""

    def renamed(self, test: str, existing: str) -> str:
        """The test under a name that its file does not have yet."""
        if not self.begins.groups:
            return test
        taken = {found[1] for found in self.begins.finditer(existing)}
        for found in list(self.begins.finditer(test)):
            name, number = found[1], 2
            while f"{name}{self.before_number}{number}" in taken:
                number += 1
            if name in taken:
                test = re.sub(rf"\b{name}\b", f"{name}{self.before_number}{number}", test)
        return test

    def insertions(
        self, tested: Tested, test: str, outline: Outline, anatomy: Anatomy
    ) -> list[tuple[int, str]]:
        """(offset, text) of what is added to a test file that is there: the test at its end, and
        what it needs. `outline` and `anatomy` are those of the test file.

        Raises `ReplyUnusable` where the file has no place for a test.
        """
        del anatomy
        existing = tested.existing
        eol = Text(existing).eol()
        found = [self.at_end(existing, test)]
        imports: dict[int, str] = {}
        for line in self.needed(tested, test, outline):
            at = self.import_offset(line, existing, outline)
            imports[at] = f"{imports.get(at, '')}{line}{eol}"
        return [*imports.items(), *found]

    def at_end(self, existing: str, test: str) -> tuple[int, str]:
        """Where in its file a further test goes, and the text that puts it there."""
        return len(existing), appended(existing, test, self.n_blank_lines)

    def needed(self, tested: Tested, test: str, outline: Outline) -> list[str]:
        """The imports that the test needs and its file does not have."""
        del test
        return [] if self.has_import(tested, outline) else [self.import_line(tested)]

    def has_import(self, tested: Tested, outline: Outline) -> bool:
        """Whether the test file knows what is tested.

        Raises `ReplyUnusable` where it has something else of that name.
        """
        del outline
        return self.import_line(tested) in tested.existing

    def import_offset(self, line: str, existing: str, outline: Outline) -> int:
        """Where an import can be put into a test file."""
        del line, existing, outline
        return 0


def appended(existing: str, test: str, n_blank_lines: int) -> str:
    """What is added to a file's end so that a test stands there, with the file's own line ends."""
    eol = Text(existing).eol()
    break_ = "" if existing.endswith(("\n", "\r")) else eol
    return f"{break_}{eol * n_blank_lines}{in_lines(test, '', eol)}"


def in_lines(test: str, indent: str, eol: str) -> str:
    """The test indented, each of its lines with its end."""
    lines = test.rstrip().split("\n")
    return "".join(f"{indent if line.strip() else ''}{line}{eol}" for line in lines)


def called_alone(tested: Tested, test: str) -> str:
    """What is wrong with a call of a method by its name alone; "" where none is."""
    name = tested.function.name
    if "." in tested.function.qualified_name and re.search(rf"(?<![\w.:]){name}\s*\(", test):
        return f"{name} without {tested.imported_name} or one such before it"
    return ""


def another_of_that_name(tested: Tested, module: str) -> ReplyUnusable:
    return ReplyUnusable(
        f"{tested.test_path} has another {tested.imported_name}, of {module}; write this test by "
        "hand."
    )


def indent_unit(text: str) -> str:
    """What the first line that is indented begins with; four spaces where none is."""
    found = re.search(r"^(\t| {2,8})(?=[^\s*])", text, re.MULTILINE)
    return found[1] if found else "    "


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_") or "it"


def camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part) or "It"
