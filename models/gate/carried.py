"""What an exact refactoring must pass: it is right by construction, and checked all the same.

Places, versions, invisible characters, overlaps and syntax, as for every edit; how much goes away
and how many files change is for the user to see, not for the gate to refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from context.text import content_hash
from models.findings import Edit, NewFile, Refusal
from models.gate.anchors import overlap_refusal
from models.gate.code import Code
from models.gate.content import Deletion, content_refusal
from models.gate.exact import new_file_refusal
from models.gate.paths import path_refusal
from models.gate.syntax import by_path, syntax_refusal

MAX_EDITS = 5_000  # a guess: more uses of one name than that are no name but a word
MAX_FILES = 500


async def carried_refusal(
    edits: Sequence[Edit],
    new_files: Sequence[NewFile],
    sources: Mapping[str, str],
    known: Sequence[str],
    code: Code,
) -> Refusal | None:
    """Why the edits of an exact refactoring are not let through; None when they are.

    `sources`: current text by path; `known`: all paths of the workspace.
    """
    edits_of = by_path(edits)
    if len(edits) > MAX_EDITS or len(edits_of) > MAX_FILES:
        return Refusal("size", f"It would change {len(edits_of)} files; that is too much at once.")
    if refusal := overlap_refusal(edits):
        return refusal
    for edit in edits:
        if refusal := path_refusal(edit.path) or content_refusal(edit, Deletion.AS_TOLD):
            return refusal
        if edit.path not in sources or content_hash(sources[edit.path]) != edit.file_hash:
            return Refusal("version", f"{edit.path} has changed since it was read; ask again.")
    for path, mine in edits_of.items():
        source = sources[path]
        if refusal := await syntax_refusal(path, source, mine, code.outline, Deletion.AS_TOLD):
            return refusal
    for new in new_files:
        if refusal := await new_file_refusal(new, known, code):
            return refusal
    return None
