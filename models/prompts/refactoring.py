"""What a model is asked for an exact refactoring: a name, or which parameter changes. No code.

The code is numbered, so that the lines meant can be named; what comes back is one line under a
grammar, and everything else is done without the model.
"""

from __future__ import annotations

from collections.abc import Sequence

from context.refactoring import Change
from context.secrets import without_secrets
from models.backends import Conversation
from models.prompts import framed, told

MAX_WISH_CHARS = 1_000

_RENAME = """Read this code. Every line has its number:
{fence} code
{code}
{fence} end of code

The {what} `{name}` has a name that says too little. Which name would say what it holds or does, \
in the style of the names around it, in at most three words? Answer with the new name alone."""
_RENAMED = "A better name for `{name}` is `"

_NAME_LINES = """Read this code. Every line has its number:
{fence} code
{code}
{fence} end of code

Lines {first_line} to {last_line} become a function of their own. What do they do? Choose a name \
for it: a verb and what it is done to, in the style of the names around it. Answer with the name \
alone."""
LINES_NAMED = "The new function is called `"  # how the answer begins, as of `renamed`

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

_WISH = """Read this code. Every line has its number:
{fence} code
{code}
{fence} end of code

The function `{name}` has these parameters: {parameters}. The user wants: {detail}

What does this mean for its parameters?"""

# How an answer to a wish begins, and how each choice goes on.
TO_DO = "The user wants to "
KINDS = {
    Change.ADD: "add a parameter",
    Change.REMOVE: "remove a parameter",
    Change.REORDER: "change the order of the parameters",
}
TO_REMOVE = f"{TO_DO}remove the parameter `"
TO_MOVE = f"{TO_DO}move the parameter `"
TO_ADD = f"{TO_DO}add the parameter `"
FRONT, END = "to the front", "to the end"


def renamed(name: str) -> str:
    """How the answer to `rename` begins: a small model goes on with a name, and else with what it
    was asked.
    """
    return _RENAMED.format(name=name)


def rename(code: str, name: str, what: str) -> Conversation:
    return framed(_RENAME, code=code, name=name, what=what)


def name_lines(code: str, first_line: int, last_line: int) -> Conversation:
    return framed(_NAME_LINES, code=code, first_line=first_line, last_line=last_line)


def signature(code: str, name: str, parameters: Sequence[str], detail: str) -> Conversation:
    return framed(_SIGNATURE, code=code, name=name, **_wished(parameters, detail))


def wish(code: str, name: str, parameters: Sequence[str], detail: str) -> Conversation:
    """What `signature` asks, for a model that is not asked to think: the answer begins with one of
    the openings above.
    """
    return told(_WISH, code=code, name=name, **_wished(parameters, detail))


def _wished(parameters: Sequence[str], detail: str) -> dict[str, str]:
    return {
        "parameters": ", ".join(f"`{name}`" for name in parameters) or "none",
        "detail": without_secrets(detail)[:MAX_WISH_CHARS],
    }
