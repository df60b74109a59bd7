"""Words for tasks in which a model writes a part and the rest is put in place exactly."""

from __future__ import annotations

from context.secrets import without_secrets
from models.backends import Conversation
from models.prompts import framed

_DOCUMENT = """{fence} code
{code}
{fence} end of code

Write the documentation of {name} ({language}) for a colleague who calls it. First one sentence \
that says what it does or returns. Then, only if a caller must know it, one sentence on what it \
takes, changes or fails on. Plain words: no code, no quotation marks, no lists."""

_DOCUMENT_TYPE = """{fence} code
{code}
{fence} end of code

Write the documentation of {name} ({language}). First one sentence that says what one {name} is \
or is for. Then one short sentence that says what it holds. Plain words: no code, no quotation \
marks, no lists, nothing on single functions."""

_SIGNATURE = """{fence} code
{code}
{fence} end of code

Add types to {name} ({language}): one for each parameter and one for the result, as the code above \
uses them. Keep the names, their order and their defaults. Use types that are built into \
{language}, and names that the file knows. Answer with the first line of {name} alone."""

_TEST = """{fence} code
{code}
{fence} end of code
{example}
Write one short test of {name} with {framework}. {name} is there already: do not define or import \
anything. Call it with small values and compare the result with what follows from the code above. \
Use no files, programs or network. Write the test alone, then a line of ```."""

_EXAMPLE_TEST = """
A test of this project, to show how its tests are written:
{fence} example
{example}
{fence} end of example
"""


def document(code: str, name: str, language: str) -> Conversation:
    """No example: small models copy its sentences (4 of 12 docs, and they were false)."""
    return framed(_DOCUMENT, code=code, name=name, language=language)


def document_type(code: str, name: str, language: str) -> Conversation:
    """No example, either."""
    return framed(_DOCUMENT_TYPE, code=code, name=name, language=language)


def signature(code: str, name: str, language: str) -> Conversation:
    """No example: small models copy its names."""
    return framed(_SIGNATURE, code=code, name=name, language=language)


def write_test(code: str, name: str, framework: str, example: str) -> Conversation:
    """`example`: a test of the project, or nothing."""
    shown = without_secrets(example)
    template = _TEST.replace("{example}", _EXAMPLE_TEST if example else "")
    return framed(template, code=code, name=name, framework=framework, example=shown)
