"""Where a word stands in Python files, by the standard library's own tokenizer and parser.

Rope infers; this counts. Every place with a name must be accounted for before a refactoring of it
is called exact.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from dataclasses import dataclass
from enum import StrEnum


class Around(StrEnum):
    """What a word is, as far as its neighbours tell."""

    ATTRIBUTE = "attribute"  # after a dot
    KEYWORD = "keyword"  # name= in a call or a head
    PLAIN = "plain"
    STRING = "string"  # in a string literal
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Place:
    start: int  # code points
    end: int
    around: Around
    receiver: str = ""  # of an attribute: the one word before the dot, if it is one
    callee: str = ""  # of a keyword: the last word of what is called
    is_exact: bool = False  # of a string: it holds nothing else, or a dotted path that ends in it


class Unreadable(Exception):
    """The file is no Python that this version reads."""


def parse(text: str) -> ast.Module:
    """Raises `Unreadable`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(str(error)) from error


def places(text: str, word: str) -> list[Place]:
    """Every place of `word` as a whole word, in order. Raises `Unreadable`.

    `text` ends its lines with `\\n` alone.
    """
    # The end of a text without a last line end is a token of the line after it.
    starts = [0, *(m.end() for m in re.finditer("\n", text)), len(text)]
    whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    found: list[Place] = []
    before: list[tokenize.TokenInfo] = []
    calls: list[str] = []  # what each open bracket belongs to
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError) as error:
        raise Unreadable(str(error)) from error
    for index, token in enumerate(tokens):
        start = starts[token.start[0] - 1] + token.start[1]
        if token.type == tokenize.NAME and token.string == word:
            following = tokens[index + 1].string if index + 1 < len(tokens) else ""
            found.append(_name_place(start, token, before, following, calls))
        elif token.type == tokenize.COMMENT:
            found += [
                Place(start + match.start(), start + match.end(), Around.COMMENT)
                for match in whole.finditer(token.string)
            ]
        elif token.type not in _SPACE and word in token.string:
            for match in whole.finditer(token.string):
                if match.start() == 0 and token.string[match.end()] in "'\"":
                    continue  # the letter before the quote of f"..."
                exact = _names_it(token.string, word)
                at = start + match.start()
                found.append(Place(at, at + len(word), Around.STRING, is_exact=exact))
        if token.string in ("(", "[", "{"):
            calls.append(before[-1].string if before and token.string == "(" else "")
        elif token.string in (")", "]", "}") and calls:
            calls.pop()
        if token.type not in _SPACE:
            before = [*before[-2:], token]
    return found


_SPACE = {tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE}


def _name_place(
    start: int,
    token: tokenize.TokenInfo,
    before: list[tokenize.TokenInfo],
    following: str,
    calls: list[str],
) -> Place:
    end = start + len(token.string)
    if before and before[-1].string == ".":
        receiver = before[-2].string if len(before) > 1 else ""
        is_word = receiver.isidentifier() and (len(before) < 3 or before[-3].string != ".")
        return Place(start, end, Around.ATTRIBUTE, receiver if is_word else "")
    if following == "=" and calls and calls[-1] and before and before[-1].string in ("(", ","):
        return Place(start, end, Around.KEYWORD, callee=calls[-1])
    return Place(start, end, Around.PLAIN)


def _names_it(literal: str, word: str) -> bool:
    """A literal that may be used to look the name up: "name", "module.name", "list[m.name]"."""
    body = re.sub(r"^[A-Za-z]{0,3}(\"\"\"|'''|\"|')|(\"\"\"|'''|\"|')$", "", literal)
    if re.fullmatch(rf"(?:[\w.]+[.:])?{re.escape(word)}(?:\(\))?(?:[.\[][\w.\]]+)?", body):
        return True
    if re.fullmatch(r"[\w.\[\],| ]+", body) and re.search(r"[\[|]", body):
        return True  # a type
    names = re.split(r"[\s,]+", body)
    return len(names) < 30 and word in names and all(n.isidentifier() for n in names if n)
