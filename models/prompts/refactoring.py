"""What a model is asked for an exact refactoring: a name, or which parameter changes. No code.

The code is numbered, so that the lines meant can be named; what comes back is one line under a
grammar, and everything else is done without the model.
"""

from __future__ import annotations

from collections.abc import Sequence

from context.secrets import without_secrets
from models.backends import Conversation
from models.prompts import framed

_RENAME = """Read this code. Every line has its number:
{fence} code
{code}
{fence} end of code

The {what} `{name}` has a name that says too little. What does it hold or do here? Choose a name \
that says it, in the style of the names around it, of two or three words at most. Answer with the \
new name alone."""

_NAME_LINES = """Read this code. Every line has its number:
{fence} code
{code}
{fence} end of code

Lines {first_line} to {last_line} become a function of their own. What do they do? Choose a name \
for it: a verb and what it is done to, in the style of the names around it. Answer with the name \
alone."""

_SIGNATURE = """Read this code. Every line has its number:
{fence} code
{code}
{fence} end of code

The function `{name}` has these parameters: {parameters}. The user wants: {detail}

Answer with one line in one of these forms, and nothing else:
add NAME = VALUE
add NAME: TYPE = VALUE
remove NAME
reorder NAME, NAME, NAME"""


def rename(code: str, name: str, what: str) -> Conversation:
    return framed(_RENAME, code=code, name=name, what=what)


def name_lines(code: str, first_line: int, last_line: int) -> Conversation:
    return framed(_NAME_LINES, code=code, first_line=first_line, last_line=last_line)


def signature(code: str, name: str, parameters: Sequence[str], detail: str) -> Conversation:
    return framed(
        _SIGNATURE,
        code=code,
        name=name,
        parameters=", ".join(parameters) or "none",
        detail=without_secrets(detail)[:1_000],
    )
