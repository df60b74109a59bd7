"""Add types to a function: the model writes its first line again; only the types are taken from it.

Python and TypeScript. Names, order and defaults must be as they were, types that are there stay,
and each new type may only name what is imported or defined there, what is built in, or what
Python's typing has (then the import is added). A type that Python would evaluate before its class
exists is quoted.
"""

from __future__ import annotations

import builtins
import collections.abc
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from context.anatomy import Anatomy, Function, Parameter, ParameterKind
from context.languages import language_of, spoken_name
from context.outline import Outline
from context.secrets import conceal
from context.text import Span, Text, content_hash
from context.window import Snippet, render_plain
from models.asking import Asking, packed
from models.errors import ReplyUnusable
from models.findings import Edit, Proposal, Refusal
from models.gate import Code, types_refusal
from models.prompts import Grammar, writing
from models.replies import parse_signature
from models.tasks.edit import EditTask
from models.tasks.known_types import KnownNames, known_names
from models.tasks.proposing import Checked, Question, propose

MAX_ANSWER_TOKENS = 160
MAX_TYPE_CHARS = 120
REASON = "Adds types to {name}; names, order, defaults and body are the same."
_FIRST_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_TYPE_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?!\w|\s*\??:)")  # no parameter of a function type
_OLD_NAMES = re.compile(r"\b(?:List|Dict|Set|Tuple|FrozenSet|Type)\b")  # list, dict ... today
_NUMBER = re.compile(r"(?<![\w.])[\d.]*\d")
_LITERAL = re.compile(r"\bLiteral\[[^\[\]]*\]")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_BUILT_IN = frozenset(name for name in dir(builtins) if not name.startswith("_"))
_ABC, _TYPING = frozenset(collections.abc.__all__), frozenset(typing.__all__)
_TYPESCRIPT = frozenset(
    """string number boolean any unknown void never null undefined object symbol bigint this true
    false Array ReadonlyArray Promise Record Partial Required Readonly Pick Omit Exclude Extract
    NonNullable ReturnType Parameters Awaited Map Set WeakMap WeakSet ReadonlyMap ReadonlySet Date
    RegExp Error Iterable Iterator AsyncIterable Function keyof typeof is in extends infer asserts
    readonly Uint8Array ArrayBuffer URL""".split()
)


async def propose_types(
    task: EditTask,
    snippets: Sequence[Snippet],
    sources: Mapping[str, str],
    code: Code,
    asking: Asking,
) -> Proposal:
    """Types for the function around the task's first line. Raises `ReplyUnusable`."""
    path, source = task.path, sources[task.path]
    function = await _function_to_type(path, source, task.first_line, code)
    outline = await code.outline(path, source)
    window = await packed(snippets, asking)
    known = known_names(path, source, function, outline)
    name, language = function.name, spoken_name(path)
    start = " ".join(source[function.head.start : function.parameters_start + 1].split())

    async def check(text: str) -> Checked:
        typed = await _read(path, parse_signature(text, start), source, function, code)
        if isinstance(typed, Refusal):
            return Checked(refusals=(typed,))
        kept, unknown = _known_types(path, source, known, function, typed)
        if not kept:
            why = f": {unknown[0]}." if unknown else "."
            return Checked(refusals=(Refusal("type", f"There is no new type to take{why}"),))
        edits = _edits(path, source, function, kept, known, outline)
        if isinstance(edits, Refusal):
            return Checked(refusals=(edits,))
        refusal = await types_refusal(edits, sources, function, code)
        return Checked(refusals=(refusal,)) if refusal else Checked(tuple(edits), remarks=unknown)

    question = Question(
        title=f"Add types to {name}",
        conversation=writing.signature(render_plain(window), name, language),
        form=Grammar.SIGNATURE,
        window=window,
        told=name,
        max_answer_tokens=MAX_ANSWER_TOKENS,
        answer_prefix=conceal(_begun(source, function), window.hidden),
    )
    return await propose(question, check, asking)


async def _function_to_type(path: str, source: str, line: int, code: Code) -> Function:
    language = language_of(path)
    if language is None or language.name not in ("python", "typescript", "tsx"):
        raise ReplyUnusable("Postil adds types to Python and TypeScript only.")
    function = (await code.anatomy(path, source)).around(line)
    if function is None or function.parameters is None:
        raise ReplyUnusable("There is no function at these lines; select one to add types to.")
    if source[function.parameters_start : function.parameters_start + 1] != "(":
        raise ReplyUnusable(f"Put the parameter of {function.name} into parentheses first.")
    is_whole = function.returns or not _returns(source, function)
    if is_whole and not any(True for _ in _untyped(function)):
        raise ReplyUnusable(f"{function.name} has all its types.")
    return function


def _untyped(function: Function) -> Iterator[tuple[int, Parameter]]:
    """Parameters that could have a type and have none, with their places."""
    for idx, parameter in enumerate(function.parameters or ()):
        is_receiver = idx == 0 and (function.has_receiver or parameter.name == "this")
        if parameter.kind is not ParameterKind.MARKER and not parameter.type and not is_receiver:
            yield idx, parameter


def _returns(source: str, function: Function) -> bool:
    """Whether the function has a place for the type of its result."""
    head = source[function.head.start : function.parameters_start]
    return function.name != "constructor" and re.search(r"\bset\s+\S+\s*$", head) is None


def _begun(source: str, function: Function) -> str:
    """The line up to the first type that is missing: a small model then keeps to the names."""
    first = next(_untyped(function), None)
    if first is None:
        return " ".join(source[function.head.start : function.parameters_end].split())
    return " ".join(source[function.head.start : first[1].end].split()) + ":"


async def _read(
    path: str, line: str, source: str, function: Function, code: Code
) -> Function | Refusal:
    """The signature as the model wrote it, when it is the same but for types."""
    head = source[function.head.start : function.parameters_start]
    is_named = function.name in head
    for whole in _whole(path, line if is_named else f"const {function.name} = {line}"):
        outline, anatomy = await code.outline(path, whole), await code.anatomy(path, whole)
        if outline.problems or len(anatomy.functions) != 1 or not _is_plain(anatomy):
            continue
        typed = anatomy.functions[0]
        if typed.name != function.name or typed.parameters is None:
            continue
        if _shape(typed) != _shape(function):
            sentence = "The first line must keep the names, the order and the defaults: "
            wanted = ", ".join(
                f"{p.name}={p.default}" if p.default else p.name for p in function.parameters or ()
            )
            return Refusal("signature", f"{sentence}{wanted}.")
        return typed
    return Refusal("signature", "The first line cannot be read; write it in one line.")


def _whole(path: str, line: str) -> Iterator[str]:
    """Sources that the line may be the head of."""
    if path.endswith((".py", ".pyi")):
        yield f"{line.rstrip().rstrip(':')}: pass\n"
        return
    head = line
    for end in (";", "}", "{", "=>"):
        head = head.rstrip().removesuffix(end)
    head = head.rstrip()
    yield f"{head} {{}}\n"
    yield f"{head} => {{}}\n"
    yield f"class X {{ {head} {{}} }}\n"


def _is_plain(anatomy: Anatomy) -> bool:
    """No type calls anything: defaults may, and are compared as text."""
    function = anatomy.functions[0]
    types = [function.returns, *(p.type for p in function.parameters or ())]
    return not any(re.search(r"\w\s*\(", type_) for type_ in types if "=>" not in type_)


def _shape(function: Function) -> list[tuple[str, str, str]]:
    return [
        (p.name, p.kind.value, "".join(p.default.split()).replace("'", '"'))
        for p in function.parameters or ()
    ]


@dataclass(frozen=True, slots=True)
class _Typed:
    """A type to put in: after a parameter, or (parameter None) for the result."""

    parameter: Parameter | None
    type: str


def _known_types(
    path: str, source: str, known: KnownNames, function: Function, typed: Function
) -> tuple[list[_Typed], tuple[str, ...]]:
    """The new types that can stand in this file, and why the others are left out."""
    is_python = path.endswith((".py", ".pyi"))
    wanted = [
        _Typed(parameter, _accepts_none(new.type, parameter.default))
        for idx, parameter in _untyped(function)
        if (new := (typed.parameters or ())[idx]).type
    ]
    if not function.returns and typed.returns and _returns(source, function):
        wanted.append(_Typed(None, typed.returns))
    kept: list[_Typed] = []
    unknown: list[str] = []
    for one in wanted:
        type_ = _OLD_NAMES.sub(lambda m: m[0].lower(), one.type) if is_python else one.type
        what = one.parameter.name if one.parameter else "the result"
        if why := _type_fault(type_, known, is_python=is_python):
            unknown.append(f"{what} has no type yet, because {why}")
        else:
            kept.append(_Typed(one.parameter, type_))
    return kept, tuple(unknown)


def _edits(
    path: str,
    source: str,
    function: Function,
    kept: Sequence[_Typed],
    known: KnownNames,
    outline: Outline,
) -> list[Edit] | Refusal:
    is_python = path.endswith((".py", ".pyi"))
    reason, file_hash = REASON.format(name=function.name), content_hash(source)
    edits: list[Edit] = []
    for one in kept:
        type_ = _quoted(one.type, known, source) if is_python else one.type
        if one.parameter is None:
            span = Span(function.parameters_end, function.parameters_end)
            new_text = f" -> {type_}" if is_python else f": {type_}"
        else:
            end = one.parameter.end
            equals = re.compile(r"\s*=\s*").match(source, end)
            span, new_text = Span(end, end), f": {type_}"
            if is_python and one.parameter.default and equals:
                span, new_text = Span(end, equals.end()), f": {type_} = "
        edits.append(Edit(path, span, source[span.start : span.end], new_text, file_hash, reason))
    words = {word for one in kept for word in _words(one.type)}
    missing = sorted(w for w in words if is_python and not _is_known(w, known))
    return _with_imports(edits, missing, path, source, outline) if missing else edits


def _type_fault(type_: str, known: KnownNames, *, is_python: bool) -> str:
    """Why a type cannot stand in this file, in a clause; "" when it can."""
    if len(type_) > MAX_TYPE_CHARS or "\n" in type_:
        return "it is too long"
    if _NUMBER.search(_LITERAL.sub("", _QUOTED.sub("", type_))):
        return f"{type_} is a value"
    for word in sorted(_words(type_)):
        is_library = word in (_ABC | _TYPING if is_python else _TYPESCRIPT)
        if is_python and word in known.methods and word in _BUILT_IN:
            return f"{word} is a method of this class where Python reads it"
        if not is_library and not _is_known(word, known):
            return f"{word} is no type that this file knows"
    return ""


def _accepts_none(type_: str, default: str) -> str:
    """A default of None says that None may come."""
    if default == "None" and not _words(type_) & {"None", "Optional", "Any", "object"}:
        return f"{type_} | None"
    return type_


def _words(type_: str) -> set[str]:
    """Names that a type begins with; of `a.b` only a. Literal strings hold none."""
    plain = _QUOTED.sub("", type_)
    inner = {w for q in _QUOTED.findall(type_) for w in _FIRST_WORD.findall(q)}
    literal = "Literal[" in type_ or ("|" in type_ and not inner & _BUILT_IN)
    names = {m[0] for m in _TYPE_WORD.finditer(plain)}
    return names if literal else names | inner


def _is_known(word: str, known: KnownNames) -> bool:
    return word in _BUILT_IN or word in known


def _quoted(type_: str, known: KnownNames, source: str) -> str:
    """In quotes when it names what does not exist yet where Python evaluates it."""
    if re.search(r"^from __future__ import .*\bannotations\b", source, re.MULTILINE):
        return type_
    if '"' not in type_ and "'" not in type_:
        return f'"{type_}"' if _words(type_) & known.later else type_
    if "Literal[" in type_ or _QUOTED.fullmatch(type_):
        return type_
    plain = re.sub(r"[\"']", "", type_)  # `"Node" | None` fails where Python evaluates it
    return f'"{plain}"'


def _with_imports(
    edits: list[Edit], missing: Sequence[str], path: str, source: str, outline: Outline
) -> list[Edit] | Refusal:
    """The import goes before the first one that is there: where one may stand is known then."""
    first_symbol = min((s.start_line for s in outline.symbols), default=1)
    lines = [i for i in outline.imports if i.line < first_symbol]
    plain = [i.line for i in lines if i.module != "__future__"]
    if not plain:
        return Refusal("type", f"{missing[0]} is not imported; use built-in types only.")
    text = Text(source)
    at = text.line_span(min(plain) - 1).start
    if text.slice(text.line_span(min(plain) - 1))[:1].isspace():
        return Refusal("type", f"{missing[0]} is not imported; use built-in types only.")
    new_text = ""
    for module, names in (("collections.abc", _ABC), ("typing", _TYPING - _ABC)):
        if wanted := [name for name in missing if name in names]:
            new_text += f"from {module} import {', '.join(wanted)}{text.eol()}"
    reason = f"Imports {', '.join(missing)} for the types."
    return [Edit(path, Span(at, at), "", new_text, content_hash(source), reason), *edits]
