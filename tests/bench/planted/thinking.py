"""What a model says and does about a planted bug when it thinks: find it, then fix it."""

from __future__ import annotations

import ast
import tempfile
import time
from pathlib import Path
from typing import Any

from context.workspace import Workspace
from models.asking import Asking
from models.backends import Backend, Conversation, TokenLog
from models.errors import CannotScore, ModelError
from models.findings import Finding, Proposal
from models.gate import apply_edits
from models.tasks.edit import BY_READING, EditKind, EditTask, propose_edit
from models.tasks.locate import find_bug
from tests.bench.planted.planting import Case

_NO_FIX = {"fix_passes": False, "fix_refusals": [], "restores": "", "by_reading": False}
CONTEXT_TOKENS = 4_000  # more than any function of a case has


async def think(backend: Backend, case: Case, thinking_tokens: int) -> dict[str, Any]:
    """One row: what thinking and answering finds, lines not being scored."""
    return await _find(_Unscored(backend), case, thinking_tokens)


async def think_and_fix(
    backend: Backend, case: Case, thinking_tokens: int, *, is_own: bool
) -> dict[str, Any]:
    """One row: what is found as Postil does it, and whether its fix restores the original.

    `is_own`: fixed as Postil fixes its own finding, else as what somebody else says of the lines.
    """
    row = await _find(backend, case, thinking_tokens)
    return await fix_found(backend, case, row, thinking_tokens, is_own=is_own)


async def fix_found(
    backend: Backend, case: Case, row: dict[str, Any], thinking_tokens: int, *, is_own: bool
) -> dict[str, Any]:
    """The row with a fix, as of now, of what was found in it, if anything was."""
    if not row.get("found"):
        return row
    return row | await _fix(backend, case, row, thinking_tokens, is_own=is_own)


class _Unscored:
    """A backend that does not tell how probable a text is."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    async def token_logs(self, conversation: Conversation, text: str) -> list[TokenLog]:
        raise CannotScore("Not asked.")


async def _find(backend: Any, case: Case, thinking_tokens: int) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        found = await find_bug(
            case.snippet,
            [],
            case.first_line,
            case.last_line,
            Asking(backend, thinking_tokens, CONTEXT_TOKENS, _ignore),
        )
    except ModelError as error:
        return {"parses": False, "error": str(error)}
    row: dict[str, Any] = {"parses": True, "seconds": time.perf_counter() - started}
    if not isinstance(found, Finding):
        return row | {"found": None, "reason": found}
    citations = found.provenance.citations
    return row | {
        "found": [found.start_line, found.end_line],
        "cause": found.cause,
        "cut": found.provenance.trace.cut.value,
        "n_tokens": found.provenance.trace.n_tokens,
        "n_cited": len(citations.found),
        "n_shown": citations.n_shown,
        "n_foreign": len(citations.foreign),
    }


async def _fix(
    backend: Backend, case: Case, row: dict[str, Any], thinking_tokens: int, *, is_own: bool
) -> dict[str, Any]:
    started = time.perf_counter()
    task = EditTask(EditKind.FIX, case.path, *row["found"], row["cause"], is_own)
    with tempfile.TemporaryDirectory(prefix="postil-planted-") as folder:
        file = Path(folder, "code", case.path)
        file.parent.mkdir(parents=True)
        file.write_text(case.text, encoding="utf-8")
        workspace = await Workspace.open(Path(folder, "code"), Path(folder, "cache"))
        try:
            await workspace.index(_ignore)
            proposal = await propose_edit(
                task,
                [case.snippet],
                {case.path: case.text},
                workspace,
                Asking(backend, thinking_tokens // 2, CONTEXT_TOKENS, _ignore),
            )
        except ModelError as error:
            return _NO_FIX | {"fix_error": str(error)}
        finally:
            await workspace.close()
    return {
        "fix_passes": bool(proposal.edits),
        "fix_refusals": [refusal.check for refusal in proposal.refusals],
        "restores": restores(case, proposal),
        "by_reading": BY_READING in proposal.remarks,
        "fix_seconds": time.perf_counter() - started,
    }


def restores(case: Case, proposal: Proposal) -> str:
    """`text` when the edited file is the original but for white space, `tree` when its syntax tree
    is (Python only), else nothing.
    """
    if not proposal.edits:
        return ""
    lines = case.text.split("\n")
    lines[case.line - 1] = case.right
    right, edited = "\n".join(lines), apply_edits(case.text, proposal.edits)
    if _squeezed(right) == _squeezed(edited):
        return "text"
    if case.language == "python" and ast.dump(ast.parse(right)) == ast.dump(ast.parse(edited)):
        return "tree"
    return ""


def _squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]


def _ignore(_: object) -> None:
    return None
