"""Stack frames of each runtime, as its traces are printed."""

from __future__ import annotations

import pytest

from context.text import split_lines
from context.traceback import MAX_FRAMES, read_frames


def check(trace: str, *expected: tuple[str, int | None, str | None]) -> None:
    """`expected` is innermost first."""
    frames = sorted(read_frames(split_lines(trace)), key=lambda f: (f.trace, f.order))
    assert [(f.path, f.line, f.function) for f in frames] == list(expected)


def test_python_prints_the_innermost_frame_last() -> None:
    check(
        """Traceback (most recent call last):
  File "/usr/lib/python3.11/asyncio/events.py", line 80, in _run
    self._context.run(self._callback, *self._args)
  File "C:\\work\\pkg\\wire.py", line 41, in Wire.read
    future.set_result(result)
asyncio.exceptions.InvalidStateError: invalid state""",
        ("C:/work/pkg/wire.py", 41, "Wire.read"),
        ("/usr/lib/python3.11/asyncio/events.py", 80, "_run"),
    )


def test_the_module_level_of_a_script_has_no_function() -> None:
    check('  File "run.py", line 3, in <module>\n    main()', ("run.py", 3, None))


def test_each_traceback_of_a_chain_counts_from_its_own_innermost_frame() -> None:
    frames = read_frames(
        split_lines(
            """Traceback (most recent call last):
  File "a.py", line 1, in first
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in outer
  File "c.py", line 3, in inner
ValueError: x"""
        )
    )
    assert [(f.function, f.trace, f.order) for f in frames] == [
        ("first", 0, 0),
        ("outer", 1, 1),
        ("inner", 1, 0),
    ]


def test_ipython_marks_the_line_with_an_arrow() -> None:
    check(
        """~/lib/pkg/core.py in fit(self, x)
    101         y = 1
--> 102         return y / x
    103""",
        ("~/lib/pkg/core.py", 102, "fit"),
    )


def test_pytest_writes_path_and_line_first() -> None:
    check("tests/test_a.py:12: in test_it\n    run()", ("tests/test_a.py", 12, "test_it"))
    check("src/pkg/run.py:9: ValueError", ("src/pkg/run.py", 9, None))


def test_node_prints_the_innermost_frame_first() -> None:
    check(
        """TypeError: Cannot read properties of undefined (reading 'a')
    at Parser.parse (/srv/app/src/parser.js:10:5)
    at async Object.exports.run [as go] (file:///srv/app/src/run.mjs:20:9)
    at /srv/app/src/index.ts:3:1""",
        ("/srv/app/src/parser.js", 10, "Parser.parse"),
        ("/srv/app/src/run.mjs", 20, "run"),
        ("/srv/app/src/index.ts", 3, None),
    )


def test_firefox_writes_function_at_address() -> None:
    check("render@http://localhost:8080/src/view.js?t=1:7:3", ("/src/view.js", 7, "render"))


def test_java_frames_give_the_package_as_a_folder() -> None:
    check(
        """Exception in thread "main" java.lang.NullPointerException
\tat com.acme.io.Reader$Buffer.fill(Reader.java:88)
\tat java.base/java.lang.Thread.run(Thread.java:833)""",
        ("com/acme/io/Reader.java", 88, "Reader.Buffer.fill"),
        ("java/lang/Thread.java", 833, "Thread.run"),
    )


def test_go_names_the_function_on_the_line_above() -> None:
    check(
        """goroutine 1 [running]:
github.com/acme/pool/internal/conn.(*Conn).Close(0xc000010000)
\t/go/src/pool/internal/conn/conn.go:55 +0x1d
main.main.func1({0x1, 0x2}, ...)
\t/go/src/pool/main.go:9 +0x20
created by main.start in goroutine 1
\t/go/src/pool/main.go:4 +0x20""",
        ("/go/src/pool/internal/conn/conn.go", 55, "Conn.Close"),
        ("/go/src/pool/main.go", 9, "main"),
        ("/go/src/pool/main.go", 4, "start"),
    )


def test_rust_backtraces_and_panics() -> None:
    check(
        """   3: acme::parser::Parser<T>::next::h0123456789abcdef
             at ./src/parser.rs:12:5""",
        ("./src/parser.rs", 12, "acme.parser.Parser.next"),
    )
    check("thread 'main' panicked at src/main.rs:2:5:\nboom", ("src/main.rs", 2, None))
    check("thread 'main' panicked at 'boom', src/main.rs:2:5", ("src/main.rs", 2, None))


def test_debuggers_and_sanitizers_of_c() -> None:
    check(
        "#0  0x00005555 in jv_free (j=...) at src/jv.c:99\n#1  main (argc=1) at src/main.c:7",
        ("src/jv.c", 99, "jv_free"),
        ("src/main.c", 7, "main"),
    )
    check(
        "    #0 0x4f5a in fmt::detail::write(char const*) /src/include/fmt/format.h:1204:7",
        ("/src/include/fmt/format.h", 1204, "fmt.detail.write"),
    )


@pytest.mark.parametrize(
    "line",
    [
        "we met at noon (see notes.md)",
        "File the report in the drawer",
        "#1 priority is speed",
        "look at src/main.rs when you can",
        "at noon (see the notes of 12:30:45)",
        "    at eval (eval at run (a.js:1:1), <anonymous>:1:1)",
        "it stands in index.php and in line 3: in short",
        "a" * 5_000 + ' File "x.py", line 3, in f',
    ],
)
def test_prose_is_no_frame(line: str) -> None:
    assert read_frames([line]) == ()


def test_a_runaway_recursion_is_cut() -> None:
    assert len(read_frames(['  File "a.py", line 1, in f'] * 5_000)) == MAX_FRAMES


def test_dotnet_frames() -> None:
    check(
        r"""Unhandled exception. System.AggregateException: outer
 ---> System.DivideByZeroException: Attempted to divide by zero.
   at Shop.Cart.Total(Int32 x) in /home/u/shop/Cart.cs:line 42
   at Shop.Cart..ctor(String name) in C:\shop\My Shop\Cart.cs:line 7
   at Shop.Box`1.<Load>d__3.MoveNext() in /home/u/shop/Box.cs:line 8
   at Shop.Cart.<>c.<Sum>b__0_0(Item i) in /home/u/shop/Cart.cs:line 9
   --- End of inner exception stack trace ---
   at System.Threading.Tasks.Task.Wait()
   at Program.<Main>$(String[] args) in /home/u/shop/Program.cs:line 3""",
        ("/home/u/shop/Cart.cs", 42, "Shop.Cart.Total"),
        ("C:/shop/My Shop/Cart.cs", 7, "Shop.Cart.Cart"),
        ("/home/u/shop/Box.cs", 8, "Shop.Box.Load"),
        ("/home/u/shop/Cart.cs", 9, "Shop.Cart.Sum"),
        ("/home/u/shop/Program.cs", 3, "Program.Main"),
    )


def test_ruby_of_old_and_new() -> None:
    check(
        """app/user.rb:6:in `run': undefined local variable (NameError)
\tfrom app/user.rb:3:in `block (2 levels) in save'
\tfrom bin/go:1:in `<main>'""",
        ("app/user.rb", 6, "run"),
        ("app/user.rb", 3, "save"),
        ("bin/go", 1, None),
    )
    check(
        """app/user.rb:6:in 'User#run': undefined local variable (NameError)
\tfrom C:/shop/app/user.rb:3:in 'block in Shop::User.save'""",
        ("app/user.rb", 6, "User.run"),
        ("C:/shop/app/user.rb", 3, "Shop.User.save"),
    )


def test_php_names_with_a_call_the_place_it_was_made_from() -> None:
    check(
        r"""PHP Fatal error:  Uncaught TypeError: bad in /var/www/Cart.php:12
Stack trace:
#0 /var/www/Shop.php(34): App\Cart->total('x')
#1 [internal function]: App\Shop->App\{closure}(1)
#2 C:\www\my shop\index.php(5): App\Shop::open()
#3 {main}
  thrown in /var/www/Cart.php on line 12""",
        ("/var/www/Cart.php", 12, "App.Cart.total"),
        ("/var/www/Shop.php", 34, None),
        ("C:/www/my shop/index.php", 5, None),
    )
    check(
        "PHP Warning:  Undefined variable $x in /var/www/a.php on line 12",
        ("/var/www/a.php", 12, None),
    )


def test_lua_of_old_and_new() -> None:
    check(
        """lua: src/cart.lua:3: attempt to index a nil value (local 'x')
stack traceback:
\t[C]: in function 'error'
\tsrc/cart.lua:3: in method 'total'
\tsrc/cart.lua:6: in function 'shop.Cart:sum'
\tC:\\shop\\main.lua:9: in function <C:\\shop\\main.lua:8>
\tmain.lua:12: in main chunk""",
        ("src/cart.lua", 3, "total"),
        ("src/cart.lua", 6, "shop.Cart.sum"),
        ("C:/shop/main.lua", 9, None),
        ("main.lua", 12, None),
    )


def test_swift_traps_and_backtraces() -> None:
    check(
        """Thread 0 "shop" crashed:
0 [ra] 0x00005581c0d3 Cart.total(_:) + 12 in shop at /home/u/shop/Sources/Cart.swift:12:9
1 closure #1 in main() + 16 in shop at /home/u/shop/Sources/main.swift:3:1""",
        ("/home/u/shop/Sources/Cart.swift", 12, "Cart.total"),
        ("/home/u/shop/Sources/main.swift", 3, "main"),
    )
    check("shop/Cart.swift:7: Fatal error: Index out of range", ("shop/Cart.swift", 7, None))
    check("Fatal error: no item: file /home/u/Cart.swift, line 7", ("/home/u/Cart.swift", 7, None))
    check(
        "  * frame #1: 0x0000000100 shop`Cart.total(self=0x1) at Cart.swift:12:9",
        ("Cart.swift", 12, "Cart.total"),
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (r"C:\proj\src\mod.py:14: in f", ("C:/proj/src/mod.py", 14, "f")),
        (r"C:\proj\src\mod.py:14: ValueError", ("C:/proj/src/mod.py", 14, None)),
        (r"File C:\proj\mod.py:12, in f(x)", ("C:/proj/mod.py", 12, "f")),
        ("#1  parse (p=0x0) at C:/x/parse.c:12", ("C:/x/parse.c", 12, "parse")),
        (r"thread 'main' panicked at C:\proj\src\main.rs:4:5:", ("C:/proj/src/main.rs", 4, None)),
        (r"             at C:\proj\src\main.rs:4:5", ("C:/proj/src/main.rs", 4, None)),
        (r"    at foo (C:\Users\John Smith\a.js:3:5)", ("C:/Users/John Smith/a.js", 3, "foo")),
        (r"    at C:\Users\John Smith\a.js:3:5", ("C:/Users/John Smith/a.js", 3, None)),
        ("    at Page (/app/(shop)/page.tsx:3:5)", ("/app/(shop)/page.tsx", 3, "Page")),
        (
            "    at Page (webpack-internal:///(rsc)/./app/page.tsx:3:5)",
            ("/(rsc)/./app/page.tsx", 3, "Page"),
        ),
    ],
)
def test_paths_with_drives_spaces_and_brackets(
    line: str, expected: tuple[str, int | None, str | None]
) -> None:
    check(line, expected)
