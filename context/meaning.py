"""What a grammar allows and its language does not: await outside an async function and the like.

The grammars of tree-sitter take such code, and small models write it. Of Python this interpreter's
own compiler knows better; it compiles, and nothing is run. What is newer than the interpreter it
cannot read: then nothing is said. Only in the parsers' processes, which a hostile text may bring
down. Of other languages the tree tells some of it (context/misplaced.py).
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import replace

from context.languages import Language
from context.misplaced import misplaced
from context.outline import Outline, Problem
from context.syntax import outline_of, parse

MAX_SOURCE_BYTES = 2_000_000  # a compiler takes some 50 times as much memory


def checked_outline(source: bytes, language: Language) -> Outline:
    """The same of a text that is to be judged: with what its language, too, does not allow."""
    tree = parse(source, language)
    found = outline_of(tree, source, language)
    if found.problems:
        return found
    if language.name == "python":
        return replace(found, problems=meaning_problems(source))
    return replace(found, problems=misplaced(tree.root_node, language.name))


def meaning_problems(source: bytes) -> tuple[Problem, ...]:
    """The first that Python's compiler finds, or none."""
    if len(source) > MAX_SOURCE_BYTES:
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source.decode("utf-8", "replace"))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ()  # of the grammar, which is asked elsewhere, or not for this interpreter
        try:
            compile(tree, "<edited>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return (Problem(error.lineno or 1, max((error.offset or 1) - 1, 0), error.msg),)
        except (ValueError, RecursionError, MemoryError):
            return ()
    return ()
