"""Tests written by a model: place, imports and names are ours, and what is no test is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from context.text import content_hash, split_lines
from context.window import Role, Snippet
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ReplyUnusable
from models.findings import Proposal
from models.gate import apply_edits
from models.tasks.edit import EditKind, EditTask
from models.tasks.write_test import propose_test, read_for_test
from tests.code import ParsedHere
from tests.models.small_writer import first_let_through

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
        Asking(backend, 0, 900, lambda _: None),
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


PAD_JAVA = "src/main/java/a/Pad.java"
JAVA = (
    "package a;\n\nimport java.util.List;\nimport b.Width;\n\npublic class Pad {\n"
    "    public static String pad(String s) {\n        return s;\n    }\n\n"
    "    private int own() {\n        return 1;\n    }\n\n"
    "    Pad() {\n        super();\n    }\n}\n"
)
JUNIT_5 = (
    "package a;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\n\n"
    "import org.junit.jupiter.api.Test;\n\nclass TrimTest {\n\n    @Test\n    void trims() {\n"
    '        assertEquals("a", Trim.trim(" a"));\n    }\n}\n'
)
JUNIT_4 = "import org.junit.Test;\n\npublic class TrimTest {}\n"
TESTS_PAD = '() {\n    assertEquals("a", Pad.pad("a"));\n}\n```\n'


@pytest.mark.parametrize(
    ("others", "reply", "expect"),
    [
        (
            {"src/test/java/a/TrimTest.java": JUNIT_5},
            '() {\n    assertTrue(List.of("Map").contains(Pad.pad("Map")));\n'
            "    assertEquals(1, Width.of(1));\n}\n```\n",
            "package a;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\n"
            "import static org.junit.jupiter.api.Assertions.assertTrue;\n\nimport b.Width;\n"
            "import java.util.List;\nimport org.junit.jupiter.api.Test;\n\nclass PadTest {\n\n"
            '    @Test\n    void testPad() {\n        assertTrue(List.of("Map").contains('
            'Pad.pad("Map")));\n        assertEquals(1, Width.of(1));\n    }\n}\n',
        ),
        (
            {"src/test/java/a/TrimTest.java": JUNIT_4},
            TESTS_PAD,
            "package a;\n\nimport static org.junit.Assert.assertEquals;\n\nimport org.junit.Test;"
            "\n\npublic class PadTest {\n\n    @Test\n    public void testPad() {\n"
            '        assertEquals("a", Pad.pad("a"));\n    }\n}\n',
        ),
        (
            {"pom.xml": "<artifactId>junit-jupiter</artifactId>\n"},
            TESTS_PAD,
            "package a;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\n\n"
            "import org.junit.jupiter.api.Test;\n\nclass PadTest {\n\n    @Test\n"
            '    void testPad() {\n        assertEquals("a", Pad.pad("a"));\n    }\n}\n',
        ),
    ],
)
async def test_a_first_test_in_java_is_a_class_of_the_package(
    others: dict[str, str], reply: str, expect: str
) -> None:
    files = {PAD_JAVA: JAVA, **others}
    proposal = await _propose(PAD_JAVA, files, ScriptedBackend([reply]), 7)
    assert [r.sentence for r in proposal.refusals] == []
    assert [(new.path, new.text) for new in proposal.new_files] == [
        ("src/test/java/a/PadTest.java", expect)
    ]


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
async def test_a_further_test_in_java_goes_before_the_brace_of_its_class(eol: str) -> None:
    existing = (
        "package a;\n\nimport org.junit.Test;\n\npublic class PadTest {\n  @Test\n"
        "  public void testPad() {\n    Helper.é();\n  }\n\n  static class Inner {\n  }\n}\n"
        "\nclass Helper {\n}\n"
    ).replace("\n", eol)
    files = {PAD_JAVA: JAVA, "src/test/java/a/PadTest.java": existing}
    backend = ScriptedBackend([TESTS_PAD])
    proposal = await _propose(PAD_JAVA, files, backend, 7)
    test = (
        '\n  @Test\n  public void testPad2() {\n      assertEquals("a", Pad.pad("a"));\n  }\n'
    ).replace("\n", eol)
    assert apply_edits(existing, proposal.edits) == existing.replace(
        "import org", f"import static org.junit.Assert.assertEquals;{eol}import org"
    ).replace(f"  }}{eol}}}{eol}", f"  }}{eol}{test}}}{eol}")
    asked = backend.asked[0].conversation.messages[-1].content
    assert "\n@Test\npublic void testPad() {\n  Helper.é();\n}\n@@" in asked, "its style is shown"


async def test_an_empty_class_of_tests_in_java_is_opened() -> None:
    existing = "package a;\n\npublic class PadTest {}\n"
    files = {PAD_JAVA: JAVA, "src/test/java/a/PadTest.java": existing, "pom.xml": "junit-jupiter"}
    proposal = await _propose(PAD_JAVA, files, ScriptedBackend([TESTS_PAD]), 7)
    assert apply_edits(existing, proposal.edits) == (
        "package a;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\n"
        "import org.junit.jupiter.api.Test;\n\npublic class PadTest {\n    @Test\n"
        '    void testPad() {\n        assertEquals("a", Pad.pad("a"));\n    }\n}\n'
    )


RUST = (
    "pub fn pad(n: i32) -> i32 {\n    n\n}\n\nstruct Shelf;\n\nimpl Shelf {\n"
    "    fn len(&self) -> usize {\n        3\n    }\n}\n"
)
TESTS_RUST = "() {\n    assert_eq!(pad(1), 1);\n}\n```\n"


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
async def test_a_first_test_in_rust_makes_the_module(eol: str) -> None:
    source = RUST.replace("\n", eol)
    proposal = await _propose("src/a.rs", {"src/a.rs": source}, ScriptedBackend([TESTS_RUST]))
    assert proposal.new_files == ()
    module = (
        "\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn test_pad() {\n"
        "        assert_eq!(pad(1), 1);\n    }\n}\n"
    )
    assert apply_edits(source, proposal.edits) == source + module.replace("\n", eol)


async def test_a_further_test_in_rust_goes_to_the_end_of_the_module() -> None:
    module = (
        "\n#[cfg(test)]\n#[allow(dead_code)]\nmod tests {\n    use super::pad;\n\n    #[test]\n"
        '    fn test_len() {\n        let s = "\n}\n";\n    }\n}\n'
    )
    after = "\nstruct Late {\n}\n"
    source = RUST + module + after
    reply = "() {\n    let s = Shelf;\n    assert_eq!(s.len(), 3);\n}\n```\n"
    backend = ScriptedBackend([reply])
    proposal = await _propose("src/a.rs", {"src/a.rs": source}, backend, 8)
    extended = module.replace("    use", "    use super::Shelf;\n    use").removesuffix("}\n") + (
        "\n    #[test]\n    fn test_len_2() {\n        let s = Shelf;\n"
        "        assert_eq!(s.len(), 3);\n    }\n}\n"
    )
    assert apply_edits(source, proposal.edits) == RUST + extended + after


async def test_a_test_that_compares_until_there_is_no_room_is_ended() -> None:
    compared = "\tassert.Equal(t, Pad(1), 1)\n"
    testify = '"github.com/stretchr/testify/assert"'
    files = {
        "pad.go": "package a\n\nfunc Pad(a int) int { return a }\n",
        "trim_test.go": f'package a\n\nimport (\n\t"testing"\n\n\t{testify}\n)\n',
    }
    reply = f"\ta := 1\n\ta := 1\n{2 * compared}```\n"
    (new,) = (await _propose("pad.go", files, ScriptedBackend([reply]), 3)).new_files
    assert new.text.startswith(f'package a\n\nimport (\n\t"testing"\n\t{testify}\n)\n')
    assert new.text.endswith(f"func TestPad(t *testing.T) {{\n\ta := 1\n\ta := 1\n{compared}}}\n")


PAD = "export const pad = (a: string) => a\n"
GO = "package a\n\nfunc Pad(a int) int { return a }\n"
GO_TEST = 'package a_test\n\nimport (\n\t"testing"\n\n\t"x/a"\n)\n'
MAIN = "\n\nif __name__ == '__main__':\n    unittest.main()\n"
SHELF = "class Shelf:\n    @property\n    def size(self):\n        return 3\n"


@pytest.mark.parametrize(
    ("files", "reply", "expect"),
    [
        (
            {"shop/prices.py": PRICES},
            "():\n    with pytest.raises(TypeError):\n        total(1)  # math.inf\n```\n",
            "import pytest\n\nfrom shop.prices import total\n",
        ),
        (
            {"a/src/shop/prices.py": PRICES, "a/tests/test_x.py": "import x\n"},
            PYTHON,
            "from shop.prices import total\n",
        ),
        (
            {"shelf.py": SHELF},
            "():\n    assert Shelf().size == 3\n```\n",
            "def test_size():\n    assert Shelf().size == 3\n",
        ),
        (
            {
                "shop/prices.py": PRICES,
                "tests/test_rules.py": "from django.test import SimpleTestCase\n\n\n"
                "class TestOther(SimpleTestCase):\n    def test_other(self): ...\n",
            },
            "(self):\n        self.assertEqual(total([1]), 1)\n```\n",
            "from django.test import SimpleTestCase\n\nfrom shop.prices import total\n\n\n"
            "class TestTotal(SimpleTestCase):\n",
        ),
        (
            {
                "shop/prices.py": PRICES,
                "tests/test_prices.py": "import unittest\n\nfrom shop.prices import other\n\n\n"
                f"class TestOther(unittest.TestCase):\n    def test_other(self): ...\n{MAIN}",
            },
            "(self):\n        self.assertEqual(total([1]), 1)\n```\n",
            "import unittest\n\nfrom shop.prices import total\nfrom shop.prices import other\n\n\n"
            "class TestOther(unittest.TestCase):\n    def test_other(self): ...\n\n\n"
            "class TestTotal(unittest.TestCase):\n    def test_total(self):\n"
            f"        self.assertEqual(total([1]), 1)\n{MAIN}",
        ),
        (
            {"a/pad.go": GO},
            "\tif !reflect.DeepEqual(Pad(1), 1) {\n\t\tt.Error()\n\t}\n}\n```\n",
            'package a\n\nimport (\n\t"reflect"\n\t"testing"\n)\n',
        ),
        (
            {"a/pad.go": GO, "a/pad_test.go": GO_TEST},
            "\tif !reflect.DeepEqual(Pad(1), 1) {\n\t\tt.Error()\n\t}\n}\n```\n",
            'package a_test\nimport "reflect"\n\nimport (\n\t"testing"\n\n\t"x/a"\n)\n\n'
            "func TestPad(t *testing.T) {\n\tif !reflect.DeepEqual(a.Pad(1), 1) {\n",
        ),
        (
            {
                "src/pad.ts": "const pad = (a: string) => a\nexport {\n  pad,\n}\n",
                "src/pad.test.ts": "/**\n * @jest-environment jsdom\n */\n\n"
                "test('a', () => {\n  expect(1).toBe(1)\n})\n",
            },
            "', () => {\n  expect(pad('a')).toBe('a')\n})\n```\n",
            "/**\n * @jest-environment jsdom\n */\nimport { pad } from './pad'\n",
        ),
        (
            {
                "src/pad.ts": PAD,
                "src/pad.test.ts": "import {\n  pad,\n} from './pad.js'\n\n"
                "test('a', () => {\n  expect(1).toBe(1)\n})\n",
            },
            "', () => {\n  expect(pad('a')).toBe('a')\n})\n```\n",
            "import {\n  pad,\n} from './pad.js'\n\ntest('a'",
        ),
        (
            {
                "lib/pad.js": "function pad(a) {\n  return a\n}\nmodule.exports = pad\n",
                "test/trim.test.js": "const { expect } = require('chai')\n\nit('a', () => {})\n",
            },
            "', () => {\n  expect(pad('a')).to.equal('a')\n})\n```\n",
            "const { expect } = require('chai')\nconst pad = require('../lib/pad')\n\nit('pad'",
        ),
        (
            {"a.rs": RUST + "\n#[cfg(test)]\nmod mocks {\n    pub fn m() {}\n}\n"},
            "() {\n    assert_eq!(pad(1), 1);\n}\n```\n",
            "\n#[cfg(test)]\nmod mocks {\n    pub fn m() {}\n}\n\n#[cfg(test)]\nmod tests {\n",
        ),
    ],
)  # fmt: skip
async def test_what_a_test_uses_is_imported_and_stands_where_it_runs(
    files: dict[str, str], reply: str, expect: str
) -> None:
    path, source = next(iter(files.items()))
    named = next(word for word in ("def size", "def total", "func Pad", "pad") if word in source)
    line = source[: source.index(named)].count("\n") + 1
    proposal = await _propose(path, files, ScriptedBackend([reply]), line)
    texts = [new.text for new in proposal.new_files]
    texts += [apply_edits(files[e.path], proposal.edits) for e in proposal.edits[:1]]
    assert [text for text in texts if expect in text], texts or proposal.refusals


async def test_a_test_before_the_lines_that_run_the_file_keeps_its_ends_of_lines() -> None:
    existing = f"import unittest\n\n\nclass TestA(unittest.TestCase):\n    pass\n{MAIN}"
    existing = existing.replace("\n", "\r\n")
    files = {"shop/prices.py": PRICES, "tests/test_prices.py": existing}
    reply = "(self):\n        self.assertEqual(total([1]), 1)\n```\n"
    proposal = await _propose("shop/prices.py", files, ScriptedBackend([reply]))
    changed = apply_edits(existing, proposal.edits)
    assert "\n" not in changed.replace("\r\n", "")
    assert changed.endswith(f"total([1]), 1)\n{MAIN}".replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"a/prices.py": PRICES, "tests/test_prices.py": "from b.other import total\n"},
            "has another total, of b.other",
        ),
        (
            {"a/pad.ts": PAD, "a/pad.test.ts": "import { pad } from '../b'\nit('a')\nexpect(1)\n"},
            "has another pad, of ../b",
        ),
        (
            {"a/pad.go": GO.replace("Pad", "pad"), "a/pad_test.go": GO_TEST},
            "another package, which does not see pad",
        ),
    ],
)
async def test_a_test_file_that_cannot_see_the_function_is_said_at_once(
    files: dict[str, str], sentence: str
) -> None:
    backend = ScriptedBackend([PYTHON])
    line = 3 if "a/pad.go" in files else 1
    with pytest.raises(ReplyUnusable, match=sentence):
        await _propose(next(iter(files)), files, backend, line)
    assert backend.asked == []


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
        ({"Pad.java": JAVA}, "in src/main/java"),
        ({"tests/all.rs": RUST}, "Rust and Java"),
    ):
        with pytest.raises(ReplyUnusable, match=sentence):
            await _propose(next(iter(files)), files, backend)
    assert backend.asked == []


OF_5 = {"src/test/java/a/TrimTest.java": JUNIT_5}


@pytest.mark.parametrize(
    ("path", "source", "others", "at", "sentence"),
    [
        (PAD_JAVA, JAVA, {}, "pad(", "which framework"),
        (PAD_JAVA, JAVA, {"src/test/java/a/ATest.java": "import org.testng.Test;\n"}, "pad(",
         "which framework"),
        (PAD_JAVA, JAVA, OF_5, "own()", "own, which is private"),
        (PAD_JAVA, JAVA, OF_5, "    Pad()", "constructors"),
        (PAD_JAVA, JAVA, {"src/test/java/a/PadTest.java": JUNIT_5}, "pad(", "no class PadTest"),
        ("a.rs", "async fn f() {}\n", {}, "f", "which runtime"),
        ("a.rs", "mod b {\n    fn f() {}\n}\n", {}, "fn f", "stands in a module"),
        ("a.rs", "mod b {\n    impl A {\n        fn f() {}\n    }\n}\n", {}, "fn f",
         "stands in a module"),
        ("a.rs", "fn f() {}\n#[cfg(test)]\nmod tests;\n", {}, "fn f", "not in a block"),
        ("a.rs", "fn f() {}\n#[cfg(test)]\nmod tests {}\n", {}, "fn f", "not in a block"),
        ("a.rs", "fn f() {}\nmod tests {\n}\n", {}, "fn f", "not for tests alone"),
        ("a.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n  }\n", {}, "fn f", "cannot be told"),
    ],
)  # fmt: skip
async def test_what_java_and_rust_have_no_place_for_is_said_before_the_model_is_asked(
    path: str, source: str, others: dict[str, str], at: str, sentence: str
) -> None:
    backend = ScriptedBackend([PYTHON])
    line = source[: source.index(at)].count("\n") + 1
    with pytest.raises(ReplyUnusable, match=sentence) as refused:
        await _propose(path, {path: source, **others}, backend, line)
    assert backend.asked == []
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("path", "reply", "sentence"),
    [
        (PAD_JAVA, '    assertEquals("a", "a");\n}', "must call pad"),
        (PAD_JAVA, '    Pad.pad("a");\n}', "must compare"),
        (PAD_JAVA, '    assertEquals("a", pad("a"));\n}', "use pad without Pad"),
        (PAD_JAVA, '    assertThat(Pad.pad("a"), 1);\n    fail();\n}', "use assertThat"),
        (PAD_JAVA, "    fail(pad());\n}\n\tint pad() { return 1; }", "not define pad"),
        (PAD_JAVA, '    fail(Pad.pad("\\u0022"));\n}', "not use .u0022"),
        (PAD_JAVA, '    fail(Pad.pad("a"), Files.list());\n}', "not use Files"),
        (PAD_JAVA, '    fail(Pad.pad("a")\n}', "does not parse"),
        ("a.rs", "    assert_eq!(1, 1); // pad(1)\n}", "must call pad"),
        ("a.rs", "    pad(1);\n}", "must compare"),
        ("a.rs", "    fn pad(n: i32) {}\n    assert_eq!(pad(1), 1);\n}", "not define pad"),
        ("a.rs", "    assert_eq!(pad(1), std::process::id());\n}", "use std::process"),
        ("a.rs", "    assert_eq!(pad(1), unsafe { 1 });\n}", "use unsafe"),
    ],
)
async def test_what_is_no_test_in_java_and_rust_is_refused(
    path: str, reply: str, sentence: str
) -> None:
    files = {PAD_JAVA: JAVA, "a.rs": RUST, **OF_5}
    backend = ScriptedBackend([f"() {{\n{reply}\n```\n"])
    proposal = await _propose(path, files, backend, 7 if path == PAD_JAVA else 1)
    assert (proposal.edits, proposal.new_files) == ((), ())
    assert re.search(sentence, proposal.refusals[0].sentence), proposal.refusals[0].sentence


@pytest.mark.model
async def test_the_small_model_writes_a_test(unread: LlamaCppBackend) -> None:
    name, proposal = await first_let_through(
        lambda name: _propose(
            "words.py",
            {
                "words.py": f"def {name}(words, mark='!'):\n"
                "    return ' '.join(word.upper() for word in words) + mark\n"
            },
            unread,
        )
    )
    (new,) = proposal.new_files
    assert new.text.startswith(f'"""Tests of words.py."""\n\nfrom words import {name}\n')
    assert "assert" in new.text


@pytest.mark.model
async def test_the_small_model_writes_a_test_in_java(unread: LlamaCppBackend) -> None:
    path = "src/main/java/a/Words.java"
    name, proposal = await first_let_through(
        lambda name: _propose(
            path,
            {
                path: "package a;\n\npublic class Words {\n"
                f"    public static String {name}(String word) {{\n"
                '        return word.toUpperCase() + "!";\n    }\n}\n',
                "src/test/java/a/TrimTest.java": JUNIT_5,
            },
            unread,
            4,
        )
    )
    (new,) = proposal.new_files
    assert new.path == "src/test/java/a/WordsTest.java"
    assert new.text.startswith("package a;\n\nimport static org.junit.jupiter.api.Assertions.")
    assert f"class WordsTest {{\n\n    @Test\n    void test{name.capitalize()}" in new.text


@pytest.mark.model
async def test_the_small_model_writes_a_test_in_rust(unread: LlamaCppBackend) -> None:
    def source(name: str) -> str:
        return f'pub fn {name}(word: &str) -> String {{\n    word.to_uppercase() + "!"\n}}\n'

    name, proposal = await first_let_through(
        lambda name: _propose("src/words.rs", {"src/words.rs": source(name)}, unread)
    )
    tested = apply_edits(source(name), proposal.edits)
    assert tested.startswith(f"{source(name)}\n#[cfg(test)]\nmod tests {{\n    use super::*;\n\n")
    assert f"    #[test]\n    fn test_{name}" in tested
