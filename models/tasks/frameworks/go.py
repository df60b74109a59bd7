"""Go's testing package."""

from __future__ import annotations

import re

from models.errors import ReplyUnusable
from models.tasks.frameworks.framework import Framework, Tested, camel


class GoTests(Framework):
    spoken = "Go's testing package"
    compares = re.compile(r"\bt\.(?:Error|Fatal)f?\b|\b(?:assert|require)\.")
    end = "}"
    begins = re.compile(r"^func (Test\w*)\(", re.MULTILINE)

    def opening(self, name: str) -> str:
        return f"func Test{camel(name)}(t *testing.T) {{\n"

    def import_line(self, tested: Tested) -> str:
        """A test is in the package of what it tests."""
        found = re.search(r"^package (\w+)", tested.source, re.MULTILINE)
        if found is None:
            raise ReplyUnusable(f"{tested.path} does not say which package it is of.")
        return f"package {found[1]}"

    def new_file(self, tested: Tested, test: str) -> str:
        return f'{self.import_line(tested)}\n\nimport "testing"\n\n{test.rstrip()}\n'

    def alone(self, test: str) -> str:
        return f"package x\n\n{test}\n"

    def imports(self, tested: Tested, line: str) -> bool:
        del tested, line
        return True
