"""Proofs for edits that we make ourselves from a model's words: only a doc, only types, a new file.

What the model wrote is put in place exactly, so the syntax tree can show that nothing else changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from context.anatomy import Anatomy, Function
from context.text import Span, content_hash
from models.findings import Edit, NewFile, Refusal
from models.gate.anchors import overlap_refusal
from models.gate.code import Code
from models.gate.content import Deletion, content_refusal, size_refusal
from models.gate.paths import confirmation_of, path_refusal
from models.gate.syntax import by_path, syntax_refusal, texts_after


async def docs_refusal(
    edits: Sequence[Edit], sources: Mapping[str, str], code: Code
) -> Refusal | None:
    """Why edits are more than docs: the code without comments and docstrings must be the same."""
    if refusal := await _plain_refusal(edits, sources, code):
        return refusal
    if await changes_code(edits, sources, code):
        return Refusal("code changed", "The edit would change more than a comment.")
    return None


async def changes_code(edits: Sequence[Edit], sources: Mapping[str, str], code: Code) -> bool:
    """Whether edits change more than comments and docstrings, or it cannot be told."""
    for path, after in texts_after(edits, sources.__getitem__).items():
        old, new = await code.anatomy(path, sources[path]), await code.anatomy(path, after)
        if not old.skeleton or old.skeleton != new.skeleton:
            return True
    return False


async def types_refusal(
    edits: Sequence[Edit], sources: Mapping[str, str], function: Function, code: Code
) -> Refusal | None:
    """Why edits are more than types of `function`: names, order, defaults and bodies must stay."""
    if refusal := await _plain_refusal(edits, sources, code):
        return refusal
    if any(edit.old_text.strip() not in ("", "=") for edit in edits):
        return Refusal("code changed", "The edit would replace more than it adds.")
    for path, after in texts_after(edits, sources.__getitem__).items():
        old, new = await code.anatomy(path, sources[path]), await code.anatomy(path, after)
        if len(old.calls) != len(new.calls):  # Python evaluates a type when the file is loaded
            return Refusal("code changed", "A type must not call anything.")
        if _untyped(old, sources[path]) != _untyped(new, after):
            return Refusal("code changed", "The edit would change more than types.")
        now = new.function(function.qualified_name)
        if now is None or now.parameters is None or function.parameters is None:
            return Refusal("code changed", f"{function.name} could not be found again.")
        for before, typed in zip(function.parameters, now.parameters, strict=True):
            if before.type and before.type != typed.type:
                return Refusal("code changed", f"The edit would change the type of {before.name}.")
    return None


async def added_refusal(
    edits: Sequence[Edit], sources: Mapping[str, str], code: Code
) -> Refusal | None:
    """Why edits do more than add lines to a file."""
    if any(edit.old_text for edit in edits):
        return Refusal("code changed", "The edit would replace more than it adds.")
    return await _plain_refusal(edits, sources, code)


async def new_file_refusal(new: NewFile, known: Sequence[str], code: Code) -> Refusal | None:
    """Why a file must not be made: a bad place, one that acts by itself, one that is there."""
    if refusal := path_refusal(new.path):
        return refusal
    if reason := confirmation_of(new.path):
        return Refusal("path", f"{new.path} is not made by Postil, because {reason}.")
    folded = new.path.casefold()
    if any(folded == path.casefold() for path in known):
        return Refusal("exists", f"{new.path} is there already.")
    edit = Edit(new.path, Span(0, 0), "", new.text, content_hash(""), new.reason)
    if refusal := content_refusal(edit, Deletion.AS_TOLD) or size_refusal([edit]):
        return refusal
    outline = await code.outline(new.path, new.text)
    if outline.problems:
        problem = outline.problems[0]
        sentence = f"The new file does not parse at line {problem.line}: {problem.what}."
        return Refusal("syntax", sentence)
    return None


async def _plain_refusal(
    edits: Sequence[Edit], sources: Mapping[str, str], code: Code
) -> Refusal | None:
    """What holds for every edit: place, version, content, syntax."""
    if refusal := size_refusal(edits) or overlap_refusal(edits):
        return refusal
    for edit in edits:
        if refusal := path_refusal(edit.path) or content_refusal(edit, Deletion.LITTLE):
            return refusal
        if edit.path not in sources or content_hash(sources[edit.path]) != edit.file_hash:
            return Refusal("version", f"{edit.path} has changed since it was read; ask again.")
    for path, mine in by_path(edits).items():
        source = sources[path]
        if refusal := await syntax_refusal(path, source, mine, code.outline, Deletion.LITTLE):
            return refusal
    return None


def _untyped(anatomy: Anatomy, text: str) -> list[object]:
    """Functions without their types, with their bodies as written."""
    return [
        (
            f.qualified_name,
            [replace(p, type="", end=0) for p in f.parameters or ()],
            text[f.body.start : f.body.end],
        )
        for f in anatomy.functions
    ]
