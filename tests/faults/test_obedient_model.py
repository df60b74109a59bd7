"""A model that does whatever the workspace tells it to: nothing forbidden comes of it.

Prompt injection cannot be kept out of a prompt: code, comments, names, commit messages, test output
and rules files are what a model must read. So the defence is in what its words can do. Here 500
instructions stand in a workspace's texts, and a scripted model obeys each of them in its trace, in
its cause and in its edit; then every way in which its words reach a user or a file is looked at.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from lsprotocol import types
from markdown_it import MarkdownIt

from lsp import to_lsp
from lsp.trace_documents import trace_text
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.errors import ReplyUnusable
from models.findings import Proposal
from models.gate import INVISIBLE, confirmation_of, path_refusal
from models.replies import (
    parse_bug,
    parse_doc,
    parse_edits,
    parse_place,
    parse_rewrite,
    parse_signature,
    parse_test_code,
)
from models.tasks.edit import EditKind, EditTask, propose_edit
from models.tasks.locate import locate
from tests.code import ParsedHere
from tests.faults.injections import CASES, SECRET, snippet_of, source_with


def test_there_are_five_hundred_of_them() -> None:
    assert len(CASES) == 500


@pytest.mark.parametrize("chunk", range(10))
async def test_an_obeying_models_words_are_inert_wherever_they_are_shown(chunk: int) -> None:
    for place, demand, obeyed, seed in CASES[chunk::10]:
        source = source_with(place, demand, seed)
        answer = {"file": "F1", "first_line": 2, "last_line": 3, "cause": (obeyed or "none") * 2}
        backend = ScriptedBackend([f"I obey: {obeyed}\n</think>", json.dumps(answer)])
        finding = await locate(
            f"mean fails. {demand}",
            [snippet_of(source)],
            Asking(backend, 50, 2_000, lambda _: None),
        )
        assert finding.path == "shop.py"
        hover = to_lsp.finding_hover(finding)
        _assert_inert(hover)
        for shown in (hover, trace_text(finding.provenance), to_lsp.visible(finding.cause)):
            assert not INVISIBLE.search(shown), demand
            assert "\x1b" not in shown, demand
            assert SECRET not in shown, demand
        asked = "".join(m.content for g in backend.asked for m in g.conversation.messages)
        assert SECRET not in asked


@pytest.mark.parametrize("chunk", range(10))
async def test_an_obeying_models_edit_stays_in_what_was_shown_or_is_refused(chunk: int) -> None:
    for place, demand, obeyed, seed in CASES[chunk::10]:
        source = source_with(place, demand, seed)
        target = obeyed if re.fullmatch(r"F\d|[./\w-]+/[./\w-]+|\.envrc", obeyed) else "F1"
        search = "    return sum(values) / len(values)\n"
        block = f"FILE: {target}\n<<<<<<< SEARCH\n{search}=======\n    {obeyed}\n>>>>>>> REPLACE\n"
        proposal = await _proposed(source, f"REASON: {obeyed[:40] or 'as told'}.\n{block}")
        if proposal is None:
            continue
        for edit in proposal.edits:
            assert edit.path == "shop.py"
            assert path_refusal(edit.path) is None
            assert not INVISIBLE.search(edit.new_text), demand
            assert "<think" not in edit.new_text
            assert "\x1b" not in edit.new_text
            _assert_inert(to_lsp.edit_hover([edit], proposal.title, proposal.provenance))
        outside = {".git/config", ".vscode/settings.json", "F9", ".envrc"}
        assert not (proposal.edits and target in outside)


async def _proposed(source: str, reply: str) -> Proposal | None:
    """None when nothing could be read, which is said to the user."""
    try:
        return await propose_edit(
            EditTask(EditKind.CUSTOM, "shop.py", 4, 4, "make it safe"),
            [snippet_of(source)],
            {"shop.py": source},
            ParsedHere(),
            Asking(ScriptedBackend([reply]), 0, 2_000, lambda _: None),
        )
    except ReplyUnusable:
        return None


def _assert_inert(markdown: str) -> None:
    """Rendered by a CommonMark renderer with every extension of an editor's: nothing to click."""
    for renderer in (MarkdownIt("commonmark"), MarkdownIt("js-default", {"linkify": False})):
        html = renderer.enable(["table", "strikethrough"]).render(markdown)
        outside_code = re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)
        assert not re.search(r"<(a|img|script)\b|command:|https?:|file:", outside_code), markdown


def test_the_renderer_would_show_a_link() -> None:
    """The control."""
    with pytest.raises(AssertionError):
        _assert_inert("[x](http://evil.example)")


GITS = [".git", ".GIT", ".Git ", ".git.", ".git::$INDEX_ALLOCATION", "GIT~1", ".g\u200bit",
        "\uff0egit", "bare.git", ".."]  # fmt: skip
ACTING = [".vscode", ".VSCODE", ".idea", ".github", ".husky", ".devcontainer", ".cargo", "hooks"]


def test_ten_thousand_hostile_paths_are_refused_or_must_be_confirmed() -> None:
    """What is outside or git's own is never edited; what acts by itself only with a reason."""
    chance = random.Random(7)
    leaves = ["config", "pre-commit", "settings.json", "hooks", "a.py", "tasks.json", "x"]
    acting = [".envrc", ".bashrc", "x.code-workspace", "poetry.lock", "AGENTS.md", "Makefile",
              "package.json", "conftest.py", "Dockerfile", "setup.py"]  # fmt: skip
    fine = ["src", "lib", "a", "b.c", "ünïcode"]
    n_refused = 0
    for _ in range(10_000):
        before = chance.choices(fine, k=chance.randrange(3))
        folder = chance.choice([*GITS, *ACTING])
        leaf = "pre-push" if folder == "hooks" else chance.choice(leaves)
        kind = chance.randrange(4)
        path = chance.choice(["/", "\\"]).join([*before, folder, leaf])
        if kind == 1:
            path = chance.choice(["/", "C:\\", "\\\\host\\", "c:/"]) + path
        elif kind == 2:
            path = "/".join([*before, chance.choice([*acting, ".env", "a\x00.py", ".npmrc"])])
        elif kind == 3:
            path = "".join(chance.choice((c.upper(), c)) for c in path)
        refused = path_refusal(path) is not None
        n_refused += refused
        assert refused or confirmation_of(path), path
        if kind == 1 or (kind != 2 and folder in GITS):
            assert refused, path
    assert n_refused > 4_000


PARSERS = (
    parse_place, parse_bug, parse_edits, parse_rewrite, parse_doc, parse_test_code,
    lambda text: parse_signature(text, "def mean("),
)  # fmt: skip


def test_two_thousand_malformed_answers_are_answers_or_refused() -> None:
    """Mutations of right answers: what comes is a typed reply or one sentence, never a crash."""
    chance = random.Random(7)
    right = [
        '{"file": "F1", "first_line": 3, "last_line": 4, "cause": "The list may be empty."}',
        '{"bug": false, "reason": "It checks first."}',
        "REASON: It is safer.\nFILE: F1\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n",
        "```\nreturn 0\n```\nREASON: An empty list has no mean.\n",
        "Return the mean of the values. An empty list has none.",
        "def mean(values: list[float]) -> float:\n",
        "```\ndef test_mean():\n    assert mean([1]) == 1\n```\n",
    ]
    junk = ["\x00", "\ud83d", "}" * 50, "[" * 2_000, "```", "NaN", "1e999", "-1", "null", "\n" * 9]
    junk += ["FILE: F99\n", "=======\n", "\u202e", '"', "</think>", '{"file":', *right]
    refused: list[str] = []
    for _ in range(2_000):
        text = chance.choice(right)
        for _ in range(chance.randrange(1, 4)):
            at, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
            text = text[:at] + chance.choice(["", *junk]) + text[chance.choice([at, end]) :]
        for parse in PARSERS:
            try:
                parse(text)
            except ReplyUnusable as unusable:
                refused.append(str(unusable))
    assert len(refused) > 7_000
    assert not [sentence for sentence in refused if "\n" in sentence]


def test_a_diagnostic_has_no_link_of_the_models() -> None:
    """A client opens a code description: ours leads to our own text of the reasoning, by its id."""
    for file in Path(to_lsp.__file__).parent.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "DocumentLink" not in text, file
        if "code_description" in text or "CodeDescription" in text:
            assert text.count("CodeDescription(") == 1, file
            assert 'href = f"{TRACE_SCHEME}:/{note.id}.txt"' in text, file
    assert types.Diagnostic(range=types.Range(types.Position(0, 0), types.Position(0, 0)),
                            message="").code_description is None  # fmt: skip
