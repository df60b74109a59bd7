"""Docs: the model writes words alone; place, form and proof are ours."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from context.text import Text, content_hash, split_lines
from context.window import Role, Snippet
from models.asking import Asking
from models.backends.scripted import ScriptedBackend
from models.backends.worker_client import LlamaCppBackend
from models.errors import ReplyUnusable
from models.findings import Proposal
from models.gate import apply_edits
from models.tasks.document import propose_doc
from models.tasks.edit import EditKind, EditTask
from tests.code import ParsedHere
from tests.models.small_writer import first_let_through

WORDS = "Return the mean of the values. An empty list gives 0."
LONG = (
    "Return the mean of the values that are given, rounded to the cents that a till can hold. "
    "An empty list gives 0, and a negative value is taken as a discount."
)


async def _propose(
    path: str,
    source: str,
    backend: ScriptedBackend | LlamaCppBackend,
    line: int = 1,
    snippets: Sequence[Snippet] = (),
) -> Proposal:
    """`snippets`: what is shown; the whole file where nothing is said."""
    lines = split_lines(source.rstrip("\n"))
    whole = Snippet(
        path, 1, len(lines), None, "\n".join(lines), Role.SUSPECT, "chosen", content_hash(source)
    )
    task = EditTask(EditKind.DOCUMENT, path, line, line)
    return await propose_doc(
        task, snippets or [whole], {path: source}, ParsedHere(),
        Asking(backend, 0, 900, lambda _: None),
    )  # fmt: skip


async def _documented(path: str, source: str, words: str = WORDS, line: int = 1) -> str:
    proposal = await _propose(path, source, ScriptedBackend([words]), line)
    assert proposal.refusals == ()
    return apply_edits(source, proposal.edits)


@pytest.mark.parametrize(
    ("path", "source", "expect"),
    [
        (
            "a.py",
            "def mean(v):\n    return sum(v)\n",
            'def mean(v):\n    """Return the mean of the values.\n\n    An empty list gives 0.\n'
            '    """\n    return sum(v)\n',
        ),
        (
            "a.py",
            "class A:\n\t@dec\n\tdef mean(v):\n\t\t'old'\n\t\treturn 1\n",
            'class A:\n\t@dec\n\tdef mean(v):\n\t\t"""Return the mean of the values.\n\n'
            '\t\tAn empty list gives 0.\n\t\t"""\n\t\treturn 1\n',
        ),
        (
            "a.ts",
            "class A {\n  @dec\n  mean(v) { return 1 }\n}\n",
            f"class A {{\n  /** {WORDS} */\n  @dec\n  mean(v) {{ return 1 }}\n}}\n",
        ),
        (
            "a.ts",
            "/** Old. */\nexport const mean = (v) => 1\n",
            f"/** {WORDS} */\nexport const mean = (v) => 1\n",
        ),
        (
            "a.ts",
            "// eslint-disable-next-line no-x\nfunction mean(v) {}\n",
            f"/** {WORDS} */\n// eslint-disable-next-line no-x\nfunction mean(v) {{}}\n",
        ),
        (
            "a.go",
            "package a\n\nfunc Mean(v []int) int { return 1 }\n",
            f"package a\n\n// Mean {WORDS}\nfunc Mean(v []int) int {{ return 1 }}\n",
        ),
        (
            "a.rs",
            "#[inline]\npub fn mean() -> i32 { 1 }\n",
            f"/// {WORDS}\n#[inline]\npub fn mean() -> i32 {{ 1 }}\n",
        ),
        (
            "A.java",
            "class A {\n    @Override\n    int mean() { return 1; }\n}\n",
            f"class A {{\n    /** {WORDS} */\n    @Override\n    int mean() {{ return 1; }}\n}}\n",
        ),
        (
            "a.cs",
            "class A {\n    int Mean() { return 1; }\n}\n",
            f"class A {{\n    /// <summary>\n    /// {WORDS}\n    /// </summary>\n"
            "    int Mean() { return 1; }\n}\n",
        ),
        ("a.rb", "# Old.\ndef mean\n  1\nend\n", f"# {WORDS}\ndef mean\n  1\nend\n"),
        ("a.c", "int mean(void)\n{\n  return 1;\n}\n", f"/** {WORDS} */\nint mean(void)\n{{\n"
         "  return 1;\n}\n"),
        ("a.sh", "mean() {\n  echo 1\n}\n", f"# {WORDS}\nmean() {{\n  echo 1\n}}\n"),
        ("a.lua", "function mean() return 1 end\n", f"--- {WORDS}\nfunction mean() return 1 end\n"),
        ("a.php", "<?php\nfunction mean() { return 1; }\n",
         f"<?php\n/** {WORDS} */\nfunction mean() {{ return 1; }}\n"),
        ("a.kt", "fun mean(): Int { return 1 }\n",
         f"/** {WORDS} */\nfun mean(): Int {{ return 1 }}\n"),
        ("a.swift", "func mean() -> Int { return 1 }\n",
         f"/// {WORDS}\nfunc mean() -> Int {{ return 1 }}\n"),
        ("a.scala", "object A {\n  def mean(): Int = { 1 }\n}\n",
         f"object A {{\n  /** {WORDS} */\n  def mean(): Int = {{ 1 }}\n}}\n"),
        ("a.cpp", "template <class T>\nT mean(T v) { return v; }\n",
         f"/** {WORDS} */\ntemplate <class T>\nT mean(T v) {{ return v; }}\n"),
    ],
)  # fmt: skip
async def test_the_doc_has_its_languages_form_and_place(
    path: str, source: str, expect: str
) -> None:
    line = next(n for n, text in enumerate(source.split("\n"), 1) if "ean" in text)
    assert await _documented(path, source, WORDS, line) == expect


@pytest.mark.parametrize(
    ("words", "expect"),
    [
        ("The function mean returns the sum. The function fails.", "Returns the sum. The"),
        ("mean is a Python function that takes values.", "Takes values."),
        ("mean is a method in the class Shop of a library that checks it.", "Checks it."),
        ("The mean method sorts the values.", "Sorts the values."),
        ("The function extracts and wraps nodes.", "Extracts and wraps nodes."),
        ("mean is of use. It takes values.", "mean is of use."),
        ("The nodes that are left.", "The nodes that"),
        ("The function has no result.", "The function has"),
        ("Means of values.", "Means of values."),
        ("mean. It takes values.", "mean. It"),
    ],
)
async def test_a_doc_begins_with_what_the_function_does(words: str, expect: str) -> None:
    source = "def mean(v):\n    return sum(v)\n"
    written = " ".join((await _documented("a.py", source, words)).partition('"""')[2].split())
    assert written.startswith(expect)


async def test_a_doc_in_go_begins_with_the_name() -> None:
    source = "package a\n\nfunc Mean(v []int) int { return 1 }\n"
    for words in ("is a Go function that returns the mean.", "returns the mean."):
        assert "// Mean returns the mean.\n" in await _documented("a.go", source, words, 3)


SHELF = "A shelf of the shop. It holds the items and their highest number."


@pytest.mark.parametrize(
    ("path", "source", "expect"),
    [
        (
            "a.py",
            "@dec\nclass Shelf(Base):\n    size = 3\n",
            '@dec\nclass Shelf(Base):\n    """A shelf of the shop.\n\n    It holds the items and '
            'their highest number.\n    """\n\n    size = 3\n',
        ),
        (
            "a.py",
            "class Shelf:\n    'Old.'\n    size = 3\n",
            'class Shelf:\n    """A shelf of the shop.\n\n    It holds the items and '
            'their highest number.\n    """\n    size = 3\n',
        ),
        (
            "a.py",
            "class Shop:\r\n    class Shelf:\r\n        été = '😀'\r\n",
            'class Shop:\r\n    class Shelf:\r\n        """A shelf of the shop.\r\n\r\n'
            "        It holds the items and their highest number.\r\n"
            "        \"\"\"\r\n\r\n        été = '😀'\r\n",
        ),
        ("a.js", "export class Shelf {\n}\n", f"/** {SHELF} */\nexport class Shelf {{\n}}\n"),
        (
            "a.ts",
            "/** Old. */\n@dec\nexport class Shelf {\n  size = 3\n}\n",
            f"/** {SHELF} */\n@dec\nexport class Shelf {{\n  size = 3\n}}\n",
        ),
        (
            "a.ts",
            "export type Shelf = { size: number }\n",
            f"/** {SHELF} */\nexport type Shelf = {{ size: number }}\n",
        ),
        (
            "A.java",
            "class A {\n    @Deprecated\n    enum Shelf { LOW, HIGH }\n}\n",
            f"class A {{\n    /** {SHELF} */\n    @Deprecated\n    enum Shelf {{ LOW, HIGH }}\n"
            "}\n",
        ),
        ("a.go", "package a\n\ntype Shelf struct {\n\tSize int\n}\n",
         f"package a\n\n// Shelf {SHELF}\ntype Shelf struct {{\n\tSize int\n}}\n"),
        ("a.go", "package a\n\n// Old.\ntype Shelf interface{ Size() int }\n",
         f"package a\n\n// Shelf {SHELF}\ntype Shelf interface{{ Size() int }}\n"),
        ("a.go", "package a\n\ntype (\n\tShelf int\n)\n",
         f"package a\n\ntype (\n\t// Shelf {SHELF}\n\tShelf int\n)\n"),
        ("a.rs", "#[derive(Debug)]\npub struct Shelf {\n    size: u8,\n}\n",
         f"/// {SHELF}\n#[derive(Debug)]\npub struct Shelf {{\n    size: u8,\n}}\n"),
        ("a.rs", "trait Shelf {}\n", f"/// {SHELF}\ntrait Shelf {{}}\n"),
        ("a.rs", "enum Shelf { A }\n", f"/// {SHELF}\nenum Shelf {{ A }}\n"),
        ("a.c", "/* Old. */\ntypedef struct Shelf {\n  int size;\n} Shelf;\n",
         f"/** {SHELF} */\ntypedef struct Shelf {{\n  int size;\n}} Shelf;\n"),
        ("a.cpp", "template <class T>\nclass Shelf : Base {\n};\n",
         f"/** {SHELF} */\ntemplate <class T>\nclass Shelf : Base {{\n}};\n"),
        ("a.cs", "[Old]\nrecord Shelf(int Size);\n",
         f"/// <summary>\n/// {SHELF}\n/// </summary>\n[Old]\nrecord Shelf(int Size);\n"),
        ("a.kt", "data class Shelf(val size: Int)\n",
         f"/** {SHELF} */\ndata class Shelf(val size: Int)\n"),
        ("a.rb", "class Shelf\n  X = 1\nend\n", f"# {SHELF}\nclass Shelf\n  X = 1\nend\n"),
        ("a.php", "<?php\nfinal class Shelf {}\n",
         f"<?php\n/** {SHELF} */\nfinal class Shelf {{}}\n"),
        ("a.swift", "protocol Shelf {}\n", f"/// {SHELF}\nprotocol Shelf {{}}\n"),
        ("a.scala", "case class Shelf(size: Int)\n",
         f"/** {SHELF} */\ncase class Shelf(size: Int)\n"),
        ("a.lua", "local Shelf = {}\n", f"--- {SHELF}\nlocal Shelf = {{}}\n"),
    ],
)  # fmt: skip
async def test_a_type_is_documented_from_its_head(path: str, source: str, expect: str) -> None:
    line = next(n for n, text in enumerate(source.split("\n"), 1) if "Shelf" in text)
    assert await _documented(path, source, SHELF, line) == expect


async def test_the_innermost_definition_around_the_line_is_documented() -> None:
    source = "class Shelf:\n    size = 3\n\n    def mean(self):\n        return self.size\n"
    titles = [
        (await _propose("a.py", source, ScriptedBackend([WORDS]), line)).title
        for line in range(1, 6)
    ]
    assert titles == [*["Document Shelf"] * 3, *["Document mean"] * 2]


async def test_of_a_long_class_the_model_is_shown_its_fields_and_heads() -> None:
    body = "".join(f"        total += {n}\n" for n in range(60))
    source = (
        "class Shelf:\n    size = 3\n\n"
        f'    def fill(self, items):\n        """Take the items."""\n{body}        return total\n'
        f"\n    @property\n    def is_full(\n        self,\n    ):\n{body}        return total\n"
        "\n    late = 4\n"
    )
    backend = ScriptedBackend([SHELF])
    proposal = await _propose("a.py", source, backend)
    asked = backend.asked[0].conversation.messages[-1].content
    heads = "@property\n    def is_full(\n        self,\n    ):"
    for shown in ("size = 3", "def fill(self, items)", "Take the items", heads, "late = 4"):
        assert shown in asked
    assert "total" not in asked
    lines = source.split("\n")
    for piece in proposal.provenance.receipt.shown:
        snippet = piece.snippet
        assert lines[snippet.start_line - 1 : snippet.end_line] == snippet.text.split("\n")
    assert 'class Shelf:\n    """A shelf of the shop.' in apply_edits(source, proposal.edits)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.go", "package a\n\ntype Shelf struct {\n}\n\nfunc (s *Shelf) Fill(n int) {\n"
         "\ts.add(7)\n}\n"),
        ("a.rs", "\n\nstruct Shelf {\n}\n\nimpl Shelf {\n    fn Fill(n: i32) {\n        add(7)\n"
         "    }\n}\n"),
        ("a.cpp", "\n\nclass Shelf {\n};\n\nvoid Shelf::Fill(int n)\n{\n  add(7);\n}\n"),
    ],
)  # fmt: skip
async def test_functions_of_a_type_that_stand_elsewhere_are_shown_by_their_heads(
    path: str, source: str
) -> None:
    backend = ScriptedBackend([SHELF])
    text = Text(source)
    file_hash = content_hash(source)
    chosen = Snippet(path, 3, 4, "Shelf", "\n".join(text.lines(3, 4)), Role.SUSPECT, "", file_hash)
    end = text.n_lines - 1
    whole = Snippet(path, 6, end, "", "\n".join(text.lines(6, end)), Role.RELATED, "", file_hash)
    await _propose(path, source, backend, 3, [chosen, whole])
    asked = backend.asked[0].conversation.messages[-1].content
    assert asked.count("Fill(") == 1
    assert "add(7)" not in asked


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.ts", "/** Copyright (c) 2020 A. */\nexport class Shelf {}\n"),
        ("a.rs", "// SPDX-License-Identifier: MIT\nstruct Shelf;\n"),
        ("a.c", "/* Licensed under the MIT license. */\nint shelf(void) { return 1; }\n"),
    ],
)
async def test_a_comment_about_the_file_is_no_doc_to_write_over(path: str, source: str) -> None:
    backend = ScriptedBackend([SHELF])
    with pytest.raises(ReplyUnusable, match="put an empty line below it"):
        await _propose(path, source, backend, 2)
    assert backend.asked == []
    apart = source.replace("\n", "\n\n", 1)
    assert await _documented(path, apart, SHELF, 3) == apart.replace(
        "\n\n", f"\n\n/// {SHELF}\n" if path == "a.rs" else f"\n\n/** {SHELF} */\n"
    )


@pytest.mark.parametrize(
    ("path", "source", "expect"),
    [
        ("a.sh", "#!/bin/sh\nmean() {\n  echo 1\n}\n",
         f"#!/bin/sh\n# {WORDS}\nmean() {{\n  echo 1\n}}\n"),
        ("a.rb", "#!/usr/bin/ruby\n# encoding: utf-8\n# Old.\ndef mean\n  1\nend\n",
         f"#!/usr/bin/ruby\n# encoding: utf-8\n# {WORDS}\ndef mean\n  1\nend\n"),
        ("a.js", "// @flow\nfunction mean(v) {}\n",
         f"// @flow\n/** {WORDS} */\nfunction mean(v) {{}}\n"),
        ("a.rs", "//! Prices.\n//! In cents.\n/// Old.\nfn mean() {}\n",
         f"//! Prices.\n//! In cents.\n/// {WORDS}\nfn mean() {{}}\n"),
        ("a.js", "/** Old. */\n// eslint-disable-next-line no-x\nfunction mean(v) {}\n",
         f"/** {WORDS} */\n// eslint-disable-next-line no-x\nfunction mean(v) {{}}\n"),
        ("a.go", "package a\n\n// Mean is old.\n//\n//export Mean\nfunc Mean() {}\n",
         f"package a\n\n// Mean {WORDS}\n//export Mean\nfunc Mean() {{}}\n"),
        ("a.cpp", "/*\n * Old.\n */\n// NOLINTNEXTLINE(x)\nint mean() { return 1; }\n",
         f"/** {WORDS} */\n// NOLINTNEXTLINE(x)\nint mean() {{ return 1; }}\n"),
    ],
)  # fmt: skip
async def test_what_tools_obey_stays_at_the_top_or_right_above(
    path: str, source: str, expect: str
) -> None:
    line = source[: source.lower().index("mean(") if "mean(" in source.lower() else -6].count("\n")
    assert await _documented(path, source, line=line + 1) == expect


@pytest.mark.parametrize(
    ("path", "source", "sentence"),
    [
        ("a.js", "/**\n * @param {string} a\n */\nfunction mean(a) {}\n", "tags, parameters"),
        ("a.py", "def mean(v):\n    \'\'\'Old.\n\n    >>> mean([1])\n    1\n    \'\'\'\n",
         "or examples"),
        ("a.py", "def mean(v):\n    \'\'\'Old.\n\n    Args:\n        v: x\n    \'\'\'\n",
         "or examples"),
        ("a.rs", "/// ```\n/// mean();\n/// ```\nfn mean() {}\n", "or examples"),
        ("a.rs", "mod a { fn mean() {} }\n", "does not begin its line"),
        ("a.php", "<?php function mean() { return 1; }\n", "does not begin its line"),
        ("a.ts", "function mean(a: 1): 1\nfunction mean(a: any): any {\n  return a\n}\n",
         "above its first signature"),
    ],
)  # fmt: skip
async def test_a_doc_that_would_lose_or_mislead_is_refused_before_the_model_is_asked(
    path: str, source: str, sentence: str
) -> None:
    backend = ScriptedBackend([WORDS])
    line = source[: source.rindex("mean(")].count("\n") + 1 if path != "a.py" else 1
    line = 4 if path == "a.rs" and source.startswith("///") else line
    with pytest.raises(ReplyUnusable, match=sentence):
        await _propose(path, source, backend, line)
    assert backend.asked == []


async def test_long_words_are_wrapped_and_line_ends_kept() -> None:
    source = "/// x\r\nfn f() {}\r\n"
    documented = await _documented("a.rs", source, LONG, 2)
    assert documented.count("\r\n") == documented.count("\n") == 4
    assert max(map(len, documented.split("\r\n"))) <= 79
    python = await _documented("a.py", "def f():\n    return 1\n", LONG)
    assert max(map(len, python.split("\n"))) <= 79
    assert python.split("\n")[1].startswith('    """Return the mean of the values that are given')


@pytest.mark.parametrize(
    "words",
    [
        "Return the region of the page that the spelling of a type: its name: is in.",
        "Say whether a pragma or a global is set.",
    ],
)
async def test_words_that_only_look_like_a_directive_are_words(words: str) -> None:
    assert words in (await _documented("a.rs", "fn f() {}\n", words)).replace("\n/// ", " ")


@pytest.mark.parametrize(
    "words",
    [
        "Return it (type: ignore) in any case.",
        "Return it, eslint-disable all rules.",
        "Return it; noqa for all lines.",
        'Ends the string """ and runs code.',
        "Closes the comment */ and runs code.",
        ">>> import os; os.system('x') is run as a test.",
        "```rust panics in a doc test",
        "@ts-ignore everything below this line.",
        "go:generate rm -rf everything in it.",
        "Escapes with a backslash \\ at the end.",
        "Has <script> in it, which a tool shows.",
        "mean",
        "",
        "x" * 1_000,
    ],
)
async def test_words_that_would_act_are_refused(words: str) -> None:
    source = "def mean(v):\n    return 1\n"
    with pytest.raises(ReplyUnusable) as refused:
        await _propose("a.py", source, ScriptedBackend([words]))
    assert "\n" not in str(refused.value)


async def test_a_refusal_is_mended_once() -> None:
    backend = ScriptedBackend(["Runs `code` in ``` fences.", WORDS])
    proposal = await _propose("a.py", "def mean(v):\n    return 1\n", backend)
    assert (len(proposal.edits), proposal.n_mended) == (1, 1)
    assert "must be plain sentences" in backend.asked[-1].conversation.messages[-1].content


async def test_where_a_doc_has_no_place_it_is_said_before_the_model_is_asked() -> None:
    backend = ScriptedBackend([WORDS])
    with pytest.raises(ReplyUnusable, match="give its body a line of its own"):
        await _propose("a.py", "def mean(v): return 1\n", backend)
    with pytest.raises(ReplyUnusable, match="Shelf stands on one line"):
        await _propose("a.py", "class Shelf: pass\n", backend)
    with pytest.raises(ReplyUnusable, match="no function or type at these lines"):
        await _propose("a.py", "x = 1\n", backend)
    with pytest.raises(ReplyUnusable, match="does not know how this language writes docs"):
        await _propose("a.sql", "select 1\n", backend)
    assert backend.asked == []


async def test_secrets_in_the_function_never_reach_the_model() -> None:
    secret = "q8Zk2LmP0xVb7Rt4Wn9Yc3Hd6Js1Fg5A"
    backend = ScriptedBackend([WORDS])
    source = f'def mean(v):\n    key = "{secret}"\n    return 1\n'
    await _propose("a.py", source, backend)
    assert secret not in "".join(m.content for m in backend.asked[0].conversation.messages)


@pytest.mark.model
async def test_the_small_model_documents_a_function(unread: LlamaCppBackend) -> None:
    def source(name: str) -> str:
        return (
            f"def {name}(loans, today):\n"
            "    late = [loan for loan in loans if loan.due < today and not loan.returned]\n"
            "    return sorted(late, key=lambda loan: loan.due)\n"
        )

    name, proposal = await first_let_through(
        lambda name: _propose("library.py", source(name), unread)
    )
    documented = apply_edits(source(name), proposal.edits)
    assert '    """' in documented
    assert documented.endswith(source(name).partition("\n")[2])
    assert proposal.provenance.receipt.shown


@pytest.mark.model
async def test_the_small_model_documents_a_class(unread: LlamaCppBackend) -> None:
    def source(name: str) -> str:
        return (
            f"class {name.capitalize()}:\n    def __init__(self, size):\n"
            "        self.size = size\n        self.books = []\n\n    def put(self, book):\n"
            "        if len(self.books) >= self.size:\n            raise ValueError('full')\n"
            "        self.books.append(book)\n"
        )

    name, proposal = await first_let_through(
        lambda name: _propose("library.py", source(name), unread)
    )
    documented = apply_edits(source(name), proposal.edits)
    assert documented.startswith(f'class {name.capitalize()}:\n    """')
    assert documented.endswith('"""\n\n' + source(name).partition("\n")[2])
    assert proposal.provenance.receipt.shown
