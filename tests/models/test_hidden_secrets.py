"""A model that is never shown a secret can still edit the lines around it."""

from __future__ import annotations

import pytest

from context.text import content_hash
from context.window import Role, Snippet
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.errors import ReplyUnusable
from models.gate import apply_edits
from models.tasks.edit import EditKind, EditTask, propose_edit
from models.tasks.locate import locate
from tests.code import ParsedHere

KEY = "q8Zk2LmP0xVb7Rt4Wn9Yc3Hd6Js1Fg5A"
SOURCE = f'def login():\n    key = "{KEY}"\n    send(key)\n    return None\n'


def _snippet(path: str = "a.py") -> Snippet:
    lines = SOURCE.rstrip("\n")
    return Snippet(path, 1, 4, "login", lines, Role.SUSPECT, "chosen", content_hash(SOURCE))


async def _fixed(backend: ScriptedBackend, path: str = "a.py", detail: str = "no result") -> str:
    proposal = await propose_edit(
        EditTask(EditKind.FIX, path, 3, 3, detail),
        [_snippet(path)],
        {path: SOURCE},
        ParsedHere(),
        Asking(backend, 0, 900, lambda _: None),
    )
    return apply_edits(SOURCE, proposal.edits)


def _asked(backend: ScriptedBackend) -> str:
    return "".join(m.content for g in backend.asked for m in g.conversation.messages)


async def test_an_edit_beside_a_secret_keeps_it() -> None:
    reply = '    key = "POSTIL_HIDDEN_1"\n    return send(key)\n```\nREASON: The result was lost.\n'
    backend = ScriptedBackend([reply])
    assert await _fixed(backend) == (f'def login():\n    key = "{KEY}"\n    return send(key)\n')
    assert "POSTIL_HIDDEN_1" in _asked(backend)
    assert KEY not in _asked(backend)


async def test_secrets_of_a_report_or_a_problem_are_not_sent_either() -> None:
    answer = '{"file": "F1", "first_line": 3, "last_line": 3, "cause": "The result is lost here."}'
    backend = ScriptedBackend([answer])
    await locate(
        f'It fails with token = "{KEY}"', [_snippet()], Asking(backend, 0, 900, lambda _: None),
    )  # fmt: skip
    assert "[secret]" in _asked(backend)
    assert KEY not in _asked(backend)
    backend = ScriptedBackend(["    return send(key)\n```\nREASON: The result was lost.\n"])
    await _fixed(backend, detail=f'password = "{KEY}" is refused')
    assert KEY not in _asked(backend)


async def test_a_file_of_secrets_is_not_worked_on() -> None:
    backend = ScriptedBackend(["no"])
    with pytest.raises(ReplyUnusable, match="no code to show"):
        await _fixed(backend, ".env.py")
    assert backend.asked == []
