"""What Python evaluates when, and who may see a name: done right, or refused with the reason."""

from __future__ import annotations

import sys

import pytest

from context.refactoring import Kind
from tests.context.refactoring.checking import Files, carried, check, check_refused


def test_files_without_a_last_line_end() -> None:
    files = {"a.py": "def <>f(b): pass\nf(1)", "c.py": "from a import f"}
    check(Kind.RENAME, files, {"a.py": "def g(b): pass\ng(1)", "c.py": "from a import g"}, "g")
    check(Kind.SIGNATURE, files, {"a.py": "def f(): pass\nf()"}, change="remove b")
    check(
        Kind.INLINE,
        {"a.py": "def f(b):\n    <>x = b\n    return x"},
        {"a.py": "def f(b):\n    return b"},
    )
    check(
        Kind.EXTRACT,
        {"a.py": "def f(a):\n    <[a += 1\n    a += 2]>\n    return a"},
        {
            "a.py": "def f(a):\n    a = g(a)\n    return a\n\n\ndef g(a):\n    a += 1\n    a += 2\n    return a"
        },
        "g",
    )


def test_lines_that_rope_cannot_read_are_refused() -> None:
    source = "def f(a):\n    if a:\n        <[b = '''x\n  y'''\n        print(b)]>\n    return a\n"
    check_refused(Kind.EXTRACT, {"a.py": source}, "Rope cannot take", "taken")


def test_lines_of_a_class_method_are_called_on_its_class() -> None:
    check(
        Kind.EXTRACT,
        {
            "a.py": "class A:\n    @classmethod\n    def f(cls, k):\n        <[y = cls.g(k)\n"
            "        y += 1]>\n        return y\n"
        },
        {
            "a.py": "class A:\n    @classmethod\n    def f(cls, k):\n        y = cls.taken(k)\n"
            "        return y\n\n    @classmethod\n    def taken(cls, k):\n        y = cls.g(k)\n"
            "        y += 1\n        return y\n"
        },
        "taken",
    )


def test_lines_of_a_class_method_whose_class_is_positional_only() -> None:
    done, after = carried(
        Kind.EXTRACT,
        {
            "a.py": "class A:\n    @classmethod\n    def f(cls, /):\n        <[y = cls.g()\n"
            "        y += 1]>\n        return y\n"
        },
        "taken",
    )
    assert "        y = cls.taken()\n        return y\n" in after["a.py"]
    assert done.edits


METHOD = "    def f(self, q):\n        <[b = self.n\n        b += 1]>\n        return b\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("class A:\n" + METHOD.replace("<[", "self = q\n        <["), "another object later"),
        ("import p\n\n\nclass A(p.Protocol):\n" + METHOD, "which methods other classes have"),
        ("@register\nclass A:\n" + METHOD, "The decorator of A"),
        ("class A:\n    def __getattribute__(self, k): pass\n\n" + METHOD, "way of its own"),
        (
            "class A:\n    @staticmethod\n"
            + METHOD.replace("self.n", "self")
            + "\n\nB = A\nA = 1\n",
            "A is bound more than once",
        ),
    ],
)
def test_a_method_taken_out_must_be_found_on_the_object(source: str, reason: str) -> None:
    check_refused(Kind.EXTRACT, {"a.py": source}, reason, "taken")


@pytest.mark.parametrize(
    "source",
    [
        "try:\n        <[x = 1\n        g()]>\n    except ValueError:\n        pass\n    return x",
        "try:\n        <[x = 1\n        g()]>\n    finally:\n        print(x)",
        "try:\n        <[x = 1\n        return g()]>\n    finally:\n        print(x)",
        "with suppress(ValueError):\n        <[x = 1\n        g()]>\n    return x",
        "for y in z:\n        try:\n            g(x)\n            <[x = y\n            g()]>\n"
        "        except ValueError:\n            pass",
    ],
)
def test_what_is_set_when_an_error_comes_is_not_given_back(source: str) -> None:
    files = {"a.py": f"def f(z):\n    x = 0\n    {source}\n"}
    check_refused(Kind.EXTRACT, files, "x is used after an error", "taken")


def test_what_is_set_last_is_set_by_no_error() -> None:
    source = (
        "def f(z):\n    try:\n        {}\n    except ValueError:\n        return 2\n    return x\n"
    )
    check(
        Kind.EXTRACT,
        {"a.py": source.format("<[y = g(z)\n        x = y + 1]>")},
        {
            "a.py": source.format("x = taken(z)")
            + "\n\ndef taken(z):\n    y = g(z)\n    x = y + 1\n    return x\n"
        },
        "taken",
    )
    source = "def f(z):\n    with open(z) as file:\n        {}\n    return x\n"
    check(
        Kind.EXTRACT,
        {"a.py": source.format("<[x = file.read()\n        g(x)]>")},
        {
            "a.py": source.format("x = taken(file)")
            + "\n\ndef taken(file):\n    x = file.read()\n    g(x)\n    return x\n"
        },
        "taken",
    )


GLOBALS = "g = 1\n\n\ndef p():\n    global g\n    g = 2\n    return 1\n\n\ndef h(v): return v\n\n\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<>x = p()\n    return g + x", "may do something"),
        ("<>x = p()\n    print(g, x)", "may do something"),
        ("<>x = p()\n    return g(x)", "may do something"),
        ("<>x = a.pop()\n    return f'{a}{x}'", "may do something"),
        ("<>x = a.pop()\n    return a + a + x", "may do something"),
        ("<>x = a.pop()\n    return 1 < 2 < x", "may do something"),
        ("<>x = a.pop()\n    return b and x", "may do something"),
        ("<>x = g\n    p()\n    return x", "or change"),
        ("<>x = g\n    for b in a:\n        pass\n    return x", "or change"),
        ("<>x = 1 / a\n    if b:\n        return x", "An error in the value of x"),
        ("<>x = 1 / a\n    return b and x", "An error in the value of x"),
        ("<>x = 1 / a\n    try:\n        return x\n    finally:\n        b()", "An error in the"),
        ("<>x = a\n    return eval('x'), x", "eval in f may see x"),
    ],
)
def test_a_value_stays_where_something_may_come_before_it(source: str, reason: str) -> None:
    check_refused(Kind.INLINE, {"a.py": f"{GLOBALS}def f(a, b):\n    {source}\n"}, reason)


@pytest.mark.parametrize(
    ("source", "expect"),
    [
        ("<>x = p()\n    return h(x)", "return h(p())"),
        ("<>x = p()\n    return [a, 1, x, b]", "return [a, 1, p(), b]"),
        ("<>x = a.n\n    return a + x", "return a + a.n"),
        ("<>x = h\n    p()\n    return x(1)", "p()\n    return h(1)"),
        ("<>x = 1 / a\n    y = x\n    return b and y", "y = (1 / a)\n    return b and y"),
        ("<>x = a / 2\n    return b and x", "return b and (a / 2)"),
        ("<>x = '%s' % a\n    return b and x", "return b and ('%s' % a)"),
        ("<>x = p()\n    if x or b:\n        return 1", "if p() or b:\n        return 1"),
    ],
)
def test_a_value_goes_where_nothing_comes_before_it(source: str, expect: str) -> None:
    head = f"{GLOBALS}def f(a, b):\n    "
    check(Kind.INLINE, {"a.py": f"{head}{source}\n"}, {"a.py": f"{head}{expect}\n"})


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="strings in f-strings take any quotes there"
)
def test_a_value_that_cannot_be_written_in_an_f_string() -> None:
    source = "def f():\n    <>x = 'k'\n    return f'{x}'\n"
    check_refused(Kind.INLINE, {"a.py": source}, "cannot be written where it is used")


def test_a_variable_of_the_function_outside_may_change() -> None:
    source = (
        "def o():\n    n = 1\n\n    def h():\n        nonlocal n\n        n = 2\n\n"
        "    def f():\n        <>x = n\n        h()\n        return x\n\n    return f\n"
    )
    check_refused(Kind.INLINE, {"a.py": source}, "or change")


@pytest.mark.parametrize(
    ("function", "call", "reason"),
    [
        ("a, b=g: b", "_f(1)", "default of b is evaluated once"),
        ("a=p(): a", "_f()", "default of a is evaluated once"),
        ("a: g + a", "_f(p())", "in another order"),
        ("a, b, c: a < b < c", "_f(p(), p(), p())", "in another order"),
        ("a, b, c: a + b + c", "_f(1, 2, p())", "in another order"),
        ("a: p() + a", "_f(g)", "in another order"),
        ("a: a.__x", "_f(1)", "__x means something else"),
        ("a: a._getframe()", "_f(1)", "_getframe would see"),
    ],
)
def test_a_function_is_not_put_in_where_it_differs(function: str, call: str, reason: str) -> None:
    head, _, value = function.partition(": ")
    source = f"def <>_f({head}):\n    return {value}\n\n\ndef u():\n    return {call}\n"
    check_refused(Kind.INLINE, {"a.py": GLOBALS + source}, reason)


def test_a_function_is_put_in_around_what_its_call_evaluates() -> None:
    source = "def p(): return 1\n\n\ndef u():\n    return {}\n"
    check(
        Kind.INLINE,
        {"a.py": "def <>_f(a, b):\n    return [a, b]\n\n\n" + source.format("_f(p(), p())")},
        {"a.py": "\n\n" + source.format("([p(), p()])")},
    )


def test_a_property_with_a_setter_is_renamed_as_one() -> None:
    source = (
        "class P:\n    @property\n    def {0}(self): return self._v\n\n"
        "    @{1}.setter\n    def {1}(self, v): self._v = v\n\n\np = P()\np.{1} = 3\n"
    )
    check(
        Kind.RENAME,
        {"a.py": source.format("<>é", "é")},
        {"a.py": source.format("size", "size")},
        "size",
    )


def test_heads_of_methods_are_in_the_body_of_their_class() -> None:
    source = "class A:\n    {0} = 1\n    def f(self, n={1}, m=lambda o={1}: o): return n\n"
    check(
        Kind.RENAME,
        {"a.py": source.format("<>n1", "n1")},
        {"a.py": source.format("m1", "m1")},
        "m1",
    )
    source = "class A:\n    def {0}(fn): return fn\n    @{1}\n    def f(self): return 2\n"
    check(Kind.RENAME, {"a.py": source.format("<>d", "d")}, {"a.py": source.format("e", "e")}, "e")
    early = "k = 2\n\n\nclass A:\n    def f(self, n=k): return n\n    <>k = 1\n"
    check_refused(Kind.RENAME, {"a.py": early}, "may not have it yet", "m")
    early = "k = 2\n\n\nclass A:\n    <>k = k\n"
    check_refused(Kind.RENAME, {"a.py": early}, "may not have it yet", "m")


OTHERS = "class A:\n    def <>run(self): return 1\n\n\nclass C:\n    def run(self): return 2\n\n\n"


@pytest.mark.parametrize(
    "use",
    [
        "for x in (A(), C()): x.run()\n",
        "x = {'a': A(), 'b': C()}\nx['b'].run()\n",
        "class H:\n    def __init__(self): self.o = A()\n    def f(self): self.o.run()\n\n\nH().o = C()\n",
        "def f(flag):\n    x = C()\n    if flag:\n        x = A()\n    return x.run()\n",
    ],
)
def test_an_object_that_may_be_of_another_class_with_the_name(use: str) -> None:
    check_refused(Kind.RENAME, {"a.py": OTHERS + use}, "another class", "start")


def test_objects_of_one_class_are_followed_beside_another_with_the_name() -> None:
    use = "x = A()\nx.{0}()\nA().{0}()\nA.{0}(x)\n\n\nclass B(A):\n    def f(self): self.{0}()\n"
    use += "\n\nclass H:\n    def __init__(self): self.o = A()\n    def f(self): self.o.{0}()\n"
    after = OTHERS.replace("<>run", "start") + use.format("start")
    check(Kind.RENAME, {"a.py": OTHERS + use.format("run")}, {"a.py": after}, "start")


@pytest.mark.parametrize(
    "call",
    [
        "thing.f(thing(), 1, 2)",
        "(lambda cls: thing.f(cls(), 1, 2))(thing)",
        "[t.f(thing(), 1, 2) for t in (thing,)]",
    ],
)
def test_a_call_that_gives_the_object_itself(call: str) -> None:
    source = f"class thing:\n    def <>f(self, x, b): return x\n\n\n{call}\n"
    check_refused(Kind.SIGNATURE, {"a.py": source}, "", change="remove b")


def test_calls_on_objects_and_of_class_methods_lose_their_argument() -> None:
    source = (
        "class A:\n    def <>f(self, x, b): return x\n    def g(self): return self.f(1, 2)\n\n\n"
        "class B(A):\n    def g(self): return self.f(1, 2)\n\n\na = A()\na.f(1, 2)\nB().f(1, 2)\n"
    )
    after = source.replace("<>", "").replace("(1, 2)", "(1)").replace(", b)", ")")
    check(Kind.SIGNATURE, {"a.py": source}, {"a.py": after}, change="remove b")
    source = "class a:\n    @classmethod\n    def <>f(cls, x, b): return x\n\n\na.f(1, 2)\n"
    after = source.replace("<>", "").replace("(1, 2)", "(1)").replace(", b)", ")")
    check(Kind.SIGNATURE, {"a.py": source}, {"a.py": after}, change="remove b")


@pytest.mark.parametrize(
    ("head", "how", "reason"),
    [
        ("a, b: eval('a+b')", "remove b", "eval in a.py may see"),
        ("a: locals()", "add x=1", "locals in f may see"),
        ("a, b=print(): a", "remove b", "A default of f may do"),
        ("a=print(1), b=print(2): a", "reorder b, a", "A default of f may do"),
        ("a: a", "add x=print(1)", "The default may do"),
    ],
)
def test_defaults_and_frames_that_notice_a_parameter(head: str, how: str, reason: str) -> None:
    parameters, _, value = head.partition(": ")
    source = f"def <>f({parameters}):\n    return {value}\n"
    check_refused(Kind.SIGNATURE, {"a.py": source}, reason, change=how)


@pytest.mark.parametrize(
    ("files", "name", "reason"),
    [
        ({"a.py": "def f():\n    <>a = 1\n    return '%(a)s' % locals()\n"}, "b", "locals in f"),
        ({"a.py": "def f(<>a):\n    return eval('a + 1')\n"}, "b", "eval in f may see a"),
        ({"a.py": "def <>do_x(): pass\n\n\nglobals()['do_' + n]()\n"}, "g", "globals in a.py"),
        ({"a.py": "def f(<>a):\n    return f'{a=}'\n"}, "b", "prints the name a"),
        ({"a.py": "def f():\n    <>a = 1\n    return f'{a = }'\n"}, "b", "prints the name a"),
        ({"b.py": "def <>f(): pass\n", "a.py": "from b import *\nf()\n"}, "_g", "begin with _"),
        (
            {"b.py": "def <>f(): pass\n", "a.py": "from b import *\n\ndef g(): pass\n"},
            "g",
            "in use",
        ),
        (
            {"a.py": "class P:\n    def f(self): self.<>__x = 1\n", "b.py": "p._P__x\n"},
            "__y",
            "b.py:1 names it _P__x",
        ),
        (
            {
                "a.py": "class A:\n    def __init__(self): self.<>n = 1\n    def f(self): return vars(self)\n"
            },
            "m",
            "uses the names of its attributes",
        ),
        ({"a.py": "class A:\n    <>k = 1\n\n\n'{0.k}'.format(A)\n"}, "m", "“.k” between braces"),
        ({"a.py": "class A:\n    <>k = 1\n\n\ndef f(o): return f'{o.k}'\n"}, "m", "between braces"),
        (
            {"m.py": "def <>f(): pass\n", "a.py": "import m\n\n\ndef g(o): o.f()\n\n\ng(m)\n"},
            "h",
            "may be the module m",
        ),
        (
            {
                "m.py": "def <>f(): pass\n",
                "a.py": "import importlib\nimportlib.import_module('m').f()\n",
            },
            "h",
            "may be the module m",
        ),
        (
            {"a.py": "def <>main(): pass\n", "pyproject.toml": "[project.scripts]\nx = 'a:main'\n"},
            "start",
            "pyproject.toml:2 may name main",
        ),
        (
            {"p/a.py": "class A:\n    def <>run(): pass\n", "setup.cfg": "[x]\ny = p.a:A.run\n"},
            "start",
            "setup.cfg:2 may name run",
        ),
        (
            {
                "b.py": "class <>A:\n    pass\n",
                "a.py": "import b\n\n\ndef f(x: 'list[b.A]'): pass\n",
            },
            "B",
            "has “A” in a string",
        ),
        (
            {"a.py": "class A:\n    def <>do_x(self): pass\n", "b.py": "getattr(a, 'do_' + n)()\n"},
            "run",
            "b.py:1 may ask for do_x",
        ),
        (
            {"a.py": "class A:\n    def <>do_x(self): pass\n", "b.py": "getattr(a, f'{n}_x')()\n"},
            "run",
            "b.py:1 may ask for do_x",
        ),
        (
            {
                "a.py": "class A:\n    def <>do_x(self): pass\n",
                "b.py": "getattr(a, 'do_%s' % n)()\n",
            },
            "run",
            "b.py:1 may ask for do_x",
        ),
    ],
)
def test_who_may_know_a_name_without_a_use_of_it(files: Files, name: str, reason: str) -> None:
    check_refused(Kind.RENAME, files, reason, name)


def test_a_file_that_holds_the_name_of_a_method_and_cannot_be_parsed_is_named() -> None:
    files = {"a.py": "class A:\n    def <>f(self): pass\n", "b.py": "f = = 1\n"}
    check_refused(Kind.RENAME, files, "b.py has a syntax error", "g")


def test_who_cannot_mean_a_name_is_no_reason() -> None:
    beside = {
        "b.py": "import os\nfrom c import *\n\ngetattr(os, 'do_' + n)\neval('f + 1', {'g': 1})\n",
        "c.py": "import m\n\n\ndef g(o, **f): return o.f, vars(o), locals()\n\n\nm.f()\n",
        "pyproject.toml": "[project]\nname = 'f'\n",
    }
    after = {
        **beside,
        "m.py": "def h(): return f'{h}'\n",
        "c.py": beside["c.py"].replace("m.f", "m.h"),
    }
    check(Kind.RENAME, {**beside, "m.py": "def <>f(): return f'{f}'\n"}, after, "h")


def test_examples_in_docstrings_are_named() -> None:
    source = 'def {}(n):\n    """\n    >>> f(1)\n    1\n    """\n    return n\n'
    done = check(Kind.RENAME, {"a.py": source.format("<>f")}, {"a.py": source.format("g")}, "g")
    assert "an example in a docstring names it (a.py:3)" in done.warnings


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        ("def call(fn): return fn(a=3)\n\n\ncall(f)\n", "f is handed on"),
        ("f(**dict(a=1))\n", "f is called with a dictionary"),
        ("class C:\n    run = staticmethod(f)\n\n\nC.run(a=1)\n", "f is handed on"),
        ("def deco(fn): return fn\n\n\ng = deco(f)\nh(a=1)\n", "f is handed on"),
    ],
)
def test_a_parameter_may_be_given_in_another_way(use: str, reason: str) -> None:
    files = {"b.py": "def f(<>a): return a\n", "a.py": f"from b import f\n\n\n{use}"}
    check_refused(Kind.RENAME, files, reason, "b")


def test_a_parameter_of_what_python_calls_or_of_one_of_several_methods() -> None:
    source = (
        "class A:\n    def __init_subclass__(cls, <>flag=0): pass\n\n\nclass B(A, flag=2): pass\n"
    )
    check_refused(Kind.RENAME, {"a.py": source}, "an argument of __init_subclass__", "g")
    source = (
        "class A:\n    def m(self, <>a): return a\n\n\nclass B(A):\n    def m(self, a): return 1\n\n\n"
        "for x in [A(), B()]:\n    x.m(a=1)\n"
    )
    check_refused(Kind.RENAME, {"a.py": source}, "one of several m", "b")
    source = source.replace("a=1", "1")
    after = source.replace("<>", "").replace("self, a): return a", "self, b): return b")
    check(Kind.RENAME, {"a.py": source}, {"a.py": after}, "b")


def test_a_parameter_beside_keywords_of_other_functions() -> None:
    source = "def f({0}): return {1}\n\n\ng(a=2)\nf({1}=1)\n"
    check(Kind.RENAME, {"a.py": source.format("<>a", "a")}, {"a.py": source.format("b", "b")}, "b")


TAKEN = "<[if b:\n        g(k, v)\n    g(1)]>\n    return a\n"


@pytest.mark.parametrize(
    "before",
    [
        "while a:\n        k, v = a.pop()",
        "if a:\n        k, v = a",
        "if a:\n        k, v = a\n    elif b:\n        k = v = b",
        "try:\n        k, v = a\n    except ValueError:\n        k = 1",
        "k, v = a\n    del k",
    ],
)
def test_lines_are_given_nothing_that_may_have_no_value(before: str) -> None:
    files = {"a.py": f"def f(a, b):\n    {before}\n    {TAKEN}"}
    check_refused(Kind.EXTRACT, files, "may have no value", "taken")


@pytest.mark.parametrize(
    "before",
    [
        "k, v = a",
        "if a:\n        k, v = a\n    else:\n        v = k = b",
        "if a:\n        k, v = a\n    else:\n        return",
        "try:\n        k, v = a\n    except ValueError:\n        raise",
        "with a as k, b as v:\n        pass",
        "match a:\n        case [k, v]:\n            k = v = k\n        case _:\n            k, v = b",
        "if (k := a) and b:\n        v = 1\n    else:\n        v = 2",
    ],
)
def test_lines_are_given_what_every_way_sets(before: str) -> None:
    done, after = carried(
        Kind.EXTRACT, {"a.py": f"def f(a, b):\n    {before}\n    {TAKEN}"}, "taken"
    )
    assert "    taken(b, k, v)\n    return a\n" in after["a.py"]
    assert done.edits


def test_lines_that_set_a_variable_on_some_ways_only_and_read_it() -> None:
    lines = "<[if b:\n        x = 1\n    y = g(b)\n    if x:\n        y = 3\n    return y]>"
    files = {"a.py": f"def f(b):\n    x = 0\n    {lines}\n"}
    check_refused(Kind.EXTRACT, files, "x has a value before these lines", "taken")
    lines = "<[if b:\n        x = 1\n    else:\n        x = 2\n    y = x]>"
    files = {"a.py": f"def f(b):\n    x = 0\n    {lines}\n    return y\n"}
    done, after = carried(Kind.EXTRACT, files, "taken")
    assert "    x = 0\n    y = taken(b, x)\n    return y\n" in after["a.py"]
    assert done.edits
