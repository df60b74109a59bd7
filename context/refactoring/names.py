"""Which words can be a name in a language."""

from __future__ import annotations

import builtins
import keyword
import re

from context.refactoring import Refused

EXACT = frozenset({"python", "javascript", "typescript", "tsx", "go", "java", "rust"})  # languages
_WORD = re.compile(r"[^\W\d]\w*\Z")
_DOLLAR_WORD = re.compile(r"[^\W\d]*[$\w]+\Z")
MAX_NAME = 80  # a guess: a longer one is no name but a sentence

_JAVASCRIPT = """abstract any arguments as async await boolean break case catch class const continue
debugger declare default delete do else enum eval export extends false finally for from function get
if implements import in infer instanceof interface is keyof let module namespace never new null
number object of package private protected public readonly require return set static string super
switch symbol this throw true try type typeof undefined unique unknown var void while with yield
NaN Infinity globalThis window document process Object Array String Number Boolean Symbol Map Set
Promise Date Error JSON Math Record Partial"""
_RESERVED = {
    "python": frozenset(keyword.kwlist)
    | frozenset(keyword.softkwlist)
    | frozenset(dir(builtins))
    | {"self", "cls"},
    "javascript": frozenset(_JAVASCRIPT.split()),
    "go": frozenset(
        """break case chan const continue default defer else fallthrough for func go goto if import
        interface map package range return select struct switch type var append any bool byte cap
        clear close comparable complex complex64 complex128 copy delete error false float32 float64
        imag int int8 int16 int32 int64 iota len main init make max min new nil panic print println
        real recover rune string true uint uint8 uint16 uint32 uint64 uintptr _""".split()
    ),
    "java": frozenset(
        """abstract assert boolean break byte case catch char class const continue default do double
        else enum extends final finally float for goto if implements import instanceof int interface
        long native new null package private protected public return short static strictfp super
        switch synchronized this throw throws transient true false try void volatile while var yield
        record sealed permits when _ String Object Integer Long Override main""".split()
    ),
    "rust": frozenset(
        """as async await break const continue crate dyn else enum extern false fn for gen if impl
        in let loop match mod move mut pub ref return self Self static struct super trait true type
        union unsafe use where while abstract become box do final macro override priv typeof unsized
        virtual yield try main None Some Ok Err Option Result Box Vec String str bool char i8 i16
        i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 _""".split()
    ),
}


def family(language: str) -> str:
    """The languages that share their names and modules under one word."""
    return "javascript" if language in ("typescript", "tsx") else language


def taken_in(text: str) -> set[str]:
    """All words of a text: what a new name surely must not be."""
    return {*re.findall(r"[^\W\d][\w$]*", text)}


def is_reserved(word: str, language: str) -> bool:
    """A word of the language itself, or of what every program has: nothing to rename."""
    return word in _RESERVED.get(family(language), frozenset())


def check_name(name: str, language: str) -> None:
    """Raises `Refused` for what is no name in the language, or means something already."""
    kind = family(language)
    pattern = _DOLLAR_WORD if kind in ("javascript", "java") else _WORD
    if not pattern.match(name) or len(name) > MAX_NAME:
        shown = "".join(c if c.isprintable() else "?" for c in name[:MAX_NAME])
        raise Refused(f"“{shown}” is no name in {language}.")
    if name in _RESERVED.get(kind, frozenset()) or (name.startswith("__") and name.endswith("__")):
        raise Refused(f"“{name}” means something of its own in {language}; choose another name.")
