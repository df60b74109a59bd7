"""Which names a new type may begin with: those that the file imports or defines where it is read.

A word of a comment, a docstring or another function is none: Python would fail at import for it.
Says nothing of what a name stands for, and nothing of what is built in (add_types.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from context.anatomy import Function
from context.outline import Outline, Symbol, SymbolKind
from context.text import indent_of, split_lines

MAX_IMPORT_LINES = 200  # of one statement; a guess

_PYTHON_TEXT = re.compile(
    r"(\"\"\"|''')(?:\\.|(?!\1)[^\\])*(?:\1|\\?\Z)"
    r"|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?|\#[^\n]*",
    re.DOTALL,
)
_TYPESCRIPT_TEXT = re.compile(
    r"/\*.*?(?:\*/|\Z)|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?|`(?:\\.|[^`\\])*`?",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_CAPITALISED = re.compile(r"(?<![\w$])[A-Z][\w$]+")
# A line that ends with a comma passes a keyword to a call.
_ASSIGNED = re.compile(
    r"[ \t]*(?:type[ \t]+(?P<alias>\w+)[ \t]*[\[=]"
    r"|(?P<names>\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*(?::[^=\n]*)?=(?!=)(?!.*,[ \t]*$))"
)
_DECLARED = re.compile(
    r"^(?:(?:export|default|declare|abstract|async)[ \t]+)*"
    r"(?:const|let|var|function|class|interface|enum|type|namespace|module)[ \t]+([\w$]+)",
    re.MULTILINE,
)
_IMPORT_CLAUSE = re.compile(r"^[ \t]*import\b([^;=]{0,4000}?)\bfrom\b", re.MULTILINE)
# After a name: `def f[T](`, `class C[T]:`, `function f<T extends I>(`, `class C<T>`.
_TYPE_PARAMETERS = re.compile(r"(?<=[\w$])[ \t]?(?:\[([^\]\n]{0,200})\]|<([^\n(){]{0,200})>)")
_BINDING = re.compile(r"(?P<name>[A-Za-z_][\w.]*|\*)(?:\s+as\s+(?P<alias>\w+))?")


@dataclass(frozen=True, slots=True)
class KnownNames:
    """What may stand in a type of one function, beside what is built in."""

    now: frozenset[str]  # exist when the function is defined
    later: frozenset[str]  # exist only afterwards, or only for type checkers: to be quoted
    methods: frozenset[str] = frozenset()  # of the function's own class: no types in its body

    def __contains__(self, name: str) -> bool:
        return name in self.now or name in self.later


def known_names(path: str, source: str, function: Function, outline: Outline) -> KnownNames:
    """Names for the types of `function`, which stands in `source`."""
    around = [s for s in outline.symbols if s.start_line <= function.start_line <= s.end_line]
    heads = [source[function.head.start : function.parameters_start]]
    heads += [s.signature.partition("(")[0] for s in around]
    parameters = {
        word
        for head in heads
        for hit in _TYPE_PARAMETERS.finditer(head)
        for word in _WORD.findall(hit[1] or hit[2] or "")
    }
    if not path.endswith((".py", ".pyi")):
        return KnownNames(frozenset(parameters | _typescript_names(source, outline)), frozenset())
    now: set[str] = parameters
    later: set[str] = set()
    for name, when in _python_names(source, function, outline):
        (now if when is _When.BEFORE else later).add(name)
    owner = function.qualified_name.rpartition(".")[0]
    methods = {
        s.name
        for s in outline.symbols
        if s.kind is SymbolKind.FUNCTION and owner and s.qualified_name == f"{owner}.{s.name}"
    }
    return KnownNames(frozenset(now), frozenset(later - now), frozenset(methods))


def _typescript_names(source: str, outline: Outline) -> set[str]:
    """Names with a capital that the code uses may be anybody's global; others must be declared."""
    code = _without(_TYPESCRIPT_TEXT, source)
    names = {*_CAPITALISED.findall(code), *_DECLARED.findall(code)}
    names |= {s.name for s in outline.symbols}
    names |= {w for hit in _IMPORT_CLAUSE.finditer(code) for w in _WORD.findall(hit[1])}
    return names - {"type", "as"}


class _When(Enum):
    BEFORE = auto()  # exists where Python reads the annotation
    AFTER = auto()  # comes below, or for type checkers only


def _python_names(source: str, function: Function, outline: Outline) -> Iterator[tuple[str, _When]]:
    """What the module binds, and the class that the function stands in."""
    lines = split_lines(_without(_PYTHON_TEXT, source))
    owners: list[Symbol | None] = [None] * (len(lines) + 1)  # the innermost, by 1-based line
    for symbol in sorted(outline.symbols, key=lambda s: (s.start_line, -s.end_line)):
        n_lines = symbol.end_line - symbol.start_line + 1
        owners[symbol.start_line : symbol.end_line + 1] = [symbol] * n_lines
    own = _class_of(function, outline)
    for symbol in outline.symbols:
        parent = symbol.qualified_name.rpartition(".")[0]
        if symbol.kind is SymbolKind.TYPE and parent in ("", own.qualified_name if own else ""):
            is_done = symbol.end_line < function.start_line
            yield symbol.name, _When.BEFORE if is_done else _When.AFTER
    for line in {i.line for i in outline.imports if owners[i.line] in (None, own)}:
        when = _When.AFTER if _is_for_checkers(lines, line) else _When.BEFORE
        for name in _imported(lines, line):
            if name == "*":  # whatever the code uses may come from there
                yield from ((word, when) for text in lines for word in _WORD.findall(text))
            yield name, when
    for line, text in enumerate(lines, 1):
        if owners[line] in (None, own) and (found := _ASSIGNED.match(text)):
            when = _When.BEFORE if line < function.start_line else _When.AFTER
            for name in _WORD.findall(found["alias"] or found["names"]):
                yield name, when


def _class_of(function: Function, outline: Outline) -> Symbol | None:
    """The class in whose body the function is defined: one around that is no scope of its."""
    around = [
        s
        for s in outline.symbols
        if s.start_line < function.start_line and function.end_line <= s.end_line
    ]
    inner = max(around, key=lambda s: s.start_line, default=None)
    return inner if inner is not None and inner.kind is SymbolKind.TYPE else None


def _imported(lines: list[str], line: int) -> Iterator[str]:
    """Names that the import at a 1-based line binds; "*" for all there are."""
    statement = lines[line - 1]
    for more in lines[line : line + MAX_IMPORT_LINES]:
        if statement.count("(") <= statement.count(")") and not statement.endswith("\\"):
            break
        statement = f"{statement.removesuffix(chr(92))} {more}"
    for part in statement.split(";"):
        _, *names = re.split(r"\bimport\b", part, maxsplit=1)
        for hit in _BINDING.finditer("".join(names)):  # `import a.b` binds a
            yield hit["alias"] or hit["name"].partition(".")[0]


def _is_for_checkers(lines: list[str], line: int) -> bool:
    """Whether the block that an import stands in is for type checkers alone."""
    depth = len(indent_of(lines[line - 1]))
    above = (text for text in reversed(lines[: line - 1]) if text.strip())
    outer = (text for text in above if len(indent_of(text)) < depth)
    return depth > 0 and "TYPE_CHECKING" in next(outer, "")


def _without(texts: re.Pattern[str], source: str) -> str:
    """The code without its strings and comments, on the same lines."""
    return texts.sub(lambda hit: "".join(c for c in hit[0] if c in "\r\n"), source)
