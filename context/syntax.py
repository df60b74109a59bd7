"""From source bytes to an `Outline`: the only module that touches tree-sitter.

A parse holds the interpreter lock and may use much memory, and a grammar is native code: this runs
in a parser process (context/parsing.py), never in the server's. Trees are walked with cursors and
queries, never by recursion and never by `str(node)`, which overflows the stack on deep nesting.
Broken source is data: it yields an outline with its problems.
"""

from __future__ import annotations

import importlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from operator import itemgetter

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Point, Query, QueryCursor, Range, Tree

from context.languages import Language
from context.outline import (
    Import,
    Literal,
    Outline,
    Problem,
    Reference,
    ReferenceRole,
    Symbol,
    SymbolKind,
)

__all__ = ["Node", "Tree", "broken_grammars", "outline", "parse", "problems"]

MAX_PARSE_BYTES = 1_000_000  # a larger file is searched by words only (memory is ~125x source)
MAX_PROBLEMS = 50
MAX_LITERAL = 300  # code points kept of a string literal
MIN_LITERAL = 8
MAX_SIGNATURE = 200
MAX_DOC = 400
MAX_MACROS = 200  # of a file, whose items are read; a guess
MATCH_LIMIT = 20_000  # in-progress matches; bounds a query on adversarial nesting

_KINDS = {
    "function": SymbolKind.FUNCTION,
    "wrapper": SymbolKind.FUNCTION,
    "type": SymbolKind.TYPE,
    "macro": SymbolKind.MACRO,
}
_COMPONENT_MAKERS = frozenset({"memo", "forwardRef", "observer", "defineComponent"})
_OF_DATA = frozenset(
    """map flatMap filter reduce reduceRight forEach find findIndex some every sort then catch
    finally from replace replaceAll""".split()
)
_FN = re.compile(rb"\bfn\s+\w")
_IN_MACRO = re.compile(r"\w+\((\w+)\)")  # PREFIX(name)(arguments) { ... }
_WRAPPERS = {"decorated_definition", "export_statement", "template_declaration"}
_GENERIC = re.compile(r"<[^<>]*>")
_JS_TARGET = re.compile(r"^(module\.exports|exports|this|proto|self)\.")
_QUOTES = re.compile(r"^[A-Za-z$@]{0,3}(\"\"\"|'''|\"|'|`|#*\")|(\"\"\"|'''|\"|'|`|\"#*)$")
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_SPACE = re.compile(r"\s+")
_INDEXED = re.compile(r"""\[["'](\w+)["']\]""")  # M["name"] = function
_METHOD = re.compile(r"([\w.]+):(\w+)")  # Lua's Owner:name
_COMMENT_MARKS = re.compile(r"^\s*(--+(\[=*\[)?|[/*#!]+)?\s*|(\]=*\]|[*/\s]+)$")
_DOC_TAGS = re.compile(r"</?(summary|remarks|returns|para|param|exception|value)\b[^<>]*>")
# Where the body starts in grammars that give it no field.
_BODIES = frozenset(
    """class_body enum_class_body function_body block getter setter property_delegate accessor_list
    arrow_expression_clause computed_property""".split()
)


def outline(source: bytes, language: Language) -> Outline:
    """Everything the index keeps of one file. Never raises on broken source."""
    return outline_of(parse(source, language), source, language)


def outline_of(tree: Tree, source: bytes, language: Language) -> Outline:
    """The same of a text that is parsed already."""
    imports: dict[int, tuple[list[str], list[str], int]] = {}
    found = _captures(tree, _query(language))
    for inner in _trees_in_macros(tree, source, language):
        for name, nodes in _captures(inner, _query(language)).items():
            found.setdefault(name, []).extend(nodes)
    definitions = _all_definitions(found)
    for node, parts in _with_parts("import", found):
        _add_import(imports, node, parts)
    references = [
        Reference(_text(node).strip("`"), node.start_point[0] + 1, role)
        for role in (ReferenceRole.CALL, ReferenceRole.BASE)
        for node in found.get(role.value, ())
    ]
    return Outline(
        language=language.name,
        symbols=tuple(symbol for symbol, _ in _symbols(definitions, source, language)),
        references=tuple(references),
        imports=tuple(
            Import(module, tuple(names), line)
            for modules, names, line in imports.values()
            for module in modules
        ),
        literals=tuple(_literals(found.get("literal", []))),
        problems=tuple(_problems(tree)),
    )


def definitions(source: bytes, language: Language) -> tuple[Tree, list[tuple[Symbol, Node]]]:
    """The tree, and each definition with its own node, without decorators or export."""
    tree = parse(source, language)
    found = _captures(tree, _query(language))
    symbols = _symbols(_all_definitions(found), source, language)
    return tree, [(symbol, definition.head) for symbol, definition in symbols]


def comments_above(node: Node) -> list[Node]:
    """The comments that end right above a node, the nearest first."""
    return list(_comments_above(node))


def problems(source: bytes, language: Language) -> tuple[Problem, ...]:
    """What the grammar could not read, in file order, at most MAX_PROBLEMS."""
    return tuple(_problems(parse(source, language)))


@dataclass(frozen=True, slots=True)
class _Definition:
    kind: str
    name: str
    node: Node  # the definition with its decorators, export or template head
    head: Node  # the definition itself


@cache
def _grammar(language: Language) -> Grammar:
    module = importlib.import_module(language.module)
    return Grammar(getattr(module, language.function)())


@cache
def _query(language: Language) -> Query:
    text = resources.files("context").joinpath("queries", f"{language.query}.scm").read_text()
    return Query(_grammar(language), text)


def _with_parts(
    kind: str, captures: dict[str, list[Node]]
) -> Iterator[tuple[Node, dict[str, list[Node]]]]:
    """Each node captured as `kind`, with the nodes captured as `kind.*` that belong to it.

    A part belongs to the innermost such node around it. Asking the query for matches would say so
    too, but a dictionary for each match costs more than the parse, and a second query for what has
    parts is a second walk of the whole tree.
    """
    heads = {(n.start_byte, -n.end_byte): n for n in captures.get(kind, ())}
    prefix = f"{kind}."
    parts = [
        (node.start_byte, -node.end_byte, name.removeprefix(prefix), node)
        for name, nodes in captures.items()
        if name.startswith(prefix)
        for node in nodes
    ]
    parts.sort(key=itemgetter(0, 1))
    own: dict[tuple[int, int], dict[str, list[Node]]] = {key: {} for key in sorted(heads)}
    coming, around = iter(own), list[tuple[int, int]]()
    following = next(coming, None)
    for start, negative_end, name, node in parts:
        while following is not None and following <= (start, negative_end):
            around.append(following)
            following = next(coming, None)
        while around and -around[-1][1] < -negative_end:
            around.pop()
        if around:
            own[around[-1]].setdefault(name, []).append(node)
    yield from ((heads[key], own[key]) for key in own)


def parse(source: bytes, language: Language, inside: Range | None = None) -> Tree:
    """The whole tree, for who must know each node of it; same process rules as for `outline`.

    `inside`: all that is read, where that is not the whole.

    tree-sitter ends a line at a newline alone, context/text.py at a lone carriage return too: it is
    given a newline instead, which is as long, so that rows are lines and bytes stay what they are.
    """
    if source.count(b"\r") != source.count(b"\r\n"):
        source = _LONE_RETURN.sub(b"\n", source)
    ranges = [inside] if inside is not None else None
    return Parser(_grammar(language), included_ranges=ranges).parse(source)


def _captures(tree: Tree, query: Query) -> dict[str, list[Node]]:
    return QueryCursor(query, match_limit=MATCH_LIMIT).captures(tree.root_node)


def _trees_in_macros(tree: Tree, source: bytes, language: Language) -> Iterator[Tree]:
    """Of items that stand in a macro (`cfg_rt! { pub fn ... }`), which the grammar leaves unread.

    Nodes have the places that they have in the file. What is no list of items gives none.
    """
    if language.name != "rust" or b"! {" not in source:
        return
    for body in _captures(tree, _item_macros(language)).get("items", [])[:MAX_MACROS]:
        if _text(body).startswith("{") and _FN.search(body.text or b""):
            inside = Range(
                Point(body.start_point[0], body.start_point[1] + 1),
                Point(body.end_point[0], max(body.end_point[1] - 1, 0)),
                body.start_byte + 1,
                body.end_byte - 1,
            )
            inner = parse(source, language, inside)
            if not inner.root_node.has_error:
                yield inner


@cache
def _item_macros(language: Language) -> Query:
    return Query(
        _grammar(language),
        "(source_file (macro_invocation (token_tree) @items))"
        "(declaration_list (macro_invocation (token_tree) @items))",
    )


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _definitions(kind: str, head: Node, parts: dict[str, list[Node]]) -> Iterator[_Definition]:
    """One for each name that the node gives; most give one."""
    node, parent = head, head.parent
    while parent is not None and parent.type in _WRAPPERS:
        node, parent = parent, parent.parent
    for name in _names(kind, parts):
        if name.strip("."):
            yield _Definition(kind, name, node, head)


def _names(kind: str, parts: dict[str, list[Node]]) -> Iterator[str]:
    """`KIND.exact` is kept as written (save!, my-task, +); `KIND.name` is made a dotted name."""
    for declarator in parts.get("declarator", ()):
        yield _c_function_name(declarator)
    for exact in parts.get("exact", ()):
        yield _text(exact).strip("`")
    for path in parts.get("path", ()):
        yield _clean_name(_text(path))
    owner = [re.sub(r"\[.*", "", _text(node)) for node in parts.get("owner", ())]
    owner = re.findall(r"\w+", " ".join(owner))
    for written in parts.get("name", ()):
        name = _clean_name(_text(written))
        if kind == "scope":
            name = re.sub(r"<.*", "", name, flags=re.S).rpartition(".")[2].strip("&' ")
        yield f"{owner[-1]}.{name}" if owner else name


def _clean_name(written: str) -> str:
    if written.isidentifier():
        return written  # most names, without a pattern
    name = _GENERIC.sub("", _GENERIC.sub("", written)).replace("::", ".").strip()
    if method := _METHOD.fullmatch(name):
        return f"{method[1]}.{method[2]}"
    name = _INDEXED.sub(r".\1", name).removeprefix(".")
    if any(c in name for c in ".'\"["):
        name = _JS_TARGET.sub("", name.strip("'\"`")).replace(".prototype.", ".")
    return re.sub(r"[^\w$.~]", "", name)


def _c_function_name(declarator: Node) -> str:
    """Follow a C declarator through pointers and parentheses to the function's own name."""
    node: Node | None = declarator
    found: Node | None = None  # the innermost: what gives a function is declared around it
    while node is not None and node.type not in ("operator_cast", "qualified_identifier"):
        inner = node.child_by_field_name("declarator")
        if node.type == "function_declarator":
            found = node
            if inner and (wrapped := _IN_MACRO.fullmatch(_text(inner))):
                return wrapped[1]
        node = inner or next((c for c in node.named_children if "declarator" in c.type), None)
    if node is not None and (node.type == "operator_cast" or found is None):
        return _c_operator(_text(node)) if "operator" in _text(node) else ""
    if found is None:  # `PHP_FUNCTION(name) {`: a macro that the grammar takes for a type
        name = declarator.named_child(0) if declarator.named_child_count == 1 else None
        is_bare = declarator.type == "parenthesized_declarator"
        return _text(name) if is_bare and name and name.type == "identifier" else ""
    name = found.child_by_field_name("declarator")
    if name is None:
        return ""
    text = _text(name)
    if "operator" in text and not text.isidentifier():
        return _c_operator(text)
    return _SPACE.sub("", _GENERIC.sub("", text)).replace("::", ".").strip("*&().")


def _c_operator(text: str) -> str:
    """`Vec<T>::operator< (` is Vec.operator<, `operator bool() const` is "operator bool"."""
    owner, word, sign = text.rpartition("operator")
    if sign.lstrip().startswith("("):
        sign = "()"
    sign = sign.strip() if sign == "()" else sign.partition("(")[0].strip()
    space = " " if sign[:1].isalnum() or sign[:1] == "_" else ""
    owner = _SPACE.sub("", _GENERIC.sub("", owner)).replace("::", ".")
    return f"{owner}{word}{space}{sign}"


def _all_definitions(found: dict[str, list[Node]]) -> list[_Definition]:
    return [
        definition
        for kind in ("function", "type", "macro", "scope", "wrapper")
        for head, parts in _with_parts(kind, found)
        for definition in _definitions(kind, head, parts)
    ]


def _without_wrappers_of_many(definitions: Sequence[_Definition]) -> Iterator[_Definition]:
    """A function that is handed to another (`memo(() => ...)`) has the name of what that gives.

    One with functions of its own is left for theirs, as a module is; not a component's. What is
    made of data by a function (`rows.map(...)`) is none.
    """
    if all(d.kind != "wrapper" for d in definitions):
        yield from definitions
        return
    starts = sorted(d.node.start_byte for d in definitions if d.kind == "function")
    for definition in definitions:
        maker = _maker(definition.head) if definition.kind == "wrapper" else ""
        if maker in _OF_DATA:
            continue
        if definition.kind == "wrapper" and maker not in _COMPONENT_MAKERS:
            node = definition.node
            inside = bisect_left(starts, node.start_byte + 1)
            if inside < len(starts) and starts[inside] < node.end_byte:
                continue
        yield definition


def _maker(head: Node) -> str:
    """What the function is handed to, by its last name; "" where it is handed to nothing."""
    value = head.child_by_field_name("value") or head.child_by_field_name("right")
    called = value.child_by_field_name("function") if value is not None else None
    return _text(called).rpartition(".")[2] if called is not None else ""


def _symbols(
    definitions: Sequence[_Definition], source: bytes, language: Language
) -> Iterator[tuple[Symbol, _Definition]]:
    """Qualify names by the types around them; drop what is nested in a function."""
    is_indented = language.name == "scala"
    definitions = sorted(
        _without_wrappers_of_many(definitions),
        key=lambda d: (d.node.start_byte, -d.node.end_byte),
    )
    around: list[_Definition] = []
    qualified: list[str] = []
    seen: set[tuple[int, str]] = set()
    for definition in definitions:
        while around and around[-1].node.end_byte <= definition.node.start_byte:
            around.pop()
            qualified.pop()
        inside_function = any(d.kind in ("function", "wrapper") for d in around)
        prefix = qualified[-1] if qualified else ""
        name = f"{prefix}.{definition.name}" if prefix else definition.name
        around.append(definition)
        qualified.append(name)
        key = (definition.node.start_byte, name)
        if inside_function or definition.kind == "scope" or key in seen:
            continue
        seen.add(key)
        node = definition.node
        symbol = Symbol(
            qualified_name=name,
            kind=_KINDS[definition.kind],
            start_line=node.start_point[0] + 1,
            end_line=_last_line(_last_part(node) if is_indented else node),
            start_byte=node.start_byte,
            end_byte=node.end_byte,
            signature=_signature(definition.head, source),
            doc=_doc(definition),
        )
        yield symbol, definition


def _last_part(node: Node) -> Node:
    """Its last token that is no comment: bodies without braces end where the next thing begins."""
    while node.child_count:
        last = next(
            (
                child
                for child in reversed(node.children)
                if child.end_byte > child.start_byte
                and "comment" not in child.type
                and (child.text or b"").strip()
            ),
            None,
        )
        if last is None:
            break
        node = last
    return node


def _last_line(node: Node) -> int:
    """1-based last line; a node that ends at column 0 ended on the line before."""
    row, column = node.end_point
    return row + 1 if column or row == node.start_point[0] else row


def _signature(head: Node, source: bytes) -> str:
    """The head up to the body, or up to a comment that some grammars put before the body."""
    ends = [c.start_byte for c in head.children if "comment" in c.type]
    if (body := body_of(head)) is not None:
        ends.append(body.start_byte)
    text = source[head.start_byte : min(ends, default=head.end_byte)].decode("utf-8", "replace")
    return _SPACE.sub(" ", text).strip(" {=")[:MAX_SIGNATURE]


def body_of(head: Node) -> Node | None:
    """The node of a definition's body; None for a declaration without one."""
    body = head.child_by_field_name("body")
    return body or next((c for c in head.children if c.type in _BODIES), None)


def _doc(definition: _Definition) -> str:
    body = definition.head.child_by_field_name("body")
    first = _first_child(body) if body is not None else None
    if first is not None:
        if first.type == "expression_statement":
            first = _first_child(first) or first
        if first.type == "string" and first.children and first.children[0].type == "string_start":
            # Only Python's grammar has a string_start; elsewhere a first string is a value.
            return _SPACE.sub(" ", _unquoted(first))[:MAX_DOC].strip()
    lines = [
        _COMMENT_MARKS.sub("", line)
        for comment in reversed(list(_comments_above(definition.node)))
        for line in _text(comment).split("\n")
    ]
    return _SPACE.sub(" ", _DOC_TAGS.sub("", " ".join(lines)))[:MAX_DOC].strip()


def _first_child(node: Node) -> Node | None:
    """Not `named_children[0]`, which makes an object for each statement of a body."""
    return node.named_child(0) if node.named_child_count else None


def _comments_above(node: Node) -> Iterator[Node]:
    """The comments that end right above a definition, nearest first, at most 20.

    A comment above the first member of a body may stand before the body (Ruby, Python). A comment
    that follows code on its line is that code's.
    """
    line = node.start_point[0]
    before = node.prev_sibling
    if before is None and node.parent is not None:
        before = node.parent.prev_sibling
    for _ in range(20):
        if before is None or "comment" not in before.type or _last_line(before) < line:
            return
        line = before.start_point[0]
        earlier = before.prev_sibling
        if earlier is not None and "comment" not in earlier.type and _last_line(earlier) > line:
            return
        yield before
        before = earlier


def _unquoted(node: Node) -> str:
    text = _text(node)
    if text[0] == text[-1] and text[0] in "'\"" and text[1] != text[0]:
        return text[1:-1]  # most strings, without a pattern
    if node.type.endswith(("_content", "_body")):  # what is between the quotes
        return text
    return _QUOTES.sub("", text)


def _literals(nodes: list[Node]) -> Iterator[Literal]:
    """In file order."""
    long = [node for node in nodes if node.end_byte - node.start_byte >= MIN_LITERAL]
    for node in sorted(long, key=lambda n: n.start_byte):
        parent = node.parent  # a walk from the root each time
        if parent is not None and parent.type == "expression_statement":
            continue  # a docstring is no message
        text = " ".join(_unquoted(node).split())[:MAX_LITERAL].strip()
        if len(text) >= MIN_LITERAL:
            yield Literal(text, node.start_point[0] + 1)


def _add_import(
    imports: dict[int, tuple[list[str], list[str], int]], node: Node, parts: dict[str, list[Node]]
) -> None:
    modules, names, _ = imports.setdefault(node.start_byte, ([], [], node.start_point[0] + 1))
    written = [_text(found).strip("'\"<>`") for found in parts.get("module", ())]
    if "words" in parts:
        written += _joined([child for child in node.children if child.type == "identifier"])
    for module in written:
        if module not in modules:
            modules.append(module)
    for found in parts.get("name", ()):
        if (name := _text(found)) not in names:
            names.append(name)


def _joined(words: list[Node]) -> list[str]:
    """Dotted paths from their words, where a grammar gives a node to each word alone (Scala)."""
    paths: list[str] = []
    for word in words:
        if paths and word.prev_sibling is not None and word.prev_sibling.type == ".":
            paths[-1] += f".{_text(word)}"
        else:
            paths.append(_text(word))
    return paths


def _problems(tree: Tree) -> Iterator[Problem]:
    """Walk only into subtrees that have errors, with a cursor of our own stack."""
    if not tree.root_node.has_error:
        return
    pending, found = [tree.root_node], 0
    while pending and found < MAX_PROBLEMS:
        node = pending.pop()
        if node.is_missing or node.is_error:
            found += 1
            row, column = node.start_point
            what = f"missing {node.type}" if node.is_missing else "unexpected text"
            yield Problem(row + 1, column, what)
            continue
        pending.extend(child for child in reversed(node.children) if child.has_error)


def broken_grammars(languages: Iterable[Language]) -> dict[str, str]:
    """Name and reason of each language whose grammar or query cannot be loaded here."""
    broken: dict[str, str] = {}
    for language in languages:
        try:
            outline(b"x\n", language)
        except (ImportError, AttributeError, ValueError, TypeError, OSError, RuntimeError) as error:
            broken[language.name] = f"{type(error).__name__}: {error}"
    return broken
