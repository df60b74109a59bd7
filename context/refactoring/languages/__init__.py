"""The table of languages whose names are resolved by their tree: one module each.

Python is not among them: rope does it (context/refactoring/python).
"""

from __future__ import annotations

from context.refactoring.languages.ecmascript import EcmaScript
from context.refactoring.languages.go import Go
from context.refactoring.languages.java import Java
from context.refactoring.languages.rust import Rust
from context.refactoring.scopes import Rules

RULES: dict[str, Rules] = {
    "javascript": EcmaScript(),
    "typescript": EcmaScript(),
    "tsx": EcmaScript(),
    "go": Go(),
    "java": Java(),
    "rust": Rust(),
}
