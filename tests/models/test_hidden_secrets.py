"""A model that is never shown a secret can still edit the lines around it."""

from __future__ import annotations

import pytest

from context.text import content_hash
from context.window import Role, Snippet
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.errors import ReplyUnusable
from models.gate import apply_edits
from models.tasks.add_types import propose_types
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


async def test_a_default_that_is_a_secret_is_neither_sent_nor_lost() -> None:
    """The line that is begun for the model holds it, and so does the refusal of another line."""
    source = f'def login(host: str, token: str = "{KEY}", retries=3):\n    return host\n'
    line, _, rest = source.partition("\n")
    snippet = Snippet(
        "a.py", 1, 2, "login", f"{line}\n{rest.rstrip()}", Role.SUSPECT, "chosen",
        content_hash(source),
    )  # fmt: skip
    backend = ScriptedBackend([" int = 4) -> str:\n", " int = 3) -> str:\n"])
    proposal = await propose_types(
        EditTask(EditKind.ADD_TYPES, "a.py", 1, 1), [snippet], {"a.py": source}, ParsedHere(),
        Asking(backend, 0, 900, lambda _: None),
    )  # fmt: skip
    assert apply_edits(source, proposal.edits) == source.replace(
        "retries=3)", "retries: int = 3) -> str"
    )
    assert [r.check for r in proposal.refusals] == ["signature"]
    assert "the defaults: host, token=" in _asked(backend)
    begun = [g.conversation.assistant_prefix for g in backend.asked]
    assert all('token: str = "POSTIL_HIDDEN_1"' in prefix for prefix in begun)
    assert KEY not in _asked(backend) + "".join(begun)


async def test_a_file_of_secrets_is_not_worked_on() -> None:
    backend = ScriptedBackend(["no"])
    with pytest.raises(ReplyUnusable, match="no code to show"):
        await _fixed(backend, ".env.py")
    assert backend.asked == []


OTHER = "Tr0ub4dor&3xyz"
TWO = f'def login():\n    key = "{KEY}"\n    password = "{OTHER}"\n    send(key)\n    return None\n'


@pytest.mark.parametrize(
    ("key", "password", "sentence"),
    [
        ("POSTIL_HIDDEN_1", "POSTIL_HIDDEN_2", ""),
        ("POSTIL_HIDDEN_2", "POSTIL_HIDDEN_1", "exchange secrets of a.py"),
        ("POSTIL_HIDDEN_1", "POSTIL_HIDDEN_3", "a name that stands for a secret"),
        ("POSTIL_HIDDEN_1", "[secret]", "a name that stands for a secret"),
        ("POSTIL_HIDDEN_1", "POSTIL_HIDDEN_1", "write a secret once more into a.py"),
    ],
)
async def test_a_secret_stays_where_it_was_or_the_edit_is_refused(
    key: str, password: str, sentence: str
) -> None:
    """They are counted from the top; what is said of the edit has none in it."""
    reply = (
        f'    key = "{key}"\n    password = "{password}"\n    return send(key)\n```\n'
        "REASON: The result of POSTIL_HIDDEN_1 was lost.\n"
    )
    snippet = Snippet(
        "a.py", 1, 5, "login", TWO.rstrip(), Role.SUSPECT, "chosen", content_hash(TWO)
    )
    proposal = await propose_edit(
        EditTask(EditKind.FIX, "a.py", 4, 4, "no result"), [snippet], {"a.py": TWO}, ParsedHere(),
        Asking(ScriptedBackend([reply]), 0, 900, lambda _: None),
    )  # fmt: skip
    if sentence:
        assert proposal.edits == ()
        assert sentence in proposal.refusals[0].sentence
        return
    fixed = TWO.replace("    send(key)\n    return None", "    return send(key)")
    assert apply_edits(TWO, proposal.edits) == fixed
    assert not [e.reason for e in proposal.edits if KEY in e.reason or "lost" not in e.reason]
