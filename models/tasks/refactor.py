"""Plan an exact refactoring with the model: a name, or which parameter changes, and nothing else.

What the model says is held to a grammar and looked at: a name must be one in the language and new,
a parameter must be there. Carrying it out is not its business (context/refactoring).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from context.refactoring import Change, Refused, SignatureChange, Target
from context.refactoring.names import check_name
from context.window import ContextWindow, Snippet, render_numbered
from models import prompts
from models.asking import Asking, ask, packed, provenance_of, read_only
from models.backends import Conversation, Thinks
from models.errors import CannotScore, ReplyUnusable
from models.findings import Provenance
from models.prompts import Grammar
from models.prompts import refactoring as words
from models.tasks.parameters import chosen_change, read_signature

MAX_ANSWER_TOKENS = 60
MAX_TRIES = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Planning:
    """What is shown to the model, and how it is asked; the first snippet holds the place."""

    snippets: Sequence[Snippet]
    language: str
    asking: Asking


async def propose_name(target: Target, planning: Planning) -> tuple[str, Provenance]:
    """A telling name for what stands at a place. Raises `ReplyUnusable` when none is fit."""

    def read(answer: str) -> str:
        name = in_style_of(target.name, answer)
        if name == target.name:
            raise Refused(f"It is called {name} already.")
        return _free(name, planning.language, target.taken)

    def question(window: ContextWindow) -> Conversation:
        return words.rename(render_numbered(window), target.name, target.what)

    opening = words.renamed(target.name)
    return await _ask(planning, question, Grammar.IDENTIFIER, read, opening, told=target.name)


async def propose_function_name(
    first_line: int, last_line: int, taken: Sequence[str], like: str, planning: Planning
) -> tuple[str, Provenance]:
    """A name for a function that lines become. `like`: a name whose style is the language's."""

    def read(answer: str) -> str:
        return _free(in_style_of(like, answer), planning.language, taken)

    def question(window: ContextWindow) -> Conversation:
        return words.name_lines(render_numbered(window), first_line, last_line)

    return await _ask(planning, question, Grammar.IDENTIFIER, read, words.LINES_NAMED, told="")


async def propose_signature(
    target: Target, detail: str, planning: Planning
) -> tuple[SignatureChange, Provenance]:
    """The change of parameters that the user's words mean. Raises `ReplyUnusable`.

    A model that was not trained to think chooses, where it can (models/tasks/parameters.py).
    """
    if planning.asking.backend.info.thinks is Thinks.ELICITED:
        with suppress(CannotScore):
            return await _chosen_signature(target, detail, planning)

    def read(answer: str) -> SignatureChange:
        change = read_signature(answer)
        if change is None:
            raise Refused("That is none of the forms.")
        known = {*target.parameters}
        if change.change is Change.ADD:
            return change
        if not {*change.names} <= known:
            raise Refused(f"{target.name} has no parameter {min({*change.names} - known)}.")
        return change

    def question(window: ContextWindow) -> Conversation:
        return words.signature(render_numbered(window), target.name, target.parameters, detail)

    return await _ask(planning, question, Grammar.PARAMETER_CHANGE, read, told=detail)


async def _chosen_signature(
    target: Target, detail: str, planning: Planning
) -> tuple[SignatureChange, Provenance]:
    backend = planning.asking.backend
    window = await packed(planning.snippets, planning.asking)
    wish = words.wish(render_numbered(window), target.name, target.parameters, detail)
    try:
        change = await chosen_change(backend, wish, target, detail)
    except Refused as refusal:
        raise _unfit(refusal) from None
    if change is None:
        raise ReplyUnusable("The model wrote no parameter; say it as in `add limit=10`.")
    return change, read_only(backend, window, wish)


def in_style_of(old: str, new: str) -> str:
    """`new` written as `old` is: words with underscores, or with capitals, or all capitals."""
    parts = name_parts(new)
    if not parts:
        return new
    head = re.match(r"_*", old)
    prefix = head.group() if head else ""
    bare = old.strip("_")
    if bare.isupper() and len(bare) > 1:
        return prefix + "_".join(p.upper() for p in parts)
    if "_" in bare or (bare.islower() and "_" in new):
        return prefix + "_".join(p.lower() for p in parts)
    if bare[:1].isupper():
        return prefix + "".join(p[:1].upper() + p[1:] for p in parts)
    if len(parts) > 1 and re.search(r"[a-z][A-Z]", bare):
        return prefix + parts[0].lower() + "".join(p[:1].upper() + p[1:] for p in parts[1:])
    return prefix + new[:1].lower() + new[1:]


def name_parts(name: str) -> list[str]:
    """`userIds` and `user_ids` are made of two words."""
    return [part for part in re.split(r"_+|(?<=[a-z0-9])(?=[A-Z])", name) if part]


def _free(name: str, language: str, taken: Sequence[str]) -> str:
    check_name(name, language)
    if name in taken:
        raise Refused(f"“{name}” is in use already; choose another name.")
    return name


async def _ask(
    planning: Planning,
    question: Callable[[ContextWindow], Conversation],
    form: Grammar,
    read: Callable[[str], T],
    opening: str = "",
    *,
    told: str,
) -> tuple[T, Provenance]:
    """`opening`: how the answer begins, where the model takes a beginning."""
    asking, backend = planning.asking, planning.asking.backend
    window = await packed(planning.snippets, asking)
    first = conversation = question(window)
    for number in range(MAX_TRIES):
        answer = await ask(
            backend,
            conversation,
            grammar=prompts.grammar(form),
            thinking_tokens=asking.thinking_tokens,
            max_answer_tokens=MAX_ANSWER_TOKENS,
            on_event=asking.on_event,
            answer_prefix=opening,
        )
        try:
            said = answer.text.removeprefix(opening).strip("` \n").partition("`")[0].strip()
            return read(said), provenance_of(backend, answer, window, told)
        except Refused as refusal:
            if number + 1 == MAX_TRIES:
                raise _unfit(refusal) from None
            conversation = prompts.mend(first, answer.text, str(refusal))
    raise AssertionError("unreachable")


def _unfit(refusal: Refused) -> ReplyUnusable:
    return ReplyUnusable(f"The model proposed nothing that is fit: {refusal}")
