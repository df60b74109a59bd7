"""From a syntax tree to an `Anatomy`: parameters, docs, calls, and the code without comments.

The forms of parameters and calls that are understood are those of Python, JavaScript, TypeScript,
Go, Java, Rust, C and C++; in other languages a function's parameters are None and its calls are not
listed, so that nothing is claimed of them. Runs in a parser process, as context/syntax.py does, and
walks with a list of its own, never by recursion.
"""

from __future__ import annotations

import hashlib
import itertools
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from context.anatomy import Anatomy, Call, Definition, Function, Parameter, ParameterKind
from context.languages import Language
from context.outline import Symbol, SymbolKind
from context.syntax import body_of, comments_above, definitions
from context.text import Span, encode

MAX_CALLS = 20_000
# What may stand between a definition and the comment that documents it.
_BETWEEN = frozenset({"attribute_item", "decorator"})
# Nodes around a definition that begin where it is declared.
_DECLARING = frozenset(
    """export_statement lexical_declaration variable_declaration expression_statement
    decorated_definition template_declaration assignment type_definition declaration
    field_declaration""".split()
)
_PARAMETER_LISTS = ("parameters", "formal_parameters", "parameter_list")
_CALLS = {
    "call": "function",
    "call_expression": "function",
    "method_invocation": "name",
    "new_expression": "constructor",
}
_LISTED = frozenset({"python", "javascript", "typescript", "tsx", "go", "java", "rust", "c", "cpp"})
_SPREADS = frozenset(
    """list_splat dictionary_splat spread_element variadic_argument
    parameter_pack_expansion""".split()
)


def dissect(content: str, language: Language) -> Anatomy:
    """Everything an exact edit asks of a file. Never raises on broken source."""
    source = encode(content)
    tree, found = definitions(source, language)
    offsets = _Offsets(source)
    is_listed = language.name in _LISTED
    return Anatomy(
        functions=tuple(
            function
            for symbol, head in found
            if symbol.kind is SymbolKind.FUNCTION
            and (function := _function(symbol, head, offsets, language)) is not None
        ),
        calls=tuple(_calls(tree.root_node)) if is_listed else (),
        skeleton=_skeleton(tree.root_node, language),
        types=tuple(
            _type(symbol, head, offsets, language)
            for symbol, head in found
            if symbol.kind is SymbolKind.TYPE
        ),
    )


class _Offsets:
    """Code-point offsets of UTF-8 bytes."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._is_ascii = source.isascii()
        self._bytes: list[int] = []
        self._points: list[int] = []
        if not self._is_ascii:
            at = points = 0
            for line in source.split(b"\n"):
                self._bytes.append(at)
                self._points.append(points)
                at += len(line) + 1
                points += len(line.decode("utf-8", "replace")) + 1

    def at(self, byte: int) -> int:
        if self._is_ascii:
            return byte
        line = bisect_right(self._bytes, byte) - 1
        before = self._source[self._bytes[line] : byte]
        return self._points[line] + len(before.decode("utf-8", "replace"))

    def span(self, start_byte: int, end_byte: int) -> Span:
        return Span(self.at(start_byte), self.at(end_byte))


def _function(symbol: Symbol, head: Node, offsets: _Offsets, language: Language) -> Function | None:
    """None where there is no body: a declaration has nothing to work on."""
    node = _callable(head)
    body = body_of(node)
    if body is None:
        return None
    listed = _parameter_list(node)
    parameters = None
    if language.name in _LISTED and listed is not None:
        parameters = tuple(_parameters(listed, offsets))
        if language.name == "javascript":  # any may be left out in a call
            parameters = tuple(replace(p, default=p.default or "undefined") for p in parameters)
    returns = node.child_by_field_name("return_type") or node.child_by_field_name("result")
    start = _start_of_head(node)
    return Function(
        qualified_name=symbol.qualified_name,
        top_line=top_of(head).start_point[0] + 1,
        start_line=symbol.start_line,
        end_line=symbol.end_line,
        head=offsets.span(start.start_byte, body.start_byte),
        parameters=parameters,
        parameters_start=offsets.at(listed.start_byte if listed is not None else body.start_byte),
        parameters_end=offsets.at(listed.end_byte if listed is not None else body.start_byte),
        returns=_type_text(returns),
        body=offsets.span(body.start_byte, body.end_byte),
        doc=_doc(head, body, offsets, language),
        has_receiver=_has_receiver(node, parameters, language),
    )


def _type(symbol: Symbol, head: Node, offsets: _Offsets, language: Language) -> Definition:
    body = body_of(head)
    body_start = body.start_byte if body is not None else head.end_byte
    return Definition(
        qualified_name=symbol.qualified_name,
        top_line=top_of(head).start_point[0] + 1,
        start_line=symbol.start_line,
        end_line=symbol.end_line,
        head=offsets.span(_start_of_head(head).start_byte, body_start),
        body=offsets.span(body_start, body.end_byte if body is not None else head.end_byte),
        doc=_doc(head, body, offsets, language),
    )


def _callable(head: Node) -> Node:
    """The function itself, where a name is bound to it: `const f = () => 1`."""
    for field in ("value", "right"):
        value = head.child_by_field_name(field)
        if value is not None and value.child_by_field_name("body") is not None:
            return value
    return head


def _start_of_head(node: Node) -> Node:
    parent = node.parent
    while parent is not None and _is_declaring(parent):
        if parent.type == "decorated_definition":
            break
        node, parent = parent, parent.parent
    return node


def top_of(node: Node) -> Node:
    """The outermost node that declares `node`, and the attributes above it."""
    parent = node.parent
    while parent is not None and _is_declaring(parent):
        node, parent = parent, parent.parent
    while (before := node.prev_named_sibling) is not None and before.type in _BETWEEN:
        node = before
    return node


def _is_declaring(node: Node) -> bool:
    """Whether a node stands around a definition and declares nothing else.

    Go's `type ( ... )` holds several, each with a comment of its own.
    """
    if node.type == "type_declaration":
        return not any(child.type == "(" for child in node.children)
    return node.type == "variable_declarator" or node.type in _DECLARING


def _doc(head: Node, body: Node | None, offsets: _Offsets, language: Language) -> Span | None:
    if language.name == "python":
        found = _docstring(body) if body is not None else None
        return offsets.span(found.start_byte, found.end_byte) if found is not None else None
    top = top_of(head)
    comments = [c for c in comments_above(top) if c.start_point[0] != top.start_point[0]]
    if not comments:
        return None
    text = comments[0].text or b""
    end = comments[0].end_byte - (len(text) - len(text.rstrip(b"\r\n")))
    return offsets.span(comments[-1].start_byte, end)


def _docstring(body: Node) -> Node | None:
    """The string that is a Python body's first statement."""
    first = next((c for c in body.named_children if c.type != "comment"), None)
    if first is None or first.type != "expression_statement" or first.named_child_count != 1:
        return None
    string = first.named_child(0)
    return string if string is not None and string.type == "string" else None


def _has_receiver(node: Node, parameters: tuple[Parameter, ...] | None, language: Language) -> bool:
    if language.name == "rust":
        return bool(parameters) and parameters is not None and parameters[0].name == "self"
    if language.name != "python":
        return False
    around = node.parent
    decorators: list[Node] = []
    if around is not None and around.type == "decorated_definition":
        decorators = [c for c in around.children if c.type == "decorator"]
        around = around.parent
    if any(b"staticmethod" in (d.text or b"") for d in decorators):
        return False
    above = around.parent if around is not None else None
    return above is not None and above.type == "class_definition"


def _parameter_list(node: Node) -> Node | None:
    found = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
    declarator = node.child_by_field_name("declarator")
    while found is None and declarator is not None:  # C: pointers before the function's own
        found = declarator.child_by_field_name("parameters")
        declarator = declarator.child_by_field_name("declarator")
    return found


def _parameters(listed: Node, offsets: _Offsets) -> Iterator[Parameter]:
    if listed.type not in _PARAMETER_LISTS:  # `x => x`
        yield Parameter(_text(listed), ParameterKind.PLAIN, "", "", offsets.at(listed.end_byte))
        return
    for child in listed.named_children:
        if "comment" not in child.type and _text(child) != "void":
            yield from _one_or_more(child, offsets)


def _one_or_more(child: Node, offsets: _Offsets) -> Iterator[Parameter]:
    """A node of a parameter list; Go's `a, b int` are two."""
    if child.type in ("keyword_separator", "positional_separator"):
        yield Parameter(_text(child), ParameterKind.MARKER, "", "", offsets.at(child.end_byte))
        return
    names = child.children_by_field_name("name") or child.children_by_field_name("pattern")
    names = names or child.children_by_field_name("left") or [_bound(child)]
    type_ = _type_text(child.child_by_field_name("type"))
    value = child.child_by_field_name("value") or child.child_by_field_name("right")
    value = value or child.child_by_field_name("default_value")
    default = _text(value) if value is not None else ""
    if child.type == "optional_parameter" and not default:
        default = "undefined"  # TypeScript's `b?`
    for name in names:
        kind = _kind(child, name)
        written = _text(name).lstrip("*.&").strip()
        written = "self" if child.type == "self_parameter" else written
        end = name.end_byte
        if child.type == "optional_parameter" and _text(child)[len(_text(name)) :][:1] == "?":
            end += 1
        yield Parameter(written, kind, type_, default, offsets.at(end))


def _bound(child: Node) -> Node:
    """The name in a typed or starred parameter, which has no field in some grammars."""
    if child.type == "typed_parameter":
        first = child.named_child(0)
        return first if first is not None else child
    if child.type == "spread_parameter":
        found = [c for c in child.named_children if c.type == "variable_declarator"]
        return found[0] if found else child
    return child


def _kind(child: Node, name: Node) -> ParameterKind:
    kinds = {child.type, name.type}
    if "dictionary_splat_pattern" in kinds:
        return ParameterKind.KEYWORDS
    rest = {"list_splat_pattern", "rest_pattern", "variadic_parameter_declaration",
            "spread_parameter", "variadic_parameter", "variadic_declarator"}  # fmt: skip
    return ParameterKind.REST if kinds & rest else ParameterKind.PLAIN


def _type_text(node: Node | None) -> str:
    if node is None:
        return ""
    text = _text(node)
    return text.removeprefix(":").strip() if node.type == "type_annotation" else text


def _calls(root: Node) -> Iterator[Call]:
    pending, n_found = [root], 0
    while pending and n_found < MAX_CALLS:
        node = pending.pop()
        pending.extend(reversed(node.children))
        if node.type == "token_tree":
            found = _calls_among_tokens(node)
            n_found += len(found)
            yield from found
            continue
        field = _CALLS.get(node.type)
        called = node.child_by_field_name(field) if field else None
        arguments = node.child_by_field_name("arguments")
        if called is None or arguments is None:
            continue
        name, on_object = _called_name(node, called)
        if name:
            n_found += 1
            yield _call(name, arguments, node.start_point[0] + 1, on_object=on_object)


def _calls_among_tokens(tokens: Node) -> list[Call]:
    """What a Rust macro's arguments call by name, as far as words tell: the grammar leaves them as
    they are. How many arguments there are is not counted.
    """
    children = tokens.children
    return [
        Call(_text(name), name.start_point[0] + 1, 0, (), spreads=True,
             on_object=idx > 0 and children[idx - 1].type == ".")
        for idx, (name, after) in enumerate(itertools.pairwise(children))
        if name.type == "identifier" and after.type == "token_tree"
        and (after.text or b"").startswith(b"(")
    ]  # fmt: skip


def _called_name(node: Node, called: Node) -> tuple[str, bool]:
    """("", False) where what is called has no name of its own."""
    if called.child_count == 0:
        return _text(called), node.child_by_field_name("object") is not None
    for field in ("attribute", "property", "field", "name"):
        last = called.child_by_field_name(field)
        if last is not None and last.child_count == 0:
            return _text(last), True
    return "", False


def _call(name: str, arguments: Node, line: int, *, on_object: bool) -> Call:
    if arguments.type not in ("argument_list", "arguments"):  # f(x for x in y), f`text`
        return Call(name, line, 1, (), arguments.type != "generator_expression", on_object)
    given = [c for c in arguments.named_children if "comment" not in c.type]
    words = [
        _text(key)
        for c in given
        if c.type == "keyword_argument" and (key := c.child_by_field_name("name")) is not None
    ]
    # Go: f(g()) passes all that g returns.
    spreads = any(c.type in _SPREADS for c in given) or b"..." in (arguments.text or b"")
    spreads = spreads or (len(given) == 1 and given[0].type == "call_expression")
    return Call(name, line, len(given) - len(words), tuple(words), spreads, on_object)


def _skeleton(root: Node, language: Language) -> str:
    """Every node and token but comments and Python's docstrings, in order, with its nesting."""
    digest = hashlib.blake2b(digest_size=16)
    left_out: set[int] = set()
    pending: list[Node | None] = [root]
    while pending:
        node = pending.pop()
        if node is None:
            digest.update(b")")
            continue
        if "comment" in node.type or node.id in left_out:
            continue
        if language.name == "python" and node.type in ("module", "block"):
            parent = node.parent
            if parent is None or parent.type in ("function_definition", "class_definition"):
                string = _docstring(node)
                if string is not None and string.parent is not None:
                    left_out.add(string.parent.id)
        digest.update(f"({node.type}".encode())
        if node.child_count == 0:
            digest.update(b"\0" + (node.text or b"") + b"\0)")
            continue
        pending.append(None)
        pending.extend(reversed(node.children))
    return digest.hexdigest()


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
