"""What Python's grammar allows and Python does not: await outside an async function and the like.

The grammar of tree-sitter takes such code, and a small model writes it. This interpreter's own
compiler knows better; it compiles, and nothing is run. What is newer than the interpreter it cannot
read: then nothing is said. Only in the parsers' processes, which a hostile text may bring down.
"""

from __future__ import annotations

import ast
import warnings

from context.outline import Problem

MAX_SOURCE_BYTES = 2_000_000  # a compiler takes some 50 times as much memory


def meaning_problems(source: bytes) -> tuple[Problem, ...]:
    """The first that the compiler finds, or none."""
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
