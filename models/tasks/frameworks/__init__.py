"""The test frameworks that are known, a file for each language."""

from __future__ import annotations

from models.tasks.frameworks.framework import Framework, Tested
from models.tasks.frameworks.go import GoTests
from models.tasks.frameworks.javascript import javascript_framework
from models.tasks.frameworks.python import python_framework

__all__ = ["Framework", "Tested", "framework_of"]


def framework_of(language: str, example: str) -> Framework | None:
    """The framework that a test file of the project uses; None where nothing says which."""
    match language:
        case "python":
            return python_framework(example)
        case "go":
            return GoTests()
        case _:
            return javascript_framework(example)
