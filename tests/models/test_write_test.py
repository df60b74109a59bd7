"""Tests written by a model: place, imports and names are ours, and what is no test is refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from context.text import content_hash, split_lines
from context.window import Role, Snippet
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ReplyUnusable
from models.findings import Proposal
from models.gate import apply_edits
from models.tasks.edit import EditKind, EditTask
from models.tasks.write_test import propose_test, read_for_test
from tests.code import ParsedHere

PRICES = "def total(prices):\n    return sum(prices)\n"
PYTHON = "():\n    assert total([1, 2]) == 3\n```\n"  # what follows the words that are given


async def _propose(
    path: str, files: Mapping[str, str], backend: ScriptedBackend | LlamaCppBackend, line: int = 1
) -> Proposal:
    known = sorted(files)
    lines = split_lines(files[path].rstrip("\n"))
    snippet = Snippet(
        path, 1, len(lines), None, "\n".join(lines), Role.SUSPECT, "chosen",
        content_hash(files[path]),
    )  # fmt: skip
    sources = {p: files[p] for p in [path, *read_for_test(path, known)]}
    return await propose_test(
        EditTask(EditKind.WRITE_TEST, path, line, line), [snippet], sources, known, ParsedHere(),
        backend=backend, thinking_tokens=0, context_tokens=900, on_event=lambda _: None,
    )  # fmt: skip


async def test_a_first_test_is_a_new_file_where_tests_would_be() -> None:
    proposal = await _propose(
        "shop/prices.py", {"shop/prices.py": PRICES}, ScriptedBackend([PYTHON])
    )
    (new,) = proposal.new_files
    assert new.path == "tests/test_prices.py"
    assert new.text == (
        '"""Tests of prices.py."""\n\nfrom shop.prices import total\n\n\n'
        "def test_total():\n    assert total([1, 2]) == 3\n"
    )
    assert proposal.edits == ()


async def test_a_further_test_goes_to_the_end_of_the_file_with_its_import() -> None:
    existing = (
        '"""Tests."""\nfrom prices import other\n\n\ndef test_other():\n    assert other() == 1\n'
        "\n\ndef test_total():\n    assert 1"
    )
    files = {"prices.py": PRICES, "tests/test_prices.py": existing}
    backend = ScriptedBackend([PYTHON])
    proposal = await _propose("prices.py", files, backend)
    assert {e.path for e in proposal.edits} == {"tests/test_prices.py"}
    assert (
        apply_edits(existing, proposal.edits)
        == existing.replace(
            "from prices import other", "from prices import total\nfrom prices import other"
        )
        + "\n\n\ndef test_total_2():\n    assert total([1, 2]) == 3\n"
    )
    asked = backend.asked[0].conversation.messages[-1].content
    assert "def test_other():\n    assert other() == 1" in asked, "its style is shown"


@pytest.mark.parametrize(
    ("files", "reply", "path", "expect"),
    [
        (
            {
                "src/pad.ts": "export function pad(a: string) {\n  return a\n}\n",
                "src/trim.test.ts": "import { test, expect } from 'vitest'\n"
                "import { trim } from './trim.js'\n\ntest('a', () => {\n  expect(1).toBe(1)\n})\n",
                "src/trim.ts": "export const trim = 1\n",
            },
            " pads', () => {\n  expect(pad('a')).toBe('a')\n})\n```\n",
            "src/pad.test.ts",
            "import { test, expect } from 'vitest'\nimport { pad } from './pad.js'\n\n"
            "test('pad pads', () => {\n  expect(pad('a')).toBe('a')\n})\n",
        ),
        (
            {
                "lib/pad.js": "function pad(a) {\n  return a\n}\nmodule.exports = { pad }\n",
                "test/trim.test.js": "const { test } = require('node:test')\n"
                "test('a', () => {\n  assert(1)\n})\n",
            },
            "', () => {\n  assert.equal(pad('a'), 'a')\n})\n```\n",
            "test/pad.test.js",
            "const { test } = require('node:test')\nconst assert = require('node:assert')\n"
            "const { pad } = require('../lib/pad')\n\n"
            "test('pad', () => {\n  assert.equal(pad('a'), 'a')\n})\n",
        ),
        (
            {"a/pad.go": "package a\n\nfunc Pad(a int) int { return a }\n"},
            '\tif Pad(1) != 1 {\n\t\tt.Error("no")\n\t}\n}\n```\n',
            "a/pad_test.go",
            'package a\n\nimport "testing"\n\nfunc TestPad(t *testing.T) {\n'
            '\tif Pad(1) != 1 {\n\t\tt.Error("no")\n\t}\n}\n',
        ),
    ],
)  # fmt: skip
async def test_other_languages(files: dict[str, str], reply: str, path: str, expect: str) -> None:
    tested = next(iter(files))
    line = 3 if tested.endswith(".go") else 1
    proposal = await _propose(tested, files, ScriptedBackend([reply]), line)
    assert [r.sentence for r in proposal.refusals] == []
    assert [(new.path, new.text) for new in proposal.new_files] == [(path, expect)]


async def test_a_test_that_compares_until_there_is_no_room_is_ended() -> None:
    compared = "\tassert.Equal(t, Pad(1), 1)\n"
    files = {"pad.go": "package a\n\nfunc Pad(a int) int { return a }\n"}
    reply = f"\ta := 1\n\ta := 1\n{2 * compared}```\n"
    (new,) = (await _propose("pad.go", files, ScriptedBackend([reply]), 3)).new_files
    assert new.text.endswith(f"func TestPad(t *testing.T) {{\n\ta := 1\n\ta := 1\n{compared}}}\n")


async def test_classes_of_unittest_are_followed() -> None:
    existing = (
        "import unittest\n\nfrom prices import total\n\n\nclass TestOther(unittest.TestCase):\n"
        "    def test_a(self):\n        self.assertEqual(1, 1)\n"
    )
    files = {"prices.py": PRICES, "tests/test_prices.py": existing}
    reply = "(self):\n        self.assertEqual(total([1]), 1)\n```\n"
    proposal = await _propose("prices.py", files, ScriptedBackend([reply]))
    assert apply_edits(existing, proposal.edits) == (
        f"{existing}\n\nclass TestTotal(unittest.TestCase):\n    def test_total(self):\n"
        "        self.assertEqual(total([1]), 1)\n"
    )


async def test_secrets_of_the_tests_that_are_shown_for_their_style_never_reach_the_model() -> None:
    secret = "q8Zk2LmP0xVb7Rt4Wn9Yc3Hd6Js1Fg5A"
    existing = f'def test_other():\n    token = "{secret}"\n    assert token\n'
    files = {"prices.py": PRICES, "tests/test_prices.py": existing}
    backend = ScriptedBackend([PYTHON])
    proposal = await _propose("prices.py", files, backend)
    asked = "".join(m.content for g in backend.asked for m in g.conversation.messages)
    assert "def test_other" in asked
    assert secret not in asked
    assert secret in apply_edits(existing, proposal.edits)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ("():\n    assert 1 == 1\n```\n", "must call total"),
        ("():\n    total([1])\n```\n", "must compare"),
        ("():\n    def total(x): return 1\n    assert total([1]) == 1\n```\n", "not define total"),
        ("():\n    import os; os.system('x')\n    assert total([1]) == 1\n```\n", "not use system"),
        ("():\n    open('/etc/passwd')\n    assert total([1]) == 1\n```\n", "not use open"),
        ("():\n    assert total([1] == 1\n```\n", "does not parse"),
        ("():\n    assert total([1]) == 1  # \u202e\n```\n", "invisible character"),
        ("():\n    assert total([1]) == 1  # <think>\n```\n", "thinking tags"),
    ],
)
async def test_what_is_no_test_is_refused(reply: str, sentence: str) -> None:
    proposal = await _propose("prices.py", {"prices.py": PRICES}, ScriptedBackend([reply]))
    assert proposal.new_files == ()
    assert sentence in proposal.refusals[0].sentence


async def test_where_no_test_can_go_it_is_said_before_the_model_is_asked() -> None:
    backend = ScriptedBackend([PYTHON])
    for files, sentence in (
        ({"a.sql": "select 1\n"}, "Python, JavaScript"),
        ({"a.py": "x = 1\n"}, "no function at these lines"),
        ({"a.ts": "export function f() {}\n"}, "which framework"),
        ({"a.ts": "function f() {}\n", "b.test.ts": "import { it } from 'vitest'\n"}, "export it"),
    ):
        with pytest.raises(ReplyUnusable, match=sentence):
            await _propose(next(iter(files)), files, backend)
    assert backend.asked == []


@pytest.mark.model
async def test_the_small_model_writes_a_test(backend: LlamaCppBackend) -> None:
    source = (
        "def shout(words, mark='!'):\n    return ' '.join(word.upper() for word in words) + mark\n"
    )
    proposal = await _propose("shout.py", {"shout.py": source}, backend)
    (new,) = proposal.new_files
    assert new.text.startswith('"""Tests of shout.py."""\n\nfrom shout import shout\n')
    assert "assert" in new.text
