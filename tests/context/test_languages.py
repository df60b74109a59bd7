"""Languages of the table, each by one real file in sources/; and which files are there to test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from context.languages import LANGUAGES, Language, is_test_path, language_of
from context.outline import Outline, ReferenceRole
from context.scan import TEXT_EXTENSIONS
from context.store import Reader, index_folder
from context.syntax import outline, problems
from tests.context.conftest import OpenWorkspace
from tests.context.test_syntax import SOURCES

FOLDER = Path(__file__).parent / "sources"


@dataclass(frozen=True, slots=True)
class Expected:
    symbols: str  # "name:first-last", one a line or apart by two spaces
    calls: str
    bases: str
    imports: tuple[tuple[str, tuple[str, ...], int], ...]
    docs: dict[str, str]  # of every symbol that has one
    signatures: dict[str, str]  # of some symbols
    literals: tuple[tuple[str, int], ...]
    broken: str  # source that the grammar cannot read


EXPECTED = {
    "box.kt": Expected(
        """Box:7-30  Box.init:9-11  Box.run:14-18  Box.total:20-21  Box.make:24-24
        Box.State:27-29  Box.State.label:28-28  Color:32-36  Color.hex:35-35  Single:38-38
        Handler:39-39  second:40-40  adds two numbers:41-41  onClick:42-42""",
        "Missing also compute go helper start",
        "Runnable Sink Store Thing",
        (("shop.base.Store", (), 3), ("shop.money", (), 4)),
        {"Box": "Keeps orders.", "Box.run": "Runs once."},
        {"Box.run": "override fun run(): Int", "Box.total": "val total: Int"},
        (("no such order in the box", 17), ("the hex of a color", 35)),
        "fun f( {\n",
    ),
    "box.cs": Expected(
        """Box:7-27  Box.Box:10-10  Box.Run:13-18  Box.Total:20-20  Box.this:22-22  Box.+:23-23
        Box.Stop:24-24  Box.IState:26-26  Box.IState.Label:26-26  Line:29-29  Point:30-30
        Color:31-31  Handler:32-32  Texts:35-40""",
        "At Compute Go Missing Safe Start",
        "IRunnable ISink Item Store",
        (("System.Text.Json", (), 1), ("System.Math", ("Numbers",), 2)),
        {"Box": "Keeps orders.", "Box.Run": "Runs once."},
        {"Box.Total": "public int Total", "Box.Box": "public Box(int size) : base(size)"},
        (
            ("no such order in the box", 17),
            ("a box of {size} things", 37),
            ("C:\\a verbatim path", 38),
            ("a raw text of one line", 39),
        ),
        "class A { void F( { }\n",
    ),
    "box.rb": Expected(
        """Shop:8-35  Shop.Box:9-34  Shop.Box.run:13-18  Shop.Box.make:20-20  Shop.Box.empty?:21-21
        Shop.Box.<=>:22-22  Shop.Box.name=:24-26  Shop.Box.shared:29-29  Shop.Box.hidden:32-32
        Shop.Box.made:33-33  Shop.Line:37-37  Point:39-41  Point.far:40-40  top:43-47""",
        "define_method first go helper include new private raise require require_relative tidy",
        "Comparable Item Store",
        (("json", (), 3), ("lib/store", (), 4)),
        {"Shop": "Keeps orders. Well.", "Shop.Box.run": "Runs once."},
        {"Shop.Box": "class Box < Base::Store", "Shop.Box.run": "def run(size, unit = 1)"},
        (
            ("lib/store", 4),
            ("no such order #{size} in the box", 17),
            ("a name is not a doc", 25),
            ("a text over a line", 44),
        ),
        "def f(\nend end\n",
    ),
    "box.php": Expected(
        """Box:12-26  Box.__construct:17-17  Box.run:20-25  State:28-28  State.label:28-28
        Tells:29-29  Tells.tell:29-29  Color:30-32  Color.hex:30-32  top:33-33""",
        "Line Missing go helper make start",
        "HasHex Label Logging Runnable Sink Store",
        (
            (r"Shop\Base\Store", (), 5),
            (r"Shop\Io", ("Sink", "Source"), 6),
            ("/lib/money.php", (), 7),
        ),
        {"Box": "Keeps orders.", "Box.run": "Runs once."},
        {"Box.run": "public static function run(int $a): int"},
        (
            ("/lib/money.php", 7),
            ("no such order $a in the box", 24),
            ("a text in quotes", 29),
            ("a text over a line", 30),
        ),
        "<?php function (\n",
    ),
    "box.swift": Expected(
        """Box:6-30  Box.total:8-8  Box.onClick:10-10  Box.init:12-12  Box.deinit:13-13
        Box.run:16-21  Box.subscript:23-23  Box.+:24-24  Box.State:26-29  Box.State.label:28-28
        Line:32-32  Sink:33-33  Sink.write:33-33  Box.State.tell:35-35  Keeper:37-37
        Keeper.keep:37-37  Handler:38-38  top:39-39""",
        "Pair at compute fatalError go helper start stop",
        "AnyObject Int Item Runnable Sink Store Tells",
        (("Foundation", (), 1), ("UIKit.UIView", (), 2)),
        {"Box": "Keeps orders. Well.", "Box.run": "Runs once."},
        {
            "Box.run": "@discardableResult func run(_ size: Int) async throws -> Int",
            "Box.total": "var total: Int",
        },
        (
            (r"no such order \(size) in the box", 20),
            ("a raw text of one line", 28),
            ("a text over a line", 40),
        ),
        "func f( {\n",
    ),
    "box.scala": Expected(
        """Box:8-23  Box.run:11-15  Box.onClick:17-17  Box.+:18-18  Box.State:20-22
        Box.State.label:21-21  Box:25-27  Box.apply:26-26  Color:29-32  Color.tell:31-31
        order:34-36  order.compare:35-35  Handler:37-37  shout:38-38  top:39-39""",
        "Missing go helper plus toUpperCase",
        "Color Label Runnable Sink Store Tells",
        (
            ("shop.base.Store", (), 3),
            ("shop.io", ("Sink", "Source"), 4),
            ("shop.money", (), 5),
            ("shop.time.Clock", (), 5),
        ),
        {"Box": "Keeps orders.", "Box.run": "Runs once."},
        {"Box.run": "def run(a: Int): Int", "Box.State": "trait State extends Label"},
        (
            ("no such order $a in the box", 14),
            ("a value is not a doc", 26),
            ("a text over a line", 31),
        ),
        "def f( = {\n",
    ),
    "box.lua": Expected(
        """Box:6-6  Box.run:12-17  Box.make:19-19  near:20-20  top:21-21  later:22-22  Box.odd:23-23
        handlers.click:26-26  handlers.mouse.down:27-27  Line:31-31""",
        "error extend first go helper require setmetatable",
        "Item Store",
        (("cjson.safe", (), 1), ("shop.store", (), 2)),
        {"Box": "Keeps orders. Well.", "Box.run": "Runs once."},
        {"Box.run": "function Box:run(size)"},
        (
            ("cjson.safe", 1),
            ("shop.store", 2),
            ("no such order in the box", 16),
            ("a text in long brackets", 28),
        ),
        "function f( end\n",
    ),
    "box.sh": Expected(
        "keep-orders:8-13  shop::top:15-17  sub:19-21",
        ". : cat compute die echo helper keep-orders set sort source",
        "",
        (("./lib/store.sh", (), 3), ("$HERE/money.sh", (), 4)),
        {"keep-orders": "Keeps orders. Well."},
        {"keep-orders": "keep-orders()", "shop::top": "function shop::top"},
        (
            ("$HERE/money.sh", 4),
            ("no such order $size in the box", 12),
            ("a text in single quotes", 16),
            ("a text over a line", 24),
        ),
        "if true; then\n",
    ),
}
every_file = pytest.mark.parametrize("file", EXPECTED)


@cache
def _outline(file: str) -> Outline:
    language = language_of(file)
    assert language is not None
    return outline((FOLDER / file).read_bytes(), language)


def _named(file: str, role: ReferenceRole) -> set[str]:
    return {r.name for r in _outline(file).references if r.role is role}


def test_every_language_has_a_fixture() -> None:
    named = {language.name for file in EXPECTED if (language := language_of(file))}
    assert named | SOURCES.keys() == {language.name for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_every_grammar_and_its_query_load(language: Language) -> None:
    assert outline(b"", language).language == language.name
    assert all(language_of(f"a{ext}") is language for ext in language.extensions)
    assert not TEXT_EXTENSIONS & set(language.extensions)


@every_file
def test_symbols_have_their_lines_and_the_names_around_them(file: str) -> None:
    found = [f"{s.qualified_name}:{s.start_line}-{s.end_line}" for s in _outline(file).symbols]
    lines = EXPECTED[file].symbols.split("\n")
    assert found == [symbol for line in lines for symbol in line.strip().split("  ")]


@every_file
def test_calls_and_bases_are_references(file: str) -> None:
    assert _named(file, ReferenceRole.CALL) == set(EXPECTED[file].calls.split())
    assert _named(file, ReferenceRole.BASE) == set(EXPECTED[file].bases.split())


@every_file
def test_imports_are_found(file: str) -> None:
    assert tuple((i.module, i.names, i.line) for i in _outline(file).imports) == (
        EXPECTED[file].imports
    )


@every_file
def test_a_doc_is_the_comment_right_above_and_a_signature_ends_at_the_body(file: str) -> None:
    symbols = _outline(file).symbols
    assert {s.qualified_name: s.doc for s in symbols if s.doc} == EXPECTED[file].docs
    signatures = {s.qualified_name: s.signature for s in symbols}
    assert signatures.items() >= EXPECTED[file].signatures.items()


@every_file
def test_literals_are_what_stands_between_the_quotes(file: str) -> None:
    assert tuple((li.text, li.line) for li in _outline(file).literals) == EXPECTED[file].literals


@every_file
def test_a_broken_file_has_a_problem_and_a_whole_one_has_none(file: str) -> None:
    language = language_of(file)
    assert language is not None
    assert _outline(file).problems == ()
    found = problems((FOLDER / file).read_bytes() + EXPECTED[file].broken.encode(), language)
    alone = problems(EXPECTED[file].broken.encode(), language)
    assert found
    assert alone


@every_file
@pytest.mark.parametrize("opening", ["(", "[", "{", '"', "if (x) {\n", "$("])
def test_deep_nesting_does_not_end_the_process(file: str, opening: str) -> None:
    language = language_of(file)
    assert language is not None
    assert outline((opening * 5_000).encode(), language).language == language.name


@pytest.mark.parametrize(
    ("source", "doc"),
    [
        ("# far above\n\ndef f\nend\n", ""),
        ("x = 1 # of x\ndef f\nend\n", ""),
        ("# one\n# two\ndef f\nend\n", "one two"),
        ("class A\n  # inside\n  def f\n  end\nend\n", "inside"),
    ],
)
def test_only_a_comment_of_its_own_right_above_is_a_doc(source: str, doc: str) -> None:
    ruby = language_of("a.rb")
    assert ruby is not None
    assert outline(source.encode(), ruby).symbols[-1].doc == doc


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("app/BoxTest.kt", True), ("lib/src/commonTest/kotlin/Box.kt", True),
        ("Shop/BoxTests.cs", True), ("Shop.UnitTests/Box.cs", True), ("Shop.Tests/Box.cs", True),
        ("lib/box_spec.rb", True), ("spec/box.rb", True), ("lib/box_spec.lua", True),
        ("src/BoxTest.php", True), ("src/Component/Tests/Box.php", True),
        ("Shop/BoxTests.swift", True), ("ShopUITests/Launch.swift", True),
        ("app/BoxSpec.scala", True), ("app/BoxSuite.scala", True),
        ("scripts/box.bats", True), ("scripts/test_box.sh", True),
        ("src/KeySpec.java", False), ("src/CipherSuite.kt", False), ("src/Contest.kt", False),
        ("Shop.Testing/Box.cs", False), ("lib/inspec.rb", False), ("app/Latest.swift", False),
        ("lib/open_spec.py", False), ("src/Attests/Box.kt", False),
        ("packages/x/test/a.ts", True), ("dts/ref.test-d.ts", True), ("src/Button.cy.tsx", True),
        ("base/strings_unittest.cc", True), ("llvm/unittests/Utils.cpp", True),
        ("app/OrderIT.java", True), ("lib/COMMIT.rb", False), ("src/INIT.c", False),
        ("src/main/java/com/x/spec/Foo.java", False), ("django/test/client.py", False),
    ],
)  # fmt: skip
def test_each_language_s_test_files_are_known(path: str, expected: bool) -> None:  # noqa: FBT001
    assert is_test_path(path) is expected


async def test_code_without_a_grammar_is_indexed_by_lines_as_text(
    root: Path, open_workspace: OpenWorkspace, tmp_path: Path
) -> None:
    """Cython has no grammar here; a header is read as C; Kotlin has one."""
    (root / "fast.pyx").write_text("cdef int spin_wheel(int n):\n    return n\n")
    (root / "fast.pxd").write_text("cdef int spin_wheel(int n)\n")
    (root / "main.dart").write_text("void turnCrank() {\n  print(1);\n}\n")
    (root / "fast.h").write_text("int spin(int n);\n")
    (root / "Box.kt").write_text("fun pack() {\n}\n")
    workspace = await open_workspace()
    summary = await workspace.index(lambda _: None)
    assert (summary.files, summary.skipped) == (5, {})
    reader = Reader(index_folder(root.resolve(), tmp_path / "cache") / "index.sqlite")
    rows = {row.path: (row.language, row.n_lines) for row in reader.files()}
    text = {"fast.pyx": ("text", 3), "fast.pxd": ("text", 2), "main.dart": ("text", 4)}
    assert rows == text | {"fast.h": ("c", 2), "Box.kt": ("kotlin", 3)}
    assert [reader.symbols(path) for path in text] == [[], [], []]
    reader.close()
    located = await workspace.locate("turnCrank does nothing")
    assert [s.path for s in located.suspects] == ["main.dart"]


FORMS = [
    ("a.jsx", "const C = React.memo(({a}) => {\n  const f = () => { go() }\n  return a\n})\n"
     "exports.list = catchAsync(async (r) => {\n  return r\n})\n"
     "const rows = data.map((a) => {\n  return a\n})\n"
     "const store = defineStore('x', () => {\n  function one() { return 1 }\n})\n"
     "class A { x = debounce(() => { go() }) }\nexport default (a) => { return a }\n",
     "C:1-4 list:5-7 one:12-12 A:14-14 A.x:14-14 default:15-15"),
    ("a.js", "export default (o) => {\n  o.x = function () { return 1 }\n}\n", "o.x:2-2"),
    ("a.ts", "export default class extends X { run() { return 1 } }\n"
     "const f = yes ? (a: 1) => a : (b: 2) => b\nconst g = ((a: 1) => a) as T\n",
     "default:1-1 default.run:1-1 f:2-2 g:3-3"),
    ("a.cpp", "class API file : public Base {\n  operator bool() const { return a; }\n"
     "  T& operator*() { return x; }\n  bool operator()(int a) const { return a; }\n};\n"
     "template <class T> bool Vec<T>::operator<(const Vec<T>& o) { return false; }\n"
     "Foo::operator int() const { return 1; }\ntypedef struct { int a; } pair_t;\n",
     "file:1-5 file.operator bool:2-2 file.operator*:3-3 file.operator():4-4 Vec.operator<:6-6"
     " Foo.operator int:7-7 pair_t:8-8"),
    ("a.c", "static int PREFIX(scan)(const E *e)\n{ return a(); }\nPHP_FUNCTION(strlen)\n{\n"
     "\tgo();\n}\nvoid (*signal(int s, void (*f)(int)))(int) { return 0; }\n"
     "typedef enum { A, B } kind_t;\n",
     "scan:1-2 strlen:3-6 signal:7-7 kind_t:8-8"),
    ("A.java", "class A {\n  final F f = x -> { return x; };\n}\n", "A:1-3 A.f:2-2"),
    ("a.go", "package a\n\nvar f = func(a int) int { return a }\n"
     "var cmd = &Command{RunE: func(c *C) error { return nil }}\n", "f:3-3 RunE:4-4"),
    ("a.scala", "class K:\n  def m(a: Int): Int =\n    if a > 1 then\n      2\n    else\n"
     "      3\n\n  // about n\n  def n(a: Int): Int =\n    a\n", "K:1-10 K.m:2-6 K.n:9-10"),
    ("a.swift", "class V {\n  var x = 0 { didSet { go() } }\n"
     "  lazy var v: T = { return T() }()\n}\n", "V:1-4 V.x:2-2 V.v:3-3"),
    ("a.rs", "cfg_rt! {\n    /// Doc.\n    pub fn spawn(f: F) -> u8 { go(f) }\n"
     "    impl X {\n        fn y(&self) {}\n    }\n}\nimpl Z {\n"
     "    cfg_net! { pub fn z(&self) { a() } }\n}\nlazy! { static A: u8 = fn_of(); }\n"
     "quote! { fn #name() {} }\n",
     "spawn:3-3 X.y:5-5 Z.z:9-9"),
    ("a.php", "<?php\n$h = function ($a) { return $a; };\n", "h:2-2"),
    ("a.rb", "X = ->(a) { a }\n", "X:1-1"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "source", "expect"), FORMS)
def test_functions_are_found_in_the_forms_that_projects_give_them(
    path: str, source: str, expect: str
) -> None:
    language = language_of(path)
    assert language is not None
    symbols = outline(source.encode(), language).symbols
    found = [f"{s.qualified_name}:{s.start_line}-{s.end_line}" for s in symbols]
    assert " ".join(found) == expect


@pytest.mark.parametrize(
    ("path", "source", "calls", "bases"),
    [
        ("a.cpp", "struct A : Base<int>, n::Other { void f() { g<int>(1); b::m<T>(1); a::b::c();"
         " o->t<int>(); new Foo(1); } };\n", "g m c t Foo", "Base Other"),
        ("A.java", "class A extends B<C> implements I<D> { void g() { new X<>(1); new a.Y(); } }\n",
         "X Y", "B I"),
        ("a.rs", "impl From<A> for B { fn f() { g::<u8>(); a.h::<u8>(); m::k::<u8>() } }\n"
         "impl fmt::Display for B {}\n", "g h k", "From Display"),
        ("a.py", "class A(Base[T], m.Other[U]): pass\n", "", "Base Other"),
        ("a.ts", "class A implements I<T> {}\n", "", "I"),
    ],
)  # fmt: skip
def test_what_generic_and_qualified_names_call_and_extend_is_known(
    path: str, source: str, calls: str, bases: str
) -> None:
    language = language_of(path)
    assert language is not None
    references = outline(source.encode(), language).references
    for role, expect in ((ReferenceRole.CALL, calls), (ReferenceRole.BASE, bases)):
        assert {r.name for r in references if r.role is role} == {*expect.split()}
