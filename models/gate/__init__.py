"""What an edit must pass before it is offered. A refusal is one sentence, for user and model alike.

Checks, in this order: shown (the file was in the window), path (inside the workspace, not git's
own, no secrets), version (the file is still the one shown), anchor (unique in what was shown),
content (no thinking tags, no invisible characters, no code left out behind a comment, not too
large, not a no-op), deletion (nothing goes that was not to go) and syntax (no parse error that was
not there).
What is made exactly, a doc comment or a type, is proved by the syntax tree as well (exact.py).

Two things are reported and not refused: files that some program runs by itself must be confirmed
(`Edit.confirm`), and calls elsewhere that no longer match are named (uses.py). Reads no file; where
links lead is looked at just before an edit is sent or written (`place_refusal`).
"""

from models.gate.carried import carried_refusal
from models.gate.code import Code
from models.gate.content import INVISIBLE, Deletion
from models.gate.edits import Verdict, check_edits, check_rewrite
from models.gate.exact import (
    added_refusal,
    changes_code,
    docs_refusal,
    new_file_refusal,
    types_refusal,
)
from models.gate.hidden import hidden_refusal
from models.gate.paths import (
    confirmation_of,
    path_refusal,
    place_confirmation,
    place_refusal,
)
from models.gate.syntax import OutlineOf, apply_edits, by_path, texts_after
from models.gate.uses import uses_remarks

__all__ = [
    "INVISIBLE",
    "Code",
    "Deletion",
    "OutlineOf",
    "Verdict",
    "added_refusal",
    "apply_edits",
    "by_path",
    "carried_refusal",
    "changes_code",
    "check_edits",
    "check_rewrite",
    "confirmation_of",
    "docs_refusal",
    "hidden_refusal",
    "new_file_refusal",
    "path_refusal",
    "place_confirmation",
    "place_refusal",
    "texts_after",
    "types_refusal",
    "uses_remarks",
]
