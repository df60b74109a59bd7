"""What the forms of answers let a model write, byte by byte and without one."""

from __future__ import annotations

import llguidance
import pytest
from llguidance.gbnf_to_lark import any_to_lark

from models import prompts
from models.prompts import Grammar
from models.replies import parse_edits, parse_rewrite


def _is_let_through(grammar: Grammar, text: str) -> bool:
    bytewise = llguidance.LLTokenizer("byte")
    lark = llguidance.LLMatcher.grammar_from_lark(any_to_lark(prompts.grammar(grammar)))
    matcher = llguidance.LLMatcher(bytewise, lark, log_level=0)
    ids = bytewise.tokenize_str(text)
    return bool(matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting())


CODE = [
    "    return 1",
    "`\n`)\n``\n``x``\n` + name + `;",  # the ends of raw strings and templates in Go and JavaScript
    "const text = `\n\n`;",
    "=begin\n=end\n==\n=> 3\n= 4",  # Ruby
    ">>> mean([1])\n> quoted\n>= 3",  # a doctest
    "Title\n=====\nLonger title\n============\n========",
    'é = "😀"\n\n\f',
]


@pytest.mark.parametrize("code", CODE)
def test_code_can_be_written_as_it_stands(code: str) -> None:
    rest = f"{code}\n```\nREASON: It was wrong before.\n"
    assert _is_let_through(Grammar.REWRITE, rest)
    assert parse_rewrite(f"```\n{rest}").code == code
    edits = f"REASON: It was wrong before.\nFILE: F1\n<<<<<<< SEARCH\n{code}\n=======\n{code}\n"
    edits += ">>>>>>> REPLACE\n"
    assert _is_let_through(Grammar.EDITS, edits)
    (edit,) = parse_edits(edits).edits
    assert (edit.search, edit.replace) == (code, code)


@pytest.mark.parametrize("line", ["```", "```python", "````"])
def test_a_fence_ends_the_code(line: str) -> None:
    assert not _is_let_through(Grammar.REWRITE, f"{line}\nx\n```\nREASON: It was wrong before.\n")


@pytest.mark.parametrize("line", ["=======", ">>>>>>> REPLACE", ">>>>>>>", ">>>>>>>> x"])
def test_a_mark_ends_the_lines_of_an_edit(line: str) -> None:
    head = "REASON: It was wrong before.\nFILE: F1\n<<<<<<< SEARCH\n"
    assert not _is_let_through(Grammar.EDITS, f"{head}x\n{line}\ny\n=======\n>>>>>>> REPLACE\n")
