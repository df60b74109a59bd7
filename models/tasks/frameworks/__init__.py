"""The test frameworks that are known, a file for each language."""

from __future__ import annotations

from models.tasks.frameworks.framework import Framework, Tested
from models.tasks.frameworks.go import GoTests
from models.tasks.frameworks.java import java_framework
from models.tasks.frameworks.javascript import javascript_framework
from models.tasks.frameworks.python import python_framework
from models.tasks.frameworks.rust import RustTests

__all__ = ["Framework", "Tested", "framework_of"]


def framework_of(language: str, said: str) -> Framework | None:
    """The framework that a test file of the project uses, or its build file names; None where
    that does not say which.
    """
    match language:
        case "python":
            return python_framework(said)
        case "go":
            return GoTests()
        case "java":
            return java_framework(said)
        case "rust":
            return RustTests()
        case _:
            return javascript_framework(said)
