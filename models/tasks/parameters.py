"""Which change of parameters a wish means: one of the forms, or plain words.

Plain words are understood by probability. A small model that is to answer in one of several forms
writes down the form (`add NAME = 1`). How likely it finds each way to go on tells better what it
understood: what is to be done, with which parameter, where to. It writes only what is new. What
this gives: tests/bench/README.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from context.refactoring import Change, Refused, SignatureChange, Target
from models import prompts
from models.asking import ANSWER_SAMPLING, written
from models.backends import Backend, Conversation, Generation
from models.errors import CannotScore
from models.prompts import Grammar
from models.prompts import refactoring as words

MAX_ANSWER_TOKENS = 60
# Nats by which *add* must be ahead where the wish names a parameter that is there. Chosen on 40
# wishes: they had up to 3 where another was meant, and 6 and more where a new one was.
ADDS_BY = 4.0
# Spaces are never given back (`*+`): three runs of them beside each other would share a long one
# out in every way there is.
_ADD = re.compile(
    r"add\s+(?P<name>[^\W\d]\w*)\s*+(?::\s*+(?P<type>[^=]{1,80}?))?\s*+"
    r"(?:=\s*+(?P<value>\S.{0,200}?))?\s*+\Z",
    re.DOTALL,
)
_REMOVE = re.compile(r"(?:remove|delete|drop)\s+(?P<name>\w+)\s*\Z")
_REORDER = re.compile(r"reorder\s+(?P<names>\w+(?:\s*,\s*\w+)+)\s*\Z")


def read_signature(written: str) -> SignatureChange | None:
    """`add name[: type] = value`, `remove name` or `reorder a, b`; None for any other words."""
    written = written.strip()
    if found := _ADD.match(written):
        value, kind = (found["value"] or "").strip(), (found["type"] or "").strip()
        return SignatureChange(Change.ADD, (found["name"],), value, kind)
    if found := _REMOVE.match(written):
        return SignatureChange(Change.REMOVE, (found["name"],))
    if found := _REORDER.match(written):
        return SignatureChange(Change.REORDER, tuple(re.split(r"\s*,\s*", found["names"])))
    return None


async def chosen_change(
    backend: Backend, wish: Conversation, target: Target, detail: str
) -> SignatureChange | None:
    """What `detail` means; None where what was written is no parameter.

    Raises `CannotScore`, and `Refused` for what changes nothing.
    """
    parameters = target.parameters
    named = [name for name in parameters if _is_in(name, detail)]
    match await _kind(backend, wish, parameters, named):
        case Change.ADD:
            return await _added(backend, wish, parameters)
        case Change.REMOVE:
            gone = await _chosen(backend, wish, words.TO_REMOVE, named or parameters)
            return SignatureChange(Change.REMOVE, (gone,))
        case Change.REORDER:
            moved = await _chosen(backend, wish, words.TO_MOVE, named or parameters)
            order = await _moved(backend, wish, parameters, moved, named)
            if order == parameters:
                raise Refused(f"The parameters of {target.name} stand in that order already.")
            return SignatureChange(Change.REORDER, order)


def _is_in(name: str, detail: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", detail) is not None


async def _kind(
    backend: Backend, wish: Conversation, parameters: Sequence[str], named: Sequence[str]
) -> Change:
    kinds = list(Change)[: len(parameters) + 1]  # none to take out, one that cannot be moved
    if kinds == [Change.ADD]:
        return Change.ADD
    scores = await _scores(backend, wish, words.TO_DO, [words.KINDS[kind] for kind in kinds])
    by_kind = dict(zip(kinds, scores, strict=True))
    if named:
        by_kind[Change.ADD] -= ADDS_BY
    return max(kinds, key=by_kind.__getitem__)


async def _added(
    backend: Backend, wish: Conversation, parameters: Sequence[str]
) -> SignatureChange | None:
    generation = Generation(
        replace(wish, assistant_prefix=words.TO_ADD),
        MAX_ANSWER_TOKENS,
        grammar=prompts.grammar(Grammar.NEW_PARAMETER),
        sampling=ANSWER_SAMPLING,
    )
    text, end, _ = (await written(backend, generation)).partition("`")
    change = read_signature(f"add {text}") if end else None
    if change is None or not change.value:
        return None
    if change.names[0] in parameters:
        raise Refused(f"There is a parameter {change.names[0]} already.")
    return change


async def _chosen(backend: Backend, wish: Conversation, opening: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    scores = await _scores(backend, wish, opening, [f"{name}`" for name in names])
    return names[scores.index(max(scores))]


async def _moved(
    backend: Backend,
    wish: Conversation,
    parameters: Sequence[str],
    moved: str,
    named: Sequence[str],
) -> tuple[str, ...]:
    """The new order: to an end, or to a side of one that the wish names."""
    rest = [name for name in parameters if name != moved]
    places = {words.FRONT: 0, words.END: len(rest)}
    for at, name in enumerate(rest):
        if name in named:
            places |= {f"before `{name}`": at, f"after `{name}`": at + 1}
    scores = await _scores(backend, wish, f"{words.TO_MOVE}{moved}` ", list(places))
    at = list(places.values())[scores.index(max(scores))]
    return (*rest[:at], moved, *rest[at:])


async def _scores(
    backend: Backend, wish: Conversation, opening: str, choices: Sequence[str]
) -> list[float]:
    scores = await backend.score(replace(wish, assistant_prefix=opening), choices)
    if max(scores) == -math.inf:
        raise CannotScore("The model finds nothing likelier than anything else.")
    return scores
