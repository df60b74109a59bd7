"""What the small model writes for one of a few like functions: it fails at one, not at each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from models.errors import ReplyUnusable
from models.findings import Proposal

NAMES = ("shout", "greet", "label")


async def first_let_through(propose: Callable[[str], Awaitable[Proposal]]) -> tuple[str, Proposal]:
    """(the function's name, what is offered); a failure with each refusal where nothing is."""
    said: list[str] = []
    for name in NAMES:
        try:
            proposal = await propose(name)
        except ReplyUnusable as error:
            said.append(f"{name}: {error}")
            continue
        if proposal.edits or proposal.new_files:
            return name, proposal
        assert proposal.refusals, "neither offered nor refused"
        said += [f"{name}: {refusal.sentence}" for refusal in proposal.refusals]
    raise AssertionError("\n".join(said))
